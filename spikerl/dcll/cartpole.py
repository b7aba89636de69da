"""CartPole learned by an actor and a critic: positions and velocities as spikes in, a push to the left or right out.

An instance whose episode has ended is shown its last state for one decision more, from which a value is taken where
the time was up and none where the pole fell; then its next episode begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from spikerl.dcll.actor_critic import Learner
from spikerl.dcll.poles import VARIABLES, Poles, longest
from spikerl.dcll.population_code import PopulationCode
from spikerl.errors import DescriptionError, message
from spikerl.keywords import described
from spikerl.seeding import check_seed
from spikerl.units import finite_number, whole_number

_ACTIONS = 2
REACH = (2.4, 2.5, 0.2095, 2.5)
"""Up to where position (m), velocity (m/s), angle (rad) and angular velocity (rad/s) are told apart."""


@described
@dataclass(frozen=True)
class CartPoleSettings:
    """`code` of the four variables; `reward` of a step (.01, so that at a discount of .99 values lie from 0 to 1)."""

    code: PopulationCode = PopulationCode(REACH)
    reward: float = 0.01

    def __post_init__(self) -> None:
        """Check every field."""
        if not isinstance(self.code, PopulationCode):
            raise DescriptionError(message("CartPoleSettings.code", self.code, "a PopulationCode"))
        if len(self.code.reach) != VARIABLES:
            allowed = "one for each of position, velocity, angle and angular velocity"
            raise DescriptionError(message("CartPoleSettings.code.reach", self.code.reach, allowed))
        if finite_number(self.reward, "CartPoleSettings.reward") <= 0:
            raise DescriptionError(message("CartPoleSettings.reward", self.reward, "above 0"))


class Episodes(NamedTuple):
    """Episodes that ended, in that order: `decision` at which, `instance`, its `number` there, and `returns` in steps.

    All have shape [episode].
    """

    decision: NDArray[np.int64]
    instance: NDArray[np.int64]
    number: NDArray[np.int64]
    returns: NDArray[np.int64]


@final
class CartPole:
    """`learner` on as many poles as its batch; `seed` begins the episodes and draws the choices.

    `state` and `restore` carry all that the next decision depends on. Raises `DescriptionError`.
    """

    def __init__(self, learner: Learner, settings: CartPoleSettings | None = None, seed: int = 0) -> None:
        if learner.actions != _ACTIONS:
            raise DescriptionError(message("CartPole: actions", learner.actions, "2, to the left and to the right"))
        self.learner, self.settings, self.seed = learner, settings or CartPoleSettings(), check_seed(seed)
        self.decisions = 0
        self._poles = Poles(learner.batch, seed, "train")
        self._longest = longest()
        self._begins = np.ones(learner.batch, dtype=bool)
        self._over = np.zeros(learner.batch, dtype=bool)
        self._fell = np.zeros(learner.batch, dtype=bool)
        self._value = np.zeros(learner.batch)

    def play(self, decisions: int) -> Episodes:
        """Make so many decisions of every instance, learning, and return the episodes that ended."""
        ended = [self._decide() for _ in range(whole_number(decisions, 1, 10**12, "CartPole.play: decisions"))]
        return Episodes(*(np.concatenate(columns) for columns in zip(*ended, strict=True)))

    def evaluate(self, episodes: int = 100, drawn: bool = False) -> NDArray[np.int64]:
        """Return the returns of so many episodes that were never learned from; nothing learns.

        The likeliest action is taken, or, `drawn`, one from the policy.
        """
        poles = Poles(whole_number(episodes, 1, 1_000_000, "CartPole.evaluate: episodes"), self.seed, "test")
        up = np.ones(episodes, dtype=bool)
        for step in range(self._longest):
            decision = self.learner.decide(self.settings.code.spikes(poles.seen()), hold=False)
            choice = decision.drawn(self.seed, "cartpole test choice", step) if drawn else decision.best()
            up &= ~poles.push(choice, up)
            if not up.any():
                break
        return poles.steps.copy()

    def state(self) -> dict[str, NDArray]:
        """Return the state of learner and poles, and what the next dopamine error is made of, by name."""
        kept = {f"learner/{name}": array for name, array in self.learner.state().items()}
        kept |= {f"poles/{name}": array for name, array in self._poles.state().items()}
        own = {"begins": self._begins, "over": self._over, "fell": self._fell, "value": self._value}
        return kept | {name: array.copy() for name, array in own.items()} | {"decisions": np.array(self.decisions)}

    def restore(self, state: Mapping[str, NDArray]) -> None:
        """Go on from what `state` returned, with the same learner, settings and seed."""
        for prefix, part in (("learner/", self.learner), ("poles/", self._poles)):
            part.restore({key.removeprefix(prefix): array for key, array in state.items() if key.startswith(prefix)})
        begins, over, fell = (np.array(state[name], dtype=bool) for name in ("begins", "over", "fell"))
        self._begins, self._over, self._fell = begins, over, fell
        self._value, self.decisions = np.array(state["value"], dtype=np.float64), int(state["decisions"])

    def _decide(self) -> Episodes:
        """Show every instance its state, learn from what that is worth, and push; return the episodes that end."""
        learner, poles = self.learner, self._poles
        decision = learner.decide(self.settings.code.spikes(poles.seen()))
        if self.decisions:
            after = np.where(self._fell, 0.0, decision.value)
            error = self.settings.reward + learner.learning.discount * after - self._value
            learner.learn(np.where(self._begins, 0.0, error))
        was_over = self._over
        begins = self._begins
        choice = decision.drawn(self.seed, "cartpole choice", self.decisions)
        learner.mark(decision, choice, begins)
        self._fell = poles.push(choice, ~was_over)
        over = (self._fell | (poles.steps >= self._longest)) & ~was_over
        which = np.flatnonzero(over)
        ended = Episodes(
            np.full(len(which), self.decisions), which, poles.numbers[which].copy(), poles.steps[which].copy()
        )
        poles.begin(was_over)
        self._begins, self._over, self._value = was_over, over, decision.value
        self.decisions += 1
        return ended
