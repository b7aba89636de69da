"""What a training run keeps: a row for each test, spikes of some samples, the weights at the end.

Rows of `trials`, one for each sample that was shown in a test, or for each curve: `block` is the epoch after which it
was shown, `trial` the number of the sample or the curve. Classes: `label`, `choice`, what the last layer voted for, and
`choice_1`, ... of all layers; `better` and `reward` are 1 where the last layer was right. Curves: `r_1`, ..., Pearson's
correlation of each layer's readout with its target from the burn-in on (0 for a constant readout); `choice` is the
layer with the largest, from 0, `reward` that of the last layer, and `better` 1 where it is above .95.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spikerl.datasets.base import Targets
from spikerl.dcll.layers import Description
from spikerl.dcll.network import Network
from spikerl.dcll.training import Evaluation, Trainer
from spikerl.experiment.training_tables import TrainingExperiment
from spikerl.results import Column, Contents, Synapses
from spikerl.results.contents import REAL, WHOLE
from spikerl.training.described import layer_names
from spikerl.training.preparing import INPUT, Prepared

FOLLOWED = 0.95
TARGET = "target"
Rows = dict[str, NDArray]


def contents(experiment: TrainingExperiment, prepared: Prepared) -> Contents:
    """Return what the results of `experiment` hold."""
    layers, data = prepared.layers, prepared.data[0]
    curves = isinstance(data, Targets)
    prefix, dtype = ("r", REAL) if curves else ("choice", WHOLE)
    trials = {f"{prefix}_{number + 1}": Column(dtype=dtype) for number in range(len(layers))}
    if not curves:
        trials["label"] = Column()
    modulators = {}
    if isinstance(data, Targets):
        modulators = {name: "1" for of in (*layers, TARGET) for name in curve_names(of, data.outputs)}
    return Contents(
        dt=prepared.dt,
        instances=experiment.run.instances,
        trials=trials,
        spikes={name: sizes(prepared)[name] for name in experiment.record.spikes},
        weights=synapses(prepared.description) if experiment.record.weights == "end" else {},
        modulators=modulators,
    )


def curve_names(of: str, outputs: Sequence[str]) -> list[str]:
    """Return the names of the curves of a layer, or of the targets: ``layer_1.1.ramp``, numbered in their order."""
    return [f"{of}.{number}.{output}" for number, output in enumerate(outputs, 1)]


def sizes(prepared: Prepared) -> dict[str, int]:
    """Return the neurons of the input and of each layer, as the next one hears them."""
    shapes = prepared.description.shapes()
    return {name: int(np.prod(shape)) for name, shape in zip((INPUT, *prepared.layers), shapes, strict=True)}


def synapses(description: Description) -> dict[str, Synapses]:
    """Return the synapses of each layer, and its biases as those of one neuron that is always on.

    A convolution has those of its field: `pre` is ``(channel kernel + row) kernel + column`` of the field, `post` the
    channel.
    """
    shapes, names = description.shapes(), layer_names(len(description.layers))
    found = {}
    for name, layer, before, after in zip(names, description.layers, shapes, shapes[1:], strict=False):
        post, pre = (index.ravel() for index in np.indices((after[0], layer.fan_in(before))))
        found[name] = Synapses("1", pre, post)
        found[f"{name}.bias"] = Synapses("1", np.zeros(after[0], dtype=np.int64), np.arange(after[0]))
    return found


def class_rows(instance: int, epoch: int, seen: Evaluation) -> Rows:
    """Return the rows of a test of classes."""
    voted = seen.votes.argmax(axis=2)
    count = len(seen.labels)
    right = (voted[-1] == seen.labels).astype(np.int64)
    rows = _rows(instance, epoch, count) | {"choice": voted[-1], "reward": right.astype(float), "better": right}
    return rows | {"label": seen.labels} | {f"choice_{k + 1}": one for k, one in enumerate(voted)}


def curve_rows(instance: int, epoch: int, readouts: NDArray[np.float64], targets: NDArray[np.float64]) -> Rows:
    """Return the rows of a test of curves; `readouts` [layer, time, output], `targets` [time, output]."""
    r = np.array([[correlation(y, wanted) for y, wanted in zip(one.T, targets.T, strict=True)] for one in readouts])
    rows = _rows(instance, epoch, targets.shape[1])
    rows |= {"choice": r.argmax(axis=0), "reward": r[-1], "better": (r[-1] > FOLLOWED).astype(np.int64)}
    return rows | {f"r_{k + 1}": one for k, one in enumerate(r)}


def _rows(instance: int, epoch: int, count: int) -> Rows:
    return {"instance": np.full(count, instance), "block": np.full(count, epoch), "trial": np.arange(count)}


def correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Return Pearson's correlation, 0 where one of the two is constant."""
    x, y = x - x.mean(), y - y.mean()
    scale = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / scale if scale > 0 else 0.0


def weights(networks: Sequence[Network], last: int) -> dict[str, tuple[NDArray, NDArray]]:
    """Return (step [1], value [1, instance, synapse]) of every layer and its biases."""
    found = {}
    for place, name in enumerate(layer_names(len(networks[0].parameters))):
        own = [network.parameters[place] for network in networks]
        for suffix, tensors in (("", [one.weight for one in own]), (".bias", [one.bias for one in own])):
            values = np.stack([tensor.double().cpu().numpy().ravel() for tensor in tensors])
            found[f"{name}{suffix}"] = (np.array([last]), values[None])
    return found


def losses(layers: Sequence[str], trainer: Trainer) -> list[str]:
    """Return a line a layer on what few bits did to its weights; [] in floating point."""
    lines = [
        f"{layer}: {clipped:.2%} of the weights at an end of the grid"
        for layer, clipped in zip(layers, trainer.clipped, strict=False)
    ]
    for place, counts in enumerate(trainer.counts):
        shares = (count / max(1, counts.updates) for count in (counts.below, counts.stored))
        below, stored = (f"{share:.2%}" for share in shares)
        lines[place] += f"; of {counts.updates} updates {below} below half a step, {stored} stored"
    return lines


def spikes(
    prepared: Prepared, trainers: Sequence[Trainer], names: Sequence[str], samples: int
) -> dict[str, tuple[NDArray, NDArray, NDArray]]:
    """Return (step, instance, neuron) of `names` while the first test samples are shown, one after the other."""
    found: dict[str, list[NDArray]] = {name: [] for name in names}
    for instance, (trainer, data) in enumerate(zip(trainers, prepared.data, strict=True)):
        if isinstance(data, Targets):
            heard = data.inputs[:, :1]
        else:
            heard = data.test.spikes(np.arange(min(samples, len(data.test.labels))))
        every = trainer.spikes(heard)
        for name in names:
            fired = (heard if name == INPUT else every[int(name.rpartition("_")[2]) - 1]).reshape(*heard.shape[:2], -1)
            step, sample, neuron = np.nonzero(fired)
            found[name].append(np.stack([sample * len(heard) + step, np.full(len(step), instance), neuron]))
    ordered = {}
    for name, parts in found.items():
        joined = np.concatenate(parts, axis=1)
        ordered[name] = tuple(joined[:, np.lexsort((joined[2], joined[1], joined[0]))])
    return ordered


def readouts(prepared: Prepared, trainers: Sequence[Trainer]) -> Rows:
    """Return readouts of all layers, and targets, in every step of the pattern, [time, instance] by name."""
    rows: dict[str, list[NDArray]] = {}
    for trainer, data in zip(trainers, prepared.data, strict=True):
        assert isinstance(data, Targets)
        found = trainer.readouts(data.inputs)[:, :, 0]
        for of, curves in (*zip(prepared.layers, found, strict=True), (TARGET, data.targets)):
            for name, curve in zip(curve_names(of, data.outputs), curves.T, strict=True):
                rows.setdefault(name, []).append(curve)
    return {name: np.stack(columns, axis=1) for name, columns in rows.items()}
