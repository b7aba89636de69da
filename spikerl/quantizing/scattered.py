"""A comparison on a dask cluster: a task plays some instances in all cells; the files that it returns are checked."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

from spikerl.errors import FileError, RunError, message
from spikerl.experiment.tables import Experiment
from spikerl.experiment.training_tables import TrainingExperiment
from spikerl.quantizing.cells import Cell
from spikerl.quantizing.parts import Asked, asked_of, groups, read, text_of
from spikerl.quantizing.playing import Played
from spikerl.quantizing.record import FILES
from spikerl.results.quantizing import Comparison
from spikerl.sweep.cluster import connected
from spikerl.sweep.processes import Job
from spikerl.sweep.work import Work


def check_part(name: str, text: str, directory: Path) -> None:
    """Raise `FileError` where `directory` is not the part that `text` asks for, by this spikerl."""
    found, (experiment, cells, group, _) = Comparison.open(directory), asked_of(text)
    instances = range(group.first, group.first + group.instances)
    wanted = [(*cell.key, instance) for cell in cells for instance in instances]
    for what, got, allowed in (
        ("experiment", found.text, experiment.toml()),
        ("cells and instances", [(*row[:4], row.instance) for row in found.rows], wanted),
        ("spikerl", found.facts.versions.get("spikerl"), metadata.version("spikerl")),
    ):
        if got != allowed:
            raise FileError(message(f"part that the cluster sent for {name}, {what}", got, "what was asked for"))


PART = Work("spikerl.quantizing.parts:perform", FILES, check_part)


def play_on(
    address: str,
    experiment: Experiment | TrainingExperiment,
    most: int,
    cells: Sequence[Cell],
    test: int,
    seen: Callable[[int, int], None],
) -> list[Played]:
    """Play all instances, `most` in a part, on the workers of the cluster at `address`.

    `seen` is called with parts done and all parts.

    Raises what `spikerl.sweep.cluster.connected` raises, and `RunError` where a part failed.
    """
    with tempfile.TemporaryDirectory(prefix="spikerl-") as folder, connected(address) as cluster:
        jobs = []
        for group in groups(experiment.run.instances, most, cluster.places()):
            name = f"instances-{group.first}-to-{group.first + group.instances - 1}"
            text = text_of(Asked(experiment, list(cells), group, test))
            jobs.append(Job(name, text, Path(folder) / name, PART))
        done = 0
        with contextlib.closing(cluster.run(jobs)) as events:
            for event in events:
                if event.state == "failed":
                    raise RunError(f"{event.name} of the comparison failed on the cluster: {event.detail}")
                done += event.state == "finished"
                seen(done, len(jobs))
        return [read(job.directory) for job in jobs]
