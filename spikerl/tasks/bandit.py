"""The bandit: ``P(reward) = p[option]``, fixed within a block.

Which option is the better one is drawn for each block. The K-armed bandit with Bernoulli rewards (Robbins
1952).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, final

import gymnasium
import numpy as np
from gymnasium.spaces import Discrete, MultiBinary
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from spikerl.seeding import generator
from spikerl.tasks.base import Task, TaskFactory
from spikerl.tasks.blocks import Block, BlockPlayer
from spikerl.tasks.schedule import probabilities


class BanditParameters(BaseModel):
    """The ``[task]`` table of a bandit.

    `schedule`: percentages of rewarded trials, the best option first, two options or more.
    `trials_per_block`: trials until the better option is drawn anew.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    schedule: str = "80/20"
    trials_per_block: int = Field(default=80, ge=1, le=1_000_000)

    @field_validator("schedule")
    @classmethod
    def _schedule(cls, schedule: str) -> str:
        probabilities(schedule)
        return schedule


@final
class Bandit(gymnasium.Env[NDArray[np.int8], np.int64]):
    """A K-armed bandit, one trial a step, one block an episode (see `spikerl.tasks.base.Task`).

    `parameters`: default ``BanditParameters()``; `seed`, `instance`: whole numbers that, with block and
    trial, decide every draw. Raises `DescriptionError`.
    """

    action_space: Discrete
    observation_space: MultiBinary

    def __init__(
        self, parameters: BanditParameters | None = None, *, seed: int = 0, instance: int = 0
    ) -> None:
        """Stand before block 0."""
        parameters = parameters or BanditParameters()
        chances = np.array(probabilities(parameters.schedule))

        def draw(seed: int, instance: int, block: int) -> Block:
            order = generator(seed, "task", "bandit", instance, block).permutation(chances.size)
            return Block(parameters.schedule, np.tile(chances[order], (parameters.trials_per_block, 1)))

        self._player = BlockPlayer(draw, parameters.trials_per_block, chances.size, seed, instance)
        self.action_space = Discrete(chances.size)
        self.observation_space = MultiBinary(chances.size)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.int8], dict[str, Any]]:
        """Begin the next block, or `options["block"]`; a `seed` goes back to block 0."""
        super().reset(seed=seed)
        return self._player.reset(seed, options)

    def step(self, action: np.int64) -> tuple[NDArray[np.int8], float, bool, bool, dict[str, Any]]:
        """Play one trial of the chosen option."""
        return self._player.step(action)

    def state(self) -> dict[str, int]:
        """Return the complete state: seed, block, trial."""
        return self._player.state()

    def restore(self, state: Mapping[str, int]) -> None:
        """Go to a state that `state` returned."""
        self._player.restore(state)


def _opener(parameters: BanditParameters, seed: int) -> Callable[[int], Task]:
    return lambda instance: Bandit(parameters, seed=seed, instance=instance)


task = TaskFactory("bandit", BanditParameters, _opener, "fixed reward probabilities, drawn for each block")
