"""The time that a sample lasts, in steps."""

from __future__ import annotations

from typing import NamedTuple

from spikerl.errors import DescriptionError, message
from spikerl.units import Dimension, steps, to_positive_si

MOST_STEPS = 100_000
"""The most steps of a sample: beyond it one alone takes gigabytes."""

Written = str | float | int


class Window(NamedTuple):
    """`steps` steps of `dt` seconds, from time 0."""

    dt: float
    steps: int

    @property
    def seconds(self) -> float:
        """How long that is."""
        return self.dt * self.steps


def window(dt: Written, length: Written, where: str) -> Window:
    """Return the window of `length` in steps of `dt`, both times such as ``"1 ms"``.

    Raises `UnitError` where `length` is no multiple of `dt`, and `DescriptionError` for none and for too many steps;
    `where` is the name of the settings.
    """
    seconds = to_positive_si(dt, Dimension.TIME, f"{where}.dt")
    count = steps(length, seconds, f"{where}.window")
    if not 1 <= count <= MOST_STEPS:
        raise DescriptionError(message(f"{where}.window, steps", count, f"1 to {MOST_STEPS}"))
    return Window(seconds, count)
