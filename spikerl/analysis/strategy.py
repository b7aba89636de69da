"""What does it do after a win, and after a loss? Win-stay and lose-switch within blocks."""

from __future__ import annotations

import numpy as np

from spikerl.analysis.blocks import blocks, column
from spikerl.analysis.intervals import Interval, proportion_over_blocks
from spikerl.results import Results


def win_stay(results: Results) -> Interval:
    """P(the next choice is the same | reward), within blocks, with its 95 % interval over blocks."""
    return _after(results, rewarded=True, same=True)


def lose_switch(results: Results) -> Interval:
    """P(the next choice is another | no reward), within blocks, with its 95 % interval over blocks."""
    return _after(results, rewarded=False, same=False)


def _after(results: Results, *, rewarded: bool, same: bool) -> Interval:
    laid = blocks(results)
    choice, reward = (laid.table(column(results, name)) for name in ("choice", "reward"))
    followed = np.isfinite(choice[:, :-1]) & np.isfinite(choice[:, 1:]) & ((reward[:, :-1] > 0) == rewarded)
    counted = followed & ((choice[:, 1:] == choice[:, :-1]) == same)
    return proportion_over_blocks(counted.sum(axis=1), followed.sum(axis=1))
