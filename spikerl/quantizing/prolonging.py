"""The block in which learning ended goes on in the test: what was learned is asked for, not something new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel

from spikerl.backends.base import State
from spikerl.errors import SpikerlError, UnsupportedError, message
from spikerl.experiment.tables import Experiment
from spikerl.tasks.base import Task
from spikerl.tasks.blocks import FREE

LENGTH = "trials_per_block"
_LOOKED_AT = 10_000  # trials, of those that come before the first free choice


class Prolonged(NamedTuple):
    """The task's `parameters` for the test, the `length` of its blocks so far, and whether to go `back` into one.

    A loop whose trials ended with a block stands before the next one.
    """

    parameters: BaseModel
    length: int
    back: bool


def prolonged(experiment: Experiment, trial: int, test: int) -> Prolonged:
    """Return how a task, whose next trial is the one of that number in its block, goes on in it for `test` trials.

    Raises `UnsupportedError` for a task whose blocks cannot be prolonged.
    """
    parameters = experiment.parts["task"]
    if LENGTH not in type(parameters).model_fields:
        return Prolonged(parameters, 0, False)
    length = int(parameters.model_dump()[LENGTH])
    back = trial == 0
    needed = (length if back else trial) + test
    if needed <= length:
        return Prolonged(parameters, length, back)
    try:
        longer = type(parameters).model_validate(parameters.model_dump() | {LENGTH: needed})
        experiment.task.batch(longer, experiment.run.seed, (0,))
    except (SpikerlError, ValueError) as error:
        remedy = "recorded blocks end where they end: play fewer trials, or no test (test=0) with when='during'"
        allowed = f"{LENGTH} that can be {needed}, for the test to go on in the last block"
        raise UnsupportedError(message("task of quantize", experiment.task.name, allowed, remedy)) from error
    return Prolonged(longer, length, back)


def gone_back(tasks: Sequence[Task], state: State, length: int) -> State:
    """Return the `state` of a loop before new blocks, moved to where the blocks before them, of `length`, go on."""
    found = dict(state)
    shown = state["loop/shown"].copy()
    keys = [name.removeprefix("task/") for name in state if name.startswith("task/")]
    moved = []
    for k, task in enumerate(tasks):
        at = {key: int(state[f"task/{key}"][k]) for key in keys}
        # The last trial once more, for what the task shows after it.
        task.restore(at | {"block": at["block"] - 1, "trial": length - 1})
        shown[k] = task.step(np.int64(max(task.dictated().choice, 0)))[0]
        moved.append(task.state())
    found["loop/shown"] = shown
    return found | {f"task/{key}": np.array([one[key] for one in moved], dtype=np.int64) for key in keys}


def check_choices(experiment: Experiment) -> None:
    """Raise `UnsupportedError` for a task in which nothing can be chosen, so that no choice can be better."""
    task = experiment.task.make(experiment.parts["task"], experiment.run.seed, 0)
    task.reset()
    for _ in range(min(experiment.run.trials, _LOOKED_AT)):
        dictated = task.dictated().choice
        if dictated == FREE:
            return
        _, _, terminated, truncated, _ = task.step(np.int64(max(dictated, 0)))
        if terminated or truncated:
            task.reset()
    allowed = "a task in which the circuit chooses"
    raise UnsupportedError(message("task of quantize", experiment.task.name, allowed, "see spikerl list tasks"))


