"""Reversal points and asymmetries of cells that are known, and of halves of their trials."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikerl.distributional.halves import bounds, halves
from spikerl.distributional.magnitudes import MAGNITUDES
from spikerl.distributional.reversal import Recording, reversals
from spikerl.errors import DescriptionError
from tests.distributional.populations import DISTRIBUTIONAL, SCALAR, recorded


def test_without_noise_cells_are_found_as_they_are() -> None:
    """Catches slopes exchanged or taken through another point than the reversal point, and a baseline not taken."""
    recording, point = recorded(DISTRIBUTIONAL, 0.0, seed=1)
    found = reversals(recording)
    assert found.counts()["usable"] == 40
    np.testing.assert_allclose(found.point, point, atol=0.05)
    np.testing.assert_allclose(found.tau, DISTRIBUTIONAL, atol=0.01)
    np.testing.assert_allclose(found.above, DISTRIBUTIONAL, atol=0.01)
    np.testing.assert_allclose(found.below, 1.0 - DISTRIBUTIONAL, atol=0.01)


def test_the_count_finds_the_neighbours_of_the_reversal_point() -> None:
    """Catches a gap beside the right one, for every cell."""
    recording, point = recorded(DISTRIBUTIONAL, 0.0, seed=1)
    level = np.array(MAGNITUDES)
    right = np.searchsorted(level, point)
    middle = (level[right - 1] + level[right]) / 2.0
    np.testing.assert_allclose(reversals(recording, "middle").point, middle, rtol=1e-12)


def test_one_wild_trial_does_not_move_the_reversal_point() -> None:
    """Responses are counted, not summed. Catches the crossing of the mean response: it would lie above 4."""
    magnitudes = np.repeat([1.0, 2.0, 4.0, 8.0], 5)
    response = np.where(magnitudes < 3.0, -1.0, 1.0)
    response[12] = -50.0
    assert reversals(Recording(response[None], magnitudes), "middle").point == pytest.approx(3.0)


def test_of_equal_counts_the_larger_swing_decides() -> None:
    """Three of four signs fit below 2 as well as above 4. Catches the first of equal counts, which errs downwards."""
    found = reversals(Recording(np.array([[-1.0, 0.1, -5.0, 5.0]]), np.array([1.0, 2.0, 4.0, 8.0])), "middle")
    assert found.point == pytest.approx(6.0)


def test_cells_that_never_reverse_are_bounds_and_are_counted() -> None:
    """Catches a cell beyond the magnitudes that is taken as if it reversed at the last one, a silent cell likewise,
    and a falling response whose asymmetry would lie outside 0 to 1."""
    magnitudes = np.tile([1.0, 2.0, 4.0, 8.0], 5)
    falling = np.select([magnitudes == 1.0, magnitudes == 2.0, magnitudes == 4.0], [-0.5, -2.0, 3.0], 0.5)
    uneven = np.where((magnitudes == 4.0) | (magnitudes == 8.0), 1.0, np.where(magnitudes == 1.0, 0.0, -1.0))
    responses = np.stack([magnitudes, -9.0 + magnitudes, np.zeros(20), magnitudes - 3.0, falling, uneven])
    found = reversals(Recording(responses, magnitudes))
    assert found.side.tolist() == [-1, 1, 0, 0, 0, 0]
    assert found.point[:2].tolist() == [1.0, 8.0]
    assert np.isnan([found.below[0], found.above[1], found.point[2]]).all()
    assert np.isnan(found.tau[:3]).all()
    assert found.point[3] == pytest.approx(3.0, abs=0.01)
    assert found.tau[3] == pytest.approx(0.5, abs=0.01)
    assert found.usable.tolist() == [False, False, False, True, True, True]
    expected = {"cells": 6, "usable": 3, "below all magnitudes": 1, "above all magnitudes": 1, "silent": 1}
    assert found.counts() == expected | {"without asymmetry": 0}


def test_slopes_that_are_not_both_positive_give_no_asymmetry() -> None:
    """Catches a ratio outside 0 to 1, which no asymmetry is. One wild trial turns the slope above."""
    magnitudes = np.repeat([1.0, 2.0, 4.0, 8.0], 5)
    response = np.where(magnitudes < 3.0, -1.0, 1.0)
    response[19] = -50.0
    found = reversals(Recording(response[None], magnitudes), "middle")
    assert found.above[0] < 0.0 < found.below[0]
    assert np.isnan(found.tau).all()
    assert found.counts()["without asymmetry"] == 1


def test_each_cell_has_its_baseline() -> None:
    """Catches one baseline for all cells, or one a trial."""
    recording, _ = recorded(DISTRIBUTIONAL, 1.0, seed=2)
    base = np.linspace(1.0, 9.0, 40)
    again = Recording(recording.responses + base[:, None], recording.magnitudes, base)
    np.testing.assert_allclose(reversals(again).point, reversals(recording).point, rtol=1e-9)


@given(st.integers(0, 1000), st.floats(-50.0, 50.0), st.floats(0.1, 10.0), st.floats(0.1, 10.0))
def test_units_do_not_matter(seed: int, shift: float, scale: float, gain: float) -> None:
    """Magnitudes moved and scaled move and scale the reversal points; responses scaled change nothing but slopes.
    Catches lines through the origin of the magnitudes."""
    first, _ = recorded(np.array([0.2, 0.5, 0.8]), 1.0, seed, trials=100)
    found = reversals(first)
    again = reversals(Recording(gain * first.responses, scale * first.magnitudes + shift))
    np.testing.assert_allclose(again.point, scale * found.point + shift, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(again.tau, found.tau, rtol=1e-6)
    np.testing.assert_allclose(again.above, gain / scale * found.above, rtol=1e-6)


def test_a_noisy_population_is_recovered() -> None:
    """Noise of 1 Hz, the spread of the slopes' own range. Catches an estimate that the noise or the gap's width rules:
    the middles of gaps miss by 1.2 ul."""
    recording, point = recorded(DISTRIBUTIONAL, 1.0, seed=1)
    found = reversals(recording)
    assert found.usable.sum() >= 38
    assert np.abs(found.point - point)[found.usable].mean() < 0.6
    assert np.corrcoef(found.point[found.usable], point[found.usable])[0, 1] > 0.95
    assert np.abs(found.tau - DISTRIBUTIONAL)[found.usable].mean() < 0.04


def test_intervals_hold_the_truth() -> None:
    """Catches an interval over the wrong axis, and one of another level."""
    recording, point = recorded(DISTRIBUTIONAL, 1.0, seed=4)
    points, tau = bounds(recording, seed=1, draws=200)
    for found, true in ((points, point), (tau, DISTRIBUTIONAL)):
        covered = (found.low <= true) & (true <= found.high)
        assert 0.8 <= covered.mean() <= 1.0
    assert np.mean(points.high - points.low) < 4.0


def test_halves_agree_where_cells_differ_and_only_there() -> None:
    """A distributional population repeats itself across halves; a scalar one, which differs by noise alone, does not.
    Catches halves that share trials."""
    for tau, follows in ((DISTRIBUTIONAL, True), (SCALAR, False)):
        found = halves(recorded(tau, 1.0, seed=1)[0], seed=5, splits=20)
        for r in (found.points_agree(200), found.tau_follows_point(200)):
            assert r.cells > 38
            assert r.low <= r.value <= r.high
            assert (r.low > 0.5) if follows else (r.low < 0.0 < r.high)


def test_halves_are_a_function_of_the_seed() -> None:
    recording, _ = recorded(DISTRIBUTIONAL, 1.0, seed=1)
    first, again, other = (halves(recording, seed, splits=2) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.point, again.point)
    assert not np.array_equal(first.point, other.point)
    assert not np.array_equal(first.point[0], first.point[1])


def test_pairs_leave_out_what_a_half_does_not_know() -> None:
    """Catches a NaN that is decoded."""
    found = halves(recorded(DISTRIBUTIONAL, 4.0, seed=1, trials=60)[0], seed=1, splits=3)
    tau, point = found.pairs(2)
    assert len(tau) == len(point) < 80
    assert np.isfinite(tau).all() and np.isfinite(point).all()


@pytest.mark.parametrize(
    ("responses", "magnitudes", "baseline", "say"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0, "shape of responses"),
        ([[1.0, 2.0]], [1.0], 0.0, "number of magnitudes: got 1; allowed: 2, one for each trial"),
        ([[1.0, 2.0]], [1.0, 1.0], 0.0, "two different ones"),
        ([[1.0, float("nan")]], [1.0, 2.0], 0.0, "responses: got nan"),
        ([[1.0, 2.0]], [1.0, 2.0], [1.0, 2.0], "number of baseline"),
        ([[1.0, 2.0]], [1.0, 2.0], "5 Hz", "baseline"),
    ],
)
def test_bad_recordings_are_refused(responses: object, magnitudes: object, baseline: object, say: str) -> None:
    with pytest.raises(DescriptionError, match=say):
        Recording(responses, magnitudes, baseline)  # type: ignore[arg-type]


def test_bad_questions_are_refused() -> None:
    recording = Recording(np.array([[-1.0, 1.0, 2.0]]), np.array([1.0, 2.0, 2.0]))
    with pytest.raises(DescriptionError, match="within: got 'mean'; allowed: one of line, middle"):
        reversals(recording, "mean")  # type: ignore[arg-type]
    with pytest.raises(DescriptionError, match="one trial of 1"):
        halves(recording, seed=1)
    with pytest.raises(DescriptionError, match="splits"):
        halves(recording, seed=1, splits=0)
    with pytest.raises(DescriptionError, match="seed"):
        bounds(recording, seed=-1)
    with pytest.raises(DescriptionError, match="draws"):
        bounds(recording, seed=1, draws=1)
