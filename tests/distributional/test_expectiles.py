"""Expectiles against closed forms, their defining equation, and the updates whose fixed points they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from spikerl.distributional.expectiles import expectile, updated
from spikerl.distributional.magnitudes import MAGNITUDES, WEIGHTS, magnitude, utility
from spikerl.errors import DescriptionError

samples = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20)
between = st.floats(0.001, 0.999)


@pytest.mark.parametrize("tau", [0.05, 0.3, 0.5, 0.8, 0.99])
def test_of_two_rewards_the_expectile_is_the_weight_of_the_larger(tau: float) -> None:
    """0 and 1, the latter with probability p: ``e = tau p / (tau p + (1 - tau)(1 - p))``. Catches tau and 1 - tau
    exchanged, and weights that are not used."""
    p = 0.3
    assert expectile(tau, [0.0, 1.0], [1.0 - p, p]) == pytest.approx(tau * p / (tau * p + (1.0 - tau) * (1.0 - p)))


def test_of_the_uniform_distribution() -> None:
    """``sqrt(tau) / (sqrt(tau) + sqrt(1 - tau))`` on [0, 1]. Catches quantiles in the place of expectiles."""
    tau = np.array([[0.1, 0.25], [0.5, 0.9]])
    grid = (np.arange(20_000) + 0.5) / 20_000
    expected = np.sqrt(tau) / (np.sqrt(tau) + np.sqrt(1.0 - tau))
    np.testing.assert_allclose(expectile(tau, grid), expected, atol=1e-4)


@given(between, samples, st.data())
def test_both_sides_balance(tau: float, values: list[float], data: st.DataObject) -> None:
    """The equation itself. Catches a segment too far, and a sum that takes a value into both sides."""
    weights = data.draw(st.lists(st.floats(0.01, 10.0), min_size=len(values), max_size=len(values)))
    x, p = np.array(values), np.array(weights)
    e = float(expectile(tau, x, p))
    up, down = tau * (p * np.maximum(x - e, 0.0)).sum(), (1.0 - tau) * (p * np.maximum(e - x, 0.0)).sum()
    assert up == pytest.approx(down, abs=1e-7 * p.sum())


@given(samples, st.lists(between, min_size=2, max_size=8), st.floats(-100.0, 100.0), st.floats(0.01, 100.0))
def test_properties(values: list[float], tau: list[float], shift: float, scale: float) -> None:
    """The half is the mean, it rises with tau, stays among the values, and moves and scales with them; negated, tau is
    mirrored. Catches a sum taken about zero, and an order of the values that is trusted."""
    x, asked = np.array(values), np.sort(tau)
    found = expectile(asked, x)
    assert expectile(0.5, x) == pytest.approx(x.mean(), abs=1e-9)
    assert (np.diff(found) >= -1e-9).all()
    assert (found >= x.min() - 1e-9).all() and (found <= x.max() + 1e-9).all()
    np.testing.assert_allclose(expectile(asked, scale * x + shift), scale * found + shift, atol=1e-6)
    np.testing.assert_allclose(expectile(1.0 - asked, -x), -found, atol=1e-6)
    np.testing.assert_allclose(expectile(asked, x[::-1]), found, atol=1e-9)


def test_as_scipy_finds_them() -> None:
    """Another program, by root finding. Catches what both sides of the equation here have in common."""
    values = np.random.default_rng(5).lognormal(1.0, 1.0, 50)
    weights = np.random.default_rng(6).random(50)
    tau = np.linspace(0.02, 0.98, 25)
    others = [stats.expectile(values, alpha, weights=weights) for alpha in tau]
    np.testing.assert_allclose(expectile(tau, values, weights), others, rtol=1e-9)


def test_a_weight_is_a_number_of_samples() -> None:
    """Catches weights divided twice, and a value of weight 0 that is heard."""
    tau = np.linspace(0.05, 0.95, 10)
    by_weight = expectile(tau, [1.0, 4.0, 9.0, 99.0], [3.0, 1.0, 2.0, 0.0])
    np.testing.assert_allclose(by_weight, expectile(tau, [9.0, 1.0, 1.0, 4.0, 9.0, 1.0]), rtol=1e-12)


def test_asymmetric_updates_end_at_expectiles() -> None:
    """Catches rates exchanged, and a rate that is applied to all errors alike: all would end at the mean, 5.2."""
    random = np.random.default_rng(3)
    tau = np.linspace(0.05, 0.95, 19)
    value, seen = np.zeros(19), []
    for reward in random.choice(MAGNITUDES, 60_000, p=np.array(WEIGHTS) / sum(WEIGHTS)):
        value = updated(value, float(reward), 0.01 * tau, 0.01 * (1.0 - tau))
        seen.append(value)
    np.testing.assert_allclose(np.mean(seen[20_000:], axis=0), expectile(tau, MAGNITUDES, WEIGHTS), atol=0.12)


def test_at_the_expectile_the_mean_step_is_none() -> None:
    """The fixed point, exactly."""
    tau = np.linspace(0.05, 0.95, 19)
    here = expectile(tau, MAGNITUDES, WEIGHTS)
    steps = [updated(here, reward, 0.2 * tau, 0.2 * (1.0 - tau)) - here for reward in MAGNITUDES]
    np.testing.assert_allclose(np.average(steps, axis=0, weights=WEIGHTS), 0.0, atol=1e-12)


def test_utility_and_back() -> None:
    """``u(200) = 5``, half of the most. Catches the root of the magnitude forgotten on either way."""
    assert utility([200.0, 0.0]) == pytest.approx([5.0, 0.0])
    assert magnitude(utility(MAGNITUDES)) == pytest.approx(MAGNITUDES)


@pytest.mark.parametrize(
    ("tau", "values", "weights", "say"),
    [
        (1.0, [1.0], None, "tau: got 1.0"),
        ([0.2, float("nan")], [1.0], None, "tau: got nan"),
        (0.5, [], None, "values"),
        (0.5, [1.0, float("inf")], None, "values: got inf"),
        (0.5, ["a"], None, "values"),
        (0.5, [[1.0], [2.0, 3.0]], None, "values"),
        (0.5, [1.0, 2.0], [1.0], "number of weights: got 1; allowed: 2"),
        (0.5, [1.0, 2.0], [1.0, -1.0], "weights"),
        (0.5, [1.0, 2.0], [0.0, 0.0], "weights"),
    ],
)
def test_bad_input_is_refused(tau: object, values: object, weights: object, say: str) -> None:
    with pytest.raises(DescriptionError, match=say):
        expectile(tau, values, weights)  # type: ignore[arg-type]


def test_magnitudes_without_utility_are_refused() -> None:
    with pytest.raises(DescriptionError, match="magnitude: got -1.0"):
        utility([-1.0])
    with pytest.raises(DescriptionError, match="utility"):
        magnitude([10.0])
