"""From populations to cores: each population on cores of its own while there are enough, else together, first fit.

A population that is larger than a core is cut into pieces, each as large as a core can hold. Inputs come from outside
the chip and take no core; they take input axons of the cores that they reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from spikerl.hardware.memory import Format, synapse_format
from spikerl.hardware.program import Connection, Program
from spikerl.hardware.target import Target

_ROUNDS = 24
Neurons = NDArray[np.int64]


@dataclass(frozen=True)
class Piece:
    """Neurons `first` up to `stop` (without it) of a population."""

    population: str
    first: int
    stop: int

    @property
    def size(self) -> int:
        """The number of neurons."""
        return self.stop - self.first


@dataclass(frozen=True)
class Use:
    """What is used of a core, by the names that its limits have in ``[core]`` of a target; memory in bits."""

    compartments: int = 0
    input_axons: int = 0
    output_axons: int = 0
    synaptic_memory: int = 0
    compartment_configurations: int = 0
    thresholds: int = 0


USES = tuple(Use.__dataclass_fields__)


@dataclass(frozen=True)
class Core:
    """A core, by its `number` on the chip, the `pieces` it holds, and its `use`."""

    number: int
    pieces: tuple[Piece, ...]
    use: Use


@dataclass(frozen=True, eq=False)
class Route:
    """The neurons of the population `pre`, each once, [neuron], whose spikes a connection sends to a core."""

    connection: str
    pre: str
    neurons: Neurons
    core: int


@dataclass(frozen=True, eq=False)
class Placement:
    """Where everything lies: `cores`, and all `routes` of spikes to them. `shared`: whether cores hold several."""

    cores: tuple[Core, ...]
    routes: tuple[Route, ...]
    shared: bool

    def core_of(self, population: str, neurons: Neurons) -> Neurons:
        """Return the number of the core of each of `neurons`; -1 for inputs."""
        found = np.full(neurons.shape, -1, dtype=np.int64)
        for core in self.cores:
            for piece in core.pieces:
                if piece.population == population:
                    found[(neurons >= piece.first) & (neurons < piece.stop)] = core.number
        return found


def place(program: Program, target: Target) -> Placement:
    """Return where the populations of `program` lie on `target`.

    What cannot fit is placed all the same, as well as can be: `fit` says what is wrong with it. Where the spikes of a
    core have more destinations than it has output axons, its populations are spread over more cores.
    """
    caps: dict[str, int] = {}
    most = target.core.output_axons.value
    for _ in range(_ROUNDS):
        placement = _placed(program, target, caps)
        crowded = [core for core in placement.cores if most is not None and core.use.output_axons > most]
        larger = {p.population: p.size for core in crowded for p in core.pieces if p.size > 1}
        if not larger:
            break
        caps |= {name: max(1, size // 2) for name, size in larger.items()}
    return placement


def _placed(program: Program, target: Target, caps: dict[str, int]) -> Placement:
    incoming = {name: _Incoming(program, target, name) for name in program.neurons}
    apart = _filled(incoming, target, caps, shared=False)
    shared = target.chip.cores.value is not None and len(apart) > target.chip.cores.value
    filled = _filled(incoming, target, caps, shared=True) if shared else apart
    cores = [Core(number, tuple(pieces), use) for number, (pieces, use) in enumerate(filled)]
    routes = tuple(route for core in cores for piece in core.pieces for route in _routes(incoming, piece, core.number))
    placement = Placement(tuple(cores), routes, shared)
    axons = np.zeros(len(cores) + 1, dtype=np.int64)
    for route in routes:
        axons += np.bincount(placement.core_of(route.pre, route.neurons) + 1, minlength=len(axons))
    with_axons = [replace(c, use=replace(c.use, output_axons=int(axons[c.number + 1]))) for c in cores]
    return replace(placement, cores=tuple(with_axons))


def _filled(
    incoming: dict[str, _Incoming], target: Target, caps: dict[str, int], shared: bool
) -> list[tuple[list[Piece], Use]]:
    """Return the pieces and the use of each core, filled one after another."""
    cores: list[tuple[list[Piece], Use]] = []
    for name, population in incoming.items():
        first = 0
        while first < population.size:
            most = min(population.size, first + caps.get(name, population.size))
            home = _home(cores, Piece(name, first, most), incoming, target) if shared else None
            if home is not None:
                held = _joined(cores[home][0], Piece(name, first, most))
                cores[home] = (held, _together(held, incoming))
                first = most
                continue
            stop = _longest(partial(_has_room, population, target, first), first, most)
            cores.append(([Piece(name, first, stop)], population.use(first, stop)))
            first = stop
    return cores


def _has_room(population: _Incoming, target: Target, first: int, stop: int) -> bool:
    """Return whether a core of its own holds the neurons from `first` to before `stop`."""
    return _fits(population.use(first, stop), target)


def _home(
    cores: list[tuple[list[Piece], Use]], piece: Piece, incoming: dict[str, _Incoming], target: Target
) -> int | None:
    """Return the first core that has room for `piece`, or None."""
    fitting = (k for k, (held, _) in enumerate(cores) if _fits(_together(_joined(held, piece), incoming), target))
    return next(fitting, None)


def _joined(held: list[Piece], piece: Piece) -> list[Piece]:
    """Return the pieces of a core with one more; neighbours of one population are one piece, and share axons."""
    if held and held[-1].population == piece.population and held[-1].stop == piece.first:
        return [*held[:-1], replace(held[-1], stop=piece.stop)]
    return [*held, piece]


def _longest(fits: Callable[[int], bool], first: int, most: int) -> int:
    """Return the largest stop that fits; all of it where not even one neuron does, since cutting does not help."""
    if fits(most) or not fits(first + 1):
        return most
    low, high = first + 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _fits(use: Use, target: Target) -> bool:
    limits = ((getattr(use, name), getattr(target.core, name).value) for name in USES)
    return all(limit is None or used <= limit for used, limit in limits)


def _together(pieces: list[Piece], incoming: dict[str, _Incoming]) -> Use:
    """Return the use of a core with all `pieces`; configurations and thresholds that are alike count once."""
    uses = [incoming[piece.population].use(piece.first, piece.stop) for piece in pieces]
    sums = {name: sum(getattr(use, name) for use in uses) for name in USES}
    sums["compartment_configurations"] = len({incoming[piece.population].configuration for piece in pieces})
    sums["thresholds"] = len({incoming[piece.population].threshold for piece in pieces})
    return Use(**sums)


def _routes(incoming: dict[str, _Incoming], piece: Piece, core: int) -> Iterator[Route]:
    for reached in incoming[piece.population].reached:
        neurons = reached.sources(piece.first, piece.stop)[0]
        if neurons.size:
            yield Route(reached.connection.name, reached.connection.pre, neurons, core)


class _Incoming:
    """All that a population of neurons receives, and what any stretch of it would use of a core."""

    def __init__(self, program: Program, target: Target, name: str) -> None:
        neurons = program.neurons[name]
        self.size = neurons.size
        self.configuration = (neurons.model, neurons.du, neurons.dv, neurons.refractory, neurons.db, neurons.jump)
        self.threshold = neurons.vth
        slots = target.learning.axon_slots.value or 1
        into = [connection for connection in program.connections.values() if connection.post == name]
        self.reached = [_Reached(c, synapse_format(c, target), slots if c.rule else 1) for c in into]

    def use(self, first: int, stop: int) -> Use:
        """Return what neurons `first` up to `stop` use of a core."""
        axons = memory = 0
        for reached in self.reached:
            neurons, synapses = reached.sources(first, stop)
            axons += neurons.size * reached.slots
            memory += reached.format.bits(synapses, stop - first)
        return Use(stop - first, axons, 0, memory, 1, 1)


@dataclass(frozen=True, eq=False)
class _Reached:
    """A connection with its synapses in the order of the neurons that they reach."""

    connection: Connection
    format: Format
    slots: int

    def sources(self, first: int, stop: int) -> tuple[Neurons, Neurons]:
        """Return the source neurons of the synapses onto neurons `first` up to `stop`, and how many each has."""
        pre, post = self._sorted
        low, high = np.searchsorted(post, (first, stop))
        neurons, synapses = np.unique(pre[low:high], return_counts=True)
        return neurons, synapses

    @cached_property
    def _sorted(self) -> tuple[Neurons, Neurons]:
        order = np.argsort(self.connection.post_index, kind="stable")
        return self.connection.pre_index[order], self.connection.post_index[order]
