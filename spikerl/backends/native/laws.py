"""The texts of `spikerl.hardware.quantize` as lines of a kernel."""

from __future__ import annotations

import ast
from typing import NamedTuple

from spikerl.backends.native.texts import HEADER, renamed
from spikerl.hardware.quantize import DEPTH, DITHER, FAR, LEVEL, MOVED, NAMES, PLACE, ROUNDED, SETTLED

FLOATING = "floating"
"""The rounding of weights in floating point."""
ROUNDING_HEADER = (
    HEADER
    + "from numba import float64, int64\n"
    + "from spikerl.backends.native.rounding import "
    + "drawn, floor, maximum, minimum, permitted, rint, stream, trunc\n"
)
_FUNCTIONS = {name: name for name in NAMES}


class Way(NamedTuple):
    """How an instance rounds: by the name of a rounding, or `FLOATING`; `sticky`: it has stickiness below 1."""

    rounding: str
    sticky: bool = False


def text(law: str, *, eligibility: str = "c0", **names: str) -> str:
    """Return a law with the names of a kernel: those in it, but for the functions and the `names` that are given."""
    found = {node.id for node in ast.walk(ast.parse(law)) if isinstance(node, ast.Name)}
    return renamed(law, {name: name for name in found} | _FUNCTIONS | {"c": eligibility} | names)


def level() -> str:
    """Return the line that finds the visible `level` of `code`."""
    return f"level = {text(LEVEL)}"


def moved(way: Way) -> list[str]:
    """Return the lines from `code`, `old`, `w` to `t`, where the update leads, and the `rounded` code.

    They read `rate`, `step_size`, `ratio`, `least`, `most` (levels) and `powers` of the stickiness; for random
    rounding `rounding_stream` and `order`, at synapse k; for the dither the eligibility `c0`.
    """
    lines = []
    if way.sticky:
        depth = text(DEPTH, far=repr(FAR), lowest="least", highest="most")
        lines = [level(), f"depth = {depth}", "kept = powers[int64(depth)]"]
    target = ast.unparse(_Tabled().visit(ast.parse(MOVED, mode="eval")))
    lines.append(f"t = {text(target, kept='kept' if way.sticky else '1.0', new='w', step='step_size')}")
    lines.append(f"settled = {text(SETTLED)}")
    if way.rounding == "dither":
        lines.append(f"u = {text(DITHER, step='step_size')}")
    elif way.rounding == "stochastic":
        lines.append("u = drawn(rounding_stream, order[k])")
    lines.append(f"rounded = {text(ROUNDED[way.rounding], t='settled')}")
    return [*lines, "rounded = minimum(maximum(rounded, least * ratio), most * ratio)"]


def nearby(way: Way) -> list[str]:
    """Return the lines that say whether an update from `old` to `w` is `close` to a change, or to half a step.

    Where it is not, `moved` finds the present code and less than half a step. They spare its division, and allow for
    the rounding of codes below 2**32; `reach` is ``rate / step_size``. Stickiness only makes updates smaller.
    """
    lines = ["move = (w - old) * reach", "close = abs(move) >= 0.499"]
    match way.rounding:
        case "floor":
            lines.append("close = close | (move < -2.5e-10)")
        case "zero":
            lines.append("close = close | ((move * code < 0.0) & (abs(move) > 2.5e-10))")
        case "stochastic" | "dither":
            if way.rounding == "dither":
                lines.append(f"u = {text(DITHER, step='step_size')}")
            else:
                lines.append("u = drawn(rounding_stream, order[k])")
            lines.append("close = close | ((1.0 - u if move > 0.0 else u) < abs(move) + 2e-6)")
    return lines


def kept(rounding: str, place: str) -> list[str]:
    """Return the lines that round `x` on a grid in itself, as `Grid` does; `place` is that of its random number."""
    lines = [f"t = {text(PLACE)}", f"settled = {text(SETTLED)}"]
    if rounding == "stochastic":
        lines.append(f"u = drawn(rounding_stream, {place})")
    lines.append(f"rounded = {text(ROUNDED[rounding], t='settled')}")
    return [*lines, "x = origin + minimum(maximum(rounded, lowest), highest) * step"]


class _Tabled(ast.NodeTransformer):
    """Puts `kept` for the power of the stickiness, which is looked up."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Replace a power."""
        self.generic_visit(node)
        return ast.Name("kept", ast.Load()) if isinstance(node.op, ast.Pow) else node
