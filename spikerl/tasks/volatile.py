"""The volatile bandit: ``P(reward) = p[option]``, and the best option loses its place with a given hazard.

How fast the world changes, and how noisily it pays, are two numbers apart: the two axes along which fast and slow
learners are compared (Behrens et al. 2007; Neftci and Averbeck 2019).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from spikerl.seeding import generator, uniforms
from spikerl.tasks.base import Task, TaskFactory
from spikerl.tasks.blocks import Block
from spikerl.tasks.environment import BlockTask
from spikerl.tasks.schedule import Schedule, exchanged, probabilities, rivals


class VolatileParameters(BaseModel):
    """The ``[task]`` table of a volatile bandit.

    `schedule`: percentages of rewarded trials, the best option first; the nearer they are, the noisier. `volatility`:
    probability of a change on a trial on which one may come. `minimum_between`: trials from a change, or from the
    start of a block, to the first trial on which the next may come. Two changes are ``minimum_between - 1 +
    1 / volatility`` trials apart on average. `trials_per_block`: trials until all options are drawn anew.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    schedule: Schedule = "80/20"
    volatility: float = Field(default=0.05, ge=0, le=1)
    minimum_between: int = Field(default=5, ge=1, le=1_000_000)
    trials_per_block: int = Field(default=400, ge=1, le=1_000_000)


@final
class Volatile(BlockTask):
    """A volatile bandit, one trial a step, one block an episode (see `spikerl.tasks.base.Task`).

    On trial t, `minimum_between` or more after the last change, the best option changes places with another, each
    equally likely, if ``h(seed, instance, block, t) < volatility``. `h` is a uniform number for each trial whatever
    the parameters, so that two schedules change on the same trials. ``info["columns"]`` of a step has ``changes``,
    the number of changes of the block so far; ``reversal`` is the trial of the first.

    `parameters`: default ``VolatileParameters()``; `seed`, `instance`: whole numbers that, with block and trial,
    decide every draw. Raises `DescriptionError`.
    """

    def __init__(
        self, parameters: VolatileParameters | None = None, *, seed: int = 0, instance: int = 0
    ) -> None:
        """Stand before block 0."""
        parameters = parameters or VolatileParameters()
        chances = np.array(probabilities(parameters.schedule))
        trials = parameters.trials_per_block

        def draw(seed: int, instance: int, block: int) -> Block:
            now = chances[generator(seed, "task", "volatile", instance, block).permutation(chances.size)]
            luck = uniforms(seed, ("task", "volatile change", instance, block), 0, trials, 2)
            begun = [0, *_changes(luck[:, 0] < parameters.volatility, parameters.minimum_between)]
            between = [now]
            for first in begun[1:]:
                others = rivals(now)
                now = exchanged(now, int(others[int(luck[first, 1] * others.size)]))
                between.append(now)
            changes = np.searchsorted(begun, np.arange(trials), side="right") - 1
            columns = {"changes": np.repeat(changes[:, None], chances.size, axis=1)}
            return Block(parameters.schedule, np.array(between)[changes], columns=columns)

        super().__init__(draw, trials, chances.size, seed, instance)


def _changes(may: NDArray[np.bool_], minimum_between: int) -> list[int]:
    """Return the trials of the changes: those of `may` [trials] that are far enough from the change before."""
    kept, last = [], 0
    for trial in np.flatnonzero(may).tolist():
        if trial - last >= minimum_between:
            kept.append(trial)
            last = trial
    return kept


def _opener(parameters: VolatileParameters, seed: int) -> Callable[[int], Task]:
    return lambda instance: Volatile(parameters, seed=seed, instance=instance)


task = TaskFactory("volatile", VolatileParameters, _opener, "the best option loses its place with a given hazard")
