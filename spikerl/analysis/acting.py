"""How well layers act: P(better) or the mean return in every test, beside random choices; intervals over networks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.analysis.intervals import Band, Interval, band_over_blocks, mean_over_blocks
from spikerl.errors import FileError, message
from spikerl.results import Results

LEARNED, TESTED, RANDOM = 0, 1, 2


class Played(NamedTuple):
    """By the number of the test: `tested` [test, instance], and `learned` [test, instance], in the stretch before it.

    `learned` is not a number before the first test. `random` [instance]: what random choices get in the same test.
    """

    number: NDArray[np.int64]
    tested: NDArray[np.float64]
    learned: NDArray[np.float64]
    random: NDArray[np.float64]

    def band(self, learned: bool = False) -> Band:
        """Return the mean over instances at every test, with its interval."""
        return band_over_blocks((self.learned if learned else self.tested).T)

    def last(self) -> Interval:
        """Return the mean over instances in the last test, with its interval."""
        return mean_over_blocks(self.tested[-1])


def is_acting(results: Results) -> bool:
    """Say whether `results` are of layers that learned to act."""
    return "environment" in results.experiment


def has_cues(results: Results) -> bool:
    """Say whether there was a better option to choose, of which P(better) is told, and not a return."""
    return "cue" in results.trials


def played(results: Results) -> Played:
    """Return how well the networks did; raises `FileError` where there was no test."""
    trials, instances = results.trials, results.manifest.instances
    value = trials["better" if has_cues(results) else "reward"].astype(np.float64)
    numbers = np.unique(trials["block"][trials["kind"] == TESTED])
    if not len(numbers):
        raise FileError(message(f"{results.path}, tests", 0, "one at least"))
    tables = {}
    for kind in (TESTED, LEARNED, RANDOM):
        mine = trials["kind"] == kind
        cell = np.searchsorted(numbers, trials["block"][mine]) * instances + trials["instance"][mine]
        counts = np.bincount(cell, minlength=len(numbers) * instances)
        sums = np.bincount(cell, value[mine], minlength=len(numbers) * instances)
        with np.errstate(invalid="ignore"):
            tables[kind] = (sums / counts).reshape(len(numbers), instances)
    return Played(numbers, tables[TESTED], tables[LEARNED], tables[RANDOM][0])


def dopamine(results: Results, rewarded: bool) -> NDArray[np.float64]:
    """Return the mean dopamine error of rewarded, or of other, trials in each stretch, [test, instance]."""
    trials, instances = results.trials, results.manifest.instances
    mine = (trials["kind"] == LEARNED) & ((trials["reward"] > 0) == rewarded)
    count = int(trials["block"].max(initial=0)) + 1
    cell = trials["block"][mine] * instances + trials["instance"][mine]
    counts = np.bincount(cell, minlength=count * instances)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(cell, trials["dopamine"][mine], minlength=count * instances) / counts
    return mean.reshape(count, instances)[1:]
