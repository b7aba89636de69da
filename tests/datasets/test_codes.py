"""Codes: the latency is that of a leaky integrator, the rate is one of independent steps."""

import numpy as np
import pytest

from spikerl.datasets import LatencyCode, RateCode
from spikerl.datasets.window import window
from spikerl.errors import DescriptionError, UnitError

GRID = window("1 ms", "100 ms", "here")


def test_the_latency_is_when_a_leaky_integrator_fires():
    """Catches a sign or a logarithm that is wrong, against an integration in small steps."""
    code = LatencyCode("20 ms", 0.3)
    intensities = np.array([0.31, 0.4, 0.7, 1.0])
    v, dt, fired = np.zeros(4), 1e-6, np.full(4, np.inf)
    for step in range(80_000):
        v += dt / 0.02 * (intensities - v)
        fired = np.where((v >= 0.3) & np.isinf(fired), (step + 1) * dt, fired)
    assert np.allclose(code.times(intensities), fired, atol=5e-6, rtol=1e-3)
    assert np.isinf(code.times(np.array([0.0, 0.3]))).all()


def test_one_spike_at_the_step_of_its_time():
    """Catches a second spike, one in the last step for those that come later, and none for the brightest."""
    code = LatencyCode("20 ms", 0.2)
    intensities = np.array([[1.0, 0.25], [0.2002, 0.1]])
    spikes = code.spikes(intensities, GRID, 0, ())
    assert np.argwhere(spikes).tolist() == [[4, 0, 0], [32, 0, 1]]
    assert code.times(intensities)[1, 0] > 0.1


def test_the_rate_is_the_intensity_times_the_rate():
    """Catches steps that share random numbers: means, and counts as variable as independent steps make them."""
    intensities = np.array([0.0, 0.1, 0.5, 1.0])
    code = RateCode("300 Hz")
    spikes = np.stack([code.spikes(intensities, GRID, 1, ("x", sample)) for sample in range(3000)])
    chance = 0.3 * intensities
    counts = spikes.sum(axis=1)
    assert np.allclose(counts.mean(axis=0), 100 * chance, atol=4 * np.sqrt(100 * chance * (1 - chance) / 3000) + 1e-12)
    assert np.allclose(counts.var(axis=0), 100 * chance * (1 - chance), rtol=0.12)
    assert not spikes[:, :, 0].any()


def test_a_full_rate_spikes_in_every_step():
    """Catches a probability of one that is not."""
    assert RateCode("1 kHz").spikes(np.ones(5), GRID, 2, ()).all()


def test_random_numbers_are_those_of_seed_and_labels():
    """Catches a stream that goes on from sample to sample."""
    code, grey = RateCode(), np.full(50, 0.5)
    once = code.spikes(grey, GRID, 3, ("a", 1))
    assert np.array_equal(once, code.spikes(grey, GRID, 3, ("a", 1)))
    for seed, labels in ((4, ("a", 1)), (3, ("a", 2)), (3, ("b", 1))):
        assert not np.array_equal(once, code.spikes(grey, GRID, seed, labels))


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: LatencyCode("20 mV"), UnitError),
        (lambda: LatencyCode("0 ms"), UnitError),
        (lambda: LatencyCode(theta=0.0), DescriptionError),
        (lambda: LatencyCode(theta=1.0), DescriptionError),
        (lambda: LatencyCode(theta=float("nan")), DescriptionError),
        (lambda: RateCode("0 Hz"), UnitError),
        (lambda: RateCode(100), UnitError),
        (lambda: RateCode("1.1 kHz").check(GRID), DescriptionError),
        (lambda: LatencyCode("1 s", 0.5).check(GRID), DescriptionError),
        (lambda: window("1 ms", "0 ms", "here"), DescriptionError),
        (lambda: window("1 us", "1 s", "here"), DescriptionError),
    ],
)
def test_codes_that_cannot_be_meant_are_refused(make, error):
    """Catches codes that give no spike at all, or more than one a step."""
    with pytest.raises(error):
        make()
