"""Layers that learned, on a chip: from a training experiment to the accuracy of its networks at every bit width."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from spikerl.datasets.base import Dataset, Samples
from spikerl.dcll.training import Trainer
from spikerl.deploy.account import account
from spikerl.deploy.deployed import Deployed
from spikerl.deploy.layers import Inferred, infer, placed, planned
from spikerl.deploy.machines import check_emulator
from spikerl.deploy.widths import stages, widths_of
from spikerl.errors import DescriptionError, UnsupportedError, message
from spikerl.experiment.training_tables import TrainingExperiment
from spikerl.files import new_folder
from spikerl.results import Results
from spikerl.results.deployment import Width, write_deployment
from spikerl.results.manifest import NAME as MANIFEST
from spikerl.results.manifest import read_manifest
from spikerl.run import Progress, check_directory, directory, execute
from spikerl.toml import parse_toml
from spikerl.training.networks import trained, trainers_of
from spikerl.training.preparing import Prepared, prepare

_FILES = ("experiment.toml", "results.h5", "log.txt", MANIFEST)


def execute_training_deployment(
    experiment: TrainingExperiment, emulator: str, out: Path, progress: Callable[[Progress], None] | None = None
) -> Deployed:
    """Show the test samples to the networks of `experiment` on a chip, at the chosen bits of weights and at all others.

    The networks are those of the experiment's own directory (`spikerl.run.directory`), where its run is finished; else
    they are trained first, there, or in `out` where another experiment is in its place. At the chosen bits what is lost
    beyond the tolerance is refused; at the others, which are there for comparison, it is not. Raises what `run` raises,
    and `UnsupportedError` for curves and for what the chip cannot hold.
    """
    check_emulator(emulator)
    prepared, chosen, total = prepare(experiment), experiment.hardware, stages(experiment)
    samples = _samples(experiment, prepared)
    check_directory(out)
    # What the chip cannot hold is found out before anything is trained; what it loses depends on the weights.
    placed(planned(trainers_of(experiment, prepared)[0].network), replace(chosen, saturate=True))

    def said(at: Progress) -> None:
        if progress:
            progress(at._replace(trials=total))

    results = _results(experiment, out, said)
    networks = [trained(results, experiment, prepared, number) for number in range(experiment.run.instances)]
    done = experiment.training.epochs
    trainers = (Trainer(network, prepared.training) for network in networks)
    real = [trainer.evaluate(shown).accuracy() for trainer, shown in zip(trainers, samples, strict=True)]
    bits, on_chip = widths_of(chosen), []
    first: Inferred | None = None
    for number, (network, shown) in enumerate(zip(networks, samples, strict=True)):
        layers, found = planned(network), {}
        for width in bits:
            hardware = chosen if width == chosen.weight_bits else replace(chosen, weight_bits=width, saturate=True)
            inferred = infer(layers, shown, hardware, burn_in=prepared.training.burn_in, emulator=emulator)
            found[width] = inferred.evaluation.accuracy()
            first = inferred if number == 0 and hardware is chosen else first
            done += 1
            said(Progress(done, total, float(found[width][-1])))
        on_chip.append(found)
    rows = [_width(None, real), *(_width(width, [found[width] for found in on_chip]) for width in bits)]
    assert first is not None
    found_first = account(
        first.prepared, chosen, emulator, first.operations, first.compared, results.manifest.sha256[-1], tuple(rows)
    )
    write_deployment(out, found_first)
    return Deployed(results, found_first)


def _samples(experiment: TrainingExperiment, prepared: Prepared) -> list[Samples]:
    """Return the test samples of each network; raise for what has no votes, or no weights to read."""
    if experiment.record.weights != "end":
        raise DescriptionError(message("record.weights", experiment.record.weights, "end, which keeps the networks"))
    found: list[Samples] = []
    for data in prepared.data:
        if not isinstance(data, Dataset):
            allowed = "a data set of classes, whose votes are counts of spikes"
            raise UnsupportedError(message("deploy: data.name", experiment.dataset, allowed))
        found.append(data.test)
    return found


def _results(experiment: TrainingExperiment, out: Path, progress: Callable[[Progress], None]) -> Results:
    """Return the run in `out`: a copy of the one in the experiment's own directory, which is made where it is not."""
    own = directory(experiment)
    status = _status(experiment, own)
    if status == "another":
        return execute(experiment, out, progress=progress)
    if status != "finished":
        execute(experiment, own, resume=status == "unfinished", progress=progress)
    with new_folder(out, "run directory") as nursery:
        for name in _FILES:
            shutil.copyfile(own / name, nursery / name)
    return Results.open(out)


def _status(experiment: TrainingExperiment, own: Path) -> str:
    """Return how the experiment stands in `own`: "none", "finished", "unfinished", or "another" is in its place."""
    if not own.exists() or (own.is_dir() and not any(own.iterdir())):
        return "none"
    if not (own / MANIFEST).is_file():
        return "another"
    there = Results.open(own).experiment
    wanted = parse_toml(experiment.toml(), "experiment")
    if read_manifest(own).status == "finished":
        # Where the networks go was nothing to their training.
        there, wanted = ({table: part for table, part in one.items() if table != "hardware"} for one in (there, wanted))
        return "finished" if there == wanted else "another"
    return "unfinished" if there == wanted else "another"


def _width(bits: int | None, accuracy: Sequence[np.ndarray]) -> Width:
    return Width(bits=bits, layers=tuple(tuple(map(float, layer)) for layer in np.stack(accuracy, axis=1)))
