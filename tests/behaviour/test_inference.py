"""Bayesian inference of the better option: its likelihood by enumeration, its fit, and what is refused."""

import itertools
import math

import numpy as np
import pytest

from spikerl.behaviour.inference import InferenceFit, fit_inference
from spikerl.behaviour.splitting import halves
from spikerl.behaviour.trials import Trials, read_trials
from spikerl.errors import DescriptionError
from tests.tasks.recorded_blocks import recorded_path

NUMBERS = (0.1, 0.75, 3.0, 0.4)
"""Hazard, probability of the better option, slope, stickiness."""


def _belief(choices: list[int], rewards: list[int]) -> float:
    """P(option 1 is better on the coming trial), by the sum over all courses of the world."""
    hazard, better = NUMBERS[:2]
    odds = [0.0, 0.0]
    for course in itertools.product((0, 1), repeat=len(choices) + 1):
        weight = 0.5
        for now, then in itertools.pairwise(course):
            weight *= hazard if now != then else 1.0 - hazard
        for state, choice, reward in zip(course, choices, rewards, strict=False):
            pays = better if state == choice else 1.0 - better
            weight *= pays if reward else 1.0 - pays
        odds[course[-1]] += weight
    return odds[1] / sum(odds)


def test_the_likelihood_is_that_of_all_courses_of_the_world() -> None:
    """Catches a belief that takes an outcome for the other option's, or changes before what is seen is weighed."""
    choices, rewards = [0, 0, 1, 1, 0, 1], [1, 0, 0, 1, 1, 0]
    beta, kappa = NUMBERS[2:]
    wanted = 0.0
    for trial, choice in enumerate(choices):
        belief = _belief(choices[:trial], rewards[:trial])
        levels = [beta * (1.0 - belief), beta * belief]
        if trial:
            levels[choices[trial - 1]] += kappa
        wanted -= levels[choice] - math.log(math.exp(levels[0]) + math.exp(levels[1]))
    found = InferenceFit(NUMBERS, 0.0, 6).on(Trials(np.array([choices]), np.array([rewards])))
    assert found[0] == pytest.approx(wanted / len(choices), rel=1e-12)


def _played(blocks: int, length: int) -> Trials:
    """Choices of an agent that infers, in blocks that reverse in their middle."""
    random = np.random.default_rng(5)
    hazard, better, beta, kappa = NUMBERS
    choices, rewards = np.zeros((2, blocks, length), dtype=int)
    for block in range(blocks):
        belief, good = 0.5, int(random.random() < 0.5)
        for trial in range(length):
            good = 1 - good if trial == length // 2 else good
            stays = kappa * (2 * choices[block, trial - 1] - 1) if trial else 0.0
            choice = int(random.random() < 1.0 / (1.0 + math.exp(-beta * (2.0 * belief - 1.0) - stays)))
            reward = int(random.random() < (better if choice == good else 1.0 - better))
            likely = better if (choice == 1) == (reward == 1) else 1.0 - better
            belief = belief * likely / (belief * likely + (1.0 - belief) * (1.0 - likely))
            belief = belief + hazard * (1.0 - 2.0 * belief)
            choices[block, trial], rewards[block, trial] = choice, reward
    return Trials(choices, rewards)


def test_an_agent_that_infers_is_recovered() -> None:
    """Catches a gradient that is not the likelihood's: the search would stop where it began."""
    trials = _played(60, 40)
    found = fit_inference(trials)
    own = InferenceFit(NUMBERS, 0.0, trials.n)
    assert found.nll <= own.on(trials).mean() and found.nll == pytest.approx(found.on(trials).mean())
    for value, wanted, near in zip(found.numbers, NUMBERS, (0.08, 0.12, 1.2, 0.3), strict=True):
        assert abs(value - wanted) < near


def test_monkeys_infer() -> None:
    """Catches a search that ends in the corner where nothing can be inferred, at .38 nats, as from random points."""
    trials = read_trials(recorded_path())
    found = fit_inference(trials.take(halves(trials.blocks, seed=2016)[0].train[:100]))
    hazard, better, beta, _ = found.numbers
    assert found.nll < 0.32 and 0.02 < hazard < 0.2 and 0.52 < better < 0.9 and beta > 1.0


def test_what_it_cannot_infer_from_is_refused() -> None:
    """Catches rewards between 0 and 1 that are taken for 1, and a third option that is never the better one."""
    with pytest.raises(DescriptionError, match="rewards: got 0.5; allowed: 0 or 1"):
        fit_inference(Trials(np.zeros((2, 3), dtype=int), np.full((2, 3), 0.5)))
    with pytest.raises(DescriptionError, match="options: got 3; allowed: 2"):
        fit_inference(Trials(np.zeros((2, 3), dtype=int), np.zeros((2, 3)), options=3))
