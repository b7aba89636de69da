"""Every draw is a pure function of seed, instance, block and trial."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikerl.errors import DescriptionError
from spikerl.tasks import Bandit, Reversal, ReversalParameters, Volatile, VolatileParameters, WhatWhere, load_task


def volatile(seed, instance=0):
    """A volatile bandit with blocks as long as those of the other tasks."""
    return Volatile(VolatileParameters(volatility=0.3, trials_per_block=80), seed=seed, instance=instance)


TWO_OPTIONS = st.sampled_from([Bandit, Reversal, volatile])
TASK = st.sampled_from([Bandit, Reversal, volatile, WhatWhere])
SEED = st.integers(0, 2**63 - 1)


def played(task, block, actions):
    """Return what a block gives for `actions`."""
    _, first = task.reset(options={"block": block})
    steps = [task.step(action)[1:] for action in actions]
    return first, steps


@settings(max_examples=25, deadline=None)
@given(TASK, SEED, st.integers(0, 500), st.integers(0, 500), st.integers(0, 2**31))
def test_a_block_does_not_depend_on_what_came_before(task, seed, instance, block, history):
    """Catches a draw from a generator that other blocks, trials or actions move on."""
    random = np.random.default_rng(history)
    actions = random.integers(0, 2, 80)
    fresh = played(task(seed=seed, instance=instance), block, actions)
    used = task(seed=seed, instance=instance)
    used.reset()
    for action in random.integers(0, 2, random.integers(0, 80)):
        used.step(action)
    played(used, block + 1, 1 - actions)
    assert played(used, block, actions) == fresh


@settings(max_examples=25, deadline=None)
@given(TWO_OPTIONS, SEED)
def test_two_policies_meet_the_same_luck(task, seed):
    """Catches one draw an option: with one u a trial, what pays worse never pays alone."""
    first = played(task(seed=seed), 0, [0] * 80)[1]
    second = played(task(seed=seed), 0, [1] * 80)[1]
    for (reward, *_, info), (other, *_) in zip(first, second, strict=True):
        paid = (reward, other)
        assert paid[info["better"]] >= paid[1 - info["better"]]


def test_seeds_instances_and_blocks_draw_apart():
    """Catches a label left out of the key: then two of these would have the same 80 rewards."""

    def rewards(seed, instance, block):
        task = Bandit(seed=seed, instance=instance)
        return tuple(step[0] for step in played(task, block, [0] * 80)[1])

    keys = [(1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1), (1, 1, 1), (2, 1, 1)]
    assert len({rewards(*key) for key in keys}) == len(keys)


@settings(max_examples=25, deadline=None)
@given(TASK, SEED, st.integers(0, 3), st.integers(0, 80))
def test_a_restored_task_goes_on_as_the_first(task, seed, block, cut):
    """Catches state that `state` leaves out, in the middle of a block, at its end and before it."""
    first = task(seed=0)
    first.reset(seed=seed, options={"block": block})
    for trial in range(cut):
        first.step(trial % 2)
    state = first.state()
    second = task(seed=0)
    second.restore(state)
    assert second.state() == state
    if cut == 80:
        assert second.reset()[1] == first.reset()[1]
    for _ in range(3):
        one, two = first.step(1), second.step(1)
        assert one[0].tolist() == two[0].tolist() and one[1:] == two[1:]
        if one[2]:
            break


def test_the_state_before_the_first_reset_is_kept():
    """Catches a restore that begins block 0 by itself, so that the next reset would skip it."""
    task = Reversal(seed=4)
    task.restore(Reversal(seed=4).state())
    assert task.reset()[1]["block"] == 0


@pytest.mark.parametrize(
    "state",
    [{}, {"seed": 1, "block": 0}, {"seed": 1, "block": 0, "trial": 81}, {"seed": -1, "block": 0, "trial": 0}],
)
def test_a_bad_state_is_refused(state):
    """Catches a checkpoint of another task that is taken as it comes."""
    with pytest.raises(DescriptionError):
        Reversal().restore(state)


def test_one_instance_alone_equals_the_same_one_in_a_batch():
    """Catches draws that depend on the batch."""
    factory = load_task("reversal")
    parameters = ReversalParameters()
    alone = factory.make(parameters, seed=9, instance=5)
    batch = factory.batch(parameters, seed=9, instances=range(8))
    assert played(alone, 2, [0, 1] * 40) == played(batch[5], 2, [0, 1] * 40)
