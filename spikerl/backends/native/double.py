"""The numbers of a state in double precision, by the names that kernels use."""

from numba import float64 as REAL

from spikerl.backends.native.pointers import doubles as reals

REAL_BYTES = 8

__all__ = ["REAL", "REAL_BYTES", "reals"]
