"""What the analyses of this package accept: finite numbers of known shapes, asymmetries between 0 and 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spikerl.errors import DescriptionError, message


def numbers(values: ArrayLike, where: str, dimensions: int = 1) -> NDArray[np.float64]:
    """Return `values` as finite numbers with `dimensions` axes, none of them empty; raise `DescriptionError` else."""
    axes = "one axis" if dimensions == 1 else f"{dimensions} axes"
    allowed = f"finite numbers along {axes}, at least one"
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DescriptionError(message(where, values, allowed, "give rows of one length")) from error
    if array.dtype.kind not in "iuf":
        raise DescriptionError(message(where, values, allowed, "give an array of numbers"))
    if array.ndim != dimensions or not array.size:
        raise DescriptionError(message(f"shape of {where}", array.shape, allowed, "reshape it"))
    found = array.astype(np.float64)
    if not np.isfinite(found).all():
        bad = found[~np.isfinite(found)][0]
        raise DescriptionError(message(where, float(bad), allowed, "leave out what was not measured"))
    return found


def alike(values: ArrayLike, length: int, where: str, axis: str) -> NDArray[np.float64]:
    """Return `values` as finite numbers, `length` of them, one for each `axis`; raise `DescriptionError` else."""
    found = numbers(values, where)
    if len(found) != length:
        raise DescriptionError(message(f"number of {where}", len(found), f"{length}, one for each {axis}"))
    return found


def asymmetries(tau: ArrayLike, where: str = "tau") -> NDArray[np.float64]:
    """Return `tau`, a number or an array, if all of it lies between 0 and 1; raise `DescriptionError` else."""
    found = np.asarray(tau)
    allowed = "numbers between 0 and 1, both excluded"
    if found.dtype.kind not in "iuf":
        raise DescriptionError(message(where, tau, allowed))
    found = found.astype(np.float64)
    inside = (found > 0.0) & (found < 1.0)
    if not inside.all():
        bad = float(found[~inside].flat[0])
        raise DescriptionError(message(where, bad, allowed, "leave out cells that respond on one side only"))
    return found
