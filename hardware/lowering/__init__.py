"""From a network on a grid of steps to a fixed-point program, and an account of what that loses."""
