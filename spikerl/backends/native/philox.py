"""Philox4x64 with ten rounds (Salmon et al. 2011), the generator of `spikerl.seeding`, for kernels.

A formula of its own: NumPy's cannot be called from a kernel. Tests hold the two together, bit for bit.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from spikerl.backends.native.pointers import OPTIONS, product

_M0, _M1 = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_W0, _W1 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
_ROUNDS = 10


@njit(inline="always", **OPTIONS)
def philox(
    c0: np.uint64, c1: np.uint64, c2: np.uint64, k0: np.uint64, k1: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Return the four outputs of the counter (c0, c1, c2, 0) under the key (k0, k1)."""
    c3 = np.uint64(0)
    for _ in range(_ROUNDS):
        high0, low0 = product(_M0, c0)
        high1, low1 = product(_M1, c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0 += _W0
        k1 += _W1
    return c0, c1, c2, c3
