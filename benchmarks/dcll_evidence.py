"""The claims about layers that learn: the shipped experiments, each over five networks with seeds of their own."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

import numpy as np
from rows import Row
from sklearn.linear_model import LogisticRegression

import spikerl as sp
from spikerl.analysis.accuracy import Scores, scores
from spikerl.analysis.intervals import Interval, mean_over_blocks
from spikerl.datasets import Samples
from spikerl.deploy import Deployed
from spikerl.experiment import read
from spikerl.results import Results
from spikerl.training.preparing import prepare

NETWORKS = 5
RECORDINGS = "SPIKERL_NMNIST"
"""Names the zip file or folder of N-MNIST; without it there are no rows of it."""


def digits() -> list[Row]:
    """Return the rows of handwritten digits, by writers that were not learned from, in real numbers and on a chip."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        # Weights are kept, and the run made where deployments look for it.
        done = sp.deploy("dcll-digits", instances=NETWORKS, settings={"record.spikes": []})
    return digit_rows(done)


def digit_rows(done: Deployed) -> list[Row]:
    """Return the rows of digits that were learned and deployed."""
    found, widths = scores(done.results), done.deployment.widths
    assert widths is not None
    on_chip = {width.bits: np.array(width.layers[-1]) for width in widths}
    lost = mean_over_blocks(on_chip[None] - on_chip[8])
    others = ", ".join(f"{float(value.mean()):.3f} at {bits}" for bits, value in on_chip.items() if bits)
    last, first = found.value[-1, -1], found.value[-1, 0]
    beside = "learned from 1,297, tested on 500 by other writers; there a multilayer perceptron has .942, an SVM .970"
    return [
        _row("digits, accuracy of layer 3", mean_over_blocks(last), ">= 0.95", found.last(2).value >= 0.95, beside),
        _row(
            "digits, accuracy of layer 3 - layer 1",
            mean_over_blocks(last - first),
            ">= 0",
            bool((last - first).mean() >= 0),
            "deeper layers at least as good as the first; paired by network",
        ),
        _row(
            "digits on loihi2, accuracy lost at 8 bits",
            lost,
            "<= 0.01",
            lost.value <= 0.01,
            f"layer 3, paired by network; {float(on_chip[None].mean()):.3f} in real numbers, {others} bits",
        ),
    ]


def fig4() -> list[Row]:
    """Return the rows of the curves, the correlation that is the smallest of the three on average."""
    found = _trained("dcll-fig4")
    assert found.outputs is not None
    each = found.outputs[-1, :, -1]
    least = each[each.mean(axis=1).argmin()]
    source = "raw readouts, the worst followed of a ramp, a cosine and a sine (Neftci and Averbeck 2019, Fig. 4)"
    interval = mean_over_blocks(least)
    return [_row("curves, correlation of layer 3", interval, "> 0.95", interval.value > 0.95, source)]


def randman() -> list[Row]:
    """Return the rows of random manifolds, and what counts of spikes say of them."""
    found = _trained("dcll-randman")
    counted = mean_over_blocks([_by_counts(data.train, data.test) for data in _data("dcll-randman")])
    last = found.last(2)
    return [
        _row("random manifolds, accuracy of layer 3", last, ">= 0.9", last.value >= 0.9, "10 classes of spike times"),
        _row(
            "random manifolds, logistic regression of counts",
            counted,
            "< 0.6",
            counted.value < 0.6,
            "every channel spikes once in every sample",
        ),
    ]


def nmnist() -> list[Row]:
    """Return the row of N-MNIST; none where its recordings are not there."""
    path = os.environ.get(RECORDINGS)
    if not path:
        print(f"N-MNIST is left out: {RECORDINGS} does not name its recordings")
        return []
    found = _trained("dcll-nmnist", {"data.path": path})
    last = found.last(found.layers - 1)
    source = "learned from 1,000, tested on 100; a perceptron on counts has .88, an SVM .91, SLAYER .92"
    return [_row(f"N-MNIST, accuracy of layer {found.layers}", last, ">= 0.9", last.value >= 0.9, source)]


def _trained(name: str, settings: dict[str, object] | None = None) -> Scores:
    quiet = {"record.spikes": [], "record.weights": "never", "training.test_every": 1_000_000}
    with tempfile.TemporaryDirectory() as folder:
        results: Results = sp.run(name, instances=NETWORKS, settings=quiet | (settings or {}), out=Path(folder) / "run")
        return scores(results)


def _data(name: str) -> tuple:
    return prepare(read(name, {"run.instances": NETWORKS})).data


def _by_counts(train: Samples, test: Samples) -> float:
    counts = [
        each.spikes(np.arange(len(each.labels))).sum(axis=0).reshape(len(each.labels), -1) for each in (train, test)
    ]
    fitted = LogisticRegression(max_iter=1000).fit(counts[0], train.labels)
    return float(fitted.score(counts[1], test.labels))


def _row(name: str, interval: Interval, target: str, holds: bool, source: str) -> Row:
    value, low, high, n = interval
    return Row(f"{name} (n = {n} networks)", value, low, high, target, holds, source)
