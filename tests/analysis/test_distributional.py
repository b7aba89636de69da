"""Cells are read from the files of a run: which spikes count, and what is decoded from cells whose code is known."""

from pathlib import Path

import numpy as np
import pytest

from spikerl.analysis import distributional
from spikerl.distributional.expectiles import expectile
from spikerl.distributional.magnitudes import MAGNITUDES, WEIGHTS, utility
from spikerl.errors import FileError
from spikerl.results import Results
from tests.analysis.runs import OUTCOME, TRIAL_STEPS, table, write

CELLS = 24
TONIC = 14  # spikes of a cell in an outcome of 50 steps, so that it can pause
NANOLITRES = np.round(1000 * np.array(MAGNITUDES)).astype(np.int64)


def trains(counts: np.ndarray, before: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return spikes, in order of time: `counts` [cell, trial] in each outcome, `before` of each cell before it."""
    spikes = []
    for cell, row in enumerate(counts):
        for trial, count in enumerate(row):
            start = trial * TRIAL_STEPS
            spikes += [(start + 2 * k, cell) for k in range(before)]
            spikes += [(start + OUTCOME + k, cell) for k in range(count)]
            spikes.append((start + OUTCOME + 55, cell))  # in the interval, which nothing counts
    steps, cells = np.array(sorted(spikes)).T
    return steps.astype(np.int64), np.zeros(len(steps), dtype=np.int32), cells.astype(np.int32)


def run_of(directory: Path, counts: np.ndarray, sizes: np.ndarray, before: int = 4) -> Results:
    """Return a run of one instance whose cells fired `counts` times after rewards of `sizes` in nl."""
    return write(directory, table(magnitude=sizes), spikes={"dopamine": (len(counts), trains(counts, before))})


def coded(tau: np.ndarray, trials: int) -> tuple[np.ndarray, np.ndarray]:
    """Return counts and sizes of cells that code their expectile of the utility, with noise."""
    random = np.random.default_rng(1)
    which = random.choice(len(MAGNITUDES), trials, p=np.array(WEIGHTS) / sum(WEIGHTS))
    u = utility(MAGNITUDES)
    error = u[which] - expectile(tau, u, WEIGHTS)[:, None]
    mean = TONIC + 16.0 * np.where(error > 0.0, tau[:, None], 1.0 - tau[:, None]) * error
    return np.clip(np.rint(mean + random.normal(size=mean.shape)), 0, 50).astype(int), NANOLITRES[which]


def test_spikes_of_the_outcome_beside_those_before_it(tmp_path: Path) -> None:
    """Catches spikes of other phases, cells or trials, a baseline per trial, and rates over another length."""
    counts, sizes = np.array([[2, 9, 4], [0, 1, 30]]), NANOLITRES[[0, 4, 6]]
    recording, baseline = distributional.recorded(run_of(tmp_path / "run", counts, sizes))
    np.testing.assert_allclose(baseline, [100.0, 100.0])  # 4 spikes in 40 ms
    np.testing.assert_allclose(recording.responses, counts / 0.05 - 100.0)
    np.testing.assert_allclose(recording.magnitudes, utility([0.1, 5.0, 20.0]))
    late, _ = distributional.recorded(Results.open(tmp_path / "run"), skip=1)
    np.testing.assert_allclose(late.responses, (counts / 0.05 - 100.0)[:, 1:])


def test_an_instance_is_read_alone(tmp_path: Path) -> None:
    """Catches cells of several animals put together, and rows of one held against spikes of the other."""
    sizes = NANOLITRES[[0, 4, 6, 6]]
    steps, _, cells = trains(np.array([[3, 7]]), 4)
    both = [np.concatenate([steps, steps]), np.repeat([0, 1], len(steps)), np.concatenate([cells, cells])]
    order = np.argsort(both[0], kind="stable")
    train = (both[0][order], both[1][order].astype(np.int32), both[2][order])
    trials = table(instance=np.array([0, 1, 0, 1]), trial=np.array([0, 0, 1, 1]), magnitude=sizes)
    results = write(tmp_path / "run", trials, spikes={"dopamine": (1, train)})
    recording, _ = distributional.recorded(results, instance=1)
    np.testing.assert_allclose(recording.responses, [[3 / 0.05 - 100.0, 7 / 0.05 - 100.0]])
    np.testing.assert_allclose(recording.magnitudes, utility([5.0, 20.0]))


def test_cells_that_code_expectiles_are_decoded_to_the_rewards(tmp_path: Path) -> None:
    """Catches utilities told as volumes or the reverse, and a control that is not shuffled."""
    tau = np.linspace(0.1, 0.9, CELLS)
    code = distributional.read(run_of(tmp_path / "run", *coded(tau, 500), before=11), splits=4, permutations=3)
    assert code.points_agree.value > 0.9 and code.tau_follows_point.value > 0.9
    assert code.distance < 1.7 and code.distance < 0.5 * code.control_distance
    assert code.decoded.pooled.max() > 8.0
    np.testing.assert_allclose(code.sizes, MAGNITUDES)
    assert code.shares.sum() == pytest.approx(1.0)
    assert code.found_modes() >= 2


def test_cells_that_all_predict_the_mean_are_not_decoded_to_the_rewards(tmp_path: Path) -> None:
    """Catches asymmetries read beside the reversal points of their own half: they share its noise, and say too much."""
    code = distributional.read(
        run_of(tmp_path / "run", *coded(np.full(CELLS, 0.5), 120), before=11), splits=2, permutations=1
    )
    assert code.distance > 1.7


def test_modes_are_matched_one_to_one(tmp_path: Path) -> None:
    """Catches one broad mode that is counted for several of the rewards' modes, and modes that are far from any."""
    tau = np.linspace(0.1, 0.9, CELLS)
    code = distributional.read(run_of(tmp_path / "run", *coded(tau, 500), before=11), splits=2, permutations=1)
    assert code.matched(np.full(50, 5.0)) == 1
    given = np.repeat(code.sizes, np.rint(1000 * code.shares).astype(int))
    assert code.matched(given) == len(code.true_modes().place) >= 4


@pytest.mark.parametrize(
    ("settings", "say"),
    [({"population": "dopamin"}, "dopamine"), ({"instance": 1}, "instance"), ({"skip": 3}, "skip: got 3")],
)
def test_what_cannot_be_read_is_refused(settings: dict, say: str, tmp_path: Path) -> None:
    """Catches a traceback, or nothing, where a file has not what is asked for."""
    results = run_of(tmp_path / "run", np.array([[2, 9, 4]]), NANOLITRES[[0, 4, 6]])
    with pytest.raises(FileError, match=say):
        distributional.recorded(results, **settings)


def test_a_run_without_sizes_or_with_a_size_given_once_is_refused(tmp_path: Path) -> None:
    """Catches a run of another task that is read as if all its rewards were one size."""
    steps, zeros, cells = trains(np.array([[2, 9, 4]]), 4)
    other = write(tmp_path / "other", table(reward=np.ones(3)), spikes={"dopamine": (1, (steps, zeros, cells))})
    with pytest.raises(FileError, match="magnitude"):
        distributional.recorded(other)
    with pytest.raises(FileError, match="two trials or more of each magnitude"):
        distributional.read(run_of(tmp_path / "run", np.array([[2, 9, 4]]), NANOLITRES[[0, 4, 6]]))
