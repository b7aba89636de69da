"""Who fires when? The spikes of one trial by population, and the rate of a population around the outcome."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.analysis.blocks import blocks, column, early_and_late
from spikerl.analysis.intervals import Band, gather, ratio_over_blocks
from spikerl.analysis.timing import Timing, timing
from spikerl.errors import FileError, message, nearest
from spikerl.results import Results


class Train(NamedTuple):
    """The spikes of a population of `neurons`: `time` in seconds from the trial's start, and `neuron`, each [spike]."""

    neurons: int
    time: NDArray[np.float64]
    neuron: NDArray[np.int64]


class Raster(NamedTuple):
    """One trial: where it stands, what happened (its columns), the phases, and the `trains` by population."""

    instance: int
    number: int
    facts: dict[str, float]
    timing: Timing
    trains: dict[str, Train]


class Histogram(NamedTuple):
    """Rates in Hz around the outcome: `time` [bin], middle of each in seconds from its onset, and a band by epoch.

    Keys of `bands`: (epoch, rewarded) with epoch ``"early"`` or ``"late"``; intervals over blocks.
    """

    time: NDArray[np.float64]
    width: float
    bands: dict[tuple[str, bool], Band]


def raster(results: Results, instance: int, number: int) -> Raster:
    """Return the spikes of the `number`-th trial (from 0) that `instance` played.

    Raises `FileError` where no spikes were recorded or there is no such trial.
    """
    if not results.spikes:
        remedy = "name populations in record.spikes"
        raise FileError(message("recorded spikes", "none", "a population at least", remedy))
    sequence = blocks(results).sequence
    if not (0 <= instance < len(sequence) and 0 <= number < sequence.shape[1] and sequence[instance, number] >= 0):
        raise FileError(message("trial", (instance, number), "an instance, and a trial that it played"))
    when = timing(results)
    trains = {}
    for name, spikes in results.spikes.items():
        mine = (spikes.instance == instance) & (when.trial(spikes.step) == number)
        time = (spikes.step[mine] - number * when.steps) * when.dt
        trains[name] = Train(results.contents.spikes[name], time, spikes.neuron[mine].astype(np.int64))
    row = sequence[instance, number]
    facts = {name: float(values[row]) for name, values in results.trials.items() if values.dtype.kind in "iuf"}
    return Raster(instance, number, facts, when, trains)


def around_outcome(results: Results, population: str, width: float = 0.025) -> Histogram:
    """Return the rate of `population` from the hold to the trial's end in whole bins of `width` seconds.

    ``rate = spikes / (trials neurons width)`` over early and late trials (`blocks.early_and_late`), rewarded and
    omitted. Raises `FileError` where its spikes were not recorded.
    """
    if population not in results.spikes:
        remedy = nearest(population, results.spikes) if results.spikes else "name it in record.spikes"
        raise FileError(message("recorded spikes", population, "a population that was recorded", remedy))
    laid, when, spikes = blocks(results), timing(results), results.spikes[population]
    onset, start = when.phase("outcome").start, when.phase("hold").start
    bin_steps = max(1, round(width / when.dt))
    low = -((onset - start) // bin_steps)
    bins = np.arange(low, (when.steps - onset) // bin_steps)
    number = when.trial(spikes.step)
    # Spikes of a trial that was cut off are of no block.
    known = number < laid.sequence.shape[1]
    row = np.where(known, laid.sequence[spikes.instance, np.where(known, number, 0)], -1)
    which = (spikes.step - number * when.steps - onset) // bin_steps - low
    good = (row >= 0) & (which >= 0) & (which < bins.size)
    counts = np.zeros((column(results, "trial").size, bins.size))
    np.add.at(counts, (row[good], which[good]), 1.0)
    rewarded = laid.table(column(results, "reward")) > 0
    per_trial = counts / (results.contents.spikes[population] * bin_steps * when.dt)
    bands = {}
    for epoch, mask in zip(("early", "late"), early_and_late(results, laid), strict=True):
        for paid in (True, False):
            chosen = mask & (rewarded == paid)
            totals = np.stack([per_trial[rows[take]].sum(axis=0) for rows, take in zip(laid.row, chosen, strict=True)])
            played = chosen.sum(axis=1)
            bands[epoch, paid] = gather([ratio_over_blocks(totals[:, k], played) for k in range(bins.size)])
    return Histogram((bins.astype(np.float64) + 0.5) * bin_steps * when.dt, bin_steps * when.dt, bands)
