"""The algebra of plasticity and the rules written in it."""
