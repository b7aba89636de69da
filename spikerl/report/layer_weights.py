"""The figure of the weights of layers, and of the fields of the first, where its input is a picture."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from spikerl.errors import FileError, message
from spikerl.report import training_figures as figures
from spikerl.report.drawing import Drawing
from spikerl.report.numbers import count
from spikerl.report.sections import Drawn
from spikerl.results import Results


def layer_weights(results: Results) -> Drawn:
    """Return the weights of every layer; raises `FileError` where they were not recorded."""
    names = sorted(name for name in results.weights if "." not in name)
    if not names or not len(results.weights[names[0]].value):
        raise FileError(message("recorded weights", "none", "those of a finished run", 'set record.weights = "end"'))
    gain = float(results.experiment["network"]["gain"])
    layers = {}
    for name in names:
        kept = results.weights[name]
        fan_in = int(kept.pre.max()) + 1
        layers[name] = (kept.value[-1].ravel(), gain / float(np.sqrt(fan_in)))
    fields = _fields(results)
    caption = "Weights of all networks at the end, and dotted the uniform density that they began with."
    if fields is not None:
        caption += (
            f" Right: the fields of {count(len(fields), 'neuron')} of the first layer of the first network, the"
            f" strongest first; orange excites, blue inhibits, each by its own largest weight."
        )
    height = max(0.5 + 0.95 * len(layers), 0.4 + 0.55 * (-(-len(fields) // 6)) if fields is not None else 0.0)
    return Drawn(Drawing(partial(figures.weights, layers=layers, fields=fields), height), caption)


def _fields(results: Results) -> NDArray[np.float64] | None:
    """Return the first layer's fields as pictures, [neuron, row, column]; None where its input is none."""
    first = results.experiment["network"]["layers"][0]
    data = results.experiment.get("data") or results.experiment["environment"]
    digits, nmnist = (1, 8, 8), (2, data.get("height"), data.get("width"))
    channels, *size = {"digits": digits, "cues": digits, "nmnist": nmnist}.get(data.get("name"), (0,))
    if not channels:
        return None
    kept = results.weights["layer_1"]
    kernel = int(first.get("kernel", 3))
    shape = (channels, kernel, kernel) if "channels" in first else (channels, *size)
    value = kept.value[-1, 0]
    if value.size % np.prod(shape):
        return None
    fields = value.reshape(-1, *shape)[:, -1]
    order = np.argsort(-np.abs(fields).sum(axis=(1, 2)), kind="stable")
    chosen: NDArray[np.float64] = fields[order[: figures.MOST_FIELDS]]
    return chosen
