"""From a training experiment to its description, its settings and its data; errors are laid to the written key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from spikerl.datasets.base import Dataset, Targets
from spikerl.datasets.catalogue import load_dataset
from spikerl.dcll.layers import Description
from spikerl.dcll.settings import Loss, Training
from spikerl.errors import DescriptionError, FileError, message, nearest
from spikerl.experiment.data_tables import DataTable
from spikerl.experiment.training_tables import TrainingExperiment
from spikerl.quantization import Quantization
from spikerl.training.described import check_backend, described, laid_to, layer_names
from spikerl.units import Dimension, steps, to_positive_si

INPUT = "input"


@dataclass(frozen=True)
class Prepared:
    """What an experiment trains: `description` of a network, how it learns, and one data set for each instance.

    `dt` is the step in seconds, `layers` are the names that results have for its layers; `quantization` of the weights,
    `when` they learn or after it, is None in floating point.
    """

    description: Description
    training: Training
    data: tuple[Dataset | Targets, ...]
    dt: float
    quantization: Quantization | None = None
    when: Literal["during", "after"] = "during"

    @property
    def layers(self) -> tuple[str, ...]:
        """Return "layer_1" and so on."""
        return layer_names(len(self.description.layers))

    @property
    def steps(self) -> int:
        """The steps of a sample."""
        first = self.data[0]
        return len(first.inputs) if isinstance(first, Targets) else first.train.steps


def prepare(experiment: TrainingExperiment) -> Prepared:
    """Return what `experiment` describes, checked as a whole: nothing that follows should find it wrong.

    Raises `DescriptionError`, `UnitError`, `FileError`, `UnsupportedError` naming the experiment's own key, and
    `MissingSimulatorError` or `MissingPackageError` where the back end or the data set is not installed.
    """
    running = experiment.run
    with laid_to(experiment.given, experiment.origins):
        check_backend(running)
        dt = to_positive_si(running.dt, Dimension.TIME, "run.dt")
        table = experiment.parts["data"]
        settings = cast(DataTable, table).settings(running.dt)
        seeds = range(running.seed, running.seed + running.instances)
        try:
            data = tuple(load_dataset(experiment.dataset, settings, seed) for seed in seeds)
        except FileError as error:
            remedy = "name your recordings: --set data.path=..."
            raise FileError(f"data.path: {error}; {remedy}") from error
        learning = _described(experiment, data[0]), _training(experiment, data[0], dt), data, dt
        return Prepared(*learning, experiment.quantization.settings(), experiment.quantization.when)


def _described(experiment: TrainingExperiment, data: Dataset | Targets) -> Description:
    inputs, outputs = (
        (data.inputs.shape[2:], len(data.outputs))
        if isinstance(data, Targets)
        else (data.train.shape, data.train.classes)
    )
    names = (INPUT, *layer_names(len(experiment.network.layers)))
    for name in experiment.record.spikes:
        if name not in names:
            raise DescriptionError(message("record.spikes", name, ", ".join(names), nearest(name, names)))
    return described(experiment.network, inputs, outputs, experiment.run.dt)


def _training(experiment: TrainingExperiment, data: Dataset | Targets, dt: float) -> Training:
    table = experiment.training
    if isinstance(data, Targets) and table.loss != "smooth_l1":
        allowed = f"smooth_l1, for the curves of {experiment.dataset}"
        raise DescriptionError(message("training.loss", table.loss, allowed))
    length = len(data.inputs) if isinstance(data, Targets) else data.train.steps
    burn_in = steps(table.burn_in, dt, "training.burn_in")
    if burn_in >= length:
        allowed = f"shorter than a sample of {length} steps of {experiment.run.dt}"
        raise DescriptionError(message("training.burn_in", table.burn_in, allowed))
    own = table.model_dump(exclude={"epochs", "test_every", "burn_in", "loss"})
    return Training(Loss(table.loss), burn_in=burn_in, **own)
