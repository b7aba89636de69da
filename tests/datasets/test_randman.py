"""Random manifolds: counts say nothing, times say the class."""

from dataclasses import replace

import numpy as np
import pytest

from spikerl.datasets import RandmanSettings, open_randman
from spikerl.datasets.randman import Manifold
from spikerl.errors import DescriptionError, UnitError
from tests.datasets.readouts import counts, linear, nearest, times

HARD = RandmanSettings(alpha=1.0, dimension=2, jitter="3 ms")


@pytest.mark.parametrize("settings", [RandmanSettings(), HARD], ids=["default", "hard"])
def test_times_carry_the_class_and_counts_do_not(settings):
    """Catches classes that differ in how many spikes they have, and manifolds that cannot be told apart.

    The floor is chance, 10 %; a linear readout of counts stays below 60 %, the nearest neighbour in times is above 95 %
    and above a linear readout of the same times, which a network's hidden layer is to surpass.
    """
    for seed in range(2):
        data = open_randman(settings, seed)
        train, test = (samples.spikes(np.arange(len(samples.labels))) for samples in (data.train, data.test))
        answers = (data.train.labels, data.test.labels)
        assert (train.sum(axis=0) == 1).all() and (test.sum(axis=0) == 1).all()
        by_count = linear(counts(train), answers[0], counts(test), answers[1])
        by_time = linear(times(train), answers[0], times(test), answers[1])
        neighbour = nearest(times(train), answers[0], times(test), answers[1])
        assert by_count < 0.2 < 0.5 < by_time < neighbour and neighbour > 0.95


def test_samples_are_those_of_seed_number_and_epoch():
    """Catches samples that change with the batch or with how many there are, and jitter that stays or spreads."""
    few = replace(HARD, classes=3, train=20, test=10)
    data = open_randman(few, 3)
    batch = data.train.spikes(np.array([5, 2, 5]), epoch=1)
    assert batch.shape == (100, 3, 32) and np.array_equal(batch[:, 0], batch[:, 2])
    assert np.array_equal(batch[:, [1]], data.train.spikes(np.array([2]), epoch=1))
    fewer = open_randman(replace(few, train=6), 3)
    assert np.array_equal(batch, fewer.train.spikes(np.array([5, 2, 5]), epoch=1))
    assert not np.array_equal(batch, data.train.spikes(np.array([5, 2, 5]), epoch=2))
    assert not np.array_equal(batch, open_randman(few, 4).train.spikes(np.array([5, 2, 5]), epoch=1))
    assert not np.array_equal(data.train.times[:6], data.test.times[:6])
    calm = open_randman(RandmanSettings(), 3).train
    assert np.array_equal(calm.spikes(np.arange(9)), calm.spikes(np.arange(9), epoch=4))


def test_jitter_shifts_by_its_standard_deviation_and_nothing_else():
    """Catches jitter that accumulates over epochs or writes into the times."""
    data = open_randman(RandmanSettings(jitter="3 ms", dt="0.1 ms"), 0).train
    kept = data.times.copy()
    inner = (kept > 0.02) & (kept < 0.08)
    for epoch in (0, 1, 50):
        shift = data.spikes(np.arange(1000), epoch).argmax(axis=0) * 1e-4 + 0.5e-4 - kept
        assert abs(shift[inner].std() - 3e-3) < 5e-5 and abs(shift[inner].mean()) < 1e-4
    assert np.array_equal(kept, data.times)


def test_a_manifold_is_the_sum_of_its_waves():
    """Catches an equation that is not the one that is written: it is computed here term by term."""
    settings = RandmanSettings(channels=3, dimension=2, alpha=1.5)
    manifold = Manifold(settings, 9, 4)
    points = np.random.default_rng(0).random((4, 2))
    a, b, c = manifold._amplitude, manifold._factor, manifold._phase
    assert len(a) == 100
    for point, row in zip(points, manifold.times(points), strict=True):
        for channel in range(3):
            value = 1.0
            for d in range(2):
                value *= sum(
                    k**-1.5
                    * a[k - 1, channel, d]
                    * np.sin(2 * np.pi * (k * b[k - 1, channel, d] * point[d] + c[k - 1, channel, d]))
                    for k in range(1, 101)
                )
            low, high = manifold._low[channel], manifold._high[channel]
            assert row[channel] == pytest.approx((value - low) / (high - low), abs=1e-9)


def test_times_fill_the_window_and_are_smooth():
    """Catches extremes that are not those of the manifold, and an exponent that changes nothing."""
    line = np.linspace(0, 1, 2001)[:, None]
    roughness = []
    for alpha in (1.0, 2.0, 4.0):
        times = Manifold(RandmanSettings(alpha=alpha), 1, 0).times(line)
        assert times.min(axis=0).max() < 1e-3 and times.max(axis=0).min() > 1 - 1e-3
        assert ((times == 0) | (times == 1)).mean() < 0.01
        roughness.append(np.abs(np.diff(times, 2, axis=0)).mean())
    assert roughness[0] > 5 * roughness[1] > 5 * 2 * roughness[2]


def test_classes_take_turns():
    """Catches labels that are not those of the manifolds."""
    data = open_randman(RandmanSettings(classes=3, train=8, test=4, channels=5), 0)
    assert data.train.labels.tolist() == [0, 1, 2, 0, 1, 2, 0, 1] and data.test.labels.tolist() == [0, 1, 2, 0]
    assert data.train.shape == (5,) and (data.train.steps, data.train.classes) == (100, 3)


@pytest.mark.parametrize(
    "changes",
    [{"classes": 1}, {"channels": 0}, {"dimension": 0}, {"dimension": 1.5}, {"alpha": 0.0}, {"alpha": float("nan")},
     {"jitter": "-1 ms"}, {"jitter": 1}, {"train": 0}, {"test": True}, {"dt": "0 ms"}, {"window": "1.5 ms"}],
)  # fmt: skip
def test_wrong_settings_are_refused(changes):
    """Catches settings that fail far from where they were written."""
    with pytest.raises((DescriptionError, UnitError), match=f"RandmanSettings.{next(iter(changes))}"):
        RandmanSettings(**changes)
