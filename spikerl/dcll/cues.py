"""A bandit whose cues are images: which option pays more is to be seen in the image, and learned from reward alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, final

import numpy as np
from numpy.typing import NDArray

from spikerl.dcll.actor_critic import Learner
from spikerl.errors import DescriptionError, message
from spikerl.keywords import described
from spikerl.seeding import check_seed, generator, uniforms
from spikerl.units import finite_number, whole_number

_MOST_OPTIONS = 1000


class Cues(Protocol):
    """Labelled samples: `labels` [sample], and the spikes of chosen ones, drawn anew in each epoch."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """The class of each sample."""

    def spikes(self, index: NDArray[np.int64], epoch: int = 0) -> NDArray[np.bool_]:
        """Return the spikes of samples `index`, [time, batch, ...]."""


@described
@dataclass(frozen=True)
class CueSettings:
    """``P(reward) = chances[0]`` of the better option, ``chances[1]`` of every other.

    `better` is the better option of each class of cue, such as ``(0, 1, 0, 1)``; `chances` are (.8, .2) by default,
    the first above the second. Raises `DescriptionError`.
    """

    better: tuple[int, ...]
    chances: tuple[float, float] = (0.8, 0.2)

    def __post_init__(self) -> None:
        """Check every field."""
        if not self.better:
            raise DescriptionError(message("CueSettings.better", self.better, "an option for each class of cue"))
        for place, option in enumerate(self.better):
            whole_number(option, 0, _MOST_OPTIONS, f"CueSettings.better[{place}]")
        if len(self.chances) != 2:
            allowed = "two, of the better option and of the others"
            raise DescriptionError(message("CueSettings.chances", self.chances, allowed))
        high, low = (finite_number(chance, f"CueSettings.chances[{k}]") for k, chance in enumerate(self.chances))
        if not 0 <= low < high <= 1:
            raise DescriptionError(message("CueSettings.chances", self.chances, "0 to 1, the first above the second"))


class Trials(NamedTuple):
    """What happened, [round, instance]: `sample` shown, `cue`, its class, `choice`, `better`, `reward`, `dopamine`."""

    sample: NDArray[np.int64]
    cue: NDArray[np.int64]
    choice: NDArray[np.int64]
    better: NDArray[np.bool_]
    reward: NDArray[np.float64]
    dopamine: NDArray[np.float64]


class Answers(NamedTuple):
    """What was chosen of cues without reward, [sample]: `cue`, the class, `choice`, and whether it is `better`."""

    cue: NDArray[np.int64]
    choice: NDArray[np.int64]
    better: NDArray[np.bool_]


@final
class CueBandit:
    """`learner` in a bandit with cues of `train`: a round is one trial of each instance of its batch.

    A trial is one decision, and so dopamine is ``reward - V``. Cues are drawn by `seed`, and so are choices and luck:
    ``reward = u < p``, one u a trial whatever the choice. `state` and `restore` carry all that the next round depends
    on. Raises `DescriptionError`.
    """

    def __init__(self, learner: Learner, train: Cues, settings: CueSettings, seed: int = 0) -> None:
        if max(settings.better) >= learner.actions:
            allowed = f"options from 0 to {learner.actions - 1}"
            raise DescriptionError(message("CueSettings.better", settings.better, allowed, "or more outputs"))
        self.learner, self.settings, self.seed = learner, settings, check_seed(seed)
        self._train, self._better = train, np.array(settings.better)
        self._check(train)
        self.rounds = 0

    def play(self, rounds: int) -> Trials:
        """Play so many rounds, learning."""
        played = [self._round() for _ in range(whole_number(rounds, 1, 10**12, "CueBandit.play: rounds"))]
        return Trials(*(np.stack(columns) for columns in zip(*played, strict=True)))

    def evaluate(self, cues: Cues, batch: int = 500) -> Answers:
        """Return the likeliest choice for each of `cues`; nothing learns, and there is no reward."""
        self._check(cues)
        choices = []
        for first in range(0, len(cues.labels), whole_number(batch, 1, 1_000_000, "CueBandit.evaluate: batch")):
            index = np.arange(first, min(first + batch, len(cues.labels)))
            choices.append(self.learner.decide(cues.spikes(index), hold=False).best())
        choice, cue = np.concatenate(choices), np.asarray(cues.labels)
        return Answers(cue, choice, choice == self._better[cue])

    def state(self) -> dict[str, NDArray]:
        """Return the number of rounds and the state of the learner, by name."""
        kept = {f"learner/{name}": array for name, array in self.learner.state().items()}
        return kept | {"rounds": np.array(self.rounds)}

    def restore(self, state: Mapping[str, NDArray]) -> None:
        """Go on from what `state` returned, with the same learner, cues, settings and seed."""
        start = "learner/"
        self.learner.restore({key.removeprefix(start): a for key, a in state.items() if key.startswith(start)})
        self.rounds = int(state["rounds"])

    def _round(self) -> Trials:
        learner, batch = self.learner, self.learner.batch
        sample = generator(self.seed, "cues", self.rounds).integers(0, len(self._train.labels), batch)
        decision = learner.decide(self._train.spikes(sample, self.rounds))
        choice = decision.drawn(self.seed, "cue choice", self.rounds)
        cue = self._train.labels[sample]
        better = choice == self._better[cue]
        luck = uniforms(self.seed, ("cue reward",), self.rounds, 1, batch)[0]
        reward = (luck < np.where(better, *self.settings.chances)).astype(np.float64)
        dopamine = reward - decision.value
        learner.mark(decision, choice, np.ones(batch, dtype=bool))
        learner.learn(dopamine)
        self.rounds += 1
        return Trials(sample, cue, choice, better, reward, dopamine)

    def _check(self, cues: Cues) -> None:
        if len(cues.labels) == 0 or not 0 <= cues.labels.min() <= cues.labels.max() < len(self._better):
            allowed = f"classes from 0 to {len(self._better) - 1}, those that CueSettings.better names"
            raise DescriptionError(message("labels of cues", np.unique(cues.labels), allowed))
