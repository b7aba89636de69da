"""A comparison in parts, each some instances in all cells: as many as memory holds, or one a task of a cluster.

An instance hears, sees and draws what its number says, whoever stands beside it, so the parts together are the whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from spikerl.experiment.building import Built, build
from spikerl.experiment.reading import assemble
from spikerl.experiment.tables import Experiment
from spikerl.files import new_folder
from spikerl.quantizing.cells import Cell
from spikerl.quantizing.histograms import added, learning
from spikerl.quantizing.playing import Played, play
from spikerl.quantizing.record import began, write
from spikerl.results.quantizing import Comparison
from spikerl.tasks.protocol import PHASES
from spikerl.toml import parse_toml
from spikerl.units import steps

MEMORY = 2**30
"""Bytes that the states and spikes of a batch may take, about."""
_SYNAPSE = 96  # bytes of an instance's: weight, writes, factor, eligibilities, what a window keeps of them
_NEURON = 128


class Group(NamedTuple):
    """So many `instances`, from number `first` on."""

    first: int
    instances: int


class Asked(NamedTuple):
    """A part: a `group` of instances of `experiment` in all `cells`, and so many trials of the `test`."""

    experiment: Experiment
    cells: list[Cell]
    group: Group
    test: int


def groups(experiment: Experiment, built: Built, cells: Sequence[Cell], least: int = 1) -> list[Group]:
    """Return groups of all instances that fit into `MEMORY`, at least `least` where there are as many instances."""
    plan, instances = built.plan, experiment.run.instances
    protocol = experiment.trial_protocol
    longest = max(steps(protocol.duration(name), plan.dt, f"protocol.{name}") for name in PHASES)
    neurons, synapses = sum(plan.sizes.values()), sum(p.weight.size for p in learning(plan))
    each = len(cells) * (neurons * (longest + _NEURON) + synapses * _SYNAPSE)
    most = max(1, MEMORY // each)
    number = min(instances, max(least, -(-instances // most)))
    edges = [instances * k // number for k in range(number + 1)]
    return [Group(first, last - first) for first, last in zip(edges[:-1], edges[1:], strict=True)]


def joined(parts: Sequence[Played]) -> Played:
    """Return the parts as one, cell by cell, each with its instances in order."""
    rows = [row for part in parts for row in part.rows]
    order = list(dict.fromkeys(row[:4] for row in rows))
    place = {key: number for number, key in enumerate(order)}
    rows.sort(key=lambda row: (place[row[:4]], row.instance))
    return Played(rows, added([part.bars for part in parts]))


def stages(experiment: Experiment, test: int) -> int:
    """Return how many trials a group of instances plays."""
    return experiment.run.trials + test


def text_of(experiment: Experiment, cells: Sequence[Cell], group: Group, test: int) -> str:
    """Return a part as the text that `perform` takes."""
    facts = {"cells": [asdict(cell) for cell in cells], "group": group, "test": test}
    return json.dumps(facts | {"experiment": experiment.toml(), "name": experiment.name})


def asked_of(text: str) -> Asked:
    """Return what `text_of` has written."""
    asked = json.loads(text)
    experiment = assemble(asked["name"], parse_toml(asked["experiment"], "part of a comparison"), {"": ""})
    assert isinstance(experiment, Experiment)
    return Asked(experiment, [Cell(**one) for one in asked["cells"]], Group(*asked["group"]), asked["test"])


def perform(text: str, directory: Path, progress: Callable[[float], None]) -> None:
    """Play the part that `text` says and write it to `directory`, a comparison of its instances.

    `progress` is called with the share that is done.
    """
    experiment, cells, group, test = asked_of(text)
    facts, total, done = began(experiment, test), stages(experiment, test), 0

    def seen(_: float) -> None:
        nonlocal done
        done += 1
        progress(done / total)

    played = play(experiment, build(experiment), cells, *group, test, seen)
    with new_folder(directory, "part of a comparison") as nursery:
        write(nursery, experiment.toml(), facts, played)


def read(directory: Path) -> Played:
    """Return a part that `perform` has written; raises `FileError`."""
    found = Comparison.open(directory)
    return Played(list(found.rows), list(found.bars))


