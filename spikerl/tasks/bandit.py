"""The bandit: ``P(reward) = p[option]``, fixed within a block.

Which option is the better one is drawn for each block. The K-armed bandit with Bernoulli rewards (Robbins
1952).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from spikerl.seeding import generator
from spikerl.tasks.base import Task, TaskFactory
from spikerl.tasks.blocks import Block
from spikerl.tasks.environment import BlockTask
from spikerl.tasks.schedule import Schedule, probabilities


class BanditParameters(BaseModel):
    """The ``[task]`` table of a bandit.

    `schedule`: percentages of rewarded trials, the best option first, two options or more.
    `trials_per_block`: trials until the better option is drawn anew.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    schedule: Schedule = "80/20"
    trials_per_block: int = Field(default=80, ge=1, le=1_000_000)


@final
class Bandit(BlockTask):
    """A K-armed bandit, one trial a step, one block an episode (see `spikerl.tasks.base.Task`).

    `parameters`: default ``BanditParameters()``; `seed`, `instance`: whole numbers that, with block and
    trial, decide every draw. Raises `DescriptionError`.
    """

    def __init__(
        self, parameters: BanditParameters | None = None, *, seed: int = 0, instance: int = 0
    ) -> None:
        """Stand before block 0."""
        parameters = parameters or BanditParameters()
        chances = np.array(probabilities(parameters.schedule))

        def draw(seed: int, instance: int, block: int) -> Block:
            order = generator(seed, "task", "bandit", instance, block).permutation(chances.size)
            return Block(parameters.schedule, np.tile(chances[order], (parameters.trials_per_block, 1)))

        super().__init__(draw, parameters.trials_per_block, chances.size, seed, instance)


def _opener(parameters: BanditParameters, seed: int) -> Callable[[int], Task]:
    return lambda instance: Bandit(parameters, seed=seed, instance=instance)


task = TaskFactory("bandit", BanditParameters, _opener, "fixed reward probabilities, drawn for each block")
