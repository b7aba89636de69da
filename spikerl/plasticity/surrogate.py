"""Surrogates of the derivative of a spike: what stands for the slope of a step function, for any kind of array."""

from __future__ import annotations

from typing import TypeVar

Array = TypeVar("Array")

SLOPE = 10.0


def fast_sigmoid(u: Array, slope: float = SLOPE) -> Array:
    """``sigma'(u) = 1 / (slope |u| + 1)**2``, the derivative of a fast sigmoid (Zenke and Ganguli 2018)."""
    return 1 / (slope * abs(u) + 1) ** 2  # type: ignore[arg-type, return-value]
