"""Blocks of trials: what is shown, and who pays how often, on each trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NO_REVERSAL = -1


class RecordedChoices(NamedTuple):
    """What an animal did: the block's `number` in the file, and the `choices` (options), shape [trials]."""

    number: int
    choices: NDArray[np.int64]


class Dictated(NamedTuple):
    """What a trial leaves to nobody's choice.

    `choice`: the option that is taken whatever the circuit votes for, `FREE` where it decides, `NO_CHOICE` where cues
    are shown and nothing is chosen (Pavlovian conditioning). `feedback`: whether the outcome is announced by a signal
    of its own, as after a choice. `laser`: whether the experimenter's laser is on in the outcome.
    """

    choice: int
    feedback: bool = True
    laser: bool = False


FREE, NO_CHOICE = -2, -1


class Block(NamedTuple):
    """One block: ``P(reward | trial, option) = probabilities[trial, option]``.

    `schedule` is its name, such as ``"80/20"``; `probabilities` has shape [trials, options]; `recorded` is
    what an animal did in it, None where the block was drawn. `shown`, [trials, options], says which options a
    trial shows, None for all; one that is not shown must have the probability 0. `contingency`, [trials], numbers
    what decides who pays, None where that is the better option itself. `columns` are whole numbers to be told of a
    trial that was played, each [trials, options]: the value of that trial and of the option that was chosen.
    `rewards`, [trials, options], are what each option pays outright, None where 1 is paid with its probability;
    `dictated`, one a trial, what is not left to the circuit, None for free choices with feedback.
    """

    schedule: str
    probabilities: NDArray[np.float64]
    recorded: RecordedChoices | None = None
    shown: NDArray[np.bool_] | None = None
    contingency: NDArray[np.int64] | None = None
    columns: Mapping[str, NDArray[np.int64]] | None = None
    rewards: NDArray[np.float64] | None = None
    dictated: Sequence[Dictated] | None = None

    def better(self) -> NDArray[np.int64]:
        """Return the option that pays most often on each trial, shape [trials]."""
        return self.probabilities.argmax(axis=1)

    def reversed(self) -> NDArray[np.bool_]:
        """Return on which trials the contingency is not that of trial 0, shape [trials]."""
        contingency = self.better() if self.contingency is None else self.contingency
        return contingency != contingency[0]

    def reversal(self) -> int:
        """Return the first trial on which the contingency is not that of trial 0, or `NO_REVERSAL`."""
        moved = np.flatnonzero(self.reversed())
        return int(moved[0]) if moved.size else NO_REVERSAL


Draw = Callable[[int, int, int], Block]
"""``draw(seed, instance, block)``: a pure function that gives one block."""
