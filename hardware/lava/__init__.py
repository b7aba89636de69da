"""Lava, the independent witness of the fixed-point program: it runs in a side interpreter, behind a pipe."""
