"""The claims about the circuit, over independent blocks.

Every condition hears the same input and plays the same blocks (common random numbers), on the fastest back end that
agrees with the others; intervals are 95 % over blocks.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from rows import Row
from scipy.stats import bootstrap

import spikerl as sp
from spikerl.analysis import dopamine, learning_curve
from spikerl.analysis.blocks import blocks, column
from spikerl.analysis.intervals import Interval, mean_over_blocks
from spikerl.results import Results

BACKEND = "norse"
CONDITIONS: dict[str, dict[str, object]] = {
    "80/20": {"task.schedule": "80/20"},
    "70/30": {"task.schedule": "70/30"},
    "plasticity off": {"task.schedule": "80/20", "circuit.plasticity": False},
    "dopamine clamped": {"task.schedule": "80/20", "circuit.clamp_dopamine": True},
    "on loihi2": {"task.schedule": "80/20", "run.backend": "loihi", "hardware.target": "loihi2"},
}
CHANCE = 0.5


def play(name: str, folder: str, count: int, seed: int) -> Path:
    """Run one condition over `count` blocks of 80 trials and return its directory."""
    out = Path(folder) / name.replace("/", "-").replace(" ", "-")
    settings = {"run.backend": BACKEND, "record.spikes": [], "record.weights": "never"} | CONDITIONS[name]
    sp.run("reversal", instances=count, trials=80, seed=seed, settings=settings, out=out)
    return out


def first_reward(results: Results) -> Interval:
    """Return the paired change in Hz from a block's first rewarded trial to its rewarded ones before the reversal."""
    laid = blocks(results)
    response = laid.table(column(results, "dopamine_outcome"))
    rewarded = laid.table(column(results, "reward")) > 0
    trial = np.arange(response.shape[1])
    first = rewarded.argmax(axis=1)
    learned = rewarded & (trial[None, :] >= 20) & (trial[None, :] < 30)
    late = np.where(learned, response, np.nan)
    seen = learned.any(axis=1)
    change = np.full(len(first), np.nan)
    change[seen] = np.nanmean(late[seen], axis=1) - response[np.arange(len(first)), first][seen]
    return mean_over_blocks(change)


def gain(chip: Results, real: Results) -> Interval:
    """``(P_chip - 1/2) / (P_real - 1/2)`` over paired blocks, its interval by BCa bootstrap of blocks (Efron 1987)."""
    pairs = [np.nanmean(blocks(run).table(column(run, "better")), axis=1) for run in (chip, real)]

    def ratio(on_chip: np.ndarray, in_reals: np.ndarray, axis: int = -1) -> np.ndarray:
        return (on_chip.mean(axis=axis) - CHANCE) / (in_reals.mean(axis=axis) - CHANCE)

    found = bootstrap(pairs, ratio, paired=True, vectorized=True, rng=np.random.default_rng(0)).confidence_interval
    return Interval(float(ratio(*pairs)), float(found.low), float(found.high), len(pairs[0]))


def row(name: str, interval: Interval, target: str, holds: Callable[[Interval], bool], source: str) -> Row:
    """Return the row of an interval over blocks."""
    value, low, high, n = interval
    return Row(f"{name} (n = {n} blocks)", value, low, high, target, bool(holds(interval)), source)


def measure(runs: dict[str, Results]) -> list[Row]:
    """Return the rows of all claims."""
    animals = "Costa et al. 2016, data of Trepka et al. 2021: control macaques"
    same = "learning on the emulated chip; the same blocks and input spikes as at 80/20"
    chance = "chance is one half of two options"
    learning, response = (
        {name: learning_curve.overall(run) for name, run in runs.items()},
        dopamine.response(runs["80/20"]),
    )

    def at_chance(interval: Interval) -> bool:
        return interval.low <= 0.5 <= interval.high

    return [
        row("P(better) at 80/20", learning["80/20"], ">= 0.75", lambda i: i.value >= 0.75, f"{animals} .853"),
        row("P(better) at 70/30", learning["70/30"], ">= 0.68", lambda i: i.value >= 0.68, f"{animals} .780"),
        row("P(better), plasticity off", learning["plasticity off"], "0.5 within", at_chance, chance),
        row("P(better), dopamine clamped", learning["dopamine clamped"], "0.5 within", at_chance, chance),
        row(
            "tonic dopamine, Hz",
            dopamine.tonic(runs["80/20"]),
            "5 to 6.4",
            lambda i: 5 <= i.value <= 6.4,
            "recorded baseline 5 to 6.4 Hz",
        ),
        row(
            "dopamine, learned reward - first reward, Hz",
            first_reward(runs["80/20"]),
            "< 0",
            lambda i: i.high < 0,
            "Schultz, Dayan and Montague 1997: the response falls with learning",
        ),
        row(
            "dopamine, late omission - tonic, Hz",
            response["late_omitted"],
            "< 0",
            lambda i: i.high < 0,
            "Schultz, Dayan and Montague 1997: a dip below baseline",
        ),
        row("P(better) on loihi2, 8-bit weights", learning["on loihi2"], ">= 0.75", lambda i: i.value >= 0.75, same),
        row(
            "gain over chance on loihi2, of that in real numbers",
            gain(runs["on loihi2"], runs["80/20"]),
            ">= 0.9",
            lambda i: i.low >= 0.9,
            same,
        ),
    ]


def rows(count: int = 64, seed: int = 1) -> list[Row]:
    """Run all conditions over `count` blocks, two at a time, and return the rows."""
    with tempfile.TemporaryDirectory() as folder:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=2, mp_context=spawn) as pool:
            each = len(CONDITIONS)
            paths = pool.map(play, CONDITIONS, [folder] * each, [count] * each, [seed] * each)
            runs = {name: Results.open(path) for name, path in zip(CONDITIONS, paths, strict=True)}
        return measure(runs)
