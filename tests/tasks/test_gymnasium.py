"""The tasks are Gymnasium environments, by its own checker and by its registry."""

import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from spikerl.errors import DescriptionError
from spikerl.registry import TASKS, registered
from spikerl.tasks import Bandit, BanditParameters, Reversal, ReversalParameters, load_task, register
from tests.tasks.recorded_blocks import small_rows, write


@pytest.mark.parametrize("name", ["Bandit", "Payoffs", "Reversal", "Volatile", "WhatWhere"])
def test_gymnasium_accepts_the_registered_environments(name):
    """Catches a step or reset of the wrong form, a seed left aside, and a registration that does not work."""
    register()
    register()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make(f"spikerl/{name}-v0").unwrapped)


def test_gymnasium_accepts_a_replay(tmp_path):
    """Catches replay information that is not the same from one reset to the next."""
    path = write(tmp_path / "blocks.csv", small_rows())
    register()
    parameters = ReversalParameters(blocks=str(path), trials_per_block=6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make("spikerl/Reversal-v0", parameters=parameters).unwrapped)


def test_importing_the_tasks_registers_nothing():
    """Catches a change of Gymnasium's registry that nobody asked for."""
    code = "import gymnasium, spikerl.tasks; print(any('spikerl' in name for name in gymnasium.registry))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


@pytest.mark.parametrize("environment", [Bandit(seed=3), Reversal(seed=3)])
def test_a_block_ends_once_and_then_asks_for_reset(environment):
    """Catches a block of a wrong length, options shown after the end, and a step past the end."""
    observation, info = environment.reset()
    assert (info["block"], info["trial"]) == (0, 0)
    for trial in range(80):
        assert observation.tolist() == [1, 1]
        observation, reward, terminated, truncated, info = environment.step(np.int64(0))
        assert (info["trial"], reward in (0.0, 1.0), terminated, truncated) == (
            trial,
            True,
            trial == 79,
            False,
        )
    assert observation.tolist() == [0, 0]
    with pytest.raises(DescriptionError, match="call reset"):
        environment.step(np.int64(0))
    assert environment.reset()[1]["block"] == 1
    assert environment.reset(options={"block": 7})[1]["block"] == 7
    assert environment.reset(seed=5)[1]["block"] == 0


def test_a_step_before_the_first_reset_is_refused():
    """Catches a trial of a block that was never begun."""
    with pytest.raises(DescriptionError, match="call reset"):
        Bandit().step(np.int64(0))


@pytest.mark.parametrize("action", [-1, 2, 0.0, True, None, "0", np.array([0, 1]), np.nan])
def test_an_action_that_is_no_option_is_refused(action):
    """Catches indices that wrap around or are cut to whole numbers; the trial must still be to come."""
    task = Bandit()
    task.reset()
    with pytest.raises(DescriptionError, match="action: got"):
        task.step(action)
    assert task.state()["trial"] == 0


@pytest.mark.parametrize(
    ("options", "word"), [({"block": -1}, "block"), ({"block": 1.0}, "block"), ({"blok": 1}, "blok")]
)
def test_bad_reset_options_are_refused(options, word):
    """Catches an option that is silently left aside."""
    task = Reversal()
    with pytest.raises(DescriptionError, match=word):
        task.reset(options=options)


@pytest.mark.parametrize("arguments", [{"seed": -1}, {"seed": 2**63}, {"instance": -1}, {"instance": 0.5}])
def test_bad_seeds_and_instances_are_refused(arguments):
    """Catches a seed that would fail in the middle of a run."""
    with pytest.raises(DescriptionError):
        Reversal(**arguments)


def test_lookup_names_the_nearest_task():
    """Catches a lookup that fails without help, and a factory listed under another name."""
    shipped = {"bandit", "reversal", "volatile", "what_where"}
    assert {load_task(name).name for name in registered(TASKS)} == set(registered(TASKS)) >= shipped
    with pytest.raises(DescriptionError, match="did you mean 'reversal'"):
        load_task("reversl")


def test_a_factory_refuses_the_parameters_of_another_task():
    """Catches a reversal that is made from a bandit's parameters."""
    with pytest.raises(DescriptionError, match="ReversalParameters"):
        load_task("reversal").make(BanditParameters(), seed=1, instance=0)
