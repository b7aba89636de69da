"""The variable-magnitude task pays each of its sizes as often as it says, and a circuit hears its utility."""

import numpy as np
import pytest
from pydantic import ValidationError

from spikerl.distributional.magnitudes import MAGNITUDES, WEIGHTS
from spikerl.tasks.base import load_task
from spikerl.tasks.blocks import NO_CHOICE
from spikerl.tasks.variable_magnitude import VariableMagnitude, VariableMagnitudeParameters
from tests.tasks.test_statistics import holds_binomial

TRIALS = 20_000


def played(trials: int, seed: int = 1, instance: int = 0, block: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the sizes in nl and the rewards of a block."""
    task = VariableMagnitude(VariableMagnitudeParameters(trials_per_block=trials), seed=seed, instance=instance)
    task.reset(options={"block": block})
    steps = [task.step(np.int64(0)) for _ in range(trials)]
    return np.array([step.info["columns"]["magnitude"] for step in steps]), np.array([step.reward for step in steps])


def test_sizes_come_as_often_as_published() -> None:
    """Catches probabilities of other sizes, and cumulative ones that are one size off."""
    sizes, _ = played(TRIALS, seed=3)
    assert set(sizes) == {100, 300, 1200, 2500, 5000, 10_000, 20_000}
    for size, weight in zip(MAGNITUDES, WEIGHTS, strict=True):
        assert holds_binomial(int((sizes == round(1000 * size)).sum()), TRIALS, weight / sum(WEIGHTS))


def test_a_reward_is_the_utility_of_its_size() -> None:
    """Catches volumes heard as they are: u(20)/u(5) is 1.76, not 4, and the largest one drives at the full rate."""
    sizes, rewards = played(500)
    for size in MAGNITUDES:
        root, most = np.sqrt(size), np.sqrt(20.0)
        u = (root / (root + np.sqrt(200.0))) / (most / (most + np.sqrt(200.0)))
        np.testing.assert_allclose(rewards[sizes == round(1000 * size)], u, rtol=1e-12)


def test_nothing_is_chosen_and_the_cue_is_always_there() -> None:
    """Catches a trial that waits for a vote, or an outcome without feedback, which opens the error neurons."""
    task = VariableMagnitude()
    shown, _ = task.reset()
    for _ in range(20):
        assert shown.tolist() == [1]
        assert task.dictated().choice == NO_CHOICE and task.dictated().feedback
        shown = task.step(np.int64(0)).observation


def test_luck_is_that_of_seed_instance_and_block() -> None:
    """Catches instances, blocks or seeds that meet the same sizes, and a draw that depends on the block's length."""
    first = played(60)[0]
    assert np.array_equal(first, played(60)[0])
    assert np.array_equal(first[:30], played(30)[0])
    for other in ({"seed": 2}, {"instance": 1}, {"block": 1}):
        assert not np.array_equal(first, played(60, **other)[0])


def test_the_table_is_checked() -> None:
    """Catches a key that nobody reads, and a task under another name."""
    assert load_task("variable_magnitude").name == "variable_magnitude"
    with pytest.raises(ValidationError):
        VariableMagnitudeParameters(trials_per_block=0)
    with pytest.raises(ValidationError):
        VariableMagnitudeParameters(schedule="80/20")  # type: ignore[call-arg]
