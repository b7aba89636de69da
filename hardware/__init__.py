"""Neuromorphic hardware: targets, lowering of a network to fixed point, and its emulation."""
