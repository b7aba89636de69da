"""The back end on Brian2: equation strings derived from the plan, run step by step or as one C++ program."""

from spikerl.backends.brian2.engine import Brian2

backend = Brian2()

__all__ = ["backend"]
