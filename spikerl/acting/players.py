"""Environments as rows of results: what is learned from, what a test shows, and what random choices would have got.

Rows: `kind` 0 where it is learned from, 1 in a test, which nothing is learned from, 2 for random choices; `block` is
the number of the test that follows, or the test's own, and `trial` counts within a kind. Cues: `choice`, `reward` (in
tests its probability), `better`, `cue`, `dopamine` (not a number where nothing is learned). CartPole: a row is an
episode; `reward` is its length in steps, `better` is 1 where that reaches Gymnasium's threshold, `choice` is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import gymnasium
import numpy as np
from numpy.typing import NDArray

from spikerl.acting.preparing import Poled, Staged
from spikerl.dcll.actor_critic import ActorCritic
from spikerl.dcll.cartpole import CartPole
from spikerl.dcll.cues import CueBandit
from spikerl.dcll.network import Network
from spikerl.dcll.poles import NAME, Poles, longest
from spikerl.seeding import generator

LEARNED, TESTED, RANDOM = 0, 1, 2
Rows = dict[str, NDArray]


class Player(Protocol):
    """One network in its environment."""

    def play(self, decisions: int) -> Rows:
        """Make so many decisions side by side, learning."""

    def test(self) -> Rows:
        """Play without learning what was not learned from."""

    def random(self) -> Rows:
        """Return what random choices get in the same test."""

    def state(self) -> dict[str, NDArray]:
        """Return all that the next decision depends on, as arrays by name."""

    def restore(self, state: Mapping[str, NDArray]) -> None:
        """Go on from what `state` returned."""


class CuePlayer:
    """The bandit whose cues are digits."""

    def __init__(self, bandit: CueBandit, staged: Staged, instance: int, seed: int) -> None:
        assert not isinstance(staged.where, Poled)
        self._bandit, self._seed = bandit, seed
        self._settings, self._test = staged.where.settings, staged.where.digits[instance].test

    def play(self, decisions: int) -> Rows:
        """Play so many rounds, learning."""
        first = self._bandit.rounds * self._bandit.learner.batch
        found = self._bandit.play(decisions)
        count = found.choice.size
        return {
            "kind": np.full(count, LEARNED),
            "trial": first + np.arange(count),
            "choice": found.choice.ravel(),
            "reward": found.reward.ravel(),
            "better": found.better.ravel().astype(np.int64),
            "cue": found.cue.ravel(),
            "dopamine": found.dopamine.ravel(),
        }

    def test(self) -> Rows:
        """Show the digits of other writers."""
        found = self._bandit.evaluate(self._test)
        return self._tested(TESTED, found.choice)

    def random(self) -> Rows:
        """Choose at random for the same digits."""
        draw = generator(self._seed, "random choices")
        return self._tested(RANDOM, draw.integers(0, self._bandit.learner.actions, len(self._test.labels)))

    def state(self) -> dict[str, NDArray]:
        """Return the bandit's."""
        return self._bandit.state()

    def restore(self, state: Mapping[str, NDArray]) -> None:
        """Go on from what `state` returned."""
        self._bandit.restore(state)

    def _tested(self, kind: int, choice: NDArray[np.int64]) -> Rows:
        cue = np.asarray(self._test.labels)
        better = choice == np.array(self._settings.better)[cue]
        return {
            "kind": np.full(len(cue), kind),
            "trial": np.arange(len(cue)),
            "choice": choice,
            "reward": np.where(better, *self._settings.chances),
            "better": better.astype(np.int64),
            "cue": cue,
            "dopamine": np.full(len(cue), np.nan),
        }


class PolePlayer:
    """CartPole-v1."""

    def __init__(self, poles: CartPole, staged: Staged, seed: int) -> None:
        assert isinstance(staged.where, Poled)
        self._poles, self._episodes, self._seed = poles, staged.where.test_episodes, seed
        self._ended = 0
        self._enough = gymnasium.spec(NAME).reward_threshold or longest()

    def play(self, decisions: int) -> Rows:
        """Make so many decisions of every instance, learning; rows are of the episodes that ended."""
        returns = self._poles.play(decisions).returns
        rows = self._rows(LEARNED, returns, self._ended)
        self._ended += len(returns)
        return rows

    def test(self) -> Rows:
        """Take the likeliest action in episodes that were never learned from."""
        return self._rows(TESTED, self._poles.evaluate(self._episodes))

    def random(self) -> Rows:
        """Push at random in episodes that begin alike."""
        poles, draw = Poles(self._episodes, self._seed, "test"), generator(self._seed, "random choices")
        up = np.ones(self._episodes, dtype=bool)
        while up.any() and poles.steps.max() < longest():
            up &= ~poles.push(draw.integers(0, 2, self._episodes), up)
        return self._rows(RANDOM, poles.steps)

    def state(self) -> dict[str, NDArray]:
        """Return the poles', and how many episodes ended."""
        return self._poles.state() | {"ended": np.array(self._ended)}

    def restore(self, state: Mapping[str, NDArray]) -> None:
        """Go on from what `state` returned."""
        self._poles.restore(state)
        self._ended = int(state["ended"])

    def _rows(self, kind: int, returns: NDArray[np.int64], first: int = 0) -> Rows:
        return {
            "kind": np.full(len(returns), kind),
            "trial": first + np.arange(len(returns)),
            "choice": np.zeros(len(returns), dtype=np.int64),
            "reward": returns.astype(np.float64),
            "better": (returns >= self._enough).astype(np.int64),
        }


def player_of(staged: Staged, network: Network, batch: int, instance: int, seed: int) -> Player:
    """Return what plays `network` in the environment, drawn from `seed`."""
    learner = ActorCritic(network, staged.learning, batch)
    if isinstance(staged.where, Poled):
        return PolePlayer(CartPole(learner, staged.where.settings, seed), staged, seed)
    bandit = CueBandit(learner, staged.where.digits[instance].train, staged.where.settings, seed)
    return CuePlayer(bandit, staged, instance, seed)
