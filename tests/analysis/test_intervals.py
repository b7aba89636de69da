"""Intervals against published tables, and their coverage where the truth is known."""

import math

import numpy as np
import pytest

from spikerl.analysis.intervals import (
    band_over_blocks,
    mean_over_blocks,
    proportion_over_blocks,
    ratio_over_blocks,
    student_quantile,
    wilson,
)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_is_that_of_the_published_table(successes: int, n: int, low: float, high: float) -> None:
    """Newcombe (1998), Table I, method 3. Catches the continuity-corrected or Wald formula."""
    band = wilson(successes, n)
    assert band.low == pytest.approx(low, abs=5e-5)
    assert band.high == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize(
    ("freedom", "t"), [(1, 12.7062), (2, 4.30265), (5, 2.57058), (10, 2.22814), (30, 2.04227), (100, 1.98397)]
)
def test_student_is_that_of_the_tables(freedom: int, t: float) -> None:
    """Catches a one-sided quantile, and one degree of freedom too many."""
    assert student_quantile(freedom) == pytest.approx(t, rel=1e-5)


def test_student_is_the_normal_one_in_the_end() -> None:
    assert student_quantile(1_000_000) == pytest.approx(1.959966, abs=1e-5)


def test_the_mean_interval_covers_the_mean_of_few_blocks() -> None:
    """Catches the normal quantile in the place of Student's: with 4 blocks it covers 85 %."""
    random = np.random.default_rng(11)
    drawn = random.normal(2.0, 3.0, size=(4000, 4))
    covered = [interval.low <= 2.0 <= interval.high for interval in map(mean_over_blocks, drawn)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.012)


def test_the_ratio_interval_covers_the_mean_over_blocks_of_unequal_length() -> None:
    """Catches trials taken as independent: blocks differ, so that interval would be far too short."""
    random = np.random.default_rng(12)
    covered, naive = [], []
    for _ in range(2000):
        counts = random.integers(2, 12, size=40)
        effect = random.normal(1.0, 1.0, size=40)
        totals = counts * effect + np.sqrt(counts) * random.normal(0.0, 0.5, size=40)
        interval = ratio_over_blocks(totals, counts)
        covered.append(interval.low <= 1.0 <= interval.high)
        half = 1.96 * math.hypot(1.0, 0.5) / math.sqrt(counts.sum())
        naive.append(abs(interval.value - 1.0) <= half)
    assert 0.93 <= np.mean(covered) <= 0.965
    assert np.mean(naive) < 0.7


def test_the_proportion_interval_covers_where_trials_of_a_block_are_alike() -> None:
    """Catches Wilson's interval over trials, which takes the trials of a block as independent."""
    random = np.random.default_rng(13)
    covered, naive = [], []
    for _ in range(2000):
        ability = random.beta(8.0, 2.0, size=30)
        successes = random.binomial(40, ability)
        interval = proportion_over_blocks(successes, np.full(30, 40))
        covered.append(interval.low <= 0.8 <= interval.high)
        over_trials = wilson(successes.sum(), 1200)
        naive.append(over_trials.low <= 0.8 <= over_trials.high)
    assert 0.93 <= np.mean(covered) <= 0.97
    assert np.mean(naive) < 0.75


def test_independent_trials_count_as_many_as_they_are() -> None:
    """Catches an effective number of trials that is much below their number where blocks do not matter."""
    random = np.random.default_rng(14)
    widths = []
    for _ in range(200):
        interval = proportion_over_blocks(random.binomial(50, 0.7, size=60), np.full(60, 50))
        widths.append(interval.high - interval.low)
    over_trials = wilson(2100, 3000)
    assert np.mean(widths) == pytest.approx(float(over_trials.high - over_trials.low), rel=0.1)


def test_a_proportion_of_one_is_still_uncertain() -> None:
    """Catches the empty interval [1, 1] that the spread between perfect blocks would give."""
    interval = proportion_over_blocks(np.full(8, 20), np.full(8, 20))
    assert interval.value == interval.high == 1.0
    assert 0.5 < interval.low < 0.95


def test_one_block_has_an_estimate_and_no_interval_and_none_has_neither() -> None:
    for interval in (mean_over_blocks([3.0]), ratio_over_blocks([6.0], [2]), proportion_over_blocks([1], [2])):
        assert interval.n == 1
        assert math.isfinite(interval.value)
        assert not interval.known()
    assert math.isnan(mean_over_blocks([math.nan]).value)
    assert proportion_over_blocks([0], [0]).n == 0


def test_blocks_without_a_value_are_left_out() -> None:
    """Catches a NaN that spreads, or a missing block that counts as zero."""
    table = np.array([[1.0, math.nan], [2.0, 5.0], [3.0, 7.0]])
    band = band_over_blocks(table)
    assert band.value.tolist() == [2.0, 6.0]
    assert band.n.tolist() == [3, 2]
    assert band.high[1] - 6.0 == pytest.approx(12.7062, rel=1e-5)  # two values 2 apart: t sqrt(2) / sqrt(2)
