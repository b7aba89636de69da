"""Circuits: each is a network with roles, its parameters with units and sources."""
