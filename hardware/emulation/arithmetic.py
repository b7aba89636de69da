"""The learning engine's arithmetic, compiled: factors, products, rounding, in 32 bits as in Lava.

The accumulator's least value is one lower than 16 bits have, and products wrap.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from spikerl import splitmix
from spikerl.hardware.emulation.compiling import inlined
from spikerl.hardware.program import TAG_RANGE

X0, Y0, U = 0, 1, 2
"""When a product counts."""
Y1, W, T = 2, 5, 6
"""Variables of factors: below `Y1` are traces x, below `W` traces y."""
LEAST, MOST = np.int32(-(2**15) - 1), np.int32(2**15 - 1)
LEAST_TAG, MOST_TAG = np.int32(TAG_RANGE[0]), np.int32(TAG_RANGE[1])
_mixed, unit = inlined(splitmix.mixed), inlined(splitmix.unit)


@inlined
def mixed(key, number):
    """Return 64 random bits: SplitMix64 at place `number`, a whole number, of the stream `key`."""
    return _mixed(key, np.uint64(number))


@inlined
def clipped(value, constant, width, sign):
    """Return the factor in 32 bits: wider integers would halve what one vector instruction does."""
    moved = np.int32(value + np.int32(constant))
    if sign:
        return np.int32(moved > 0) - np.int32(moved < 0)
    bound = np.int32(np.int32(1) << np.int32(width))
    return min(max(moved, np.int32(-bound)), np.int32(bound - np.int32(1)))


@inlined
def scaled(product, mantissa, right, left):
    """Mantissa, right shift, left shift, each in 32 bits; then the accumulator's range.

    Shifts below 32, which the compiler has to see lest it computes them in 64 bits.
    """
    value = np.int32(np.int32(product * mantissa) >> (right & np.int32(31)))
    return min(max(np.int32(value << (left & np.int32(31))), LEAST), MOST)


@inlined
def rounded(accumulated, random):
    """``floor(a / 128)``, plus one where the remainder exceeds `random`, a number from 0 to 127."""
    return np.int32(np.int32(accumulated + np.int32(np.int32(127) - random)) >> np.int32(7))
