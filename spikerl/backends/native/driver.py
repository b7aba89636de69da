"""The loop over instances, steps and kernels: one compiled function for every network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from spikerl.backends.native.pointers import BATCH, STEP, WITHIN, call


@njit(nogil=True, cache=True)
def drive(
    kernels: Any,
    arrays: Any,
    strides: Any,
    first_array: Any,
    integers: Any,
    first_integer: Any,
    reals: Any,
    first_real: Any,
    instances: Any,
    window: Any,
) -> None:
    """Run all kernels in order, step by step, one instance after the other, so that a circuit stays in cache.

    `kernels`: addresses [kernel]; `arrays`: the address of each array in instance 0, and `strides`, the bytes to the
    next instance (0 for what they share), both [array]; `integers`, `reals`: all numbers. ``first_*`` [kernel] say
    where those of a kernel begin. `instances`: the first, and the one after the last; `window`: its first step, its
    number of steps, and the size of the batch.
    """
    here = np.empty_like(arrays)
    now = np.zeros(3, dtype=np.int64)
    now[BATCH] = window[2]
    for instance in range(instances[0], instances[1]):
        for k in range(len(arrays)):
            here[k] = arrays[k] + instance * strides[k] if arrays[k] != 0 else 0
        for within in range(window[1]):
            now[STEP] = window[0] + within
            now[WITHIN] = within
            for k in range(len(kernels)):
                call(
                    kernels[k],
                    here.ctypes.data + 8 * first_array[k],
                    integers.ctypes.data + 8 * first_integer[k],
                    reals.ctypes.data + 8 * first_real[k],
                    now.ctypes.data,
                )
