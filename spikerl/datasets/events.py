"""Events of a camera that reports changes, and their binning into steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.datasets.base import frozen
from spikerl.datasets.window import Window, Written, window
from spikerl.errors import DescriptionError, UnitError, message
from spikerl.units import Dimension, to_positive_si, whole_number, whole_steps

LONGEST_SIDE = 4096
"""The most pixels in a row or a column of a sensor."""
MICROSECOND = 1e-6
POLARITIES = 2
_FIELDS = ("x", "y", "polarity", "time")


@dataclass(frozen=True, eq=False)
class Events:
    """Events in the order of their times.

    `x` (column), `y` (row), `polarity` (0 off, 1 on) and `time` (microseconds, from 0), int64 [n], read-only copies of
    what is given; `sensor` is ``(height, width)`` in pixels. Raises `DescriptionError` for events that are not on the
    sensor, for other polarities, and for times that go back.
    """

    x: NDArray[np.int64]
    y: NDArray[np.int64]
    polarity: NDArray[np.int64]
    time: NDArray[np.int64]
    sensor: tuple[int, int]

    def __post_init__(self) -> None:
        """Check everything, and keep copies."""
        check_sensor(self.sensor, "Events.sensor")
        for name in _FIELDS:
            array = np.asarray(getattr(self, name))
            if array.ndim != 1 or array.dtype.kind not in "iu" or array.shape != np.shape(self.x):
                raise DescriptionError(message(f"Events.{name}", array, "whole numbers [n], as many as in x"))
            if array.dtype == np.uint64 and array.size and array.max() > np.iinfo(np.int64).max:
                raise DescriptionError(message(f"Events.{name}", int(array.max()), "at most 2**63 - 1"))
            object.__setattr__(self, name, frozen(array.astype(np.int64)))
        fault = first_fault(self.x, self.y, self.polarity, self.time, self.sensor)
        if fault is not None:
            raise DescriptionError(message(f"Events, event {fault.event}, {fault.field}", fault.value, fault.allowed))

    def __len__(self) -> int:
        """How many events there are."""
        return len(self.time)


class Fault(NamedTuple):
    """The first `event` with a wrong `field`."""

    event: int
    field: str
    value: int
    allowed: str


class Cut(NamedTuple):
    """What binning left out of so many `events`.

    `late` came after the end of the window, `outside` (of those in time) beyond the edge of the size that is kept;
    `merged` fell into a bin of a step, pixel and polarity that had one already. The rest are spikes.
    """

    events: int
    late: int
    outside: int
    merged: int

    @property
    def spikes(self) -> int:
        """How many are left."""
        return self.events - self.late - self.outside - self.merged


class Bins(NamedTuple):
    """Where the events that are kept lie: `step`, `polarity`, `y`, `x`, int64 [k], maybe some twice; and what is cut.

    `late` and `outside` are counts of events.
    """

    step: NDArray[np.int64]
    polarity: NDArray[np.int64]
    y: NDArray[np.int64]
    x: NDArray[np.int64]
    late: int
    outside: int


def bin_events(
    events: Events, dt: Written = "1 ms", length: Written = "300 ms", size: tuple[int, int] | None = None
) -> tuple[NDArray[np.bool_], Cut]:
    """Return ``step = floor(time / dt)`` as spikes, bool [time, polarity, height, width], and what was cut.

    `dt` is a whole number of microseconds, `length` a multiple of it. Several events in one bin are one spike. `size`,
    ``(height, width)``, keeps the middle of the sensor; by default all. Raises `UnitError` and `DescriptionError`.
    """
    grid = event_window(dt, length, "bin_events")
    kept = events.sensor if size is None else check_size(size, events.sensor, "bin_events.size")
    bins = place(events, grid, kept)
    spikes = np.zeros((grid.steps, POLARITIES, *kept), dtype=bool)
    spikes[bins.step, bins.polarity, bins.y, bins.x] = True
    merged = len(bins.step) - int(np.count_nonzero(spikes))
    return spikes, Cut(len(events), bins.late, bins.outside, merged)


def place(events: Events, grid: Window, size: tuple[int, int]) -> Bins:
    """Return the bins of `events` on `grid` and the middle `size` of the sensor."""
    step = events.time // whole_steps(grid.dt, MICROSECOND, "dt")
    top, left = ((full - kept) // 2 for full, kept in zip(events.sensor, size, strict=True))
    y, x = events.y - top, events.x - left
    timely = step < grid.steps
    kept = timely & (y >= 0) & (y < size[0]) & (x >= 0) & (x < size[1])
    within, total = int(np.count_nonzero(timely)), int(np.count_nonzero(kept))
    return Bins(step[kept], events.polarity[kept], y[kept], x[kept], len(events) - within, within - total)


def event_window(dt: Written, length: Written, where: str) -> Window:
    """Return the window of `length` in steps of `dt`, a whole number of microseconds, as the times of events are.

    Raises `UnitError` or `DescriptionError`, in which `where` is the name of the settings.
    """
    seconds = to_positive_si(dt, Dimension.TIME, f"{where}.dt")
    if whole_steps(seconds, MICROSECOND, f"{where}.dt") < 1:
        raise UnitError(message(f"{where}.dt", dt, "at least 1 us"))
    return window(dt, length, where)


def first_fault(
    x: NDArray[np.int64], y: NDArray[np.int64], polarity: NDArray[np.int64], time: NDArray[np.int64],
    sensor: tuple[int, int],
) -> Fault | None:  # fmt: skip
    """Return the first event off the sensor, of another polarity, or before the one that it follows, if any."""
    before = np.concatenate(([0], time[:-1])) if len(time) else time
    height, width = sensor
    faults = []
    for name, array, least, most in (("x", x, 0, width - 1), ("y", y, 0, height - 1), ("polarity", polarity, 0, 1)):
        wrong = np.flatnonzero((array < least) | (array > most))
        if wrong.size:
            faults.append(Fault(int(wrong[0]), name, int(array[wrong[0]]), f"{least} to {most}"))
    wrong = np.flatnonzero(time < before)
    if wrong.size:
        event = int(wrong[0])
        allowed = f"at least {before[event]} us, for times do not go back"
        faults.append(Fault(event, "time", int(time[event]), allowed))
    return min(faults, key=lambda fault: fault.event, default=None)


def check_sensor(sensor: object, where: str) -> tuple[int, int]:
    """Return ``(height, width)``, each from 1 to 4096; raise `DescriptionError` otherwise."""
    if not isinstance(sensor, tuple) or len(sensor) != 2:
        raise DescriptionError(message(where, sensor, "(height, width) in pixels"))
    height, width = sensor
    return whole_number(height, 1, LONGEST_SIDE, f"{where}[0]"), whole_number(width, 1, LONGEST_SIDE, f"{where}[1]")


def check_size(size: object, sensor: tuple[int, int], where: str) -> tuple[int, int]:
    """Return a ``(height, width)`` that fits on `sensor`; raise `DescriptionError` otherwise."""
    height, width = check_sensor(size, where)
    if height > sensor[0] or width > sensor[1]:
        raise DescriptionError(message(where, size, f"at most {sensor}, the sensor"))
    return height, width
