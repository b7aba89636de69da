"""The directory of a comparison, written: experiment, cells, histograms, table, limits, and the manifest of them all.

`spikerl.results.quantizing` reads it.
"""

from __future__ import annotations

import csv
import io
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from spikerl.analysis.quantizing import Cell, Limit, limits, summarise
from spikerl.experiment.tables import Experiment
from spikerl.experiment.training_tables import TrainingExperiment
from spikerl.files import replace_whole, sha256
from spikerl.quantizing.playing import Played
from spikerl.results import experiment_text, manifest
from spikerl.results.quantizing import BAR_COLUMNS, CELLS, HISTOGRAMS, TABLE, Facts, Row

LIMITS = "limits.csv"
FILES = (experiment_text.NAME, CELLS, HISTOGRAMS, TABLE, LIMITS, manifest.NAME)
POINTS = (1, 5)
_TABLE = (
    *("bits", "rounding", "when", "method", "hidden_bits", "memory_bits", "n", "measure", "low", "high"),
    *("difference", "difference_low", "difference_high", "lost", "below", "stored"),
)
_LIMITS = ("rounding", "when", "method", "points", "bits", "loss", "low", "high")


class Began(NamedTuple):
    """What is known of a comparison when it begins."""

    experiment: str
    backend: str
    seed: int
    instances: int
    test: int
    started: str


def began(experiment: Experiment | TrainingExperiment, test: int) -> Began:
    """Return what is known of a comparison that begins now."""
    run = experiment.run
    return Began(experiment.name, run.backend, run.seed, run.instances, test, manifest.now())


def write(folder: Path, text: str, facts: Began, played: Played) -> None:
    """Write the files of a finished comparison of the experiment `text` to `folder`; the manifest comes last.

    Raises `FileError` for a disk that refuses and for cells that have no floating point beside them.
    """
    cells = summarise(played.rows)
    files = {
        experiment_text.NAME: text,
        CELLS: _csv(Row._fields, played.rows),
        HISTOGRAMS: _csv(BAR_COLUMNS, played.bars),
        TABLE: _csv(_TABLE, map(_line, cells)),
        LIMITS: _csv(_LIMITS, map(_limit, limits(cells, POINTS))),
    }
    for name, content in files.items():
        replace_whole(folder / name, content.encode())
    whole = Facts(
        **facts._asdict(),
        ended=manifest.now(),
        python=platform.python_version(),
        versions=manifest.versions(),
        sha256={name: sha256(content.encode()) for name, content in files.items()},
    )
    replace_whole(folder / manifest.NAME, whole.model_dump_json(indent=2).encode() + b"\n")


def _line(cell: Cell) -> Sequence[object]:
    measure, difference = cell.measure, cell.difference
    key = (cell.bits, cell.rounding, cell.when, cell.method, cell.hidden_bits, cell.memory_bits, cell.n)
    return (*key, *measure[:3], *difference[:3], cell.lost, cell.below, cell.stored)


def _limit(limit: Limit) -> Sequence[object]:
    bits = "none" if limit.bits is None else limit.bits
    return (limit.rounding, limit.when, limit.method, limit.points, bits, *limit.loss[:3])


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([repr(value) if isinstance(value, float) else value for value in row] for row in rows)
    return text.getvalue()
