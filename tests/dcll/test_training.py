"""Training online: it learns, the same from the same seed, when it should and only then.

Catches: updates before the burn-in, a batch order or a dropout that is not the seed's, labels that slip against spikes,
an evaluation that learns, settings that are taken in silence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("norse", reason="norse is not installed")

from spikerl.dcll import Convolution, Dense, Description, Filters, Loss, Network, Readout, Trainer, Training  # noqa: E402
from spikerl.errors import DescriptionError  # noqa: E402
from spikerl.seeding import generator  # noqa: E402

STEPS, CLASSES, SHAPE = 30, 3, (1, 4, 4)


@dataclass(frozen=True)
class Bars:
    """Noisy images whose class is the row that is bright."""

    labels: NDArray[np.int64]
    seed: int

    def spikes(self, index: NDArray[np.int64], epoch: int = 0) -> NDArray[np.bool_]:
        """Return [time, batch, 1, 4, 4]."""
        chance = np.full((len(index), *SHAPE), 0.05)
        chance[np.arange(len(index)), 0, self.labels[index]] = 0.5
        drawn = [generator(self.seed, "bars", int(k), epoch).random((STEPS, *SHAPE)) for k in index]
        return np.stack(drawn, axis=1) < chance


def bars(count: int, seed: int) -> Bars:
    return Bars(generator(seed, "labels").integers(0, CLASSES, count), seed)


def network(dtype: torch.dtype = torch.float32) -> Network:
    layers = (Convolution(4, 3), Dense(24))
    return Network(Description(SHAPE, layers, CLASSES, Filters(), Readout(4.0), gain=2.0), seed=1, dtype=dtype)


def weights(made: Network) -> list[NDArray[np.float64]]:
    return [own.weight.double().numpy().copy() for own in made.parameters]


SETTINGS = Training(rate=5e-3, batch=16, every=2, burn_in=5)


@pytest.mark.parametrize(
    "training",
    [
        SETTINGS,
        replace(SETTINGS, loss=Loss.SMOOTH_L1),
        replace(SETTINGS, optimiser="sgd", rate=0.5),
        replace(SETTINGS, dropout=0.3),
    ],
    ids=["adamax", "smooth_l1", "sgd", "dropout"],
)
def test_every_layer_learns(training: Training) -> None:
    """On other samples than those it was trained on, every layer; before training, at chance."""
    made, train, test = network(), bars(160, 1), bars(120, 2)
    trainer = Trainer(made, training, seed=3)
    before = trainer.evaluate(test).accuracy()
    losses = [trainer.train(train) for _ in range(6)]
    after = trainer.evaluate(test).accuracy()
    assert before.max() < 0.6 and after.min() > 0.9, (before, after)
    assert losses[-1] < losses[0]


def test_the_same_seed_trains_the_same_weights() -> None:
    found = []
    for seed in (3, 3, 4):
        made = network()
        trainer = Trainer(made, replace(SETTINGS, dropout=0.2), seed)
        trainer.train(bars(40, 1))
        trainer.evaluate(bars(20, 2))  # changes nothing
        trainer.train(bars(40, 1))
        found.append(weights(made))
    same, other = (
        all(np.array_equal(a, b) for a, b in zip(found[0], one, strict=True)) for one in (found[1], found[2])
    )
    assert same and not other


def test_both_gradients_train_the_same_weights() -> None:
    found = []
    for gradient in ("hand", "autograd"):
        made = network(torch.float64)
        Trainer(made, replace(SETTINGS, gradient=gradient, optimiser="sgd", rate=0.1)).train(bars(40, 1))
        found.append(weights(made))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("optimiser", ["adamax", "sgd"])
def test_a_restored_trainer_goes_on_to_the_same_bits(optimiser: str) -> None:
    training = replace(SETTINGS, optimiser=optimiser, keep=0.5, dropout=0.1)
    whole, stopped, resumed = (Trainer(network(), training, seed=3) for _ in range(3))
    for _ in range(3):
        whole.train(bars(40, 1))
    stopped.train(bars(40, 1))
    resumed.restore(stopped.state())
    for _ in range(2):
        resumed.train(bars(40, 1))
    for ours, theirs in zip(weights(whole.network), weights(resumed.network), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_readouts_follow_curves() -> None:
    """The error of every layer falls to a fifth; catches targets that are shifted or shared out wrongly."""
    t = np.arange(200) / 200
    targets = np.stack([t, 0.5 * np.cos(2 * np.pi * 2 * t)], axis=1)
    spikes = generator(5, "pattern").random((200, 1, 50)) < 0.05
    made = Network(Description((50,), (Dense(64), Dense(64)), 2, readout=Readout(2.0), gain=5.0), seed=1)
    trainer = Trainer(made, Training(Loss.SMOOTH_L1, rate=2e-3, burn_in=20))
    before = trainer.readouts(spikes)[:, 20:, 0]
    for _ in range(150):
        trainer.follow(spikes, targets)
    after = trainer.readouts(spikes)[:, 20:, 0]
    errors = [((found - targets[20:]) ** 2).mean(axis=(1, 2)) for found in (before, after)]
    assert (errors[1] < 0.2 * errors[0]).all(), errors


def test_nothing_learns_before_the_burn_in() -> None:
    made = network()
    before = weights(made)
    Trainer(made, replace(SETTINGS, burn_in=STEPS)).train(bars(40, 1))
    assert all(np.array_equal(a, b) for a, b in zip(before, weights(made), strict=True))
    Trainer(made, replace(SETTINGS, burn_in=STEPS - 1)).train(bars(40, 1))
    assert not any(np.array_equal(a, b) for a, b in zip(before, weights(made), strict=True))


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("optimiser", "adamx", "did you mean 'adamax'"),
        ("gradient", "auto", "hand or autograd"),
        ("rate", -1.0, "0 to 1000"),
        ("keep", 1.5, "0 to 1"),
        ("dropout", 1.0, "0 to 0.99"),
        ("every", 0, "1 to"),
        ("burn_in", -1, "0 to"),
        ("batch", 2.5, "Training.batch"),
        ("loss", "cross_entropy", "a dcll.Loss"),
    ],
)
def test_settings_that_cannot_be_are_refused(field: str, value: object, told: str) -> None:
    with pytest.raises(DescriptionError, match=told):
        replace(SETTINGS, **{field: value})


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Description((4,), (Convolution(2),), 3), "convolutions before dense layers"),
        (lambda: Description((1, 2, 2), (Convolution(2, 5, padding=0),), 3), "5 x 5 or larger"),
        (lambda: Description((4,), (), 3), "one layer at least"),
        (lambda: Description((4,), (Dense(3),), 3, gain=0.0), "above 0"),
        (lambda: Dense(0), "Dense.units"),
        (lambda: Readout(-1.0), "above 0"),
        (lambda: Filters(tau_mem="0 ms"), "Filters.tau_mem"),
    ],
)
def test_networks_that_cannot_be_are_refused(make: object, told: str) -> None:
    with pytest.raises(DescriptionError, match=told):
        make()  # type: ignore[operator]
