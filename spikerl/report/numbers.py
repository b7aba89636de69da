"""How numbers stand on a page: estimates with their intervals, figures with their bounds."""

from __future__ import annotations

import math

from spikerl.analysis.intervals import Interval
from spikerl.analysis.published import Figure

UNDEFINED = "–"
_TOGETHER = "\u00a0"  # a space at which no line breaks
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}


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


def count_of(n: int) -> str:
    """Return a whole number with its thousands set apart."""
    return f"{n:,}"


def significant(value: float | None, digits: int = 4) -> str:
    """Return a number with that many significant digits, no trailing zeros, a true minus; a dash where there is none.

    Very large and very small ones have a power of ten: ``1.5 × 10⁻⁷``.
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    if value == 0.0:
        return "0"
    # The exponent of what is shown: 9.9996 is 10.00.
    mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
    exponent = int(power)
    if -5 < exponent < 12:
        places = max(0, digits - 1 - exponent)
        text = f"{value:,.{places}f}"
        text = text.rstrip("0").rstrip(".") if places else text
    else:
        mantissa = mantissa.rstrip("0").rstrip(".")
        text = f"{mantissa} × 10{str(exponent).translate(_RAISED)}"
    return text.replace("-", "−")


def percent(share: float | None) -> str:
    """Return a share in percent with three significant digits; a dash where there is none."""
    return UNDEFINED if share is None else f"{significant(100.0 * share, 3)}{_TOGETHER}%"


def prefixed(value: float, of: str, digits: int = 4) -> str:
    """Return a quantity with the SI prefix that suits it: ``12.3 nJ``."""
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2]) if value and math.isfinite(value) else 0
    power = min(max(3 * (exponent // 3), min(_PREFIXES)), max(_PREFIXES))
    return f"{significant(value / 10.0**power, digits)}{_TOGETHER}{_PREFIXES[power]}{of}"


def cut(name: str, longest: int) -> str:
    """Return a name that fits a figure: one line of printable characters, cut where it is longer than `longest`."""
    line = "".join(c if c.isprintable() else "?" for c in " ".join(name.split()))
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
