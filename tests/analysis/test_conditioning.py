"""Conditioning read from files: kinds of trials, responses, histograms, fits of Rescorla-Wagner's rate."""

from pathlib import Path

import numpy as np
import pytest

from spikerl.analysis import conditioning
from spikerl.analysis.conditioning import Kind
from spikerl.cli.summary import brief, summary
from spikerl.errors import FileError
from spikerl.report.circuit_page import circuit_page
from spikerl.results import Results, Synapses
from tests.analysis.runs import EXPERIMENT, TRIAL_STEPS, table, write

CIRCUIT = EXPERIMENT.replace(
    'name = "striatum"', 'name = "dopamine"\ntime_cells = 1\nstages = 5\ninterval = "10 ms"\nweight = "5 mV"'
).replace('name = "reversal"\nschedule = "80/20"', 'name = "pavlovian"\ndesign = "acquisition"')
TRAINED = Kind(0, "A", paid=True, omitted=False, laser=False)
OMITTED = Kind(1, "A", paid=False, omitted=True, laser=False)
LIT = Kind(1, "AX", paid=True, omitted=False, laser=True)


def _run(folder: Path, experiment: str = CIRCUIT) -> Results:
    """Two circuits: three A+, then one omission and one AX+ with the laser, in another order in each."""
    one = {
        "stage": [0, 0, 0, 1, 1], "cues": [1, 1, 1, 1, 5], "omitted": [0, 0, 0, 1, 0],
        "laser": [0, 0, 0, 0, 1], "reward": [1.0, 1.0, 1.0, 0.0, 2.0], "dopamine_outcome": [12.0, 10.0, 8.0, 3.0, 20.0],
    }  # fmt: skip
    other = {name: [*values[:3], values[4], values[3]] for name, values in one.items()}
    columns = {name: [*one[name], *other[name]] for name in one}
    columns |= {"instance": [0] * 5 + [1] * 5, "trial": [0, 1, 2, 3, 4] * 2, "choice": [-1] * 10}
    columns |= {"dopamine_interval": [6.0] * 5 + [5.0] * 5, "dopamine_cue": [9.0] * 10}
    # Circuit 0 spikes with all of its 2 neurons in step 3 of each trial, circuit 1 never.
    step = np.repeat(np.arange(5) * TRIAL_STEPS + 3, 2)
    spikes = {"dopamine": (2, (step, np.zeros(10, dtype=np.int64), np.tile([0, 1], 5)))}
    pre = np.arange(20)
    synapses = Synapses(pre=pre, post=np.zeros(20, dtype=np.int64), units="mV")
    grown = 5.0 + np.arange(5)[:, None, None] * np.where(pre // 5 == 0, 1.0, 0.0) * np.array([[1.0], [3.0]])
    kept = {"time_to_value": (synapses, (np.arange(5) + 1) * TRIAL_STEPS, grown)}
    return write(folder / "run", table(**columns), spikes=spikes, weights=kept, experiment=experiment)


def test_kinds_are_told_apart(tmp_path: Path) -> None:
    """Catches an omission taken for extinction, a laser that is not told, and cues read in another order."""
    found = conditioning.kinds(_run(tmp_path))
    assert found == [TRAINED, OMITTED, LIT]
    assert [kind.label() for kind in found] == ["A+", "A omitted", "AX+ laser"]
    assert Kind(1, "", True, False, False).label() == "no cue +"


def test_responses_stand_beside_the_tonic_rate_of_their_circuit(tmp_path: Path) -> None:
    """Catches a common baseline, trials of another kind, and an order of rows that is not that of play."""
    run = _run(tmp_path)
    assert np.array_equal(conditioning.responses(run, "outcome", TRAINED), [[6.0, 4.0, 2.0], [7.0, 5.0, 3.0]])
    assert np.array_equal(conditioning.responses(run, "outcome", LIT), [[14.0], [15.0]])
    assert conditioning.response(run, "outcome", OMITTED).value == -2.5
    course = conditioning.course(run, "outcome", TRAINED, width=2)
    assert np.array_equal(course.trial, [1.5, 3.0]) and np.array_equal(course.band.value, [5.5, 2.5])
    assert np.array_equal(conditioning.stage_starts(run), [1, 4])


def test_a_histogram_begins_with_the_cue(tmp_path: Path) -> None:
    """Catches bins from the outcome, spikes of another trial, and a rate that is not one a neuron."""
    found = conditioning.histogram(_run(tmp_path), "dopamine", TRAINED, slice(-2, None), width=0.005)
    assert found.time[0] == pytest.approx(0.0025)
    assert found.band.value[0] == pytest.approx(1 / 0.005 / 2) and not found.band.value[1:].any()


def test_strength_is_that_of_the_cells_before_the_outcome(tmp_path: Path) -> None:
    """Catches cells of another cue, cells of the outcome, and a first weight that is not taken off."""
    run = _run(tmp_path)
    grown = conditioning.strength(run, "A", ahead=0.02)
    assert np.array_equal(grown.trial, [1, 2, 3, 4, 5]) and grown.unit == "mV"
    assert np.array_equal(grown.grown, np.arange(5)[:, None] * [1.0, 3.0])
    assert not conditioning.strength(run, "B", ahead=1.0).grown.any()


def test_a_chain_that_ends_before_the_outcome_speaks_by_its_last_volley(tmp_path: Path) -> None:
    """Catches cells of the next cue, which come after the chain's last, and a mean of no cell at all."""
    run = _run(tmp_path, CIRCUIT.replace('interval = "10 ms"', 'interval = "1 ms"'))
    assert np.array_equal(conditioning.strength(run, "A", ahead=0.002).grown, np.arange(5)[:, None] * [1.0, 3.0])
    assert not conditioning.strength(run, "B", ahead=0.002).grown.any()


def test_the_rate_of_rescorla_and_wagner_is_found_again() -> None:
    """Catches a fit that knows one order of rewards, or that lays the scale to the rate."""
    reward = (np.random.default_rng(4).random((60, 5)) < 0.5).astype(np.float64)
    assert np.allclose(conditioning.rescorla_wagner(0.5, np.array([[1.0], [1.0], [0.0]]))[:, 0], [0.5, 0.75, 0.375])
    alpha, scale = conditioning.fitted(7.0 * conditioning.rescorla_wagner(0.13, reward), reward)
    assert alpha == pytest.approx(0.13, rel=1e-3) and scale == pytest.approx(7.0, rel=1e-3)


def test_subtraction_has_slope_one_and_division_has_not() -> None:
    """Catches a slope of the other axis, and an intercept that is not that of the line."""
    unexpected = np.array([1.0, 2.0, 4.0, 8.0])
    assert conditioning.subtraction(unexpected - 1.5, unexpected) == pytest.approx((1.0, -1.5))
    assert conditioning.subtraction(0.5 * unexpected, unexpected) == pytest.approx((0.5, 0.0), abs=1e-12)


def test_the_page_speaks_of_conditioning_and_not_of_choices(tmp_path: Path) -> None:
    """Catches a page that reports P(better) where nothing is chosen, or that breaks where columns are missing."""
    page = circuit_page([_run(tmp_path)])
    assert "P(better" not in page and "reversal" not in page.partition("The complete experiment")[0]
    for text in ("Stage 2, A omitted: dopamine at the outcome", "What cues have learned", "acquisition"):
        assert text in page


def test_the_command_line_says_nothing_of_choices(tmp_path: Path) -> None:
    """Catches P(better) of 0 at the end of a run in which nothing is chosen."""
    said = summary(_run(tmp_path))
    assert "better" not in said and said["tonic"]["value"] == 5.5
    assert brief(said).startswith("tonic dopamine 5.500")


def test_another_task_is_refused(tmp_path: Path) -> None:
    """Catches columns of other tasks taken for stages."""
    run = write(tmp_path / "run", table(reward=[1.0, 0.0]))
    assert not conditioning.conditioned(run)
    with pytest.raises(FileError, match="stage"):
        conditioning.kinds(run)
