"""Units at the door, SI inside: ``"20 ms"`` becomes ``0.02``, and a wrong unit is refused by name."""

from __future__ import annotations

import math
import re
from enum import Enum
from typing import Any, NamedTuple

import numpy as np

from spikerl.errors import DescriptionError, UnitError, message, nearest

MOST_STEPS = 10**12
"""The longest time in steps: beyond it a decay is no longer told from 1, and counts reach the end of 64 bits."""

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S*)\s*\Z")


class Dimension(Enum):
    """The physical dimensions that a spikerl description uses."""

    NUMBER = "a plain number"
    TIME = "a time such as '20 ms'"
    VOLTAGE = "a voltage such as '-70 mV'"
    CURRENT = "a current such as '0.5 nA'"
    RESISTANCE = "a resistance such as '100 Mohm'"
    RATE = "a rate such as '20 Hz'"


_UNITS: dict[str, tuple[Dimension, float]] = {
    "": (Dimension.NUMBER, 1.0),
    "s": (Dimension.TIME, 1.0),
    "ms": (Dimension.TIME, 1e-3),
    "us": (Dimension.TIME, 1e-6),
    "min": (Dimension.TIME, 60.0),
    "V": (Dimension.VOLTAGE, 1.0),
    "mV": (Dimension.VOLTAGE, 1e-3),
    "uV": (Dimension.VOLTAGE, 1e-6),
    "A": (Dimension.CURRENT, 1.0),
    "uA": (Dimension.CURRENT, 1e-6),
    "nA": (Dimension.CURRENT, 1e-9),
    "pA": (Dimension.CURRENT, 1e-12),
    "ohm": (Dimension.RESISTANCE, 1.0),
    "kohm": (Dimension.RESISTANCE, 1e3),
    "Mohm": (Dimension.RESISTANCE, 1e6),
    "Gohm": (Dimension.RESISTANCE, 1e9),
    "Hz": (Dimension.RATE, 1.0),
    "kHz": (Dimension.RATE, 1e3),
}


class Quantity(NamedTuple):
    """A parsed quantity: ``value`` in SI, the ``unit`` it was written in, that unit's ``scale`` and ``dimension``."""

    value: float
    unit: str
    scale: float
    dimension: Dimension


def parse(quantity: str | float | int, where: str) -> Quantity:
    """Read a quantity written as a number or as ``"number unit"`` (the space is optional).

    Raises `UnitError`, beginning with `where`, for text that is no number, an unknown unit, NaN or an infinity.
    """
    if isinstance(quantity, bool) or not isinstance(quantity, (str, int, float, np.integer, np.floating)):
        raise UnitError(message(where, quantity, "a number, or text such as '20 ms'"))
    if isinstance(quantity, str):
        match = _NUMBER.match(quantity)
        if match is None:
            raise UnitError(message(where, quantity, "a finite number and a unit, such as '20 ms'"))
        number, unit = float(match[1]), match[2].replace("µ", "u").replace("μ", "u").replace("Ω", "ohm")
    else:
        try:
            number, unit = float(quantity), ""
        except OverflowError:
            raise UnitError(message(where, quantity, "a finite number")) from None
    if unit not in _UNITS:
        remedy = nearest(unit, (known for known in _UNITS if known))
        raise UnitError(message(where, quantity, "a unit that is known", remedy))
    dimension, scale = _UNITS[unit]
    value = number * scale
    if not math.isfinite(value):
        raise UnitError(message(where, quantity, "a finite number"))
    return Quantity(value, unit, scale, dimension)


def to_si(quantity: str | float | int, dimension: Dimension, where: str) -> float:
    """Return `quantity` in SI, refusing every dimension but `dimension`.

    Raises `UnitError`, beginning with `where`.
    """
    parsed = parse(quantity, where)
    if parsed.dimension is not dimension:
        raise UnitError(message(where, quantity, dimension.value, _remedy(quantity, dimension)))
    return parsed.value


def to_positive_si(quantity: str | float | int, dimension: Dimension, where: str) -> float:
    """Return `quantity` in SI, refusing zero and negative values as well as other dimensions."""
    value = to_si(quantity, dimension, where)
    if value <= 0:
        raise UnitError(message(where, quantity, f"above zero, {dimension.value}"))
    return value


def to_nonnegative_si(quantity: str | float | int, dimension: Dimension, where: str) -> float:
    """Return `quantity` in SI, refusing negative values as well as other dimensions."""
    value = to_si(quantity, dimension, where)
    if value < 0:
        raise UnitError(message(where, quantity, f"zero or above, {dimension.value}"))
    return value


def finite_number(number: object, where: str, allowed: str = "a finite number") -> float:
    """Return a plain number as it is; raise `DescriptionError` for anything else, booleans, NaN and infinities."""
    if isinstance(number, bool) or not isinstance(number, (int, float, np.integer, np.floating)):
        raise DescriptionError(message(where, number, allowed))
    try:
        value = float(number)
    except OverflowError:
        raise DescriptionError(message(where, number, allowed)) from None
    if not math.isfinite(value):
        raise DescriptionError(message(where, number, allowed))
    return value


def whole_number(number: object, least: int, most: int, where: str) -> int:
    """Return a whole number from `least` to `most`; raise `DescriptionError` for anything else and booleans."""
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or not least <= number <= most:
        raise DescriptionError(message(where, number, f"a whole number from {least} to {most}"))
    return int(number)


def flat_sequence(sequence: object, where: str, allowed: str) -> list[Any]:
    """Return a tuple, list, range or one-dimensional array as a list; raise `DescriptionError` for anything else."""
    if isinstance(sequence, np.ndarray) and sequence.ndim == 1:
        items: list[Any] = sequence.tolist()
        return items
    if isinstance(sequence, (tuple, list, range)):
        return list(sequence)
    raise DescriptionError(message(where, sequence, allowed))


def steps(quantity: str | float | int, dt: float, where: str) -> int:
    """Return a time as a whole number of steps of `dt` seconds, refusing what is not a multiple of it."""
    return whole_steps(to_nonnegative_si(quantity, Dimension.TIME, where), dt, where)


def whole_steps(seconds: float, dt: float, where: str) -> int:
    """Return `seconds` as a whole number of steps of `dt` seconds; raise `UnitError` for what is not a multiple."""
    if seconds > MOST_STEPS * dt:
        raise UnitError(message(where, f"{seconds * 1e3:g} ms", f"at most {MOST_STEPS:g} steps of {dt * 1e3:g} ms"))
    count = round(seconds / dt)
    if not math.isclose(count * dt, seconds, rel_tol=1e-9, abs_tol=1e-12):
        raise UnitError(message(where, f"{seconds * 1e3:g} ms", f"a multiple of the step of {dt * 1e3:g} ms"))
    return count


def _remedy(quantity: str | float | int, dimension: Dimension) -> str:
    if dimension is Dimension.NUMBER:
        return "write it without a unit"
    example = dimension.value.split("'")[1].split()[1]
    written = quantity.strip() if isinstance(quantity, str) else f"{quantity:g}"
    return f"write '{written} {example}'" if written.lstrip("+-").replace(".", "").isdigit() else ""
