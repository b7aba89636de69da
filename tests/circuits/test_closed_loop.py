"""One seed, the same choices: a block on every back end, each running by itself.

`native` and Brian2 play the whole block; the reference and norse, which take half a second for a trial, its beginning.
"""

from pathlib import Path

import numpy as np
import pytest

import spikerl as sp

STEPS = 850  # of one trial
EVERY = 20  # trials between weights that are kept
TRIALS = {"native": 80, "brian2": 80, "norse": 40, "reference": 20}
SETTINGS = {"record.spikes": ["dopamine"], "record.weights": EVERY}


def block(backend: str, out: Path) -> sp.Results:
    """Play the block, or its beginning, by `backend` alone."""
    trials = TRIALS[backend]
    return sp.run("reversal", backend=backend, instances=1, trials=trials, seed=11, settings=SETTINGS, out=out)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> sp.Results:
    """Return the whole block, as `native` plays it."""
    return block("native", tmp_path_factory.mktemp("native") / "run")


@pytest.mark.xdist_group("closed-loop")
@pytest.mark.parametrize("backend", ["reference", "brian2", "norse"])
def test_same_choices_and_the_same_weights(backend: str, whole: sp.Results, tmp_path: Path) -> None:
    """Catches any difference between back ends that grows over thousands of steps of learning until a choice flips.

    Brian2 is held over all 68,000 of the block.
    """
    if backend != "reference":
        pytest.importorskip(backend, reason=f"the simulator {backend} is not installed")
    other, trials = block(backend, tmp_path / "run"), TRIALS[backend]
    assert len(other.trials["choice"]) == trials and len(whole.trials["choice"]) == TRIALS["native"]
    for name in ("choice", "reward", "better", "votes_0", "votes_1", "tied"):
        assert np.array_equal(whole.trials[name][:trials], other.trials[name]), name
    ours, theirs = (run.spikes["dopamine"] for run in (whole, other))
    played = ours.step < trials * STEPS
    for name in ("step", "neuron"):
        assert np.array_equal(getattr(ours, name)[played], getattr(theirs, name)), name
    for projection in ("cortex_to_d1", "cortex_to_d2"):
        ours, theirs = (run.weights[projection].value for run in (whole, other))
        assert len(theirs) == trials // EVERY
        assert not np.array_equal(ours, np.broadcast_to(ours.mean(), ours.shape))
        np.testing.assert_allclose(theirs, ours[: len(theirs)], rtol=1e-9, atol=0)


@pytest.mark.xdist_group("closed-loop")
def test_the_block_has_both_choices_and_moving_weights(whole: sp.Results) -> None:
    """Catches an agreement about nothing: a circuit that always takes one option or never learns."""
    for trials in TRIALS.values():
        assert set(whole.trials["choice"][:trials]) == {0, 1}
        # First weights are uniform within 20 % of 3.65 mV; learned ones leave that range.
        values = whole.weights["cortex_to_d1"].value[trials // EVERY - 1]
        assert values.min() < 0.8 * 3.65 or values.max() > 1.2 * 3.65
