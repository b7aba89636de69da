"""From a training experiment to its description, its settings and its data; errors are laid to the written key."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from spikerl.backends import base
from spikerl.datasets.base import Dataset, Targets
from spikerl.datasets.catalogue import load_dataset
from spikerl.dcll.layers import Description, Filters, Readout
from spikerl.dcll.settings import Loss, Training
from spikerl.errors import (
    DescriptionError,
    MissingPackageError,
    SpikerlError,
    UnsupportedError,
    message,
    nearest,
    shorten,
)
from spikerl.experiment.training_tables import TrainingExperiment
from spikerl.units import Dimension, steps, to_positive_si

INPUT = "input"
_OWNERS = {
    "Filters": "network",
    "Network": "network",
    "Convolution": "network",
    "Dense": "network",
    "Readout": "network",
    "Training": "training",
}
_KEYS = {"Readout.amplitude": "network.readout", "Convolution: input": "network.layers"}


@dataclass(frozen=True)
class Prepared:
    """What an experiment trains: `description` of a network, how it learns, and one data set for each instance.

    `dt` is the step in seconds, `layers` are the names that results have for its layers.
    """

    description: Description
    training: Training
    data: tuple[Dataset | Targets, ...]
    dt: float

    @property
    def layers(self) -> tuple[str, ...]:
        """Return "layer_1" and so on."""
        return tuple(f"layer_{number + 1}" for number in range(len(self.description.layers)))

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
    with _laid_to(experiment):
        if running.backend != "norse":
            names = base.names()
            if running.backend not in names:
                remedy = nearest(running.backend, names)
                raise DescriptionError(message("run.backend", running.backend, "norse", remedy))
            remedy = "after training, `spikerl deploy` runs them on a chip"
            raise UnsupportedError(message("run.backend", running.backend, "norse, which trains layers", remedy))
        precisions = base.Options(running.instances, running.device, running.precision)
        base.check(base.load(running.backend), precisions)
        dt = to_positive_si(running.dt, Dimension.TIME, "run.dt")
        table = experiment.parts["data"]
        data = tuple(
            load_dataset(experiment.dataset, table.settings(running.dt), running.seed + number)  # type: ignore[attr-defined]
            for number in range(running.instances)
        )
        described = _described(experiment, data[0])
        return Prepared(described, _training(experiment, data[0], dt), data, dt)


def _described(experiment: TrainingExperiment, data: Dataset | Targets) -> Description:
    table = experiment.network
    inputs, outputs = (
        (data.inputs.shape[2:], len(data.outputs))
        if isinstance(data, Targets)
        else (data.train.shape, data.train.classes)
    )
    layers = tuple(layer.layer() for layer in table.layers)
    names = (INPUT, *(f"layer_{number + 1}" for number in range(len(layers))))
    for name in experiment.record.spikes:
        if name not in names:
            raise DescriptionError(message("record.spikes", name, ", ".join(names), nearest(name, names)))
    filters = Filters(table.tau_mem, table.tau_syn, table.tau_ref, experiment.run.dt)
    return Description(inputs, layers, outputs, filters, Readout(table.readout), table.gain)


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


@contextlib.contextmanager
def _laid_to(experiment: TrainingExperiment) -> Iterator[None]:
    """Put the key that was written, and where, in place of the name of the object that found it wrong."""
    try:
        yield
    except MissingPackageError:
        raise
    except SpikerlError as error:
        where, colon, rest = str(error).partition(": ")
        if where == "Convolution" and rest.startswith("input: "):
            where, rest = "Convolution: input", rest.removeprefix("input: ")
        owner, _, name = where.partition(".")
        key = _KEYS.get(where) or (f"{_OWNERS[owner]}.{name}" if owner in _OWNERS else where)
        key = re.sub(r"^\w+Settings\.dt$", "run.dt", key)
        key = re.sub(r"^(\w+Settings|RateCode|LatencyCode)\.", "data.", key)
        key = re.sub(r"^Filters\.dt$|^network\.dt$", "run.dt", key)
        table, _, name = key.partition(".")
        written = next((k for k in experiment.given if k == key or key.startswith(f"{k}[")), None)
        origin = experiment.origins.get(written or "", experiment.origins[""])
        raise type(error)(f"{origin}{key}{colon}{rest}" if colon else f"{origin}{shorten(str(error), 400)}") from error
