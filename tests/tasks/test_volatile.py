"""The volatile bandit changes as often as it is told to, and pays as it says."""

import numpy as np
import pytest
from pydantic import ValidationError

from spikerl.tasks import Bandit, BanditParameters, Volatile, VolatileParameters
from tests.tasks.test_statistics import holds_binomial


def played(parameters, seed=1, instance=0, block=0):
    """Return the info of every trial of a block in which option 0 is always chosen, and the rewards."""
    task = Volatile(parameters, seed=seed, instance=instance)
    task.reset(options={"block": block})
    steps = [task.step(np.int64(0)) for _ in range(parameters.trials_per_block)]
    return [step.info for step in steps], [step.reward for step in steps]


def changed_on(infos):
    """Return the trials on which the better option is not that of the trial before."""
    better = [info["better"] for info in infos]
    return [trial for trial in range(1, len(better)) if better[trial] != better[trial - 1]]


@pytest.mark.parametrize("volatility", [0.02, 0.2, 0.7])
@pytest.mark.parametrize("minimum", [1, 5, 12])
def test_the_hazard_and_the_distance_are_those_asked_for(volatility, minimum):
    """Catches a minimum that is one trial off, and a hazard that is not that of every trial on which one may come."""
    parameters = VolatileParameters(volatility=volatility, minimum_between=minimum, trials_per_block=4000)
    infos, _ = played(parameters, seed=7)
    changes = changed_on(infos)
    between = np.diff([0, *changes])
    assert between.min() == minimum or volatility == 0.02 and between.min() >= minimum
    free = 4000 - minimum - sum(min(minimum - 1, 3999 - trial) for trial in changes)  # trials that could change
    assert holds_binomial(len(changes), free, volatility)


@pytest.mark.parametrize(("volatility", "minimum", "trials"), [(0.0, 1, []), (1.0, 30, [30, 60, 90]), (1.0, 100, [])])
def test_the_ends_of_the_hazard_are_exact(volatility, minimum, trials):
    """Catches a first change that does not wait for the minimum, a hazard of 0 that changes and one of 1 that waits."""
    parameters = VolatileParameters(volatility=volatility, minimum_between=minimum, trials_per_block=100)
    infos, _ = played(parameters)
    assert changed_on(infos) == trials
    assert {info["reversal"] for info in infos} == {trials[0] if trials else -1}


def test_a_step_counts_the_changes():
    """Catches a column that is one trial off the change of the better option."""
    infos, _ = played(VolatileParameters(volatility=0.2))
    changes = changed_on(infos)
    assert len(changes) > 10
    assert [info["columns"] for info in infos] == [
        {"changes": sum(change <= trial for change in changes)} for trial in range(400)
    ]


def test_noise_moves_no_change_and_speed_no_luck():
    """Catches a grid of speed against noise in which two cells do not meet the same world."""
    one, _ = played(VolatileParameters(schedule="80/20", volatility=0.1))
    other, _ = played(VolatileParameters(schedule="60/40", volatility=0.1))
    assert [info["better"] for info in one] == [info["better"] for info in other]
    slow, rewards = played(VolatileParameters(schedule="80/20", volatility=0.03))
    fast, faster = played(VolatileParameters(schedule="80/20", volatility=0.1))
    same = [k for k in range(400) if slow[k]["better"] == fast[k]["better"]]
    assert 100 < len(same) < 400 and all(rewards[k] == faster[k] for k in same)


def test_a_longer_block_begins_like_a_shorter_one():
    """Catches changes that are drawn from a stream whose place depends on the length of the block."""
    short, _ = played(VolatileParameters(volatility=0.2, trials_per_block=50))
    long, _ = played(VolatileParameters(volatility=0.2, trials_per_block=400))
    assert [info["better"] for info in short] == [info["better"] for info in long[:50]]


def test_each_option_pays_at_its_probability():
    """Catches rewards of the place an option has lost."""
    paid = {0.8: [], 0.2: []}
    for instance in range(10):
        infos, rewards = played(VolatileParameters(volatility=0.2), seed=3, instance=instance)
        for info, reward in zip(infos, rewards, strict=True):
            paid[info["probabilities"][0]].append(reward)
    for p, rewards in paid.items():
        assert len(rewards) > 1000 and holds_binomial(int(sum(rewards)), len(rewards), p)


def test_of_three_options_the_best_changes_places_with_one_of_the_others_evenly():
    """Catches a best option that keeps its place, one that all others follow, and a rival that is never taken."""
    parameters = VolatileParameters(schedule="80/50/20", volatility=0.3, trials_per_block=4000)
    infos, _ = played(parameters)
    second = 0
    for trial in changed_on(infos):
        before, after = infos[trial - 1], infos[trial]
        swapped, old, new = list(before["probabilities"]), before["better"], after["better"]
        swapped[old], swapped[new] = swapped[new], swapped[old]
        assert after["probabilities"] == tuple(swapped)
        second += before["probabilities"][new] == 0.5
    assert holds_binomial(second, len(changed_on(infos)), 0.5)


def test_without_changes_it_meets_the_luck_of_a_bandit():
    """Catches rewards drawn from other numbers than those that all tasks share."""
    still = Volatile(VolatileParameters(schedule="80/20", volatility=0.0, trials_per_block=80), seed=4)
    bandit = Bandit(BanditParameters(schedule="80/20"), seed=4)
    better = [task.reset()[1]["better"] for task in (still, bandit)]
    for _ in range(80):
        paid = [task.step(np.int64(option)).reward for task, option in zip((still, bandit), better, strict=True)]
        assert paid[0] == paid[1]


@pytest.mark.parametrize(
    "table",
    [
        {"volatility": -0.1},
        {"volatility": 1.1},
        {"volatility": float("nan")},
        {"volatility": "0.1"},
        {"minimum_between": 0},
        {"minimum_between": 2.0},
        {"trials_per_block": 0},
        {"schedule": "20/80"},
        {"schedule": "50/50"},
        {"volatile": 0.1},
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(table):
    """Catches a number out of range, a wrong type and an unknown key."""
    with pytest.raises(ValidationError):
        VolatileParameters(**table)
