"""Variable magnitude: one cue, no choice, and a reward of one of seven sizes (Eshel et al. 2016; Dabney et al. 2020).

The sizes are volumes of juice, and what a circuit hears of one is its utility, ``u(r) = 10 sqrt(r) / (sqrt(r) +
sqrt(200))``, which the recorded dopamine cells follow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from spikerl.distributional.magnitudes import MAGNITUDES, WEIGHTS, utility
from spikerl.seeding import uniforms
from spikerl.tasks.base import Task, TaskFactory
from spikerl.tasks.blocks import NO_CHOICE, Block, Dictated
from spikerl.tasks.environment import BlockTask

NANOLITRES = 1000
"""In one ul: the column `magnitude` holds whole numbers."""


class VariableMagnitudeParameters(BaseModel):
    """The ``[task]`` table of variable magnitude.

    `trials_per_block`: trials in a block; blocks do not differ in anything but their draws.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    trials_per_block: int = Field(default=100, ge=1, le=1_000_000)


@final
class VariableMagnitude(BlockTask):
    """``reward = u(r) / u(20 ul)``, r one of `MAGNITUDES` with its weight (see `spikerl.tasks.base.Task`).

    The cue is shown in every trial and nothing is chosen. The reward is 1 for the largest size, so that the drive's
    rate is that of 20 ul. All trials have the feedback that an outcome is there. ``info["columns"]`` of a step has
    ``magnitude``, the size in nl. Each trial's size is a function of seed, instance, block and trial.

    `parameters`: default ``VariableMagnitudeParameters()``; `seed`, `instance`: whole numbers. Raises
    `DescriptionError`.
    """

    def __init__(
        self, parameters: VariableMagnitudeParameters | None = None, *, seed: int = 0, instance: int = 0
    ) -> None:
        """Stand before block 0."""
        parameters = parameters or VariableMagnitudeParameters()
        trials = parameters.trials_per_block
        sizes, up_to = np.array(MAGNITUDES), np.cumsum(WEIGHTS) / np.sum(WEIGHTS)
        rewards = utility(sizes) / utility(sizes).max()
        nanolitres = np.rint(sizes * NANOLITRES).astype(np.int64)

        def draw(seed: int, instance: int, block: int) -> Block:
            luck = uniforms(seed, ("task", "variable magnitude", instance, block), 0, trials, 1)
            given = np.minimum(np.searchsorted(up_to, luck, side="right"), sizes.size - 1)  # [trials, 1]
            return Block(
                "variable magnitude",
                np.ones((trials, 1)),
                columns={"magnitude": nanolitres[given]},
                rewards=rewards[given],
                dictated=[Dictated(NO_CHOICE)] * trials,
            )

        super().__init__(draw, trials, 1, seed, instance)


def _opener(parameters: VariableMagnitudeParameters, seed: int) -> Callable[[int], Task]:
    return lambda instance: VariableMagnitude(parameters, seed=seed, instance=instance)


task = TaskFactory(
    "variable_magnitude", VariableMagnitudeParameters, _opener, "one cue, no choice, rewards of seven sizes"
)
