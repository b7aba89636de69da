"""What a run would cost on its chip, on a page: estimates after published energies of single events, each with source.

Energies are those of a trial of one instance, ``joules / trials``: the smallest thing that can be compared between
runs of different length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from spikerl.report.numbers import UNDEFINED, count_of, percent, prefixed, significant
from spikerl.results.deployment import Energy, Event

_WORDS = {
    "synaptic_operation_dense": "synaptic operation, connection of all pairs",
    "synaptic_operation_sparse": "synaptic operation, other connections",
    "hop_east_west": "hop of a message to the tile east or west",
    "hop_north_south": "hop of a message to the tile north or south",
    "neuron_update": "update of a neuron in a step",
    "synapse_update": "learning update of a synapse",
    "spike": "spike of a neuron",
    "message": "message: a spike to one core",
}


class EventRow(NamedTuple):
    """A kind of event: how many in a trial, the energy of one and of all in a trial, its share of the sum.

    `bar`: the share as a length, empty where there is none to draw.
    """

    event: str
    a_trial: str
    one: str
    energy: str
    share: str
    bar: str
    source: str


class Estimate(NamedTuple):
    """An estimate: its sum, in a trial and a second of one instance and in the run; its events; what is left out."""

    name: str
    summary: str
    a_trial: str
    a_second: str
    whole: str
    rows: tuple[EventRow, ...]
    left_out: tuple[str, ...]


def estimates(found: Sequence[Energy], trials: int, seconds: float) -> tuple[Estimate, ...]:
    """Return the estimates in their order; `trials` and `seconds` of all instances together."""
    return tuple(_estimate(energy, trials, seconds) for energy in found)


def _estimate(energy: Energy, trials: int, seconds: float) -> Estimate:
    missing = [event for event in energy.events if event.joules is None and event.count != 0]
    return Estimate(
        energy.name,
        energy.summary,
        prefixed(energy.joules / trials, "J"),
        prefixed(energy.joules / seconds, "J") if seconds else UNDEFINED,
        prefixed(energy.joules, "J"),
        tuple(_row(event, energy.joules, trials) for event in energy.events),
        tuple(_missing(event) for event in missing),
    )


def _row(event: Event, total: float, trials: int) -> EventRow:
    joules = event.joules
    share = None if joules is None or not total else joules / total
    return EventRow(
        words(event.event),
        UNDEFINED if event.count is None else significant(event.count / trials),
        UNDEFINED if event.picojoules is None else significant(event.picojoules),
        UNDEFINED if joules is None else prefixed(joules / trials, "J"),
        percent(share),
        f"{100.0 * share:.1f}%" if share else "",
        event.source,
    )


def _missing(event: Event) -> str:
    if event.count is None:
        return f"{words(event.event)} (their number is unknown)"
    return f"{words(event.event)} ({count_of(event.count)} in the run, of unknown energy)"


def words(event: str) -> str:
    """Return the kind of an event in words."""
    return _WORDS.get(event, event.replace("_", " "))
