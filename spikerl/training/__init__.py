"""Layers that learn from a data set, as an experiment: prepared, trained with checkpoints, and read again."""
