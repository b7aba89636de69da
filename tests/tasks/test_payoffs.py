"""Payoffs have the means and spreads that were asked for, and dictated choices take all options alike."""

import numpy as np
import pytest
from pydantic import ValidationError

from spikerl.tasks import Payoffs, PayoffsParameters
from spikerl.tasks.blocks import FREE


def played(parameters, seed=1, instance=0, block=0, choose=0):
    """Return steps and what was dictated in a block, in which a free choice is `choose`."""
    task = Payoffs(parameters, seed=seed, instance=instance)
    task.reset(options={"block": block})
    steps, dictated = [], []
    for _ in range(parameters.trials_per_block):
        dictated.append(task.dictated().choice)
        steps.append(task.step(np.int64(choose if dictated[-1] == FREE else dictated[-1])))
    return steps, dictated


def paid(steps, payoff):
    """Return the rewards of the steps in which `payoff` was chosen."""
    return np.array([step.reward for step in steps if step.info["columns"]["payoff"] == payoff])


@pytest.mark.parametrize("payoff", ["two-point", "uniform", "normal"])
def test_means_and_spreads_are_those_asked_for(payoff):
    """Catches a spread that is a half width or a variance, and an option that pays what another should."""
    asked = {"means": (2.0, 1.0, 1.5), "spreads": (0.5, 0.0, 0.2)}
    parameters = PayoffsParameters(payoff=payoff, choice="dictated", trials_per_block=3000, **asked)
    steps, _ = played(parameters)
    for k, (mean, spread) in enumerate(zip(asked["means"], asked["spreads"], strict=True)):
        rewards = paid(steps, k)
        assert rewards.size == 1000
        assert abs(rewards.mean() - mean) <= 4 * spread / np.sqrt(rewards.size)
        assert abs(rewards.std() - spread) <= 0.1 * spread
    risky = paid(steps, 0)
    shapes = {"two-point": {1.5, 2.5} == set(risky), "uniform": np.ptp(risky) < 3**0.5, "normal": np.ptp(risky) > 2}
    assert shapes[payoff]


def test_a_normal_payoff_is_clipped_at_nothing():
    """Catches a payoff that takes something away."""
    parameters = PayoffsParameters(means=(0.2, 1), spreads=(0.5, 0.1), payoff="normal", choice="forced")
    rewards = paid(played(parameters)[0], 0)
    assert rewards.min() == 0.0 and (rewards == 0).mean() > 0.1


def test_dictated_choices_take_all_options_alike():
    """Catches an order that favours an option, or that is the same in every block."""
    orders = []
    for block in range(8):
        _, dictated = played(PayoffsParameters(choice="dictated", trials_per_block=20), block=block)
        assert (np.array(dictated).reshape(10, 2).sum(axis=1) == 1).all()
        orders.append(tuple(dictated))
    assert len(set(orders)) == 8


def test_forced_choices_show_the_one_option_and_free_ones_follow():
    """Catches trials that show what cannot be chosen, and a lead that does not end."""
    parameters = PayoffsParameters(choice="forced", dictated_trials=6, trials_per_block=10)
    task = Payoffs(parameters)
    shown, _ = task.reset()
    for trial in range(10):
        choice = task.dictated().choice
        assert (choice == FREE) == (trial >= 6)
        assert shown.tolist() == ([1, 1] if choice == FREE else [int(choice == 0), int(choice == 1)])
        shown, reward, _, _, info = task.step(np.int64(1 if choice == FREE else choice))
        assert info["columns"]["dictated"] == (trial < 6) and reward > 0
        assert (info["reversal"], info["reversed"]) == (-1, False)


def test_the_payoff_of_an_option_is_drawn_for_each_block():
    """Catches an option that is always the risky one, so that a side would be taken for risk."""
    drawn = [played(PayoffsParameters(trials_per_block=1), block=block)[0][0] for block in range(40)]
    risky = [step.info["columns"]["payoff"] for step in drawn]
    assert 8 < sum(risky) < 32
    better = [played(PayoffsParameters(means=(0.5, 1), trials_per_block=1), block=b)[0][0].info for b in range(10)]
    assert all((info["better"] == 0) == (info["columns"]["payoff"] == 1) for info in better)


def test_spread_moves_no_luck():
    """Catches a grid of payoffs in which two cells do not meet the same luck."""
    narrow, wide = (played(PayoffsParameters(spreads=(0, spread)), choose=1)[0] for spread in (0.1, 0.4))
    sides = [[np.sign(step.reward - 0.8) for step in steps] for steps in (narrow, wide)]
    assert sides[0] == sides[1]


@pytest.mark.parametrize("payoff", ["two-point", "uniform", "normal"])
def test_a_trial_keeps_its_luck_however_long_the_block(payoff):
    """Catches amounts of a block in another order than its trials, and luck that the number of trials moves."""
    short, long = (
        [step.reward for step in played(PayoffsParameters(payoff=payoff, trials_per_block=trials), choose=1, seed=4)[0]]
        for trials in (20, 31)
    )
    assert len(set(short)) > 1 and short == long[:20]


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"spreads": (0, 0.9)}, "spreads"),
        ({"payoff": "uniform", "spreads": (0, 0.5)}, "spreads"),
        ({"spreads": (0, 0.1, 0.2)}, "spreads"),
        ({"means": (0.5,)}, "means"),
        ({"means": (0.5, -1)}, "means"),
        ({"dictated_trials": 5}, "dictated_trials"),
        ({"dictated_trials": 100, "choice": "forced"}, "dictated_trials"),
        ({"payoff": "gamma"}, "payoff"),
    ],
)
def test_bad_parameters_are_refused(given, key):
    """Catches payoffs that cannot be drawn, and a lead of choices that are free."""
    with pytest.raises(ValidationError, match=key):
        PayoffsParameters(**given)
