"""The numbers of a state in single precision, by the names that kernels use."""

from numba import float32 as REAL

from spikerl.backends.native.pointers import singles as reals

REAL_BYTES = 4

__all__ = ["REAL", "REAL_BYTES", "reals"]
