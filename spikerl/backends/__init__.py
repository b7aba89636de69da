"""Back ends: each lowers the same plan of a network to its own program, and runs it."""
