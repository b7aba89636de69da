"""Circuits: each is a network with roles, its parameters with units and citations, and how its runs are scored."""
