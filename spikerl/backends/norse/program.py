"""The program that the back end runs: a plan as tensors, numbered signals and grouped products, all inspectable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from spikerl.backends.norse.cells import Cell, CellState, Surrogate
from spikerl.backends.norse.drawing import Stream
from spikerl.backends.norse.keeping import Keeper
from spikerl.backends.norse.storing import Stock
from spikerl.backends.norse.synapses import Rows, Synapses
from spikerl.discretise import ModulatorPlan, Plan


@dataclass(frozen=True, eq=False)
class Entry:
    """One fixed projection within a bundle: synapse k is at ``row[k], post[k]``, and its weight times `scale` is SI."""

    projection: str
    row: Tensor
    post: Tensor
    scale: float


@dataclass(frozen=True, eq=False)
class Bundle:
    """All dense fixed projections onto one population: one matrix [row, post], one product of matrices a step."""

    rows: Rows
    entries: tuple[Entry, ...]
    size: int

    def arrive(self, history: tuple[Tensor, ...], weight: Tensor) -> Tensor:
        """Return ``sum w s``, [batch, post]; `weight` is [row, post], or [batch, row, post] where instances differ."""
        spikes = self.rows.arriving(history)
        if weight.ndim == 2:
            return torch.mm(spikes, weight)
        return torch.bmm(spikes.unsqueeze(1), weight).squeeze(1)


@dataclass(frozen=True)
class Inflow:
    """What reaches one population: the number of a bundle, if it has one, and the numbers of synapses."""

    size: int
    bundle: int | None
    synapses: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Program:
    """`plan` on one `device` in one `dtype`.

    All neurons share one axis: `places` gives the start and stop of each population, sources first (`sources` of
    them), then the populations of each cell. `inflows` has one row a cell, one entry a population. All traces are
    one array: `traced` numbers the population of each, `trace_sizes` cuts it, `trace_decay` has its shape but the
    batch. `longest` is the longest delay. Where it is `quantised`,
    cells and synapses say what is kept in few bits, `trace_keeper` how traces are; `streams`: the random numbers that
    a step takes.
    """

    plan: Plan
    device: torch.device
    dtype: torch.dtype
    places: dict[str, tuple[int, int]]
    sources: int
    cells: tuple[Cell, ...]
    bundles: tuple[Bundle, ...]
    synapses: tuple[Synapses, ...]
    inflows: tuple[tuple[Inflow, ...], ...]
    traced: tuple[int, ...]
    trace_decay: Tensor
    trace_sizes: tuple[int, ...]
    modulators: tuple[ModulatorPlan, ...]
    longest: int
    surrogate: Surrogate
    quantised: bool = False
    trace_keeper: Keeper | None = None
    streams: tuple[Stream, ...] = ()

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of all populations in the order of `places`."""
        return tuple(stop - start for start, stop in self.places.values())

    @property
    def emitted(self) -> dict[str, tuple[int, int]]:
        """The places of the integrating populations on the axis of `Outputs.spikes`."""
        spans = {name: self.places[name] for name in self.plan.neurons}
        return {name: (start - self.sources, stop - self.sources) for name, (start, stop) in spans.items()}


class NetworkState(NamedTuple):
    """All that changes, for all instances.

    `cells`; `history`, the spikes [batch, all neurons] of 1, 2, ... steps ago; `traces` [batch, trace value];
    `bundles` and `weights`, in the places that the program gives them; `eligibilities` of each synapses;
    `modulators`, their filters, [batch] or [batch, neuron]; `stocks`, what synapses hold beside weights in few bits.
    """

    cells: tuple[CellState, ...]
    history: tuple[Tensor, ...]
    traces: Tensor
    bundles: tuple[Tensor, ...]
    weights: tuple[Tensor, ...]
    eligibilities: tuple[tuple[Tensor, ...], ...]
    modulators: tuple[Tensor, ...]
    stocks: tuple[Stock | None, ...]


class Inputs(NamedTuple):
    """One step's: `spikes` [batch, source neuron], and for each modulator its held value, or None.

    `noise`: for each population that integrates, in the order of the cells, its currents [batch, neuron], or None.
    `drawn`: the random numbers of each stream of the program, [instance, ...], the same for all conditions.
    """

    spikes: Tensor
    held: tuple[Tensor | None, ...]
    noise: tuple[Tensor | None, ...] = ()
    drawn: tuple[Tensor, ...] = ()


class Outputs(NamedTuple):
    """One step's: `spikes` [batch, integrating neuron], and the value of each modulator that was used."""

    spikes: Tensor
    modulators: tuple[Tensor, ...]
