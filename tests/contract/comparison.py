"""How equal two back ends must be: spikes identical, everything else to a relative 1e-9.

A value near zero is often the difference of two larger ones, so that its own size says nothing of its rounding. The
absolute floor is therefore 1e-12 of the *scale* of its variable: the distance from reset to threshold for `v` and `b`,
one for a trace, and the largest magnitude that the variable has in its population, projection or modulator for all
others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spikerl.backends.base import State
from spikerl.discretise import Plan

RELATIVE = 1e-9
FLOOR = 1e-12


def close(name: str, found: NDArray, expected: NDArray, scale: float) -> None:
    """Refuse arrays that differ by more than the tolerance; the message names the variable and the first place."""
    assert found.shape == expected.shape, f"{name}: shape {found.shape}, not {expected.shape}"
    assert found.dtype == expected.dtype, f"{name}: {found.dtype}, not {expected.dtype}"
    far = ~(np.abs(found - expected) <= RELATIVE * np.abs(expected) + FLOOR * scale)  # so that NaN is far
    if far.any():
        where = tuple(int(i[0]) for i in np.nonzero(far))
        raise AssertionError(f"{name} at {where}: {found[where]!r}, not {expected[where]!r}")


def same(name: str, found: NDArray, expected: NDArray) -> None:
    """Refuse arrays that differ at all (spikes, counters)."""
    assert found.shape == expected.shape, f"{name}: shape {found.shape}, not {expected.shape}"
    assert found.dtype == expected.dtype, f"{name}: {found.dtype}, not {expected.dtype}"
    far = found != expected
    if far.any():
        where = tuple(int(i[0]) for i in np.nonzero(far))
        raise AssertionError(f"{name} at {where}: {found[where]!r}, not {expected[where]!r}")


def same_state(plan: Plan, found: State, expected: State) -> None:
    """Refuse states that differ in their keys, or in a value by more than the tolerance of its variable."""
    assert set(found) == set(expected)
    for name, array in expected.items():
        if array.dtype.kind in "ib":
            same(name, found[name], array)
        else:
            close(name, found[name], array, _scale(plan, name, array))


def gap(plan: Plan, population: str) -> float:
    """Return the distance from reset to threshold, the scale of the population's voltages."""
    constants = plan.neurons[population].constants
    return constants["threshold"] - constants.get("reset", constants["rest"])


def largest(values: NDArray) -> float:
    """Return the largest magnitude, 0 for an empty array."""
    return float(np.abs(values).max(initial=0.0))


def _scale(plan: Plan, name: str, array: NDArray) -> float:
    variable, owner = name.split("/")[:2]
    if variable in ("v", "b"):
        return gap(plan, owner)
    return 1.0 if variable == "trace" else largest(array)
