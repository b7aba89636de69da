"""One seed, the same choices: a whole block on every back end, each running by itself."""

from pathlib import Path

import numpy as np
import pytest

import spikerl as sp

TRIALS = 80
SETTINGS = {"record.spikes": ["dopamine"], "record.weights": "end"}


def block(backend: str, out: Path) -> sp.Results:
    """Play one block by `backend` alone."""
    return sp.run("reversal", backend=backend, instances=1, trials=TRIALS, seed=11, settings=SETTINGS, out=out)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> sp.Results:
    """Return the block as the reference plays it."""
    return block("reference", tmp_path_factory.mktemp("reference") / "run")


@pytest.mark.xdist_group("closed-loop")
@pytest.mark.parametrize("backend", ["brian2", "norse"])
def test_same_choices_and_the_same_weights(backend: str, reference: sp.Results, tmp_path: Path) -> None:
    """Catches any difference between back ends that grows over 68,000 steps of learning until a choice flips."""
    pytest.importorskip(backend, reason=f"the simulator {backend} is not installed")
    other = block(backend, tmp_path / "run")
    assert len(reference.trials["choice"]) == TRIALS
    for name in ("choice", "reward", "better", "votes_0", "votes_1", "tied"):
        assert np.array_equal(reference.trials[name], other.trials[name]), name
    for name in ("step", "neuron"):
        ours, theirs = (getattr(run.spikes["dopamine"], name) for run in (reference, other))
        assert np.array_equal(ours, theirs), name
    for projection in ("cortex_to_d1", "cortex_to_d2"):
        ours, theirs = (run.weights[projection].value for run in (reference, other))
        assert not np.array_equal(ours, np.broadcast_to(ours.mean(), ours.shape))
        np.testing.assert_allclose(theirs, ours, rtol=1e-9, atol=0)


@pytest.mark.xdist_group("closed-loop")
def test_the_block_has_both_choices_and_moving_weights(reference: sp.Results) -> None:
    """Catches an agreement about nothing: a circuit that always takes one option or never learns."""
    assert set(reference.trials["choice"]) == {0, 1}
    # First weights are uniform within 20 % of 3.65 mV; learned ones leave that range.
    values = reference.weights["cortex_to_d1"].value[-1]
    assert values.min() < 0.8 * 3.65 or values.max() > 1.2 * 3.65
