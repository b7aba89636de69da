"""Fits find the numbers that choices were drawn with, and say how sure they are of having found the best."""

import math

import numpy as np
import pytest

from spikerl.behaviour.fitting import fit, fit_all
from spikerl.behaviour.models import FAMILY, LADDER, ChoiceModel
from spikerl.behaviour.simulation import simulate
from spikerl.behaviour.trials import Trials
from spikerl.errors import DescriptionError, RunError
from tests.behaviour.oracle import nll, reversals

TRUE = {"alpha": 0.4, "alpha_plus": 0.3, "alpha_minus": 0.5, "decay": 0.6, "beta": 4.0, "kappa": 0.5}
LARGEST = {"alpha": 0.01, "alpha_plus": 0.05, "alpha_minus": 0.05, "decay": 0.1, "beta": 0.2, "kappa": 0.3}


def truth(model: ChoiceModel) -> dict[str, float]:
    return {parameter.name: TRUE[parameter.name] for parameter in model.parameters}


@pytest.mark.parametrize("model", LADDER, ids=lambda model: model.name)
def test_the_numbers_that_drew_the_choices_are_recovered(model: ChoiceModel) -> None:
    """Catches a fit that is biased: from 400 blocks of 80 trials each lies within 4 standard errors of the truth.

    And errors that are wide: none is above `LARGEST`.
    """
    found = fit(model, simulate(model, truth(model), reversals(400), seed=6), seed=6, starts=1)
    for estimate in found.estimates:
        name = estimate.parameter.name
        assert abs(estimate.value - TRUE[name]) < 4.0 * estimate.error
        assert estimate.error < LARGEST[name]


def mixed(seed: int, blocks: int) -> Trials:
    """Return blocks of two animals, one that learns fast and one that learns slowly, drawn by lot."""
    model, pays = ChoiceModel(forgetting=True), reversals(blocks)
    fast, slow = (simulate(model, truth(model) | {"alpha": alpha}, pays, seed) for alpha in (0.8, 0.15))
    lot = np.random.default_rng(seed).integers(0, 2, (blocks, 1)) == 1
    return Trials(np.where(lot, fast.choices, slow.choices), np.where(lot, fast.rewards, slow.rewards))


def test_standard_errors_are_the_spread_of_fits() -> None:
    """Catches errors that take trials, or blocks of animals that differ, for draws of one model.

    40 % to either side are 3.5 standard errors of the standard deviation of 40 fits.
    """
    runs = [fit(ChoiceModel(forgetting=True), mixed(seed, 30), seed, starts=1) for seed in range(40)]
    for position in range(3):
        spread = np.std([run.estimates[position].value for run in runs], ddof=1)
        assert np.mean([run.estimates[position].error for run in runs]) == pytest.approx(spread, rel=0.4)


def test_four_times_the_blocks_give_half_the_error() -> None:
    """Catches errors of the sum in place of the mean, and a correction for few blocks that is missing."""
    model, once = ChoiceModel(forgetting=True), mixed(3, 10)
    often = once.take(np.tile(np.arange(10), 4))
    few, many = (fit(model, trials, seed=1, starts=1).estimates for trials in (once, often))
    for one, four in zip(few, many, strict=True):
        assert four.error == pytest.approx(one.error / 2.0 * math.sqrt(40 / 39 * 9 / 10), rel=1e-3)


def test_a_fit_says_what_it_found() -> None:
    """Catches a likelihood of other numbers than those returned, of the sum for the trial, and a count of blocks."""
    model = LADDER[-1]
    trials = simulate(model, truth(model), reversals(20), seed=1)
    found = fit(model, trials, seed=5, starts=3)
    blocks = list(zip(trials.choices.tolist(), trials.rewards.tolist(), strict=True))
    by_hand = [nll(found.parameters, 0.0, choices, rewards, 2) for choices, rewards in blocks]
    assert found.nll == pytest.approx(sum(by_hand) / 1600, rel=1e-9)
    assert found.on(trials) == pytest.approx([block / 80 for block in by_hand], rel=1e-9)
    assert (found.n, found.seed, found.starts, found.agreed) == (1600, 5, 6, 6)
    assert [estimate.parameter for estimate in found.estimates] == list(model.parameters)
    assert not any(estimate.at_bound for estimate in found.estimates)
    assert all(estimate.parameter.unit for estimate in found.estimates)
    assert fit(model, trials, seed=5, starts=3) == found


@pytest.mark.parametrize("seed", range(3))
def test_a_model_is_never_worse_than_one_that_it_contains(seed: int) -> None:
    """Catches a search that ends on the lower of two hills, and bounds that leave out a switch's zero."""
    drawn = FAMILY[seed * 3 + 1]
    trials = simulate(drawn, truth(drawn), reversals(15), seed)
    runs = {model: fit(model, trials, seed, starts=1) for model in FAMILY}
    for larger, run in runs.items():
        for smaller in FAMILY:
            if larger.contains(smaller):
                assert run.nll <= runs[smaller].nll + 1e-8


def test_models_fitted_together_are_those_fitted_alone() -> None:
    """Catches fits that hang on which others were asked for."""
    trials = simulate(LADDER[1], truth(LADDER[1]), reversals(10), seed=4)
    together = fit_all((LADDER[2], LADDER[0]), trials, seed=1, starts=2)
    for run in together:
        assert repr(run) == repr(fit(run.model, trials, seed=1, starts=2))  # the error of a number on its bound is NaN
    assert [run.starts for run in together] == [4, 2]


def test_a_number_on_its_bound_is_told() -> None:
    """Catches an estimate that stands against the end of its range, handed over as if the data held it there."""
    against = Trials([[0, 1, 0, 1, 0, 1]] * 3, [[1] * 6] * 3)
    found = fit(ChoiceModel(), against, seed=1)
    assert found.nll == pytest.approx(math.log(2.0))
    assert any(estimate.at_bound and estimate.value == 0.0 for estimate in found.estimates)
    assert all(math.isnan(estimate.error) for estimate in found.estimates)


def test_a_search_cut_short_is_no_fit() -> None:
    """Catches numbers on the way to the optimum handed over as the optimum."""
    trials = simulate(LADDER[0], truth(LADDER[0]), reversals(10), seed=4)
    with pytest.raises(RunError, match="simulated Rescorla-Wagner, fit of 'Rescorla-Wagner', gradient after 2 iterat"):
        fit(LADDER[0], trials, seed=1, starts=2, iterations=2)


@pytest.mark.parametrize(
    ("seed", "starts", "iterations"), [(-1, 2, 9), (0.5, 2, 9), (1, 0, 9), (1, 2.0, 9), (1, True, 9), (1, 2, 0)]
)
def test_searches_that_cannot_be_are_refused(seed: object, starts: object, iterations: object) -> None:
    """Catches a seed that is cut to a whole number, and a fit without a search."""
    with pytest.raises(DescriptionError, match="a whole number"):
        fit(ChoiceModel(), Trials([[0, 1]], [[1, 0]]), seed, starts, iterations)
