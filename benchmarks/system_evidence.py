"""The claims about the whole circuit: lesions, what and where, the course of a reversal, speed against noise.

All conditions of a schedule hear the same input and meet the same luck, so that lesions and deciders are compared in
pairs; every block, or seed, is an instance of its own. On the fastest back end that agrees; intervals are 95 %.
"""

from __future__ import annotations

import itertools
import multiprocessing
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rows import Row

import spikerl as sp
from spikerl.analysis.blocks import aligned, blocks, column, reversals
from spikerl.analysis.intervals import Interval, mean_over_blocks

GROUPS = ("none", "striatum", "amygdala")
LESIONS = {  # control, ventral striatum lesion, amygdala lesion
    "100/0": (0.911, 0.824, 0.719),
    "80/20": (0.853, 0.692, 0.622),
    "70/30": (0.780, 0.639, 0.583),
    "60/40": (0.650, 0.586, 0.539),
}
COURSE = {0: 0.18, 3: 0.63, 10: 0.90, 20: 0.95}
WHAT_WHERE = {"none": (0.83, 0.84), "striatum": (0.63, 0.86), "amygdala": (0.78, 0.79)}
NEAR_30 = slice(25, 30)
PERIODS = (5, 10, 20, 40, 80)
NOISE = ("100/0", "90/10", "80/20", "70/30", "60/40")
DECIDERS = ("arbiter", "amygdala", "striatum")
GRID = Path(__file__).resolve().parent.parent / "docs" / "speed_noise.csv"
ANIMALS = "macaques of Costa et al. 2016, data of Trepka et al. 2021"


class Condition(NamedTuple):
    """What is run: `settings` over the experiment actor-critic, `count` instances of `trials` trials."""

    settings: Mapping[str, object]
    count: int
    trials: int
    seed: int


def play(condition: Condition) -> NDArray[np.float64]:
    """Return the columns better and reversal of a run, [2, instance, trial]."""
    quiet = {"record.spikes": [], "record.weights": "never", "run.backend": "native", "run.threads": 1}
    settings = quiet | dict(condition.settings)
    with tempfile.TemporaryDirectory() as folder:
        results = sp.run(
            "actor-critic",
            instances=condition.count,
            trials=condition.trials,
            seed=condition.seed,
            settings=settings,
            out=Path(folder) / "run",
        )
        laid = blocks(results)
        better = laid.table(column(results, "better"))
        return np.stack([better, np.broadcast_to(reversals(results, laid)[:, None], better.shape)])


def played(conditions: Iterable[Condition]) -> list[NDArray[np.float64]]:
    """Run the conditions, two at a time."""
    with ProcessPoolExecutor(max_workers=2, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(play, conditions))


def row(name: str, interval: Interval, target: str, holds: bool, source: str, unit: str = "blocks") -> Row:
    """Return the row of an interval."""
    value, low, high, n = interval
    return Row(f"{name} (n = {n} {unit})", value, low, high, target, bool(holds), source)


def lesions(count: int = 192, seed: int = 1001) -> list[Row]:
    """Return the table of lesions, the order of its groups, and one lesion on an emulated chip."""
    cells = list(itertools.product(LESIONS, GROUPS))
    runs = played(
        Condition({"task.schedule": schedule, "circuit.lesion": group}, count, 80, seed) for schedule, group in cells
    )
    found = dict(zip(cells, runs, strict=True))
    rows = []
    for schedule, group in cells:
        wanted = LESIONS[schedule][GROUPS.index(group)]
        better = mean_over_blocks(found[schedule, group][0].mean(axis=1))
        name = f"actor-critic, {schedule}, {'control' if group == 'none' else f'{group} lesion'}"
        near = abs(better.value - wanted) <= 0.04
        rows.append(row(name, better, f"{wanted:.3f} +- 0.04", near, f"{ANIMALS}: {wanted:.3f}"))
    for schedule in LESIONS:
        for first, second in itertools.pairwise(GROUPS):
            gap = found[schedule, first][0].mean(axis=1) - found[schedule, second][0].mean(axis=1)
            apart = mean_over_blocks(gap)
            names = ["control" if group == "none" else f"{group} lesion" for group in (first, second)]
            rows.append(row(f"actor-critic, {schedule}, {' - '.join(names)}", apart, "> 0", apart.value > 0, ANIMALS))
    return rows + _emulated(found["80/20", "amygdala"], count, seed)


def _emulated(real: NDArray[np.float64], count: int, seed: int) -> list[Row]:
    """Return one lesion on an emulated chip, with 8-bit weights, and beside the same blocks in real numbers."""
    chip = {"task.schedule": "80/20", "circuit.lesion": "amygdala", "run.backend": "loihi", "hardware.target": "loihi2"}
    (run,) = played([Condition(chip, count, 80, seed)])
    wanted = LESIONS["80/20"][GROUPS.index("amygdala")]
    better, apart = run[0].mean(axis=1), run[0].mean(axis=1) - real[0].mean(axis=1)
    found, gap = mean_over_blocks(better), mean_over_blocks(apart)
    name, same = "actor-critic, 80/20, amygdala lesion, on loihi2", "the same blocks and input spikes"
    return [
        row(name, found, f"{wanted:.3f} +- 0.04", abs(found.value - wanted) <= 0.04, f"{ANIMALS}: {wanted:.3f}"),
        row(f"{name} - in real numbers", gap, "-0.04 to 0.04", abs(gap.value) <= 0.04, same),
    ]


def course(count: int = 768, seed: int = 1001, parts: int = 4) -> list[Row]:
    """Return P(better) at single trials after the reversal at 80/20, which takes more blocks than a mean of 80 does."""
    shares = [Condition({"task.schedule": "80/20"}, count // parts, 80, seed + part) for part in range(parts)]
    runs = played(shares)
    better = np.concatenate([run[0] for run in runs])
    zero = np.concatenate([run[1, :, 0] for run in runs]).astype(np.int64)
    table = aligned(better, zero, np.array(list(COURSE)))
    rows = []
    for place, (trial, wanted) in enumerate(COURSE.items()):
        found = mean_over_blocks(table[:, place])
        near = abs(found.value - wanted) <= 0.06
        name = f"actor-critic, 80/20, P(better) {trial} trials after the reversal"
        rows.append(row(name, found, f"{wanted:.2f} +- 0.06", near, f"{ANIMALS}: {wanted:.2f}"))
    return rows


def what_where(count: int = 192, seed: int = 2001) -> list[Row]:
    """Return P(better) near trial 30 of blocks in which an object, or a place, pays more."""
    cells = list(itertools.product(GROUPS, ("what", "where")))
    shared = {"circuit.loops": "object and place", "task.name": "what_where"}
    runs = played(
        Condition(shared | {"circuit.lesion": group, "task.kind": kind}, count, 30, seed) for group, kind in cells
    )
    rows = []
    for (group, kind), run in zip(cells, runs, strict=True):
        found = mean_over_blocks(run[0][:, NEAR_30].mean(axis=1))
        published = WHAT_WHERE[group][("what", "where").index(kind)]
        target, holds = "> 0.5", found.low > 0.5
        if group == "striatum":
            target, holds = ("<= 0.68", found.value <= 0.68) if kind == "what" else (">= 0.8", found.value >= 0.8)
        name = f"actor-critic, {kind} at 80/20, trials 26 to 30, {'control' if group == 'none' else f'{group} lesion'}"
        rows.append(row(name, found, target, holds, f"{ANIMALS}, trial 30: {published:.2f}"))
    return rows


def speed_and_noise(count: int = 24, trials: int = 400, seed: int = 3001) -> list[Row]:
    """Return who is better where: deciders over reversals every 5 to 80 trials, and pay from 60/40 to 100/0.

    The whole grid goes to docs/speed_noise.csv.
    """
    cells = list(itertools.product(PERIODS, NOISE, DECIDERS))
    # Changes come after exactly so many trials: certain as soon as they may come.
    runs = played(
        Condition(
            {
                "task.name": "volatile",
                "task.schedule": schedule,
                "task.volatility": 1.0,
                "task.minimum_between": period,
                "task.trials_per_block": trials,
                "circuit.decider": decider,
            },
            count,
            trials,
            seed,
        )
        for period, schedule, decider in cells
    )
    mean = {cell: run[0].mean(axis=1) for cell, run in zip(cells, runs, strict=True)}
    lines = ["reversal_every,schedule,decider,better,low,high,n"]
    for (period, schedule, decider), scores in mean.items():
        value, low, high, n = mean_over_blocks(scores)
        lines.append(f"{period},{schedule},{decider},{value:.6f},{low:.6f},{high:.6f},{n}")
    GRID.write_text("\n".join(lines) + "\n", encoding="utf-8")
    fast, slow = (PERIODS[0], NOISE[0]), (PERIODS[-1], NOISE[-1])
    quick = mean_over_blocks(mean[*fast, "amygdala"] - mean[*fast, "striatum"])
    steady = mean_over_blocks(mean[*slow, "striatum"] - mean[*slow, "amygdala"])
    short = []
    for place in itertools.product(PERIODS, NOISE):
        best = max((mean[*place, decider] for decider in DECIDERS[1:]), key=lambda values: float(values.mean()))
        short.append((mean_over_blocks(mean[*place, "arbiter"] - best), place))
    worst, place = min(short, key=lambda pair: pair[0].value)
    source = "Neftci and Averbeck 2019: the amygdala follows fast change, the striatum averages noise out"
    below = sum(interval.value < -0.01 for interval, _ in short)
    return [
        row("every 5 trials at 100/0, amygdala alone - striatum", quick, "> 0", quick.low > 0, source, "seeds"),
        row(
            "every 80 trials at 60/40, striatum alone - amygdala alone", steady, "> 0", steady.low > 0, source, "seeds"
        ),
        row(
            "mixture - better one alone, worst of 25 cells",
            worst,
            ">= -0.01",
            worst.value >= -0.01,
            f"every {place[0]} trials at {place[1]}; below -0.01 in {below} of 25 cells (speed_noise.csv); {source}",
            "seeds",
        ),
    ]
