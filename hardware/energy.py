"""What a run would cost on a chip: ``E = sum over kinds of event of count * energy of one``. An estimate, never more.

The energies of single events come from ``costs/*.toml`` or a file of one's own, each with its source. What they leave
out, and what holds of none of them: energy at rest, the processors beside the cores, and spikes on their way into and
out of the chip. An event without a published energy adds nothing, and is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikerl.errors import DescriptionError, message, nearest
from spikerl.hardware.facts import UNSAID, Energy, Table
from spikerl.hardware.mapping import Placement
from spikerl.hardware.operations import Operations
from spikerl.hardware.program import Program
from spikerl.hardware.target import Target, found, heading, shipped, validated
from spikerl.toml import load

PICO = 1e-12
KEYS = ("name", "summary", "events")


class Events(Table):
    """The energy in pJ of one event of each kind.

    A synaptic operation, in a connection of all pairs (`synaptic_operation_dense`) or of some; a hop of a message to a
    neighbouring tile, in either direction; the update of a neuron in a step; that of a synapse that learns at the end
    of an epoch; a spike of a neuron; a message, one spike to one core.
    """

    synaptic_operation_dense: Energy = Energy(value=None, source=UNSAID)
    synaptic_operation_sparse: Energy = Energy(value=None, source=UNSAID)
    hop_east_west: Energy = Energy(value=None, source=UNSAID)
    hop_north_south: Energy = Energy(value=None, source=UNSAID)
    neuron_update: Energy = Energy(value=None, source=UNSAID)
    synapse_update: Energy = Energy(value=None, source=UNSAID)
    spike: Energy = Energy(value=None, source=UNSAID)
    message: Energy = Energy(value=None, source=UNSAID)


@dataclass(frozen=True)
class Costs:
    """Energies of events: their `name`, one line about them, where they were read, and the `events`."""

    name: str
    summary: str
    path: Path
    events: Events


@dataclass(frozen=True)
class Item:
    """One kind of `event`: its `count` in all instances (None: unknown), the energy of one in `picojoules` (None)."""

    event: str
    count: int | None
    picojoules: float | None
    source: str

    @property
    def joules(self) -> float | None:
        """The energy of all of them; None where count or energy is unknown."""
        return None if self.count is None or self.picojoules is None else self.count * self.picojoules * PICO


@dataclass(frozen=True)
class Estimate:
    """An estimate after `costs`: its `items`, and `joules`, the sum of those that are known, of all instances."""

    costs: Costs
    items: tuple[Item, ...]

    @property
    def joules(self) -> float:
        """The energy of all events of which count and energy are known."""
        return sum(item.joules for item in self.items if item.joules is not None)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The events that happened, or may have, and have no energy or no count."""
        return tuple(item.event for item in self.items if item.joules is None and item.count != 0)


def shipped_costs() -> dict[str, Path]:
    """Return the files of the shipped energies, by name."""
    return shipped("costs")


def load_costs(which: str | Path, beside: Path | None = None) -> Costs:
    """Return the energies `which`, a shipped name or a TOML file; a relative path begins at the folder of `beside`.

    Raises `FileError` and `DescriptionError` as `load_target` does.
    """
    known = shipped_costs()
    path = found(which, "energy", known)
    if beside is not None and str(which) not in known and not path.is_absolute():
        path = beside.parent / path
    origin = f"energy {path}: "
    document = load(path, "energy")
    for key in document:
        if key not in KEYS:
            raise DescriptionError(message(f"{origin}key", key, ", ".join(KEYS), nearest(key, KEYS)))
    name, summary = heading(document, origin)
    return Costs(name, summary, path, validated(Events, "events", document, origin))


def costs_of(target: Target) -> list[Costs]:
    """Return the energies that `target` names; raises `FileError` and `DescriptionError`."""
    return [load_costs(which, target.path) for which in target.energy]


def estimates(
    program: Program, operations: Operations, placement: Placement, target: Target, costs: Sequence[Costs]
) -> list[Estimate]:
    """Return an estimate after each of `costs` of what was counted in `operations`."""
    counts = events(program, operations, placement, target)
    facts = [{key: getattr(one.events, key) for key in Events.model_fields} for one in costs]
    return [
        Estimate(one, tuple(Item(key, counts[key], fact.value, fact.source) for key, fact in each.items()))
        for one, each in zip(costs, facts, strict=True)
    ]


def events(program: Program, operations: Operations, placement: Placement, target: Target) -> dict[str, int | None]:
    """Return how many events of each kind there were, in all instances; None where the chip's layout is unknown."""
    dense = sparse = messages = 0
    for name, connection in program.connections.items():
        pairs = program.size(connection.pre) * program.size(connection.post)
        if connection.weight.size == pairs:
            dense += operations.synaptic[name]
        else:
            sparse += operations.synaptic[name]
    mesh, tile_cores = target.chip.mesh.value, target.chip.tile_cores.value
    known = mesh is not None and tile_cores is not None
    hops = np.zeros(2, dtype=np.int64)
    for route in placement.routes:
        if route.pre in program.inputs:
            continue
        sent = operations.spikes[route.pre][route.neurons]
        messages += int(sent.sum())
        if mesh is not None and tile_cores is not None:
            from_tile = placement.core_of(route.pre, route.neurons) // tile_cores
            to_tile = route.core // tile_cores
            hops[0] += int(sent @ np.abs(from_tile % mesh[0] - to_tile % mesh[0]))
            hops[1] += int(sent @ np.abs(from_tile // mesh[0] - to_tile // mesh[0]))
    return {
        "synaptic_operation_dense": dense,
        "synaptic_operation_sparse": sparse,
        "hop_east_west": int(hops[0]) if known else None,
        "hop_north_south": int(hops[1]) if known else None,
        "neuron_update": sum(operations.neuron_updates.values()),
        "synapse_update": sum(operations.synapse_updates.values()),
        "spike": sum(int(operations.spikes[name].sum()) for name in program.neurons),
        "message": messages,
    }
