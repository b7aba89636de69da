"""The quantiser: uniform grids of 1 to 16 bits and five ways of rounding, written once, as texts.

A number x lies at the place ``t = (x - origin) / step`` of its grid; rounding makes it a whole one, the code, and what
lies beyond takes the nearest end. Back ends derive their code from the texts below, in which the names of `NAMES` stand
for functions of theirs; `law` evaluates them with NumPy. Stochastic rounding, ``floor(t + u)`` with u uniform in
[0, 1), is right in the mean (Gupta et al. 2015). Hidden states finer than what is seen, and the less likely to be left
the deeper they lie, are those of metaplastic synapses (Fusi et al. 2005).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spikerl.errors import DescriptionError, message, nearest
from spikerl.keywords import described
from spikerl.units import finite_number, whole_number

Rounding = Literal["nearest", "floor", "zero", "stochastic", "dither"]
ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)
RANDOM = ("stochastic", "dither")
"""Those that need the number u."""
MOST_BITS = 16
FLOAT = 32
"""The bits of a number that is not quantised."""

PLACE = "(x - origin) / step"
SETTLED = "rint(t) + (t - rint(t)) * (abs(t - rint(t)) >= 1e-9)"
"""What is within 1e-9 of a place is at it, so that floating point makes no rounding lose a step."""
ROUNDED = {
    "nearest": "rint(t)",  # ties to even
    "floor": "floor(t)",
    "zero": "trunc(t)",
    "stochastic": "floor(t + u)",
    "dither": "floor(t + u)",
}
DITHER = "abs(c) * 4096 / step + 0.5 - floor(abs(c) * 4096 / step + 0.5)"
"""The u of a synapse whose eligibility is c: low-order digits of what it holds anyhow; at c = 0, that of nearest."""
LEVEL = "floor((code + ratio / 2) / ratio)"
"""The visible level of a code, where each level has `ratio` of them."""
DEPTH = (
    "maximum(minimum(code - level * ratio + ratio / 2 + far * (level <= lowest),"
    " level * ratio + ratio / 2 - 1 - code + far * (level >= highest)), 0)"
)
"""How many hidden states lie between a code and the nearer edge of its level; an end level, `lowest` or `highest`, has
one edge. `far` is `FAR`."""
MOVED = "code + rate * stickiness ** depth * (new - old) / step"
"""Where an update of a weight from `old` to `new` leads its code, before rounding."""
NAMES = ("rint", "floor", "trunc", "minimum", "maximum", "abs")
FAR = float(2**40)

_NUMPY: dict[str, Any] = {name: getattr(np, name) for name in NAMES} | {"__builtins__": {}}


def law(text: str, values: dict[str, Any]) -> NDArray[np.float64]:
    """Return one of the texts, or one of `ROUNDED`, evaluated with NumPy; `values` by the names in it."""
    found: NDArray[np.float64] = eval(text, _NUMPY, values)
    return found


class Grid(NamedTuple):
    """The numbers ``origin + step k`` with whole k from `lowest` to `highest`; `origin` and `step` may be arrays."""

    origin: Any
    step: Any
    lowest: int
    highest: int

    def places(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return where `values` lie, settled."""
        t = law(PLACE, {"x": np.asarray(values, dtype=np.float64), "origin": self.origin, "step": self.step})
        return law(SETTLED, {"t": t})

    def codes(self, values: ArrayLike, rounding: Rounding, uniforms: ArrayLike = 0.0) -> NDArray[np.float64]:
        """Return the whole places of `values` after rounding, within the ends; `uniforms` are the u."""
        rounded = law(ROUNDED[rounding], {"t": self.places(values), "u": np.asarray(uniforms)})
        return np.clip(rounded, self.lowest, self.highest)

    def numbers(self, codes: ArrayLike) -> NDArray[np.float64]:
        """Return the numbers at the whole places `codes`."""
        found: NDArray[np.float64] = self.origin + np.asarray(codes, dtype=np.float64) * self.step
        return found


@described
@dataclass(frozen=True)
class Quantizer:
    """``Q(x) = origin + step round((x - origin) / step)``, within the ends of the grid, for x of any shape.

    Unsigned, the grid has `2**bits` levels from 0 to the scale; signed, ``2**bits - 1`` from -scale to scale, 0 among
    them, and with one bit the two ends. `rounding`: "nearest" (default; ties to even), "floor", "zero" (toward the
    origin), "stochastic", or "dither" (u from the eligibility of a synapse). `bits`: 1 to 16. Raises
    `DescriptionError`.
    """

    bits: int
    rounding: Rounding = "nearest"
    signed: bool = False

    def __post_init__(self) -> None:
        """Check every field."""
        whole_number(self.bits, 1, MOST_BITS, "Quantizer.bits")
        check_rounding(self.rounding, "Quantizer.rounding")
        if not isinstance(self.signed, bool):
            raise DescriptionError(message("Quantizer.signed", self.signed, "True or False"))

    def grid(self, scale: ArrayLike = 1.0) -> Grid:
        """Return the grid whose greatest number is `scale`, above 0; an array has a grid for each of its numbers."""
        top = np.asarray(scale, dtype=np.float64)
        if not (np.isfinite(top).all() and (top > 0).all()):
            raise DescriptionError(message("Quantizer.grid: scale", scale, "finite numbers above 0"))
        if not self.signed:
            return Grid(0.0, top / (2**self.bits - 1), 0, 2**self.bits - 1)
        if self.bits == 1:
            return Grid(-top, 2.0 * top, 0, 1)
        most = 2 ** (self.bits - 1) - 1
        return Grid(0.0, top / most, -most, most)

    def __call__(self, values: ArrayLike, scale: ArrayLike = 1.0, uniforms: ArrayLike | None = None) -> Any:
        """Return `values` on the grid of `scale`; `uniforms`, of their shape, where rounding needs them.

        Raises `DescriptionError` for values that are not finite, and for uniforms that are missing.
        """
        x = np.asarray(values, dtype=np.float64)
        if not np.isfinite(x).all():
            raise DescriptionError(message("Quantizer: values", values, "finite numbers"))
        if self.rounding in RANDOM and uniforms is None:
            remedy = "give uniforms, numbers in [0, 1)"
            raise DescriptionError(message("Quantizer: uniforms", None, f"the u of {self.rounding} rounding", remedy))
        grid = self.grid(scale)
        return grid.numbers(grid.codes(x, self.rounding, 0.0 if uniforms is None else uniforms))


@described
@dataclass(frozen=True)
class Levels:
    """A state or a trace kept in `bits` (1 to 16), up to `top` (above 0, in the unit of what is kept), by `rounding`.

    Traces are unsigned; eligibilities, and membranes about their rest, are signed. Raises `DescriptionError`.
    """

    bits: int
    top: float
    rounding: Rounding = "nearest"

    def __post_init__(self) -> None:
        """Check every field."""
        whole_number(self.bits, 1, MOST_BITS, "Levels.bits")
        if finite_number(self.top, "Levels.top") <= 0:
            raise DescriptionError(message("Levels.top", self.top, "a number above 0"))
        check_rounding(self.rounding, "Levels.rounding")
        if self.rounding == "dither":
            raise DescriptionError(message("Levels.rounding", "dither", "a rounding of its own", "take 'stochastic'"))

    def grid(self, signed: bool) -> Grid:
        """Return its grid."""
        return Quantizer(self.bits, self.rounding, signed).grid(self.top)


def check_rounding(rounding: object, where: str) -> None:
    """Raise `DescriptionError` for what is no way of rounding, with the nearest name."""
    if rounding not in ROUNDINGS:
        raise DescriptionError(message(where, rounding, ", ".join(ROUNDINGS), nearest(rounding, ROUNDINGS)))
