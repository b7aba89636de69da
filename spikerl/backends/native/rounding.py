"""What the texts of `spikerl.hardware.quantize` and the random bits of `spikerl.splitmix` are in kernels."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
from numba import njit

from spikerl import splitmix
from spikerl.backends.native.pointers import OPTIONS

STRIDE = splitmix.STRIDE
mixed = njit(inline="always", **OPTIONS)(splitmix.mixed)
unit = njit(inline="always", **OPTIONS)(splitmix.unit)


@njit(inline="always", **OPTIONS)
def rint(x):
    """Return the nearest whole number, of two the even one."""
    return np.rint(x)


@njit(inline="always", **OPTIONS)
def floor(x):
    """Return the whole number below."""
    return np.floor(x)


@njit(inline="always", **OPTIONS)
def trunc(x):
    """Return the whole number towards zero."""
    return np.trunc(x)


@njit(inline="always", **OPTIONS)
def minimum(x, y):
    """Return the lesser number; unlike NumPy's, which minds what is no number, this is one instruction."""
    return x if x < y else y


@njit(inline="always", **OPTIONS)
def maximum(x, y):
    """Return the greater number."""
    return x if x > y else y


@njit(inline="always", **OPTIONS)
def stream(key, step, count):
    """Return the stream of a step, whose places are the `count` synapses, or neurons; see `Synapses.uniforms`."""
    return key + np.uint64((step + 1) * count) * STRIDE


@njit(inline="always", **OPTIONS)
def drawn(stream, place):
    """Return the number u in [0, 1) at a place."""
    return unit(mixed(stream, np.uint64(place)))


@njit(inline="always", **OPTIONS)
def permitted(probability, stream, place, writes, endurance):
    """Return whether a change is stored: by chance, and as long as the synapse has not worn out."""
    return (probability == 1.0 or drawn(stream, place) < probability) and writes < endurance
