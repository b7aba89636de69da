"""How numbers stand on a page: estimates with their intervals, figures with their bounds."""

from __future__ import annotations

import math

from spikerl.analysis.intervals import Interval
from spikerl.analysis.published import Figure

UNDEFINED = "–"


def number(value: float, places: int = 2) -> str:
    """Return a number with a true minus sign; a dash where there is none."""
    if not math.isfinite(value):
        return UNDEFINED
    text = f"{value:.{places}f}"
    return text.replace("-", "−") if float(text) else text.lstrip("-")


def bounds(interval: Interval, places: int = 2) -> str:
    """Return ``[low, high]``, or a dash where fewer than two blocks leave it undefined."""
    if not interval.known():
        return UNDEFINED
    return f"[{number(interval.low, places)}, {number(interval.high, places)}]"


def digits(unit: str) -> int:
    """Return how many digits a measure in `unit` is given: three for a proportion, two for a rate."""
    return 3 if unit == "1" else 2


def unit(name: str) -> str:
    """Return a unit with the space before it; nothing for a plain number."""
    return "" if name == "1" else f" {name}"


def held_against(figure: Figure) -> str:
    """Return a published figure or bound in words."""
    of = unit(figure.unit)
    if figure.relation == "equal":
        return f"{figure.value:g}{of}"
    if figure.relation == "between":
        return f"{figure.low:g} to {figure.high:g}{of}"
    if figure.relation == "at least":
        return f"at least {figure.low:g}{of}"
    return f"below {figure.high:g}{of}"


def count(n: int, of: str) -> str:
    """Return ``1 block``, ``2 blocks``."""
    return f"{n:,} {of}{'' if n == 1 else 's'}"
