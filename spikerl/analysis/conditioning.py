"""Conditioning: what dopamine says of cue, reward and omission in each stage, and what the cues have learned.

A kind of trial is what stands in the columns ``stage``, ``cues``, ``laser``, and whether a reward came or was omitted.
Responses are rates of the dopamine population beside the rate of the same instance between trials; intervals are over
instances, of which each conditions a circuit of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from spikerl.analysis.blocks import blocks, column
from spikerl.analysis.intervals import Band, Interval, band_over_blocks, mean_over_blocks
from spikerl.analysis.timing import timing
from spikerl.errors import FileError, message, nearest
from spikerl.results import Results
from spikerl.units import Dimension, parse, to_positive_si

CUES = "ABXY"
FIRST = 3
LAST = 10


class Kind(NamedTuple):
    """A kind of trial: its `stage` from 0, the `cues` shown, whether it is `paid`, `omitted` and lit by the `laser`."""

    stage: int
    cues: str
    paid: bool
    omitted: bool
    laser: bool

    def label(self) -> str:
        """Return its name as the field writes it: ``A+``, ``AX+ laser``, ``X-``, ``A omitted``, ``no cue +``."""
        name = self.cues or "no cue "
        sign = " omitted" if self.omitted else "+" if self.paid else "-"
        return f"{name}{sign}{' laser' if self.laser else ''}"


class Course(NamedTuple):
    """Along the trials of a kind, in their order: `trial` [bin] the middle of each, from 1, a band over instances."""

    trial: NDArray[np.float64]
    band: Band


class Histogram(NamedTuple):
    """Rates in Hz from the onset of the cue on: `time` [bin], the middle of each in s, and a band over instances."""

    time: NDArray[np.float64]
    width: float
    band: Band


def conditioned(results: Results) -> bool:
    """Return whether a run has the columns of conditioning."""
    return {"stage", "cues", "omitted", "laser", "reward"} <= set(results.trials)


def unchosen(results: Results) -> bool:
    """Return whether nothing could be chosen in any trial, so that dopamine is what a run shows."""
    return "dopamine_interval" in results.trials and bool((column(results, "choice") < 0).all())


def kinds(results: Results) -> list[Kind]:
    """Return the kinds of trials that were played, by stage; raises `FileError` for a run of another task."""
    facts = [column(results, name) for name in ("stage", "cues", "omitted", "laser")]
    paid = (column(results, "reward") > 0).astype(np.int64)
    found = np.unique(np.stack([*facts, paid], axis=1), axis=0)
    return [Kind(int(s), _names(int(c)), bool(p), bool(o), bool(lit)) for s, c, o, lit, p in found]


def which(results: Results, kind: Kind) -> NDArray[np.bool_]:
    """Return which trials are of `kind`, [row]."""
    cues = sum(1 << CUES.index(cue) for cue in kind.cues)
    wanted = {"stage": kind.stage, "cues": cues, "omitted": kind.omitted, "laser": kind.laser}
    mask = (column(results, "reward") > 0) == kind.paid
    for name, value in wanted.items():
        mask &= column(results, name) == int(value)
    return mask


def by_instance(results: Results, name: str) -> NDArray[np.float64]:
    """Return a column as [instance, trial], in the order played."""
    every = np.ones(column(results, "trial").size, dtype=bool)
    values: NDArray[np.float64] = column(results, name)[_rows(results, every)].astype(np.float64)
    return values


def tonic(results: Results) -> NDArray[np.float64]:
    """Return the rate between trials in Hz, [instance]."""
    return by_instance(results, "dopamine_interval").mean(axis=1)


def responses(results: Results, phase: str, kind: Kind) -> NDArray[np.float64]:
    """Return the rate in `phase` above the tonic one in Hz, [instance, trial of the kind in order].

    As many trials as all instances have. Raises `FileError` where an instance has none.
    """
    rate: NDArray[np.float64] = column(results, f"dopamine_{phase}")[_rows(results, which(results, kind))]
    return rate - tonic(results)[:, None]


def response(results: Results, phase: str, kind: Kind, trials: slice = slice(None)) -> Interval:
    """Return the mean response in `phase` over the chosen `trials` of a kind, in Hz."""
    return mean_over_blocks(responses(results, phase, kind)[:, trials].mean(axis=1))


def course(results: Results, phase: str, kind: Kind, width: int = 1) -> Course:
    """Return the response in `phase` along the trials of a kind, in bins of `width` trials; the last may be shorter."""
    table = responses(results, phase, kind)
    edges = np.arange(0, table.shape[1], width)
    lengths = np.diff([*edges, table.shape[1]])
    means = np.add.reduceat(table, edges, axis=1) / lengths
    return Course(edges + (lengths + 1) / 2.0, band_over_blocks(means))


def stage_starts(results: Results) -> NDArray[np.int64]:
    """Return the number of the trial, from 1, with which each stage begins."""
    stage = by_instance(results, "stage")[0]
    return np.array([1 + int(np.flatnonzero(stage == one)[0]) for one in np.unique(stage)])


def histogram(
    results: Results, population: str, kind: Kind, trials: slice = slice(None), width: float = 0.05
) -> Histogram:
    """Return the rate of `population` from the cue to the trial's end in whole bins of `width` seconds.

    Over the chosen `trials` of a kind. Raises `FileError` where its spikes were not recorded.
    """
    rate = rates(results, population, kind, trials, width)
    length = max(1, round(width / results.contents.dt)) * results.contents.dt
    time = (np.arange(rate.shape[1], dtype=np.float64) + 0.5) * length
    return Histogram(time, length, band_over_blocks(rate))


def rates(
    results: Results, population: str, kind: Kind, trials: slice = slice(None), width: float = 0.05
) -> NDArray[np.float64]:
    """Return the same of each circuit, in Hz, [instance, bin]."""
    if population not in results.spikes:
        remedy = nearest(population, results.spikes) if results.spikes else "name it in record.spikes"
        raise FileError(message("recorded spikes", population, "a population that was recorded", remedy))
    when, spikes, sequence = timing(results), results.spikes[population], blocks(results).sequence
    rows = _rows(results, which(results, kind))[:, trials]
    bin_steps = max(1, round(width / when.dt))
    bins = when.steps // bin_steps
    number = when.trial(spikes.step)
    known = number < sequence.shape[1]
    row = np.where(known, sequence[spikes.instance, np.where(known, number, 0)], -1)
    bin_of = (spikes.step - number * when.steps) // bin_steps
    good = (row >= 0) & (bin_of < bins)
    counts = np.zeros((column(results, "trial").size, bins))
    np.add.at(counts, (row[good], bin_of[good]), 1.0)
    rate: NDArray[np.float64] = counts[rows].mean(axis=1)
    return rate / (results.contents.spikes[population] * bin_steps * when.dt)


def subtraction(expected: NDArray[np.float64], unexpected: NDArray[np.float64]) -> tuple[float, float]:
    """Return slope and intercept of ``expected = slope unexpected + intercept`` over sizes (Eshel et al. 2015).

    By orthogonal regression, since both are measured with the same error; shapes [size].
    """
    x, y = unexpected - unexpected.mean(), expected - expected.mean()
    difference, product = float((y * y - x * x).sum()), float((x * y).sum())
    slope = (difference + np.hypot(difference, 2.0 * product)) / (2.0 * product)
    return slope, float(expected.mean() - slope * unexpected.mean())


class Strength(NamedTuple):
    """What a cue has learned: `grown` [time, instance], in the `unit` of weights, after so many trials: `trial`."""

    trial: NDArray[np.int64]
    grown: NDArray[np.float64]
    unit: str


def strength(results: Results, cue: str, ahead: float = 0.15) -> Strength:
    """Return by how much the synapses of the `cue`'s time cells have grown, at all times at which they were kept.

    The mean over the cells that fire in the last `ahead` seconds before the outcome, or where the chain ends before
    that, over its last volley. Raises `FileError` for a circuit without time cells, and where no weights were kept.
    """
    circuit, when = results.experiment.get("circuit"), timing(results)
    if "time_to_value" not in results.weights or not isinstance(circuit, dict):
        raise FileError(message("weights 'time_to_value'", "none", "kept weights of the circuit 'dopamine'"))
    kept = results.weights["time_to_value"]
    interval = to_positive_si(circuit["interval"], Dimension.TIME, "experiment, circuit.interval")
    onset = when.phase("outcome").start * when.dt
    stages, stage = int(circuit["stages"]), kept.pre // int(circuit["time_cells"])
    begins = CUES.index(cue) * stages
    last = begins + min(max(round(onset / interval), 1), stages)
    first = min(begins + round(max(onset - ahead, 0.0) / interval), last - 1)
    start = parse(circuit["weight"], "experiment, circuit.weight")
    chosen = kept.value[:, :, (stage >= first) & (stage < last)]
    # A weight is read at the end of a trial, whose last step or whose following step may be noted with it.
    after = when.trial(kept.step - 1) + 1
    return Strength(after, chosen.mean(axis=2) - start.value / start.scale, start.unit)


def rescorla_wagner(alpha: float, reward: NDArray[np.float64]) -> NDArray[np.float64]:
    """``v(k) = v(k-1) + alpha (r(k) - v(k-1))`` from 0, after each trial; `reward` and result are [trial, instance]."""
    value, course = np.zeros(reward.shape[1]), np.empty(reward.shape)
    for k, r in enumerate(reward):
        value = value + alpha * (r - value)
        course[k] = value
    return course


def fitted(grown: NDArray[np.float64], reward: NDArray[np.float64]) -> tuple[float, float]:
    """Return the rate alpha and the scale m with the least squares of ``grown - m rescorla_wagner(alpha, reward)``."""

    def scale(alpha: float) -> tuple[float, float]:
        course = rescorla_wagner(alpha, reward)
        m = float((grown * course).sum() / (course * course).sum())
        return m, float(np.square(grown - m * course).sum())

    found = minimize_scalar(lambda alpha: scale(alpha)[1], bounds=(1e-4, 1.0), method="bounded")
    return float(found.x), scale(float(found.x))[0]


def _names(cues: int) -> str:
    return "".join(cue for k, cue in enumerate(CUES) if cues >> k & 1)


def _rows(results: Results, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the rows of the masked trials in the order played, [instance, k], as many as all instances have."""
    played = [rows[rows >= 0] for rows in blocks(results).sequence]
    chosen = [rows[mask[rows]] for rows in played]
    count = min(len(rows) for rows in chosen)
    if not count:
        raise FileError(message("trials of a kind", 0, "one at least of each instance", "let the run go on (--resume)"))
    return np.stack([rows[:count] for rows in chosen])
