"""Where synapses lie on torch: dense [batch, pre, post], or as a list [batch, synapse]; how spikes reach them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from spikerl.backends.norse.keeping import Keeper
from spikerl.backends.norse.rules import CompiledRule
from spikerl.backends.norse.storing import Stored


@dataclass(frozen=True, eq=False)
class Rows:
    """Where arriving spikes come from: for each delay in steps, a slice of the axis of all neurons, side by side."""

    parts: tuple[tuple[int, int, int], ...]  # delay, start, stop

    @property
    def size(self) -> int:
        """The number of rows."""
        return sum(stop - start for _, start, stop in self.parts)

    def arriving(self, history: tuple[Tensor, ...]) -> Tensor:
        """Return the spikes that arrive in this step, [batch, row]; `history[k]` are those of k + 1 steps ago."""
        found = [history[delay - 1][:, start:stop] for delay, start, stop in self.parts]
        return found[0] if len(found) == 1 else torch.cat(found, 1)


@dataclass(frozen=True, eq=False)
class Dense:
    """Every pair of neurons has a place, [batch, pre, post]; `pre` and `post` [synapse] are those of the synapses."""

    rows: Rows
    pre: Tensor
    post: Tensor
    shape: tuple[int, int]

    def arrive(self, total: Tensor, history: tuple[Tensor, ...], weight: Tensor, scale: float) -> Tensor:
        """Add ``scale sum w s`` to `total` [batch, post]."""
        spikes = self.rows.arriving(history)
        return torch.baddbmm(total.unsqueeze(1), spikes.unsqueeze(1), weight, alpha=scale).squeeze(1)

    def meet_pre(self, vector: Tensor) -> Tensor:
        """Return `vector` [batch, pre] so that it broadcasts with the synapses."""
        return vector.unsqueeze(2)

    def meet_post(self, vector: Tensor) -> Tensor:
        """Return `vector` [batch, post] so that it broadcasts with the synapses."""
        return vector.unsqueeze(1)

    def meet_all(self, numbers: Tensor) -> Tensor:
        """Return `numbers` [batch] so that they broadcast with the synapses."""
        return numbers[:, None, None]

    def pack(self, values: Tensor) -> Tensor:
        """Return `values` [batch, synapse] in their places, zero between them."""
        flat = values.new_zeros(values.shape[0], self.shape[0] * self.shape[1])
        index = (self.pre * self.shape[1] + self.post).expand(values.shape[0], -1)
        return flat.scatter_add(1, index, values).unflatten(1, self.shape)

    def unpack(self, packed: Tensor) -> Tensor:
        """Return the values of the synapses, [batch, synapse]."""
        return packed[:, self.pre, self.post]


@dataclass(frozen=True, eq=False)
class Listed:
    """One value a synapse, [batch, synapse]; `row`, `pre` and `post` [synapse] say where each leads from and to."""

    rows: Rows
    row: Tensor
    pre: Tensor
    post: Tensor

    def arrive(self, total: Tensor, history: tuple[Tensor, ...], weight: Tensor, scale: float) -> Tensor:
        """Add ``scale sum w s`` to `total` [batch, post]; `weight` may be [1, synapse]."""
        spikes = self.rows.arriving(history) * scale
        jumps = at(spikes, self.row) * weight
        return total.scatter_add(1, self.post.expand(jumps.shape), jumps)

    def meet_pre(self, vector: Tensor) -> Tensor:
        """Return `vector` [batch, pre] at the synapses."""
        return at(vector, self.pre)

    def meet_post(self, vector: Tensor) -> Tensor:
        """Return `vector` [batch, post] at the synapses."""
        return at(vector, self.post)

    def meet_all(self, numbers: Tensor) -> Tensor:
        """Return `numbers` [batch] so that they broadcast with the synapses."""
        return numbers[:, None]

    def pack(self, values: Tensor) -> Tensor:
        """Return `values` as they are."""
        return values

    def unpack(self, packed: Tensor) -> Tensor:
        """Return `packed` as it is."""
        return packed


@dataclass(frozen=True, eq=False)
class Synapses:
    """One projection with weights of its own: its `place` in memory, its `scale` to SI, its `rule`, its bounds.

    `low` and `high` are numbers, or, where a dense place has no synapse, [pre, post] with zeros that keep it at zero.
    `stored`, where weights have few bits, and `keepers` of the eligibilities, None for floating point.
    """

    projection: str
    post: str
    place: Dense | Listed
    scale: float
    rule: CompiledRule | None
    low: float | Tensor
    high: float | Tensor
    stored: Stored | None = None
    keepers: tuple[Keeper | None, ...] = ()


def at(values: Tensor, index: Tensor) -> Tensor:
    """Return ``values[:, index]``, for `values` [batch, n] and `index` [m], in torch's fastest way on a CPU."""
    return values.gather(1, index.expand(values.shape[0], -1))
