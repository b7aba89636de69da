"""The handwritten digits as spikes."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from spikerl.datasets import DigitsSettings, LatencyCode, RateCode, open_digits
from spikerl.errors import DescriptionError, MissingPackageError
from tests.datasets.readouts import counts, linear, times


def test_without_scikit_learn_there_is_one_line(monkeypatch):
    """Catches an import error in place of what to install."""
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'spikerl\[datasets\]'") as raised:
        open_digits(DigitsSettings())
    assert "\n" not in str(raised.value)


@pytest.fixture(scope="module")
def sklearn_digits():
    return pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed").load_digits()


def test_the_first_1297_train_and_the_last_500_test(sklearn_digits):
    """Catches images in another order or turned, labels that are not theirs, and a test on what was trained."""
    data = open_digits(DigitsSettings(LatencyCode(), window="500 ms"))
    assert np.array_equal(data.train.labels, sklearn_digits.target[:1297])
    assert np.array_equal(data.test.labels, sklearn_digits.target[1297:])
    for samples, images in ((data.train, sklearn_digits.images[:1297]), (data.test, sklearn_digits.images[1297:])):
        assert samples.shape == (1, 8, 8) and (samples.steps, samples.classes) == (500, 10)
        spikes = samples.spikes(np.arange(20))
        assert spikes.shape == (500, 20, 1, 8, 8)
        assert np.array_equal(spikes.any(axis=0)[:, 0], images[:20] > 0.2 * 16)
        brightest = images[:20] == 16
        assert (spikes.argmax(axis=0)[:, 0][brightest] == 4).all()


def test_spikes_are_those_of_seed_image_and_epoch(sklearn_digits):
    """Catches random numbers that depend on the batch, are the same in every epoch, or shared by train and test."""
    data = open_digits(DigitsSettings(), seed=5)
    batch = data.train.spikes(np.array([7, 3, 7]), epoch=2)
    assert np.array_equal(batch[:, [0, 2]], batch[:, [2, 0]])
    assert np.array_equal(batch[:, [1]], data.train.spikes(np.array([3]), epoch=2))
    assert np.array_equal(batch[:, [1]], open_digits(DigitsSettings(), seed=5).train.spikes(np.array([3]), 2))
    others = (
        data.train.spikes(np.array([3]), epoch=3),
        open_digits(DigitsSettings(), seed=6).train.spikes(np.array([3]), epoch=2),
        replace(data.test, intensities=data.train.intensities[:500]).spikes(np.array([3]), epoch=2),
    )
    for other in others:
        assert not np.array_equal(batch[:, [1]], other)
    with pytest.raises(DescriptionError, match="epoch"):
        data.train.spikes(np.array([3]), epoch=-1)


def test_the_mean_rate_is_the_image(sklearn_digits):
    """Catches intensities that are not 0 to 1: over 200 epochs the rate of each pixel is that of its grey."""
    samples = open_digits(DigitsSettings(RateCode("500 Hz"), window="20 ms")).train
    mean = np.mean([samples.spikes(np.array([0]), epoch)[:, 0, 0] for epoch in range(200)], axis=(0, 1))
    assert np.abs(mean - 0.5 * sklearn_digits.images[0] / 16).max() < 4.5 * 0.5 / np.sqrt(4000)


@pytest.mark.parametrize(("code", "feature", "least"), [(RateCode(), counts, 0.8), (LatencyCode(), times, 0.8)])
def test_the_codes_carry_the_digit(sklearn_digits, code, feature, least):
    """Catches pixels in another order in each sample: a linear readout of the code tells the digits apart."""
    data = open_digits(DigitsSettings(code))
    spikes = [feature(samples.spikes(np.arange(len(samples.labels)))) for samples in (data.train, data.test)]
    assert linear(spikes[0], data.train.labels, spikes[1], data.test.labels) > least


def test_settings_are_checked_together():
    """Catches a rate that the step cannot hold, found far from where it was written."""
    with pytest.raises(DescriptionError, match=r"RateCode.rate: got '200 Hz'; allowed: at most 100 Hz"):
        DigitsSettings(dt="10 ms")
    with pytest.raises(DescriptionError, match="code"):
        DigitsSettings("rate")


def test_training_images_are_moved_and_test_images_are_not(sklearn_digits):
    """Catches a shift that wraps around, that is the same in every epoch, or that the test sees."""
    still, moved = (open_digits(DigitsSettings(RateCode("1000 Hz"), window="400 ms", shift=k)) for k in (0, 1))
    index = np.arange(40)
    assert np.array_equal(still.test.spikes(index), moved.test.spikes(index))
    plain = still.train.spikes(index).mean(axis=0)[:, 0]
    for epoch in (0, 1):
        seen = moved.train.spikes(index, epoch).mean(axis=0)[:, 0]
        wide = np.pad(plain, ((0, 0), (1, 1), (1, 1)))
        places = [wide[:, down : down + 8, right : right + 8] for down in range(3) for right in range(3)]
        off = np.array([np.abs(seen - place).mean(axis=(1, 2)) for place in places])
        assert off.min(axis=0).max() < 0.03
        assert len(set(off.argmin(axis=0).tolist())) > 5
    assert not np.array_equal(moved.train.spikes(index, 0), moved.train.spikes(index, 1))
    with pytest.raises(DescriptionError, match="DigitsSettings.shift"):
        DigitsSettings(shift=5)
