"""A linear actor and critic on counts of spikes, what layers that learn from reward are held against."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spikerl.dcll.actor_critic import Decision
from spikerl.dcll.rewarded import Learning

_MEAN_OF_SQUARES, _SMALLEST = 0.99, 1e-8


class Linear:
    """``Y = W x``, x the spikes of each input a step; W from 0; traces, dopamine and rates as in `ActorCritic`."""

    def __init__(self, inputs: int, actions: int, learning: Learning, batch: int) -> None:
        self.learning, self.batch, self.actions = learning, batch, actions
        self.weight = np.zeros((actions + 1, inputs))
        self._trace = np.zeros((batch, actions + 1, inputs))
        self._squares = np.zeros_like(self.weight)
        self._changes = 0
        self._heard = np.zeros((batch, inputs))

    def decide(self, spikes: NDArray[np.bool_], hold: bool = True) -> Decision:
        """Read the counts of a window, [time, batch, ...]."""
        heard = spikes.mean(axis=0).reshape(spikes.shape[1], -1)
        if hold:
            self._heard = heard
        y = heard @ self.weight.T
        odds = np.exp(y[:, :-1] - y[:, :-1].max(axis=1, keepdims=True))
        return Decision(odds / odds.sum(axis=1, keepdims=True), y[:, -1])

    def mark(self, decision: Decision, choice: NDArray[np.int64], begins: ArrayLike) -> None:
        """Fade the traces and add what was chosen."""
        errors = np.full((self.batch, self.actions + 1), self.learning.critic)
        errors[:, :-1] = np.eye(self.actions)[choice] - decision.policy
        keep = np.where(begins, 0.0, self.learning.discount * self.learning.trace)
        self._trace *= keep[:, None, None]
        self._trace += errors[:, :, None] * self._heard[:, None]

    def learn(self, dopamine: ArrayLike) -> None:
        """Change the weights by dopamine errors times traces, over the root of the mean of their squares."""
        change = np.tensordot(np.asarray(dopamine), self._trace, 1) / self.batch
        self._squares += (1 - _MEAN_OF_SQUARES) * (change**2 - self._squares)
        seen = self._squares / (1 - _MEAN_OF_SQUARES ** (self._changes + 1))
        self.weight += self.learning.rate_after(self._changes) * change / (np.sqrt(seen) + _SMALLEST)
        self._changes += 1

    def state(self) -> dict[str, NDArray]:
        """Return all that the next decision depends on."""
        return {
            "weight": self.weight.copy(),
            "trace": self._trace.copy(),
            "squares": self._squares.copy(),
            "changes": np.array(self._changes),
        }

    def restore(self, state: Mapping[str, NDArray]) -> None:
        """Go on from what `state` returned."""
        self.weight[:], self._trace[:], self._squares[:] = state["weight"], state["trace"], state["squares"]
        self._changes = int(state["changes"])
