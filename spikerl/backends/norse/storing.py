"""Weights in few bits on torch: what the synapses of one projection store after a step, and what they transmit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from spikerl.backends.norse.rounding import Code, Number


class Stock(NamedTuple):
    """What synapses in few bits hold beside their weights, in their places.

    `code`, the whole place of what is stored; `writes`, stored changes so far, whole numbers in float64, so exact up
    to 2**53; `updates` int64 [batch, 3], as in the state.
    """

    code: Tensor
    writes: Tensor
    updates: Tensor


@dataclass(frozen=True, eq=False)
class Part:
    """Instances `start` to `stop` of the batch, few enough to stay in the cache, whose laws have one form.

    They are `conditions` of `instances` each, or of one condition those from number `first` on. `locate` (stored) ->
    code, number. `store` (code, old, new, then of c, u and permits those it needs) -> below, which is 1 too where
    nothing was asked for, asked, and by how much the code moves; in floating point (old, new) -> asked, number.
    `number` (code, room) puts the number of a code in its room. `send` (code, stored, u if it `reads` with noise) ->
    what is transmitted, None where that is what is stored.
    """

    start: int
    stop: int
    conditions: int
    instances: int
    first: int
    floating: bool
    dithered: bool
    random: bool
    chancy: bool
    wears: bool
    reads: bool
    probability: Number
    endurance: Number
    locate: Code
    store: Code
    number: Code
    send: Code | None

    def shaped(self, rows: Tensor) -> Tensor:
        """Return its rows of the batch with an axis of conditions, where there are several."""
        return rows if self.conditions == 1 else rows.unflatten(0, (self.conditions, self.instances))

    def own(self, drawn: Tensor) -> Tensor:
        """Return the random numbers of its instances, the same for all conditions."""
        return drawn if len(drawn) == self.instances else drawn[self.first : self.first + self.instances]


@dataclass(frozen=True, eq=False)
class Stored:
    """The synapses of one projection, the batch cut into `parts`.

    `rounding`, `chance` and `noise` number the streams of random numbers, None where no part needs them.
    """

    parts: tuple[Part, ...]
    rounding: int | None
    chance: int | None
    noise: int | None

    def stocked(self, weight: Tensor, writes: Tensor, updates: Tensor) -> tuple[Tensor, Stock]:
        """Return `weight`, on its grid, as this precision has it, and what is held beside it."""
        code, number = torch.empty_like(weight), torch.empty_like(weight)
        for part, stored, place, found in zip(self.parts, *map(self._cut, (weight, code, number)), strict=True):
            for room, values in zip((place, found), part.locate(stored), strict=True):
                room.copy_(values)
        return number, Stock(code, writes, updates)

    def transmitted(self, weight: Tensor, stock: Stock, drawn: tuple[Tensor, ...]) -> Tensor:
        """Return what a spike transmits: visible levels, mismatched, read with noise."""
        if all(part.send is None for part in self.parts):
            return weight
        sent = torch.empty_like(weight)
        for part, code, stored, room in zip(self.parts, *map(self._cut, (stock.code, weight, sent)), strict=True):
            noise = (part.own(drawn[self.noise]),) if part.reads and self.noise is not None else ()
            room.copy_(stored if part.send is None else part.send(code, stored, *noise)[0])
        return sent

    def store(
        self,
        stock: Stock,
        old: Tensor,
        new: Tensor,
        eligible: Callable[[], Tensor],
        drawn: tuple[Tensor, ...],
        donate: bool,
    ) -> Stock:
        """Put what is stored by synapses that held `old` and would hold `new` in the place of `new`.

        `eligible()` is the c of dither. With `donate` what is in `stock` is written over.
        """
        code, writes = (stock.code, stock.writes) if donate else (stock.code.clone(), stock.writes.clone())
        c = eligible() if any(part.dithered for part in self.parts) else old
        counts: tuple[list[Tensor], ...] = [], [], []
        cuts = map(self._cut, (code, old, new, writes, c))
        for part, codes, before, after, wrote, digits in zip(self.parts, *cuts, strict=True):
            permits = self._permits(part, wrote, drawn, old.dtype)
            if part.floating:
                asked, number = part.store(before, after)
                for permit in permits:
                    number = torch.where(permit != 0, number, before)
                below, changed = 1 - asked, number.sub(before).ne_(0)
                after.copy_(number)
            else:
                dither = (digits,) if part.dithered else ()
                rounding = (part.own(drawn[self.rounding]),) if part.random and self.rounding is not None else ()
                below, asked, moves = part.store(codes, before, after, *dither, *rounding, *permits)
                codes.add_(moves)
                part.number(codes, after)
                changed = moves.ne_(0)
            wrote.add_(changed)
            for each, values in zip(counts, (asked, below, changed), strict=True):
                each.append(values.reshape(part.stop - part.start, -1).sum(1))
        more = torch.cat([one for each in counts for one in each]).to(torch.int64).unflatten(0, (3, len(new))).T
        # What asked for nothing was counted as below half a step.
        more = more + more.new_tensor((0, 1, 0)) * (more[:, :1] - new[0].numel())
        return Stock(code, writes, stock.updates.add_(more) if donate else stock.updates + more)

    def _permits(self, part: Part, writes: Tensor, drawn: tuple[Tensor, ...], dtype: torch.dtype) -> list[Tensor]:
        """Return, 1 or 0, which synapses may write in this step, for each reason that some may not."""
        found = []
        if part.chancy and self.chance is not None:
            found.append((part.own(drawn[self.chance]) < part.probability).to(dtype))
        if part.wears:
            found.append((writes < part.endurance).to(dtype))
        return found

    def _cut(self, tensor: Tensor) -> list[Tensor]:
        if len(self.parts) == 1:
            return [self.parts[0].shaped(tensor)]
        rows = tensor.split([part.stop - part.start for part in self.parts])
        return [part.shaped(own) for part, own in zip(self.parts, rows, strict=True)]
