"""What a run made the chip do, on a page: by population and by connection, in all and in a trial of one instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from spikerl.report.numbers import UNDEFINED, count_of, significant
from spikerl.results.deployment import Operations, Population


class PopulationRow(NamedTuple):
    """A population: its colour (a variable; none of inputs), and its numbers; those `a_trial` are of one instance."""

    name: str
    colour: str
    input: bool
    neurons: str
    spikes: str
    spikes_a_trial: str
    rate: str
    updates: str
    updates_a_trial: str


class ConnectionRow(NamedTuple):
    """A connection and its numbers; `learning`, the synapses that the learning engine visits."""

    name: str
    synapses: str
    operations: str
    operations_a_trial: str
    learning: str
    learning_a_trial: str
    weights: str
    tags: str


class Counted(NamedTuple):
    """Both tables with the sums of their columns, and the `peak` of synaptic operations in a step."""

    populations: tuple[PopulationRow, ...]
    populations_sum: PopulationRow
    connections: tuple[ConnectionRow, ...]
    connections_sum: ConnectionRow
    peak: str


def counted(did: Operations, trials: int, colours: Mapping[str, str]) -> Counted:
    """Return what was counted; `trials` of all instances together, `colours` of the populations on the chip."""
    populations = [
        _population(name, colours.get(name, ""), each.input, (each.neurons, each.spikes, each.neuron_updates), trials)
        for name, each in did.populations.items()
    ]
    rates = [_rate(each, did.seconds) for each in did.populations.values()]
    sums = [(each.neurons, each.spikes, each.neuron_updates) for each in did.populations.values()]
    connections = [(name, tuple(dict(each).values())) for name, each in did.connections.items()]
    return Counted(
        tuple(row._replace(rate=rate) for row, rate in zip(populations, rates, strict=True)),
        _population("all", "", False, _added(sums, 3), trials),
        tuple(_connection(name, numbers, trials) for name, numbers in connections),
        _connection("all", _added([numbers for _, numbers in connections], 5), trials),
        count_of(did.peak),
    )


def _rate(population: Population, seconds: float) -> str:
    """Return the spikes of a neuron a second, Hz."""
    lived = population.neurons * seconds
    return significant(population.spikes / lived, 3) if lived else UNDEFINED


def _added(rows: Sequence[tuple[int, ...]], columns: int) -> tuple[int, ...]:
    return tuple(sum(row[column] for row in rows) for column in range(columns))


def _population(name: str, colour: str, given: bool, numbers: tuple[int, ...], trials: int) -> PopulationRow:
    neurons, spikes, updates = numbers
    return PopulationRow(
        name=name,
        colour=colour,
        input=given,
        neurons=count_of(neurons),
        spikes=count_of(spikes),
        spikes_a_trial=significant(spikes / trials),
        rate="",
        updates=UNDEFINED if given else count_of(updates),
        updates_a_trial=UNDEFINED if given else significant(updates / trials),
    )


def _connection(name: str, numbers: tuple[int, ...], trials: int) -> ConnectionRow:
    synapses, operations, weights, tags, either = numbers
    return ConnectionRow(
        name=name,
        synapses=count_of(synapses),
        operations=count_of(operations),
        operations_a_trial=significant(operations / trials),
        learning=count_of(either),
        learning_a_trial=significant(either / trials),
        weights=count_of(weights),
        tags=count_of(tags),
    )
