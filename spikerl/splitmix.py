"""SplitMix64 (Steele et al. 2014): random bits at any place of a stream, for compiled loops and for arrays alike."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

STRIDE = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
S30, S27, S31, S11 = (np.uint64(shift) for shift in (30, 27, 31, 11))
TO_UNIT = 1.1102230246251565e-16  # 2**-53


def mixed(key, number):
    """Return 64 random bits at place `number` of the stream `key`, both unsigned: numbers, or arrays that broadcast."""
    z = key + number * STRIDE
    z = (z ^ (z >> S30)) * FIRST
    z = (z ^ (z >> S27)) * SECOND
    return z ^ (z >> S31)


def unit(bits):
    """Return random bits as numbers in [0, 1)."""
    return (bits >> S11) * TO_UNIT
