"""Blocks of trials: what is shown, and who pays how often, on each trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NO_REVERSAL = -1


class RecordedChoices(NamedTuple):
    """What an animal did: the block's `number` in the file, and the `choices` (options), shape [trials]."""

    number: int
    choices: NDArray[np.int64]


class Block(NamedTuple):
    """One block: ``P(reward | trial, option) = probabilities[trial, option]``.

    `schedule` is its name, such as ``"80/20"``; `probabilities` has shape [trials, options]; `recorded` is
    what an animal did in it, None where the block was drawn. `shown`, [trials, options], says which options a
    trial shows, None for all; one that is not shown must have the probability 0. `contingency`, [trials], numbers
    what decides who pays, None where that is the better option itself. `columns` are whole numbers to be told of a
    trial that was played, each [trials, options]: the value of that trial and of the option that was chosen.
    """

    schedule: str
    probabilities: NDArray[np.float64]
    recorded: RecordedChoices | None = None
    shown: NDArray[np.bool_] | None = None
    contingency: NDArray[np.int64] | None = None
    columns: Mapping[str, NDArray[np.int64]] | None = None

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
