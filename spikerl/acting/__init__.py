"""Layers that learn to act, as an experiment: prepared, played with checkpoints and tests."""
