"""Learning curve, alignment, strategy and animals on tables small enough to count by hand."""

from pathlib import Path

import numpy as np
import pytest

from spikerl.analysis import learning_curve, strategy
from spikerl.analysis.animals import animals, replayed
from spikerl.analysis.blocks import aligned, blocks, early_and_late, option_count, reversals
from spikerl.errors import FileError
from tests.analysis.runs import complete, learner, table, write


def two_blocks() -> dict[str, np.ndarray]:
    """Two instances, rows one trial after the other; the first reverses on trial 2, the second on trial 3."""
    return {
        "instance": np.tile([0, 1], 5),
        "block": np.zeros(10, dtype=np.int64),
        "trial": np.repeat(np.arange(5), 2),
        "choice": np.array([0, 1, 0, 1, 0, 1, 1, 0, 1, 0]),
        "reward": np.array([1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0]),
        "better": np.array([1, 0, 1, 1, 0, 1, 1, 0, 1, 1]),
        "better_option": np.array([0, 0, 0, 1, 1, 1, 1, 1, 1, 0]),
        "reversal": np.tile([2, 3], 5),
    }


def test_trials_stand_in_their_blocks(tmp_path: Path) -> None:
    """Catches rows put by their order rather than by instance, block and trial."""
    laid = blocks(write(tmp_path / "run", two_blocks()))
    assert laid.row.tolist() == [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]
    assert laid.sequence.tolist() == [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]


def test_a_second_block_of_an_instance_is_a_row_of_its_own(tmp_path: Path) -> None:
    trials = table(trial=[0, 1, 2, 0, 1], block=[0, 0, 0, 1, 1], better=[1, 1, 0, 1, 0])
    laid = blocks(write(tmp_path / "run", trials))
    assert laid.row.tolist() == [[0, 1, 2], [3, 4, -1]]
    assert laid.sequence.tolist() == [[0, 1, 2, 3, 4]]
    assert np.isnan(laid.table(trials["better"])[1, 2])


def test_the_curve_is_the_share_of_better_choices_on_each_trial(tmp_path: Path) -> None:
    curve = learning_curve.from_start(write(tmp_path / "run", two_blocks()))
    assert curve.band.value.tolist() == [0.5, 1.0, 0.5, 0.5, 1.0]
    assert curve.band.n.tolist() == [2, 2, 2, 2, 2]


def test_the_curve_is_aligned_to_each_blocks_own_reversal(tmp_path: Path) -> None:
    """Catches one reversal for all blocks, and trials borrowed from beyond a block's ends."""
    curve = learning_curve.around_reversal(write(tmp_path / "run", two_blocks()), before=3, after=3)
    assert curve.trial.tolist() == [-3, -2, -1, 0, 1, 2]
    assert curve.band.n.tolist() == [1, 2, 2, 2, 2, 1]
    assert curve.band.value.tolist() == [0.0, 1.0, 1.0, 0.0, 1.0, 1.0]


def test_alignment_leaves_out_blocks_without_a_reversal() -> None:
    moved = aligned(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([-1, 1]), np.array([-2, -1, 0, 1]))
    assert np.isnan(moved[0]).all()
    assert np.isnan(moved[1, 0])
    assert moved[1, 1:3].tolist() == [3.0, 4.0]
    assert np.isnan(moved[1, 3])


def test_overall_is_over_all_trials_and_its_interval_over_blocks(tmp_path: Path) -> None:
    interval = learning_curve.overall(write(tmp_path / "run", two_blocks()))
    assert interval.value == 0.7
    assert interval.n == 2


def test_win_stay_and_lose_switch_are_counted_within_blocks(tmp_path: Path) -> None:
    """Catches pairs across the end of a block: the last trial of block 0 is a win, and block 1 begins elsewhere."""
    trials = table(
        block=[0, 0, 0, 0, 1, 1, 1],
        trial=[0, 1, 2, 3, 0, 1, 2],
        choice=[0, 0, 1, 1, 0, 1, 1],
        reward=[1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0],
    )
    results = write(tmp_path / "run", trials)
    assert strategy.win_stay(results).value == 0.5
    assert strategy.lose_switch(results).value == pytest.approx(1 / 3)


def test_no_trial_is_both_early_and_late(tmp_path: Path) -> None:
    """Catches blocks shorter than both epochs together, and late trials that lie after the reversal."""
    for reversal in (4, 15, 99):
        results = write(tmp_path / f"{reversal}", learner(2, trials=24, reversal=reversal))
        laid = blocks(results)
        early, late = early_and_late(results, laid)
        assert not (early & late).any()
        end = reversals(results, laid)[0] if reversal < 24 else 24
        assert not late[:, end:].any()
        assert early.sum(axis=1).tolist() == [min(10, end)] * 2
        assert late.sum(axis=1).tolist() == [min(10, max(0, end - 10))] * 2


def test_animals_are_counted_once_however_often_their_block_is_replayed(tmp_path: Path) -> None:
    """Catches replays taken as independent: 3 replays of one block are one block of the animal."""
    trials = table(
        instance=np.repeat([0, 1, 2, 3], 2),
        trial=np.tile([0, 1], 4),
        better=[1, 1, 1, 0, 1, 1, 0, 0],
        recorded_block=np.repeat([7, 7, 7, 9], 2),
        animal_choice=[0, 1] * 4,
        animal_better=[0, 1, 0, 1, 0, 1, 1, 1],
        reversal=np.full(8, -1),
    )
    results = write(tmp_path / "run", trials)
    found = animals(results)
    assert replayed(results)
    assert found.start.band.n.tolist() == [2, 2]
    assert found.start.band.value.tolist() == [0.5, 1.0]
    assert found.overall.value == 0.75
    # Block 7: circuit 5/6, animal 1/2; block 9: circuit 0, animal 1.
    assert found.difference.value == pytest.approx(((5 / 6 - 1 / 2) + (0.0 - 1.0)) / 2)
    assert found.difference.n == 2
    assert found.reversal is None


def test_what_is_missing_or_cannot_be_is_said(tmp_path: Path) -> None:
    results = write(tmp_path / "plain", table(trial=[0, 1]))
    with pytest.raises(FileError, match="'reversal'"):
        learning_curve.around_reversal(results)
    with pytest.raises(FileError, match="animal_better"):
        animals(results)
    with pytest.raises(FileError, match="twice"):
        blocks(write(tmp_path / "twice", table(trial=[0, 0, 1])))
    with pytest.raises(FileError, match="from 0 to 1"):
        blocks(write(tmp_path / "beyond", table(trial=[0, 10**12])))
    with pytest.raises(FileError, match="one trial at least"):
        blocks(write(tmp_path / "none", {name: values[:0] for name, values in table(trial=[0]).items()}))


def test_options_are_those_that_vote_or_were_met(tmp_path: Path) -> None:
    assert option_count(complete(tmp_path / "votes", blocks=1)) == 2
    assert option_count(write(tmp_path / "met", table(choice=[0, 2, 1]))) == 3
    assert option_count(write(tmp_path / "one", table(choice=[0, 0]))) == 2
