"""Learning in 16 bits, compiled, where nothing can leave them: twice as many synapses in a vector instruction.

The accumulator's least value is one below what 16 bits hold and its greatest just what they do, so that sums that
cannot come near the least are clipped as they should be by additions that saturate.
"""
# mypy: disable-error-code="no-untyped-def, assignment, arg-type"

from __future__ import annotations

import numpy as np

from spikerl.hardware.emulation.compiling import compiled, inlined

LARGEST = 2**15 - 1
BEYOND = np.int64(2**20)
"""More than any row of weights or tags leaves room for."""
_LEAST, _MOST = np.int32(-(2**15)), np.int32(LARGEST)


@inlined
def reach(largest, mantissa, right, left):
    """Return how much a term whose vector goes up to `largest` can change, or `BEYOND` what 16 bits hold."""
    product = np.int64(largest) * abs(np.int64(mantissa))
    change = ((product >> np.int64(right)) + np.int64(1)) << np.int64(left)
    return change if product <= LARGEST and change <= LARGEST else BEYOND


@inlined
def fits(least, reached):
    """Return whether 16 bits will do for weights or tags from `least` on, whose terms reach so far in all."""
    return 128 * np.int64(least) - reached >= -LARGEST


@compiled
def least_of(variable):
    """Return the least weight or tag of a row."""
    least = variable[0]
    for k in range(variable.size):
        least = min(least, variable[k])
    return least


@inlined
def _sum(one, other):
    """Return a sum that saturates."""
    return np.int16(min(max(np.int32(np.int32(one) + np.int32(other)), _LEAST), _MOST))


@inlined
def _scaled(value, mantissa, right, left):
    return np.int16(np.int16(np.int16(value * mantissa) >> (right & np.int16(15))) << (left & np.int16(15)))


@inlined
def _opened(value):
    return np.int16(value << np.int16(7))


@inlined
def _rounded(accumulated, less, seven, lowest, highest):
    return min(max(np.int16(_sum(accumulated, less) >> (seven & np.int16(15))), lowest), highest)


@compiled
def begin(sums, variable, vector, mantissa, right, left):
    """Begin the accumulators with the first term."""
    for k in range(variable.size):
        sums[k] = _sum(_opened(variable[k]), _scaled(vector[k], mantissa, right, left))


@compiled
def add(sums, size, vector, mantissa, right, left):
    """Add a term to the accumulators."""
    for k in range(size):
        sums[k] = _sum(sums[k], _scaled(vector[k], mantissa, right, left))


@compiled
def end(variable, sums, vector, mantissa, right, left, lowest, highest, less, seven):
    """Add the last term, round, and clip; `less` is 127 less the random number."""
    for k in range(variable.size):
        added = _sum(sums[k], _scaled(vector[k], mantissa, right, left))
        variable[k] = _rounded(added, less, seven, lowest, highest)


@compiled
def change(variable, vector, mantissa, right, left, lowest, highest, less, seven):
    """Begin and end with one term; `seven` is 7, which as a constant would make the compiler shift in 64 bits."""
    for k in range(variable.size):
        added = _sum(_opened(variable[k]), _scaled(vector[k], mantissa, right, left))
        variable[k] = _rounded(added, less, seven, lowest, highest)
