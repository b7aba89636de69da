"""Ratios of two programs' times: run in turns, so that a busy machine slows both, and counted at equal rates only."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from rows import Row

RATES_APART = 0.05
"""The work of a program grows with its spikes: where the rates of two are further apart, their ratio says nothing."""


class Timed(NamedTuple):
    """One run: the `seconds` that its simulation loop took, and the plastic population's firing `rate` in Hz."""

    seconds: float
    rate: float


Program = Callable[[], Timed]
"""Runs the same simulation again from its beginning; built, compiled and loaded beforehand."""


def ratio(
    name: str,
    ours: Program,
    theirs: Program,
    repeats: int,
    target: float,
    at_least: bool = True,
    simulated: float = 10.0,
    circuits: int = 1,
) -> Row:
    """Return the median ratio of `repeats` pairs of runs, with its middle half as interval.

    With `at_least` it is theirs over ours, how many times faster ours is, and holds from `target` up; without, ours
    over theirs, and holds up to `target`. It holds in no case where the firing rates differ; nan, of programs that
    record nothing, differs from nothing. `simulated` seconds of so many `circuits` go into the source.
    """
    runs = [(ours(), theirs()) for _ in range(repeats)]
    seconds = np.array([[one.seconds for one in pair] for pair in runs])
    rates = np.median([[one.rate for one in pair] for pair in runs], axis=0)
    quotients = seconds[:, 1] / seconds[:, 0] if at_least else seconds[:, 0] / seconds[:, 1]
    low, value, high = (float(q) for q in np.percentile(quotients, (25, 50, 75)))
    apart = abs(rates[0] / rates[1] - 1) > RATES_APART
    holds = not apart and (value >= target if at_least else value <= target)
    source = f"{simulated:g} s" + (f" of {circuits} circuits" if circuits > 1 else "")
    for side, taken, rate in zip(("ours", "theirs"), np.median(seconds, axis=0), rates, strict=True):
        source += f"; {side} in {taken:.3g} s" + ("" if np.isnan(rate) else f" at {rate:.1f} Hz")
        source += f", {circuits * simulated / taken:.3g} circuit-seconds a second" if circuits > 1 else ""
    source += f"; {repeats} pairs of runs" + (f"; rates more than {RATES_APART:.0%} apart" if apart else "")
    return Row(name, value, low, high, f"{'>=' if at_least else '<='} {target:g}", bool(holds), source)
