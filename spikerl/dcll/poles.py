"""Gymnasium's CartPole-v1, several side by side: each episode a function of seed, instance and number alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import gymnasium
import numpy as np
from gymnasium.envs.classic_control import CartPoleEnv
from numpy.typing import NDArray

from spikerl.seeding import generator

NAME = "CartPole-v1"
VARIABLES = 4
_SEEDS = 2**31


@final
class Poles:
    """`count` poles, each in an episode of its own; `part` ("train", "test") names the random numbers that begin it.

    `numbers` [instance] counts the episodes of each, `steps` [instance] the steps of the present one.
    """

    def __init__(self, count: int, seed: int, part: str) -> None:
        """Begin episode 0 of each."""
        self._seed, self._part = seed, part
        self._poles = [CartPoleEnv() for _ in range(count)]
        self.numbers = np.full(count, -1)
        self.steps = np.zeros(count, dtype=np.int64)
        self.begin(np.ones(count, dtype=bool))

    def seen(self) -> NDArray[np.float64]:
        """Return position, velocity, angle, angular velocity of each, as Gymnasium rounds them, [instance, 4]."""
        return np.array([pole.state for pole in self._poles], dtype=np.float32).astype(np.float64)

    def begin(self, which: NDArray[np.bool_]) -> None:
        """Begin the next episode of instances `which` [instance]."""
        for instance in np.flatnonzero(which).tolist():
            self.numbers[instance] += 1
            labels = "cartpole", self._part, instance, int(self.numbers[instance])
            self._poles[instance].reset(seed=int(generator(self._seed, *labels).integers(_SEEDS)))
            self.steps[instance] = 0

    def push(self, choice: NDArray[np.int64], which: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Push instances `which` to the left (0) or right (1); return which poles fell, [instance]."""
        fell = np.zeros(len(choice), dtype=bool)
        for instance in np.flatnonzero(which).tolist():
            fell[instance] = self._poles[instance].step(int(choice[instance]))[2]
            self.steps[instance] += 1
        return fell

    def state(self) -> dict[str, NDArray]:
        """Return numbers, steps and the physical state of each."""
        physical = np.array([pole.state for pole in self._poles], dtype=np.float64)
        return {"numbers": self.numbers.copy(), "steps": self.steps.copy(), "physical": physical}

    def restore(self, state: Mapping[str, NDArray]) -> None:
        """Go on from what `state` returned."""
        self.numbers[:] = np.asarray(state["numbers"]) - 1
        self.begin(np.ones(len(self.numbers), dtype=bool))
        self.steps[:] = state["steps"]
        for pole, physical in zip(self._poles, np.asarray(state["physical"]), strict=True):
            pole.state = np.array(physical)


def longest() -> int:
    """Return the steps after which an episode ends in any case."""
    steps = gymnasium.spec(NAME).max_episode_steps
    assert steps is not None
    return steps
