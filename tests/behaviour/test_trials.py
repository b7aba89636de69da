"""Choices that a model could not have made are refused before anything is fitted."""

import numpy as np
import pytest

from spikerl.behaviour.fitting import fit
from spikerl.behaviour.models import ChoiceModel
from spikerl.behaviour.trials import Trials, read_trials
from spikerl.errors import DescriptionError, FileError
from tests.tasks.recorded_blocks import small_rows, write


@pytest.mark.parametrize(
    ("choices", "rewards", "said"),
    [
        ([[0, 1], [1, 2]], [[0, 1], [1, 1]], "data, choices, block 1, trial 1: got 2.0; allowed: a whole number"),
        ([[0, 1], [-1, 0]], [[0, 1], [1, 1]], "block 1, trial 0: got -1"),
        ([[0, 0.5]], [[0, 1]], "trial 1: got 0.5"),
        ([[0, np.nan]], [[0, 1]], "trial 1: got nan"),
        ([[0, 1]], [[0, np.nan]], "data, rewards, block 0, trial 1: got nan; allowed: a number from 0 to 1"),
        ([[0, 1]], [[0, 2]], "trial 1: got 2"),
        ([[0, 1]], [[0, 1, 1]], "shape of the rewards: got (1, 3); allowed: (1, 2)"),
        ([[0, 1], [0]], [[0, 1], [0]], "blocks of one length"),
        ([0, 1], [0, 1], "shape [blocks, trials]"),
        ([[]], [[]], "at least one of each"),
        ([["circle", "square"]], [[0, 1]], "an array of numbers"),
    ],
)
def test_choices_and_rewards_that_are_none_are_refused(choices: object, rewards: object, said: str) -> None:
    """Catches a choice that no option has, which would count as none, and a reward that makes every value NaN."""
    with pytest.raises(DescriptionError) as raised:
        Trials(choices, rewards, source="data")
    assert said in str(raised.value)


def test_arrays_are_copied_and_kept() -> None:
    """Catches trials that change under a fit."""
    choices, rewards = np.array([[0, 1]]), np.array([[1.0, 0.0]])
    trials = Trials(choices, rewards)
    choices[0, 0], rewards[0, 0] = 1, 0.0
    assert trials.choices.tolist() == [[0, 1]] and trials.rewards.tolist() == [[1, 0]]
    with pytest.raises(ValueError, match="read-only"):
        trials.rewards[0, 0] = 0.5
    with pytest.raises(DescriptionError, match="options: got 1"):
        Trials(choices, [[1, 0]], options=1)


def test_a_file_is_read_as_it_stands(tmp_path) -> None:
    """Catches choices and rewards exchanged."""
    trials = read_trials(write(tmp_path / "blocks.csv", small_rows()))
    assert trials.choices.tolist() == [[0, 0, 0, 0, 1, 1]] * 3
    assert trials.rewards.tolist() == [[0, 1, 0, 1, 0, 1], [1, 0, 1, 0, 1, 0], [0, 1, 0, 1, 0, 1]]
    assert (trials.blocks, trials.n, trials.options) == (3, 18, 2)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("circle,1", "triangle,1", "line 3, column choice: got 'triangle'; allowed: circle or square"),
        ("circle,1", "circle,", "line 3, column reward: got ''; allowed: 0 or 1"),
        ("0,80/20,1,", "0,80/20,7,", "line 3, column trial: got 7"),
    ],
)
def test_a_bad_row_is_named_by_file_line_and_value(tmp_path, old: str, new: str, said: str) -> None:
    """Catches data that are fitted in part, or refused without a word of where."""
    rows = small_rows()
    assert old in rows[1]
    rows[1] = rows[1].replace(old, new)
    path = write(tmp_path / "blocks.csv", rows)
    with pytest.raises(FileError) as raised:
        fit(ChoiceModel(), read_trials(path), seed=1)
    assert f"{path}, {said}" in str(raised.value)
