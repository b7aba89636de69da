"""Many experiments, each a run directory: over values of keys and over seeds, on local processes or on a cluster."""

from spikerl.sweep.execution import Progress, execute
from spikerl.sweep.points import Planned
from spikerl.sweep.record import Point, Sweep
from spikerl.sweep.sweeping import sweep

__all__ = ["Planned", "Point", "Progress", "Sweep", "execute", "sweep"]
