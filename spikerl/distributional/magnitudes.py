"""The rewards of the variable-magnitude task of Dabney et al. (2020), and the utility that its cells follow."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spikerl.distributional.checking import numbers
from spikerl.errors import DescriptionError, message

MAGNITUDES = (0.1, 0.3, 1.2, 2.5, 5.0, 10.0, 20.0)
"""Volumes of juice in ul."""

WEIGHTS = (0.0661, 0.0909, 0.1485, 0.1549, 0.3116, 0.1510, 0.0771)
"""How often each was given; rounded, so their sum is 1.0001 and a probability is a weight over the sum."""

_HALF = 200.0
_MOST = 10.0


def utility(magnitude: ArrayLike) -> NDArray[np.float64]:
    """``u = 10 sqrt(r) / (sqrt(r) + sqrt(200))`` for `magnitude` r [reward] in ul, from 0.

    Raises `DescriptionError` for a negative magnitude.
    """
    found = numbers(magnitude, "magnitude")
    if (found < 0.0).any():
        raise DescriptionError(message("magnitude", float(found.min()), "0 ul or more"))
    root = np.sqrt(found)
    return _MOST * root / (root + np.sqrt(_HALF))


def magnitude(of: ArrayLike) -> NDArray[np.float64]:
    """``r = 200 (u / (10 - u))^2``: return the magnitude in ul whose `utility` is `of` [reward].

    Raises `DescriptionError` for a utility below 0, or of 10 or more, which no magnitude has.
    """
    found = numbers(of, "utility")
    if (found < 0.0).any() or (found >= _MOST).any():
        raise DescriptionError(message("utility", of, f"numbers from 0 to {_MOST:g}, which is excluded"))
    return _HALF * np.square(found / (_MOST - found))
