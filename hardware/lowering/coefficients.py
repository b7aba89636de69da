"""A real coefficient as what a learning engine can say: ``mantissa * 2**exponent``, with constants for finer steps.

The engine computes ``(product of factors * mantissa >> right) << (exponent + 7)`` in units of 1/128, and does not make
the right shift good. A factor that is a constant widens the product by 7 bits: what it adds to the right shift makes
the coefficient finer, ``mantissa * constants * 2**(exponent - right)``. The exponent is kept as low as can be, since
what lies below ``2**exponent`` is cut off.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement

from spikerl.hardware.program import WIDTHS, Factor, right_shift

ENOUGH = 0.01
"""The relative error below which no further constant is taken."""
_MOST_MANTISSA = 7
_EXPONENTS = range(-7, 9)
_MOST_CONSTANT = 127
_MOST_CONSTANTS = 2
_MOST_ALONE = 1  # a second would bring a right shift, below which a product of constants is cut off
_FRACTION = 7
_WORD = 2**31


@dataclass(frozen=True)
class Coefficient:
    """``mantissa 2**exponent`` and `constants` as further factors; `value` is what they come to."""

    mantissa: int
    exponent: int
    constants: tuple[int, ...]
    value: float


def coefficient(wanted: float, factors: tuple[Factor, ...], free: bool) -> Coefficient:
    """Return the coefficient nearest to `wanted` of a product of `factors`, without overflow of 32 bits.

    `free`: whether a variable that is always 0 is left to carry constants. The fewest constants are taken whose error
    is at most `ENOUGH`. Nearest may be 0, for a coefficient below the finest step.
    """
    room = _WORD
    for factor in factors:
        room //= 1 << WIDTHS[factor.variable]
    best = Coefficient(0, _EXPONENTS[0], (), 0.0)
    most = (_MOST_CONSTANTS if factors else _MOST_ALONE) if free else 0
    for count in range(most + 1):
        shift = right_shift((*factors, *[Factor("x2")] * count))
        for exponent in _EXPONENTS:
            found = _nearest(abs(wanted) * 2.0 ** (shift - exponent), count, max(room - 1, _MOST_MANTISSA))
            value = found[0] * 2.0 ** (exponent - shift)
            if abs(value - abs(wanted)) < abs(best.value - abs(wanted)) * (1 - 1e-9):
                best = Coefficient(found[1], exponent, found[2], value)
            if found[0] and abs(value - abs(wanted)) <= ENOUGH * abs(wanted):
                best = Coefficient(found[1], exponent, found[2], value)
                break
        if best.value and abs(best.value - abs(wanted)) <= ENOUGH * abs(wanted):
            break
    sign = 1 if wanted >= 0 else -1
    return Coefficient(sign * best.mantissa, best.exponent, best.constants, sign * best.value)


def _nearest(number: float, constants: int, most: int) -> tuple[int, int, tuple[int, ...]]:
    """Return the nearest ``mantissa * constants``, at most `most`, as number, mantissa and constants; or zeros."""
    reachable = _reachable(constants)
    above = bisect_left(reachable, number, key=lambda one: one[0])
    allowed = [one for one in reachable[max(0, above - 1) : above + 1] if one[0] <= most]
    if not allowed:
        allowed = [reachable[bisect_right(reachable, most, key=lambda one: one[0]) - 1]]
    nearest = min(allowed, key=lambda one: abs(one[0] - number))
    return (0, 0, ()) if number < 0.5 * nearest[0] else nearest


@cache
def _reachable(constants: int) -> tuple[tuple[int, int, tuple[int, ...]], ...]:
    """Return all numbers that are a mantissa times so many constants, in order, each with how."""
    found: dict[int, tuple[int, int, tuple[int, ...]]] = {}
    for chosen in combinations_with_replacement(range(1, _MOST_CONSTANT + 1), constants):
        for mantissa in range(1, _MOST_MANTISSA + 1):
            number = mantissa * math.prod(chosen)
            found.setdefault(number, (number, mantissa, chosen))
    return tuple(found[number] for number in sorted(found))
