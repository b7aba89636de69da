"""Trained layers on a chip: the votes of torch, from spikes in fixed point, and what few bits cost.

Catches: votes of other steps, samples or layers than those that were asked for, instances that do not begin at rest,
biases or pooling that are lost, a scale that costs accuracy, and losses that nobody is told of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("norse", reason="norse is not installed")

import spikerl as sp  # noqa: E402
from spikerl.dcll import (  # noqa: E402
    Convolution,
    Dense,
    Description,
    Evaluation,
    Filters,
    Network,
    Readout,
    Trainer,
    Training,
)
from spikerl.deploy.layers import infer  # noqa: E402
from spikerl.errors import DescriptionError, UnsupportedError  # noqa: E402
from spikerl.seeding import generator  # noqa: E402

CLASSES, BURN_IN, SMALL = 4, 8, 20


@dataclass(frozen=True)
class Bars:
    """Noisy images whose class is the row that is bright."""

    labels: NDArray[np.int64]
    seed: int
    classes: int = CLASSES
    shape: tuple[int, ...] = (1, 4, 6)
    steps: int = 40

    def spikes(self, index: NDArray[np.int64], epoch: int = 0) -> NDArray[np.bool_]:
        """Return [time, batch, 1, 4, 6]."""
        chance = np.full((len(index), *self.shape), 0.1)
        chance[np.arange(len(index)), 0, self.labels[index]] = 0.3
        drawn = [generator(self.seed, "bars", int(k), epoch).random((self.steps, *self.shape)) for k in index]
        return np.stack(drawn, axis=1) < chance


def bars(count: int, seed: int) -> Bars:
    return Bars(generator(seed, "labels").integers(0, CLASSES, count), seed)


TEST = bars(200, 2)


@pytest.fixture(scope="module")
def trained() -> Iterator[tuple[Network, Evaluation]]:
    """A convolution, one that pools, and a dense layer, which have learned; and what they say in torch."""
    layers = (Convolution(6, 3), Convolution(8, 3, pool=2), Dense(40))
    made = Network(Description((1, 4, 6), layers, CLASSES, Filters("10 ms", "4 ms"), Readout(6.0), gain=2.0), seed=1)
    trainer = Trainer(made, Training(rate=5e-3, batch=16, every=2, burn_in=BURN_IN), seed=3)
    for _ in range(3):
        trainer.train(bars(240, 1))
    yield made, trainer.evaluate(TEST)


def test_eight_bits_say_what_torch_says(trained: tuple[Network, Evaluation]) -> None:
    """At most a point of accuracy is lost, or three of layers that say less; and nothing is beyond the tolerance."""
    network, expected = trained
    found = infer(network, TEST, burn_in=BURN_IN, batch=70).evaluation
    assert expected.accuracy()[-1] > 0.9
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert found.accuracy()[-1] >= expected.accuracy()[-1] - 0.01
    assert (found.accuracy() >= expected.accuracy() - 0.03).all()
    for layer, votes in enumerate(found.votes):
        assert np.corrcoef(votes.ravel(), expected.votes[layer].ravel())[0, 1] > 0.98


@pytest.mark.parametrize("burn_in", [0, 17, TEST.steps - 1])
def test_the_steps_that_are_counted_are_those_of_torch(burn_in: int) -> None:
    """In a network so small that no spike comes otherwise, from the first step on, and of the last alone."""
    layers = (Convolution(2, 3, pool=2), Dense(5))
    network = Network(Description((1, 4, 6), layers, CLASSES, Filters("10 ms", "4 ms"), gain=3.0), seed=SMALL)
    few = Bars(TEST.labels[:4], TEST.seed)
    expected = Trainer(network, Training(burn_in=burn_in)).evaluate(few).votes
    assert expected.any(axis=2).sum() > 4
    np.testing.assert_allclose(infer(network, few, burn_in=burn_in).evaluation.votes, expected, rtol=0, atol=1e-4)


def test_batches_and_threads_change_nothing(trained: tuple[Network, Evaluation]) -> None:
    """Each sample runs from rest, in an instance of its own."""
    network, _ = trained
    few = Bars(TEST.labels[:12], TEST.seed)
    whole, *others = (infer(network, few, batch=b, threads=t) for b, t in ((12, 1), (5, 2), (1, 1)))
    for other in others:
        np.testing.assert_array_equal(other.evaluation.votes, whole.evaluation.votes)
        assert other.operations.totals() == whole.operations.totals()
        assert (other.operations.batch, other.operations.peak) == (12, whole.operations.peak)
    assert whole.operations.spikes["in"].sum() == few.spikes(np.arange(12)).sum()


def test_fewer_bits_cost_what_they_cost_and_are_allowed_by_name(trained: tuple[Network, Evaluation]) -> None:
    """Refused where the largest error of a weight is beyond the tolerance; biases keep their 8 bits."""
    network, expected = trained
    with pytest.raises(UnsupportedError, match=r"projection 'layer_1_to_layer_2': weight .* error \d+"):
        infer(network, TEST, sp.Hardware(weight_bits=3))
    rough = infer(network, TEST, sp.Hardware(weight_bits=1, saturate=True), burn_in=BURN_IN)
    assert rough.evaluation.accuracy()[-1] < expected.accuracy()[-1] - 0.05
    bits = {name: made.bits for name, made in rough.prepared.lowered.program.connections.items()}
    assert bits["layer_1_to_layer_2"] == 1 and bits["bias_of_layer_2"] == bits["onset_of_layer_2"] == 8
    told = {(loss.object, loss.quantity) for loss in rough.prepared.lowered.losses}
    assert {("population 'layer_2'", "adapt"), ("projection 'in_to_layer_1'", "weight")} <= told


def test_what_does_not_fit_is_refused(trained: tuple[Network, Evaluation]) -> None:
    """A chip without such neurons, samples of another shape, a burn-in that leaves nothing, a machine nobody knows."""
    network, _ = trained
    with pytest.raises(UnsupportedError, match="'loihi2'"):
        infer(network, TEST, sp.Hardware("loihi1"))
    with pytest.raises(DescriptionError, match=r"samples: shape.*\(1, 4, 6\)"):
        infer(network, Bars(TEST.labels, 1, shape=(1, 4, 5)))
    with pytest.raises(DescriptionError, match="burn_in"):
        infer(network, TEST, burn_in=40)
    with pytest.raises(DescriptionError, match="emulator"):
        infer(network, TEST, emulator="loihi3")


@pytest.mark.xdist_group("lava")
def test_lava_says_the_same_to_the_last_bit(trained: tuple[Network, Evaluation], lava_python: Path) -> None:
    """Convolutions, relays with delays, biases and moving thresholds; u, v, offsets and spikes of every step."""
    network, _ = trained
    few = Bars(TEST.labels[:2], TEST.seed)
    found = infer(network, few, batch=1, emulator="both")
    np.testing.assert_array_equal(found.evaluation.votes, infer(network, few).evaluation.votes)
    assert found.compared is not None and found.compared.windows == 2 and found.compared.integers > 100_000
