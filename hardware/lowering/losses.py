"""What lowering loses: each number that a chip holds otherwise than the description, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from spikerl.errors import UnsupportedError

Kind = Literal["rounding", "clipping", "saturation", "coefficient", "approximation"]
_SHOWN = 12


@dataclass(frozen=True)
class Loss:
    """A number of an object of the description that fixed point holds otherwise.

    `quantity` was `wanted` and is `got`, in the unit of the description; `error` is relative, of the natural size of
    the quantity, and None where only `note` can say what is lost. `kind`: "rounding" to the grid of integers;
    "clipping" at the ends of a range; "saturation", what may reach them in a run; "coefficient" of a learning rule;
    "approximation" of a law by another.
    """

    object: str
    quantity: str
    kind: Kind
    wanted: float
    got: float
    error: float | None
    note: str = ""

    def __str__(self) -> str:
        """Return it as one line."""
        error = "" if self.error is None else f", error {self.error:.2%}"
        return f"{self.object}: {self.quantity} {self.wanted:.6g} becomes {self.got:.6g}{error}{self._because}"

    @property
    def _because(self) -> str:
        return f" ({self.note})" if self.note else ""


def relative(wanted: float, got: float) -> float:
    """``|got - wanted| / |wanted|``; 0 where both are 0, infinite where only the wanted is."""
    if wanted == got:
        return 0.0
    return abs(got - wanted) / abs(wanted) if wanted else float("inf")


def require(losses: Sequence[Loss], tolerance: float, saturate: bool) -> None:
    """Raise `UnsupportedError` that names every loss with an error beyond `tolerance`, unless `saturate` allows it."""
    beyond = [loss for loss in losses if loss.error is not None and not loss.error <= tolerance]
    if not beyond or saturate:
        return
    lines = [f"fixed point loses more than the tolerance of {tolerance:.2%} allows:"]
    lines += [f"  {loss}" for loss in sorted(beyond, key=lambda loss: -(loss.error or 0.0))[:_SHOWN]]
    if len(beyond) > _SHOWN:
        lines.append(f"  and {len(beyond) - _SHOWN} more")
    lines.append("  take more weight bits, a larger tolerance, or allow it: saturate (--saturate)")
    raise UnsupportedError("\n".join(lines))
