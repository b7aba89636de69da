"""How well each layer does: accuracy, confusion, correlation with curves; intervals over networks (Student)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.analysis.intervals import Band, Interval, band_over_blocks, mean_over_blocks
from spikerl.errors import FileError, message
from spikerl.results import Results


class Scores(NamedTuple):
    """Of every test: `epoch` [test], and `value` [test, layer, instance], a fraction or a correlation.

    `outputs` [test, output, layer, instance]: those of single curves, which `value` is the mean of; None for classes.
    """

    epoch: NDArray[np.int64]
    value: NDArray[np.float64]
    outputs: NDArray[np.float64] | None

    @property
    def layers(self) -> int:
        """The number of layers."""
        return self.value.shape[1]

    def band(self, layer: int) -> Band:
        """Return the mean over instances after every test, with its interval."""
        found = band_over_blocks(self.value[:, layer].T)
        return found._replace(low=np.maximum(found.low, self._least), high=np.minimum(found.high, 1.0))

    def last(self, layer: int) -> Interval:
        """Return the mean over instances in the last test, with its interval."""
        found = mean_over_blocks(self.value[-1, layer])
        return found._replace(low=float(np.maximum(found.low, self._least)), high=float(np.minimum(found.high, 1.0)))

    @property
    def _least(self) -> float:
        """The least that a score can be: an interval ends there, as it does at 1."""
        return 0.0 if self.outputs is None else -1.0


def is_training(results: Results) -> bool:
    """Say whether `results` are of layers that learned from a data set."""
    return "data" in results.experiment


def follows_curves(results: Results) -> bool:
    """Say whether the readouts were to follow curves, not to name classes."""
    return "r_1" in results.trials


def scores(results: Results) -> Scores:
    """Return how well each layer did in every test; raises `FileError` where there was none."""
    trials, instances = results.trials, results.manifest.instances
    curves = follows_curves(results)
    prefix = "r_" if curves else "choice_"
    layers = sum(name.startswith(prefix) and name.removeprefix(prefix).isdecimal() for name in trials)
    epochs = np.unique(trials["block"])
    if not len(epochs) or not layers:
        raise FileError(message(f"{results.path}, tests", 0, "one at least"))
    count = int(trials["trial"].max()) + 1
    shape = (len(epochs), count, instances)
    order = np.lexsort((trials["instance"], trials["trial"], trials["block"]))
    if len(order) != np.prod(shape):
        allowed = f"{np.prod(shape)}, all samples in all tests"
        raise FileError(message(f"{results.path}, rows of trials", len(order), allowed))
    found = np.stack([trials[f"{prefix}{layer + 1}"][order].reshape(shape) for layer in range(layers)], axis=2)
    if curves:
        return Scores(epochs, found.mean(axis=1), found)
    right = found == trials["label"][order].reshape(shape)[:, :, None]
    return Scores(epochs, right.mean(axis=1), None)


def confusion(results: Results) -> NDArray[np.int64]:
    """Return how often the last layer took a sample of one class for another in the last test, [label, choice]."""
    trials = results.trials
    last = trials["block"] == trials["block"].max(initial=0)
    label, choice = trials["label"][last], trials["choice"][last]
    size = int(max(label.max(initial=0), choice.max(initial=0))) + 1
    matrix = np.zeros((size, size), dtype=np.int64)
    np.add.at(matrix, (label, choice), 1)
    return matrix
