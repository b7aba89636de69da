"""``NLL(parameters) = min over links of the mean of -log P(choice)``: how far a circuit is from recorded choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from spikerl.behaviour.link import Link, fit_link
from spikerl.behaviour.splitting import Split
from spikerl.behaviour.trials import Trials
from spikerl.experiment.reading import changed
from spikerl.experiment.tables import Experiment
from spikerl.fitting.following import led_votes
from spikerl.seeding import generator
from spikerl.tasks.recorded import OPTIONS, Recording

Settings = Mapping[str, int | float | str]
FIRST_SHARE = 0.25
LEAST_FIRST = 10
"""A first part of so many blocks at least, of twice as many in all, tells whether the rest is worth the time."""


class Evaluation(NamedTuple):
    """What came of one vector of parameters, `settings` by key; number 0 is the experiment as it was written.

    `blocks` were played; `first` is the negative log likelihood of their first part in nats per trial (None where there
    is no first part), `nll` that of all, None where the evaluation was cut short after the first; `link` is that of
    what was played.
    """

    number: int
    settings: Settings
    blocks: int
    first: float | None
    nll: float | None
    link: Link


@final
class Evaluator:
    """Leads the circuit of `experiment` through the blocks of a `split`, `repeats` instances each.

    The training half is played in an order drawn by the experiment's seed, so that its first part is a sample of it.
    Each block hears the same input spikes whatever the parameters (common random numbers).
    """

    def __init__(self, experiment: Experiment, recording: Recording, split: Split, repeats: int, sticky: bool) -> None:
        """Draw the order; nothing is played yet."""
        order = generator(experiment.run.seed, "fitting", "order").permutation(len(split.train))
        self.train, self.test = split.train[order], split.test
        self._experiment, self._recording, self._repeats, self._sticky = experiment, recording, repeats, sticky
        self._trials = Trials(recording.choices, recording.rewards.astype(np.float64), len(OPTIONS), "recorded blocks")
        enough = len(self.train) >= 2 * LEAST_FIRST
        self._first = max(LEAST_FIRST, int(FIRST_SHARE * len(self.train))) if enough else 0

    @property
    def learned_from(self) -> Trials:
        """The choices and rewards of the training half, in the order in which it is played."""
        return self._trials.take(self.train)

    @property
    def tested_on(self) -> Trials:
        """The choices and rewards of the other half."""
        return self._trials.take(self.test)

    def evaluate(
        self,
        number: int,
        settings: Settings,
        hopeless: Callable[[float], bool],
        progress: Callable[[float], None] | None = None,
    ) -> Evaluation:
        """Play the training half with `settings`, or its first part alone where that is `hopeless`.

        `progress` is called with the share that has been played.
        """
        parts: list[NDArray[np.float64]] = []
        first = None
        chosen = changed(self._experiment, settings)
        if self._first:
            parts.append(self._votes(chosen, 0, self._first, progress))
            trials = self._trials.take(self.train[: self._first])
            link = fit_link(parts[0], trials, self._sticky)
            first = float(link.on(parts[0], trials).mean())
            if hopeless(first):
                return Evaluation(number, settings, self._first, first, None, link)
        parts.append(self._votes(chosen, self._first, len(self.train), progress))
        votes = np.concatenate(parts)
        link = fit_link(votes, self.learned_from, self._sticky)
        nll = float(link.on(votes, self.learned_from).mean())
        return Evaluation(number, settings, len(self.train), first, nll, link)

    def held_out(self, found: Evaluation, progress: Callable[[float], None] | None = None) -> NDArray[np.float64]:
        """Return the negative log likelihood of each block of the other half in nats per trial, shape [blocks]."""
        count, every = len(self.train) * self._repeats, len(self.test)
        votes = led_votes(
            changed(self._experiment, found.settings),
            self._recording,
            self.test,
            first=count,
            repeats=self._repeats,
            progress=None if progress is None else self._shares(0, every, every, progress),
        )
        return found.link.on(votes, self.tested_on)

    def _votes(
        self, experiment: Experiment, begin: int, end: int, progress: Callable[[float], None] | None
    ) -> NDArray[np.float64]:
        return led_votes(
            experiment,
            self._recording,
            self.train[begin:end],
            first=begin * self._repeats,
            repeats=self._repeats,
            progress=None if progress is None else self._shares(begin, end, len(self.train), progress),
        )

    def _shares(self, begin: int, end: int, every: int, progress: Callable[[float], None]) -> Callable[[int], None]:
        trials = self._recording.choices.shape[1]
        return lambda played: progress((begin + (end - begin) * played / trials) / every)
