"""Dopamine, spikes and weights on tables whose answers are known."""

from pathlib import Path

import numpy as np
import pytest

from spikerl.analysis import dopamine, rasters, weights
from spikerl.errors import FileError
from spikerl.results import Synapses
from tests.analysis.runs import OUTCOME, TRIAL_STEPS, complete, learner, table, trial_weights, write


def known_dopamine(**changes: np.ndarray) -> dict[str, np.ndarray]:
    """Two blocks of 40 trials with tonic rates of 5 and 7 Hz; every second or fifth is rewarded.

    Beside tonic: rewarded 4 Hz on the first ten trials and 1 after them, omitted -3; nothing reverses.
    """
    trial = np.tile(np.arange(40), 2)
    reward = (trial % np.repeat([2, 5], 40) == 0).astype(float)
    tonic = np.repeat([5.0, 7.0], 40)
    return table(
        instance=np.repeat([0, 1], 40),
        trial=trial,
        reward=reward,
        reversal=np.full(80, -1),
        dopamine_interval=tonic,
        dopamine_outcome=tonic + np.where(reward > 0, np.where(trial < 10, 4.0, 1.0), -3.0),
        **changes,
    )


def test_the_response_stands_beside_each_blocks_own_tonic_rate(tmp_path: Path) -> None:
    """Catches one tonic rate for all, whose blocks differ, and rewarded trials mixed with omitted ones."""
    results = write(tmp_path / "run", known_dopamine())
    assert dopamine.tonic(results).value == 6.0
    found = dopamine.response(results)
    values = {name: interval.value for name, interval in found.items()}
    assert values == {
        "early_rewarded": 4.0,
        "early_omitted": -3.0,
        "late_rewarded": 1.0,
        "late_omitted": -3.0,
        "rewarded_change": -3.0,
    }
    assert found["rewarded_change"].n == 2
    assert found["rewarded_change"].high == pytest.approx(-3.0)


def test_the_course_is_binned_and_split(tmp_path: Path) -> None:
    course = dopamine.course(write(tmp_path / "run", known_dopamine()), "outcome", True)
    assert course.trial.tolist() == [2.0, 7.0, 12.0, 17.0, 22.0, 27.0, 32.0, 37.0]
    # In a bin, block 0 (tonic 5) has three or two rewarded trials, block 1 (tonic 7) one.
    beside = np.where(np.arange(8) < 2, 4.0, 1.0)
    assert course.band.value == pytest.approx(beside + np.where(np.arange(8) % 2 == 0, 22 / 4, 17 / 3))


def test_the_course_around_the_reversal_is_that_of_each_block(tmp_path: Path) -> None:
    """Catches bins counted from the block's start."""
    trials = known_dopamine()
    trials["reversal"] = np.repeat([10, 20], 40)
    since = trials["trial"] - trials["reversal"]
    trials["dopamine_cue"] = np.where(since >= 0, 9.0, 1.0)
    course = dopamine.course(write(tmp_path / "run", trials), "cue", None, np.arange(-10, 10))
    assert course.trial.tolist() == [-8.0, -3.0, 2.0, 7.0]
    assert course.band.value.tolist() == [1.0, 1.0, 9.0, 9.0]


def test_a_raster_holds_the_spikes_of_its_trial_and_instance_alone(tmp_path: Path) -> None:
    """Catches an off-by-one at the border of two trials, and spikes of other instances."""
    edge = 3 * TRIAL_STEPS
    step = np.array([edge - 1, edge, edge + 7, edge + TRIAL_STEPS - 1, edge + TRIAL_STEPS, edge + 7])
    instance = np.array([1, 1, 1, 1, 1, 0])
    results = write(
        tmp_path / "run",
        learner(2, trials=6),
        spikes={"d1": (4, (step, instance, np.array([0, 1, 2, 3, 0, 1])))},
    )
    found = rasters.raster(results, 1, 3)
    assert found.trains["d1"].neuron.tolist() == [1, 2, 3]
    assert found.trains["d1"].time == pytest.approx([0.0, 0.007, 0.099])
    assert [phase.name for phase in found.timing.phases] == ["cue", "decision", "hold", "outcome", "interval"]
    assert found.timing.phase("outcome").start == OUTCOME
    with pytest.raises(FileError, match="a trial that it played"):
        rasters.raster(results, 0, 6)


def test_the_rate_around_the_outcome_is_spikes_by_trials_neurons_and_time(tmp_path: Path) -> None:
    """Ten neurons, each firing once 2 ms after the outcome of a reward: one spike in 8 ms is 125 Hz.

    Catches a rate by all trials and not those of the class, and bins that are not aligned to the outcome.
    """
    trials = known_dopamine()
    instance, trial = np.divmod(np.flatnonzero(trials["reward"] > 0), 40)
    step = np.repeat(trial * TRIAL_STEPS + OUTCOME + 2, 10)
    spikes = (10, (step, np.repeat(instance, 10), np.tile(np.arange(10), instance.size)))
    histogram = rasters.around_outcome(write(tmp_path / "run", trials, spikes={"dopamine": spikes}), "dopamine", 0.008)
    assert histogram.time == pytest.approx(np.arange(-1, 7) * 0.008 + 0.004)
    for epoch in ("early", "late"):
        assert histogram.bands[epoch, True].value == pytest.approx([0.0, 125.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
        assert histogram.bands[epoch, False].value == pytest.approx(np.zeros(8))
        assert histogram.bands[epoch, True].n.tolist() == [2] * 8


def test_spikes_after_the_last_whole_trial_are_of_no_trial(tmp_path: Path) -> None:
    """Catches a run that was stopped in a trial: its spikes have no row to stand in."""
    late = np.array([40 * TRIAL_STEPS + OUTCOME, 10**7])
    spikes = (10, (late, np.array([0, 1]), np.array([0, 0])))
    histogram = rasters.around_outcome(
        write(tmp_path / "run", known_dopamine(), spikes={"dopamine": spikes}), "dopamine"
    )
    assert sum(band.value.sum() for band in histogram.bands.values()) == 0.0


def test_weights_are_those_of_the_options_roles(tmp_path: Path) -> None:
    """Instance 0 begins with option 0 better, instance 1 with option 1: by option the two would cancel out."""
    trials = table(
        instance=np.tile([0, 1], 4),
        trial=np.repeat(np.arange(4), 2),
        better_option=np.array([0, 1, 0, 1, 1, 0, 1, 0]),
    )
    pre = np.array([0, 1, 2, 3])
    value = np.zeros((4, 2, 4))
    value[:, 0, :2] = value[:, 1, 2:] = 3.0 + np.arange(4)[:, None]
    synapses = Synapses("mV", pre, np.zeros(4, dtype=np.int64))
    step = (1 + np.arange(4)) * TRIAL_STEPS
    for name, noted in (("following", step), ("last", step - 1)):
        results = write(tmp_path / name, trials, weights={"cortex_to_d2": (synapses, noted, value)})
        course = weights.course(results, "cortex_to_d2")
        assert course.receptor == "D2"
        assert course.unit == "mV"
        assert course.trial.tolist() == [0, 1, 2, 3]
        assert course.roles["better at first"].value.tolist() == [3.0, 4.0, 5.0, 6.0]
        assert course.roles["better after the reversal"].value.tolist() == [0.0] * 4
        assert "other" not in course.roles


def test_weights_of_the_end_alone_are_one_point(tmp_path: Path) -> None:
    synapses, step, value = trial_weights(3, 12)
    recorded = {"cortex_to_d1": (synapses, step[-1:], value[-1:])}
    course = weights.course(write(tmp_path / "run", learner(3, trials=12), weights=recorded), "cortex_to_d1")
    assert course.trial.tolist() == [11]
    assert course.roles["better at first"].n.tolist() == [3]


def test_what_was_not_recorded_is_named(tmp_path: Path) -> None:
    results = complete(tmp_path / "run")
    with pytest.raises(FileError, match="did you mean 'dopamine'"):
        rasters.around_outcome(results, "dopamin")
    with pytest.raises(FileError, match="did you mean .cortex_to_d2"):
        weights.course(results, "cortex_to_d3")
    with pytest.raises(FileError, match="a column that was recorded"):
        dopamine.course(results, "lunch")
    text = "[task]\nname = 'reversal'\n[protocol]\ncue = '1 mV'\n"
    odd = write(tmp_path / "odd", learner(1), spikes={"d1": (1, (np.zeros(0, int),) * 3)}, experiment=text)
    with pytest.raises(FileError, match="protocol.cue"):
        rasters.raster(odd, 0, 0)
