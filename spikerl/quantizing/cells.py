"""The cells of a comparison: every bit width, rounding, time and method that is asked for, and floating point."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from spikerl.errors import DescriptionError, message, nearest
from spikerl.hardware.quantize import FLOAT, MOST_BITS, Rounding, check_rounding
from spikerl.quantization import Quantization
from spikerl.quantizing import methods

BITS = (1, 2, 3, 4, 5, 6, 8, 12, 16)
ROUNDING = ("nearest", "stochastic")
When = Literal["after", "during"]
AFTER: When = "after"
DURING: When = "during"
WHEN = (AFTER, DURING)
_WIDTHS = f"whole numbers from 1 to {MOST_BITS}, or {FLOAT} for floating point"


@dataclass(frozen=True)
class Cell:
    """One way to store weights: `bits` that are seen, 32 for floating point, `rounding`, `when`, and `method`.

    `when` "during": they learn so; "after": they learned in floating point and are put on the grid then. `hidden_bits`,
    `stickiness` and `rate` are what the method says (see `spikerl.Quantization`).
    """

    bits: int
    rounding: Rounding
    when: When
    method: str
    hidden_bits: int = 0
    stickiness: float = 1.0
    rate: float = 1.0

    @property
    def floating(self) -> bool:
        """Whether it is floating point."""
        return self.bits == FLOAT

    @property
    def memory_bits(self) -> int:
        """Bits that a synapse stores for its weight."""
        return self.bits + self.hidden_bits

    @property
    def key(self) -> tuple[int, str, str, str]:
        """What names it in files: bits, rounding, when, method."""
        return self.bits, self.rounding, self.when, self.method

    def asked(self, base: Quantization) -> Quantization:
        """Return `base`, an experiment's own settings, with the weights stored in this way.

        Floating point is what others are compared with, and where those learned that are quantised after learning: it
        has no imperfect device, and no state in few bits.
        """
        if self.floating:
            return Quantization(scale=base.scale, top=base.top, headroom=base.headroom, rate=base.rate)
        return replace(
            base,
            bits=self.bits,
            rounding=self.rounding,
            hidden_bits=self.hidden_bits,
            stickiness=self.stickiness,
            rate=base.rate * self.rate,
        )


FLOATING = Cell(FLOAT, "nearest", DURING, methods.PLAIN)
"""What all others are compared with."""


def cells(
    bits: int | Iterable[int], rounding: str | Iterable[str], when: str | Iterable[str], method: str | Iterable[str]
) -> tuple[Cell, ...]:
    """Return the cells, floating point first, the others by when, rounding, method, and falling bits.

    A method that says how to round does so in place of `rounding`. What is rounded after learning gathers no updates:
    it has the plain method alone. Raises `DescriptionError` for what is none, or comes twice, and for no cell at all.
    """
    widths = _listed("bits", bits, int)
    for one in widths:
        if isinstance(one, bool) or not isinstance(one, int) or not (1 <= one <= MOST_BITS or one == FLOAT):
            raise DescriptionError(message("bits", one, _WIDTHS))
    roundings = _listed("rounding", rounding, str)
    for name in roundings:
        check_rounding(name, "rounding")
    times = _listed("when", when, str)
    for name in times:
        if name not in WHEN:
            raise DescriptionError(message("when", name, " or ".join(WHEN), nearest(name, WHEN)))
    ways = [methods.checked(name) for name in _listed("method", method, str)]
    _once("method", ways)
    if times == [AFTER] and methods.PLAIN not in ways:
        allowed = f"{methods.PLAIN}, where weights are rounded after learning alone"
        raise DescriptionError(message("method", ways[0], allowed, "add during to when"))
    found = [FLOATING]
    for time in times:
        for rounds in roundings:
            for way in ways:
                for width in sorted(widths, reverse=True):
                    if width != FLOAT and (time == DURING or way == methods.PLAIN):
                        said = methods.settings(way, width, rounds)
                        found.append(Cell(width, when=time, method=way, **said))
    if len(found) == 1:
        raise DescriptionError(message("bits", widths, f"one width from 1 to {MOST_BITS} at least"))
    return tuple(dict.fromkeys(found))


def width(text: str) -> int:
    """Return the number of bits that is written in `text`; raises `DescriptionError`."""
    if not text.isascii() or not text.isdigit():
        raise DescriptionError(message("bits", text, _WIDTHS))
    return int(text)


def _listed(where: str, given: object, kind: type) -> list[Any]:
    values = [given] if isinstance(given, kind) else given
    if not isinstance(values, Sequence | set | frozenset) or isinstance(values, str) or not values:
        raise DescriptionError(message(where, given, "one or more, in a list"))
    _once(where, list(values))
    return list(values)


def _once(where: str, values: Sequence[object]) -> None:
    for place, value in enumerate(values):
        if value in values[:place]:
            raise DescriptionError(message(where, value, "each one once"))
