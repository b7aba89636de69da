"""The back end on Brian2: equation strings derived from the plan, run step by step or as one C++ program."""

import sys

_hook = sys.excepthook
from spikerl.backends.brian2.engine import Brian2  # noqa: E402

sys.excepthook = _hook  # imported, Brian2 takes it over, and would report every uncaught error as a fault of its own

backend = Brian2()

__all__ = ["backend"]
