"""What the tasks pay and when they reverse, against intervals that fail one true task in a million."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from spikerl.errors import DescriptionError
from spikerl.tasks import Bandit, BanditParameters, Reversal, ReversalParameters
from spikerl.tasks.schedule import probabilities


def holds_binomial(successes: int, trials: int, p: float) -> bool:
    """Return whether a count lies in the interval that Hoeffding's bound gives to all but 1e-6."""
    return abs(successes - trials * p) <= math.sqrt(0.5 * trials * math.log(2e6))


@pytest.mark.parametrize("schedule", ["100/0", "80/20", "70/30", "60/40", "80/50/20"])
@pytest.mark.parametrize("task", ["bandit", "reversal"])
def test_each_option_pays_at_its_probability(task, schedule):
    """Catches swapped or shifted probabilities, before the reversal and after it."""
    paid: dict[float, list[float]] = {}
    for instance in range(80):
        if task == "bandit":
            environment = Bandit(BanditParameters(schedule=schedule), seed=11, instance=instance)
        else:
            environment = Reversal(ReversalParameters(schedule=schedule), seed=11, instance=instance)
        environment.reset()
        for trial in range(80):
            action = np.int64((trial + instance) % environment.action_space.n)
            _, reward, _, _, info = environment.step(action)
            assert info["probabilities"][info["better"]] == max(info["probabilities"])
            paid.setdefault(info["probabilities"][action], []).append(reward)
    assert sorted(paid, reverse=True) == list(probabilities(schedule))
    for p, rewards in paid.items():
        assert holds_binomial(int(sum(rewards)), len(rewards), p)
        assert p not in (0.0, 1.0) or set(rewards) == {p}


@pytest.mark.parametrize("window", [(30, 50), (1, 79), (40, 40)])
def test_the_reversal_is_uniform_on_its_window(window):
    """Catches a window that leaves out its last trial, and a reversal one trial early or late."""
    first, last = window
    parameters = ReversalParameters(reversal_window=window)
    blocks = 2000
    counts = dict.fromkeys(range(first, last + 1), 0)
    for instance in range(blocks):
        _, info = Reversal(parameters, seed=5, instance=instance).reset()
        counts[info["reversal"]] += 1
    assert all(holds_binomial(count, blocks, 1 / len(counts)) for count in counts.values())
    assert min(counts.values()) > 0
    chi_square = sum((count - blocks / len(counts)) ** 2 for count in counts.values()) / (
        blocks / len(counts)
    )
    degrees = len(counts) - 1
    assert chi_square <= degrees + 5 * math.sqrt(2 * degrees) + 10


def test_the_better_option_changes_at_the_reversal_and_only_there():
    """Catches information that is one trial off what the rewards are drawn from."""
    environment = Reversal(ReversalParameters(schedule="100/0"), seed=2)
    _, start = environment.reset()
    for trial in range(80):
        _, reward, _, _, info = environment.step(np.int64(start["better"]))
        assert info["reversed"] == (trial >= info["reversal"]) == (info["better"] != start["better"])
        assert reward == float(trial < info["reversal"])


@pytest.mark.parametrize("task", [Bandit, Reversal])
def test_the_better_option_is_drawn_anew_for_each_block(task):
    """Catches an option that is always the better one, over instances and over blocks."""
    over_instances = [task(seed=3, instance=i).reset()[1]["better"] for i in range(400)]
    one = task(seed=3)
    over_blocks = [one.reset()[1]["better"] for _ in range(400)]
    for drawn in (over_instances, over_blocks):
        assert holds_binomial(sum(drawn), len(drawn), 0.5)
        assert len(set(drawn)) == 2


def test_a_reversal_of_three_options_moves_the_best_and_keeps_the_rest():
    """Catches a reversal that draws all options anew."""
    partners = set()
    for instance in range(60):
        environment = Reversal(ReversalParameters(schedule="80/50/20"), seed=1, instance=instance)
        _, info = environment.reset()
        before, old = info["probabilities"], info["better"]
        for _ in range(80):
            info = environment.step(np.int64(0))[4]
        after, new = info["probabilities"], info["better"]
        swapped = list(before)
        swapped[old], swapped[new] = before[new], before[old]
        assert old != new and after == tuple(swapped)
        partners.add((old, new))
    assert len(partners) == 6


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "80",
        "80/",
        "20/80",
        "50/50",
        "80/80/20",
        "101/0",
        "80/-20",
        "nan/20",
        "8e1/20",
        "80 / 20",
        "a/b",
        "8٠/20",
        "80/20/50",
        "1/" * 20 + "0",
        "9" * 10_000,
    ],
)
def test_schedules_that_cannot_be_meant_are_refused(schedule):
    """Catches a schedule read as something near it, or one without a better option."""
    with pytest.raises(DescriptionError, match="^schedule: got"):
        probabilities(schedule)
    with pytest.raises(ValidationError, match="percentages"):
        BanditParameters(schedule=schedule)
    with pytest.raises(ValidationError, match="percentages"):
        ReversalParameters(schedule=schedule)


def test_a_schedule_written_backwards_names_the_remedy():
    """Catches an error that leaves the user to guess."""
    with pytest.raises(DescriptionError, match="write '80/20'"):
        probabilities("20/80")


@pytest.mark.parametrize(
    "table",
    [
        {"reversal_window": [50, 30]},
        {"reversal_window": [0, 50]},
        {"reversal_window": [30, 80]},
        {"reversal_window": [30]},
        {"reversal_window": [30.0, 50]},
        {"reversal_window": ["30", 50]},
        {"reversal_window": [True, 50]},
        {"trials_per_block": 40},
        {"trials_per_block": 80.0},
        {"trials_per_block": 0},
        {"schedul": "80/20"},
        {"schedule": 80},
        {"blocks": 3},
        {"blocks": ""},
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(table):
    """Catches an unknown key, a wrong type, and a reversal outside the block."""
    with pytest.raises(ValidationError):
        ReversalParameters(**table)


def test_a_table_of_an_experiment_file_makes_parameters():
    """Catches strictness that refuses TOML's arrays."""
    parameters = ReversalParameters.model_validate({"schedule": "70/30", "reversal_window": [10, 12]})
    assert parameters.reversal_window == (10, 12)
