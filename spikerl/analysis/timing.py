"""When is what? The phases of a trial in steps, from the experiment that a run has with it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.errors import FileError, UnitError, message
from spikerl.results import Results
from spikerl.units import Dimension, to_positive_si

PHASES = ("cue", "decision", "hold", "outcome", "interval")


class Phase(NamedTuple):
    """A phase from step `start` of its trial up to step `stop`, which is the next one's."""

    name: str
    start: int
    stop: int


class Timing(NamedTuple):
    """The step `dt` in seconds and the `phases` of a trial in order; trials follow one another from step 0 on."""

    dt: float
    phases: tuple[Phase, ...]

    @property
    def steps(self) -> int:
        """The length of a trial in steps."""
        return self.phases[-1].stop

    def phase(self, name: str) -> Phase:
        """Return the phase called `name`, one of `PHASES`."""
        return self.phases[PHASES.index(name)]

    def trial(self, step: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of the trial, in the order an instance played them, that each step falls in."""
        return step // self.steps


def timing(results: Results) -> Timing:
    """Read the phases from the ``[protocol]`` table of the run's experiment; raises `FileError`."""
    protocol = results.experiment.get("protocol")
    if not isinstance(protocol, dict):
        raise FileError(message("experiment, [protocol]", protocol, f"a table with {', '.join(PHASES)}"))
    phases, start, dt = [], 0, results.contents.dt
    for name in PHASES:
        try:
            length = to_positive_si(protocol.get(name, ""), Dimension.TIME, f"experiment, protocol.{name}")
        except UnitError as error:
            raise FileError(str(error)) from error
        stop = start + max(1, round(length / dt))
        phases.append(Phase(name, start, stop))
        start = stop
    return Timing(dt, tuple(phases))
