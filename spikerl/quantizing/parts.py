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
from spikerl.experiment.training_tables import TrainingExperiment
from spikerl.files import new_folder
from spikerl.quantizing.cells import Cell
from spikerl.quantizing.histograms import added, learning
from spikerl.quantizing.layers import train
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

    experiment: Experiment | TrainingExperiment
    cells: list[Cell]
    group: Group
    test: int


def fitting(experiment: Experiment, built: Built, cells: Sequence[Cell]) -> int:
    """Return how many instances of a circuit fit into `MEMORY` in all `cells`, one at least."""
    plan, protocol = built.plan, experiment.trial_protocol
    longest = max(steps(protocol.duration(name), plan.dt, f"protocol.{name}") for name in PHASES)
    neurons, synapses = sum(plan.sizes.values()), sum(p.weight.size for p in learning(plan))
    return max(1, MEMORY // (len(cells) * (neurons * (longest + _NEURON) + synapses * _SYNAPSE)))


def groups(instances: int, most: int, least: int = 1) -> list[Group]:
    """Return groups of at most `most` instances, `least` of them where there are as many instances."""
    number = min(instances, max(least, -(-instances // most)))
    edges = [instances * k // number for k in range(number + 1)]
    return [Group(first, last - first) for first, last in zip(edges[:-1], edges[1:], strict=True)]


def joined(parts: Sequence[Played]) -> Played:
    """Return the parts as one, cell by cell, each with its instances in order."""
    rows = [row for part in parts for row in part.rows]
    place = {key: number for number, key in enumerate(dict.fromkeys(row[:4] for row in rows))}
    rows.sort(key=lambda row: (place[row[:4]], row.instance))
    return Played(rows, added([part.bars for part in parts]))


def stages(asked: Asked) -> int:
    """Return how much there is to do in a part: trials of a circuit, networks of layers."""
    experiment, cells, group, test = asked
    if isinstance(experiment, TrainingExperiment):
        return group.instances * len(cells)
    return experiment.run.trials + test


def part(asked: Asked, built: Built | None, seen: Callable[[float | None], None]) -> Played:
    """Play or train a part; `seen` is called after each stage, with the share of better choices where it is known."""
    experiment, cells, group, test = asked
    if isinstance(experiment, TrainingExperiment):
        return train(experiment, cells, *group, lambda done, total: seen(None))
    return play(experiment, built or build(experiment), cells, *group, test, seen)


def text_of(asked: Asked) -> str:
    """Return a part as the text that `perform` takes."""
    experiment, cells, group, test = asked
    facts = {"cells": [asdict(cell) for cell in cells], "group": group, "test": test}
    return json.dumps(facts | {"experiment": experiment.toml(), "name": experiment.name})


def asked_of(text: str) -> Asked:
    """Return what `text_of` has written."""
    found = json.loads(text)
    experiment = assemble(found["name"], parse_toml(found["experiment"], "part of a comparison"), {"": ""})
    assert isinstance(experiment, (Experiment, TrainingExperiment))
    return Asked(experiment, [Cell(**one) for one in found["cells"]], Group(*found["group"]), found["test"])


def perform(text: str, directory: Path, progress: Callable[[float], None]) -> None:
    """Play the part that `text` says and write it to `directory`, a comparison of its instances.

    `progress` is called with the share that is done.
    """
    asked = asked_of(text)
    facts, total, done = began(asked.experiment, asked.test), stages(asked), 0

    def seen(_: float | None) -> None:
        nonlocal done
        done += 1
        progress(done / total)

    played = part(asked, None, seen)
    with new_folder(directory, "part of a comparison") as nursery:
        write(nursery, asked.experiment.toml(), facts, played)


def read(directory: Path) -> Played:
    """Return a part that `perform` has written; raises `FileError`."""
    found = Comparison.open(directory)
    return Played(list(found.rows), list(found.bars))
