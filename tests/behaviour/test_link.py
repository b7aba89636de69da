"""From votes to choices: the likelihood, its one top, and what is refused."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from spikerl.behaviour.link import Link, fit_link
from spikerl.behaviour.trials import Trials
from spikerl.errors import DescriptionError

BLOCKS, TRIALS = 40, 25


def _drawn(beta: float, kappa: float, seed: int = 3) -> tuple[np.ndarray, Trials]:
    """Return votes and the choices that a link makes of them, one at a time."""
    random = np.random.default_rng(seed)
    votes = random.normal(0.0, 20.0, (BLOCKS, TRIALS, 2))
    choices = np.zeros((BLOCKS, TRIALS), dtype=int)
    for block in range(BLOCKS):
        for trial in range(TRIALS):
            stays = 0.0 if trial == 0 else kappa * (2 * choices[block, trial - 1] - 1)
            logit = beta * (votes[block, trial, 1] - votes[block, trial, 0]) + stays
            choices[block, trial] = random.random() < 1.0 / (1.0 + math.exp(-logit))
    return votes, Trials(choices, np.zeros((BLOCKS, TRIALS)))


def _by_hand(beta: float, kappa: float, votes: np.ndarray, trials: Trials) -> list[float]:
    """The negative log likelihood of each block, in plain Python."""
    found = []
    for block in range(BLOCKS):
        total, last = 0.0, None
        for trial, choice in enumerate(trials.choices[block].tolist()):
            levels = [beta * votes[block, trial, option] + kappa * (option == last) for option in (0, 1)]
            total -= levels[choice] - math.log(sum(math.exp(level) for level in levels))
            last = choice
        found.append(total / TRIALS)
    return found


def test_the_likelihood_is_that_of_plain_python() -> None:
    """Catches votes of the wrong trial or option, and a last choice that reaches over the beginning of a block."""
    votes, trials = _drawn(0.03, 0.8)
    found = Link(0.05, -0.4).on(votes, trials)
    assert np.allclose(found, _by_hand(0.05, -0.4, votes, trials), rtol=1e-12)


@pytest.mark.parametrize("stickiness", [True, False])
def test_the_fit_is_the_top(stickiness: bool) -> None:
    """Catches a gradient, a scale or a bound that keeps the search from the most probable link."""
    votes, trials = _drawn(0.03, 0.8)

    def objective(x: np.ndarray) -> float:
        return sum(_by_hand(x[0] / 20.0, x[1] if stickiness else 0.0, votes, trials))

    wanted = minimize(objective, np.array([0.3, 0.3]), method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-9})
    found = fit_link(votes, trials, stickiness)
    assert found.beta == pytest.approx(wanted.x[0] / 20.0, abs=1e-5)
    assert found.kappa == pytest.approx(wanted.x[1] if stickiness else 0.0, abs=1e-3)


def test_a_link_is_recovered() -> None:
    """Catches a slope per vote that depends on the spread of the votes, and a stickiness of half its size."""
    votes, trials = _drawn(0.03, 0.8)
    found = fit_link(votes, trials)
    assert abs(found.beta - 0.03) < 0.006 and abs(found.kappa - 0.8) < 0.35


def test_votes_against_the_choices_are_worth_nothing() -> None:
    """Catches a circuit that is credited for voting against what is chosen."""
    votes, trials = _drawn(0.03, 0.0)
    found = fit_link(-votes, trials, stickiness=False)
    assert found.beta == 0.0
    assert found.on(-votes, trials).mean() == pytest.approx(math.log(2.0))


def test_bad_votes_are_refused() -> None:
    """Catches votes in another order of axes, and one that is no number."""
    votes, trials = _drawn(0.03, 0.0)
    with pytest.raises(DescriptionError, match=r"votes, shape: got \(25, 40, 2\); allowed: \(40, 25, 2\)"):
        fit_link(votes.transpose(1, 0, 2), trials)
    votes[1, 2, 0] = math.nan
    with pytest.raises(DescriptionError, match="votes: got nan; allowed: finite numbers"):
        Link(1.0, 0.0).on(votes, trials)
