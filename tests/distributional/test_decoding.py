"""The distribution of rewards decoded from cells whose code is known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from spikerl.distributional.decoding import Decoded, decode, shuffled
from spikerl.distributional.expectiles import expectile
from spikerl.distributional.halves import halves
from spikerl.distributional.magnitudes import MAGNITUDES, WEIGHTS
from spikerl.distributional.modes import modes
from spikerl.errors import DescriptionError
from tests.distributional.populations import DISTRIBUTIONAL, SCALAR, recorded

LOW, HIGH = MAGNITUDES[0], MAGNITUDES[-1]


def _distances(tau: NDArray[np.float64], point: NDArray[np.float64]) -> tuple[float, float]:
    """Return the distance of what is decoded from the rewards given, and the mean one with tau shuffled."""
    straight = decode(tau, point, LOW, HIGH, seed=3, starts=2).distance(MAGNITUDES, WEIGHTS)
    control = [
        decode(row, point, LOW, HIGH, seed=3, starts=1).distance(MAGNITUDES, WEIGHTS) for row in shuffled(tau, 5, 4)
    ]
    return straight, float(np.mean(control))


def test_exact_expectiles_decode_to_the_rewards() -> None:
    """Catches a loss or a gradient that is not that of expectiles: the search would end early, or elsewhere."""
    found = decode(DISTRIBUTIONAL, expectile(DISTRIBUTIONAL, MAGNITUDES, WEIGHTS), LOW, HIGH, seed=3, starts=3)
    assert found.distance(MAGNITUDES, WEIGHTS) < 0.8
    assert (found.loss < 1e-2).all()
    for row in found.samples:
        expected = expectile(DISTRIBUTIONAL, MAGNITUDES, WEIGHTS)
        np.testing.assert_allclose(expectile(DISTRIBUTIONAL, row), expected, rtol=0.04)


@pytest.mark.parametrize("split", [0, 1])
def test_a_noisy_population_decodes_to_the_rewards(split: int) -> None:
    """Within 1.7 ul, as recorded cells do (1.67; Dabney et al. 2020), and nearer than half of the shuffled control
    (3.71 there). Catches asymmetries paired with the reversal points of other cells."""
    found = halves(recorded(DISTRIBUTIONAL, 1.0, seed=1)[0], seed=2, splits=2)
    straight, control = _distances(*found.pairs(split))
    assert straight < 1.7
    assert straight < 0.5 * control


@pytest.mark.parametrize("split", [0, 1])
def test_a_scalar_population_does_not(split: int) -> None:
    """Every cell predicts the mean, and they differ by noise. Catches both numbers taken from one half: they share
    its noise, and these cells then decode to within 1.3 ul."""
    found = halves(recorded(SCALAR, 1.0, seed=1)[0], seed=2, splits=2)
    straight, control = _distances(*found.pairs(split))
    assert straight > 1.7
    assert straight > 0.5 * control


def test_one_cell_that_predicts_the_mean_says_nothing_else() -> None:
    """Catches samples that a single expectile would gather: they stay as wide as the search began."""
    found = decode([0.5], [5.2], LOW, HIGH, seed=1, starts=2)
    np.testing.assert_allclose(found.samples.mean(axis=1), 5.2, atol=1e-3)
    assert found.pooled.std() > 3.0
    assert found.samples.shape == (2, 100)
    assert (np.diff(found.samples, axis=1) >= 0.0).all()
    assert found.pooled[0] >= LOW and found.pooled[-1] <= HIGH


def test_units_and_seeds() -> None:
    """In ml as in ul. Catches tolerances that stop the search where numbers are small, and starts that are alike."""
    tau = np.linspace(0.1, 0.9, 9)
    point = expectile(tau, MAGNITUDES, WEIGHTS)
    found = decode(tau, point, 0.0, 20.0, seed=1, samples=20, starts=2)
    small = decode(tau, point / 1e3, 0.0, 0.02, seed=1, samples=20, starts=2)
    np.testing.assert_allclose(small.samples * 1e3, found.samples, atol=1e-3)
    again, other = (decode(tau, point, 0.0, 20.0, seed=seed, samples=20, starts=2) for seed in (1, 2))
    np.testing.assert_array_equal(again.samples, found.samples)
    assert not np.allclose(other.samples, found.samples)
    assert not np.allclose(found.samples[0], found.samples[1])


def test_the_distance_is_the_mass_times_the_way() -> None:
    """Catches the weights of the true distribution given to the samples, and a distance of the means, which is 0."""
    found = Decoded(np.array([[0.0, 4.0]]), np.zeros(1))
    assert found.distance([2.0]) == pytest.approx(2.0)
    assert found.distance([0.0, 4.0], [3.0, 1.0]) == pytest.approx(1.0)


def test_shuffling_keeps_the_asymmetries_and_loses_the_order() -> None:
    """Catches draws with replacement, and one permutation for all."""
    control = shuffled(DISTRIBUTIONAL, 7, 5)
    assert control.shape == (5, 40)
    np.testing.assert_array_equal(np.sort(control, axis=1), np.tile(DISTRIBUTIONAL, (5, 1)))
    assert len({tuple(row) for row in control}) == 5


def test_two_equal_bumps_are_one_mode_within_two_bandwidths() -> None:
    """Two equal Gaussians have one mode up to a distance of 2 sigma, two beyond. Catches a bandwidth taken twice, or
    as a variance."""
    assert len(modes([0.0, 0.95], 0.5, prominence=0.0).place) == 1
    far = modes([0.0, 2.0], 0.5, [1.0, 0.5])
    np.testing.assert_allclose(far.place, [0.0, 2.0], atol=0.05)
    np.testing.assert_allclose(far.share, [1.0, 0.5], atol=0.01)
    assert len(modes([0.0, 1.15], 0.5, prominence=0.0).place) == 2


def test_the_decoded_distribution_has_the_modes_of_the_rewards_and_a_broad_bump_has_not() -> None:
    """A clipped Gaussian with the rewards' mean and spread lies within 1.7 ul of them. Catches distance as the only
    measure."""
    found = decode(DISTRIBUTIONAL, expectile(DISTRIBUTIONAL, MAGNITUDES, WEIGHTS), LOW, HIGH, seed=3, starts=3)
    true, read = modes(MAGNITUDES, 0.6, WEIGHTS), modes(found.pooled, 0.6)
    mean = np.average(MAGNITUDES, weights=WEIGHTS)
    spread = np.sqrt(np.average(np.square(np.array(MAGNITUDES) - mean), weights=WEIGHTS))
    bump = np.clip(np.random.default_rng(1).normal(mean, spread, 3000), LOW, HIGH)
    assert Decoded(bump[None], np.zeros(1)).distance(MAGNITUDES, WEIGHTS) < 1.7
    near = [np.abs(read.place - place).min() for place in true.place]
    assert len(true.place) == 4  # .1, .3 and 1.2 are one at this bandwidth, and 2.5 is its shoulder
    assert max(near) < 0.6
    assert len(read.place) <= len(MAGNITUDES)
    assert len(modes(bump, 0.6).place) <= 2


@pytest.mark.parametrize(
    ("changed", "say"),
    [
        ({"tau": [0.5]}, "number of tau: got 1; allowed: 2, one for each reversal point"),
        ({"tau": [0.5, 1.0]}, "tau: got 1.0"),
        ({"reversal": [1.0, float("nan")]}, "reversal points: got nan"),
        ({"low": 3.0}, "low and high"),
        ({"high": float("inf")}, "high"),
        ({"seed": 1.5}, "seed"),
        ({"samples": 0}, "samples"),
        ({"starts": True}, "starts"),
        ({"candidates": 0}, "candidates"),
    ],
)
def test_bad_cells_are_refused(changed: dict, say: str) -> None:
    given = {"tau": [0.2, 0.8], "reversal": [1.0, 2.0], "low": 0.0, "high": 3.0, "seed": 1}
    with pytest.raises(DescriptionError, match=say):
        decode(**given | changed)  # type: ignore[arg-type]


def test_what_else_is_refused() -> None:
    with pytest.raises(DescriptionError, match="two cells or more"):
        shuffled([0.5], 1, 1)
    with pytest.raises(DescriptionError, match="permutations"):
        shuffled([0.5, 0.6], 1, 0)
    with pytest.raises(DescriptionError, match="bandwidth: got 0.0"):
        modes([1.0], 0.0)
    with pytest.raises(DescriptionError, match="smooth more"):
        modes([0.0, 1e9], 1e-3)
    with pytest.raises(DescriptionError, match="prominence"):
        modes([1.0], 1.0, prominence=2.0)
    with pytest.raises(DescriptionError, match="weights"):
        Decoded(np.zeros((1, 2)), np.zeros(1)).distance([1.0, 2.0], [-1.0, 2.0])
