"""States in few bits on torch: membranes, traces and eligibilities after a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from spikerl.backends.norse.rounding import Code, Number, Text, compiled, number, on_grid, place, runs
from spikerl.hardware.quantize import ROUNDINGS
from spikerl.quantized import Kept


@dataclass(frozen=True, eq=False)
class Keeper:
    """Rounds values of `shape` (conditions, instances, places).

    `parts` are neighbouring conditions, from one to another: the code that rounds them, None for floating point, and
    whether it takes random numbers, which are those of the stream `drawn`.
    """

    shape: tuple[int, ...]
    parts: tuple[tuple[int, int, Code | None, bool], ...]
    drawn: int | None

    def rounded(self, values: Tensor, drawn: tuple[Tensor, ...]) -> Tensor:
        """Return `values`, [batch, ...], as they are kept."""
        whole = values.reshape(self.shape)
        found = []
        for start, stop, code, random in self.parts:
            part = whole if len(self.parts) == 1 else whole[start:stop]
            u = (drawn[self.drawn],) if random and self.drawn is not None else ()
            found.append(part if code is None else code(part, *u)[0])
        return (found[0] if len(found) == 1 else torch.cat(found)).reshape(values.shape)


def keeper(
    levels: Kept, conditions: int, shape: Sequence[int], rest: Number, like: Tensor, drawn: int | None
) -> Keeper:
    """Return the keeper of `levels` for values of `shape` about `rest`, in the precision and at the place of `like`."""
    instances = len(levels.step) // conditions
    kinds = [(bool(levels.step[b]), int(levels.rounding[b])) for b in range(0, len(levels.step), instances)]
    parts: list[tuple[int, int, Code | None, bool]] = []
    for start, stop in runs(kinds):
        few_bits, rounding = kinds[start][0], ROUNDINGS[kinds[start][1]]

        numbers = {"rest": rest} | {
            name: number(values[start * instances : stop * instances : instances], len(shape) + 1, like)
            for name, values in (
                ("origin", levels.origin),
                ("step", levels.step),
                ("bottom", levels.lowest),
                ("top", levels.highest),
            )
        }
        laws = on_grid(rounding, "at") | {
            "from_rest": Text("value - rest"),
            "at": place("from_rest"),
            "back": Text("rest + number"),
        }
        random = few_bits and rounding == "stochastic"
        given = ["value", "u"] if random else ["value"]
        code = compiled(laws, given, numbers, ["back"], shared=["u"]) if few_bits else None
        parts.append((start, stop, code, random))
    return Keeper((conditions, instances, *shape), tuple(parts), drawn)
