"""One pass over the codes of a layer: the optimiser's change, rounded and stored, made from the quantiser's texts.

On a processor it is a loop that numba compiles, one for each way of rounding; elsewhere torch takes several passes.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor

from spikerl import splitmix
from spikerl.hardware.quantize import DEPTH, FAR, LEVEL, MOVED, NAMES, RANDOM, ROUNDED, SETTLED

_STICKY = "stickiness ** depth"

_LOOP = """
def store(codes, seen, gradient, largest, learning, beta, floor_, steps, origins, lowest, highest, first, last, ratio,
          rate, stickiness, key, place):
    far, old = FAR, 0.0
    updates = below = stored = 0
    rows, columns = codes.shape
    for row in range(rows):
        step, origin = steps[row], origins[row]
        for column in range(columns):
            g = gradient[row, column]
            {change}
            if new == 0.0:
                continue
            code = float(codes[row, column])
            {depth}
            moved = {moved}
            updates += 1
            below += abs(moved - code) < 0.5
            t = moved
            t = {settled}
            u = {uniform}
            t = min(max({rounded}, first), last)
            if t != code:
                stored += 1
                codes[row, column] = int(t)
                code = t
                seen[row, column] = origin + {level} * ratio * step
    return np.array([updates, below, stored])
"""
_ADAMAX = """n = max(beta * largest[row, column] + floor_, abs(g))
            largest[row, column] = n
            new = -float(learning * (g / n))"""
_PLAIN = "new = -float(learning * g)"


@cache
def kernel(rounding: str, sticky: bool, by_largest: bool) -> Callable[..., Any]:
    """Return the loop of a way of rounding, with metaplastic hidden states or not, for Adamax or for plain descent.

    It is compiled at its first call. Arrays [neuron, input] are changed in place; it returns the three counts.
    """
    text = _LOOP.format(
        change=_ADAMAX if by_largest else _PLAIN,
        depth=f"level = {LEVEL}\n            depth = {DEPTH}" if sticky else "",
        moved=MOVED if sticky else MOVED.replace(_STICKY, "1.0"),
        settled=SETTLED,
        uniform="unit(mixed(key, place + np.uint64(row * columns + column)))" if rounding in RANDOM else "0.0",
        rounded=ROUNDED[rounding],
        level=LEVEL,
    )
    names: dict[str, Any] = {name: getattr(np, name) for name in NAMES} | {"np": np, "FAR": FAR}
    names |= {"mixed": njit(splitmix.mixed), "unit": njit(splitmix.unit)}
    exec(text, names)  # noqa: S102
    compiled: Callable[..., Any] = njit(names["store"], nogil=True, error_model="numpy")
    return compiled


def in_passes(
    rounding: str,
    codes: Tensor,
    seen: Tensor,
    gradient: Tensor,
    largest: Tensor | None,
    optimiser: tuple[float, float, float],
    numbers: Mapping[str, Any],
) -> np.ndarray:
    """Do what `kernel` does, with torch, on any device; `numbers` by their names in the texts, `u` among them."""
    learning, beta, floor = optimiser
    change = gradient
    if largest is not None:
        torch.maximum(largest.mul_(beta).add_(floor), gradient.abs(), out=largest)
        change = gradient / largest
    new = -(change * learning).double()
    asked = new != 0
    code = codes.double()
    values = dict(numbers) | {"code": code, "new": new, "old": 0.0}
    values["level"] = _law(LEVEL, values)
    values["depth"] = _law(DEPTH, values)
    t = _law(MOVED, values)
    below = asked & ((t - code).abs() < 0.5)
    t = _law(ROUNDED[rounding], values | {"t": _law(SETTLED, {"t": t})})
    ratio = numbers["ratio"]
    t = torch.where(asked, t.clamp(numbers["lowest"] * ratio, numbers["highest"] * ratio), code)
    stored = t != code
    level = _law(LEVEL, {"code": t, "ratio": ratio})
    codes.copy_(t.to(codes.dtype))
    seen.copy_(torch.where(stored, numbers["origin"] + level * ratio * numbers["step"], seen.double()).to(seen.dtype))
    return np.array([int(each.sum()) for each in (asked, below, stored)])


def _pairwise(law: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Any, Any], Tensor]:
    def of(a: Any, b: Any) -> Tensor:
        like = a if isinstance(a, Tensor) else b
        return law(torch.as_tensor(a).to(like), torch.as_tensor(b).to(like))

    return of


_TORCH: dict[str, Any] = {
    **{"rint": torch.round, "floor": torch.floor, "trunc": torch.trunc, "abs": torch.abs},
    **{"minimum": _pairwise(torch.minimum), "maximum": _pairwise(torch.maximum)},
}


def _law(text: str, values: Mapping[str, Any]) -> Tensor:
    found: Tensor = eval(text, dict(_TORCH), dict(values))  # noqa: S307
    return found
