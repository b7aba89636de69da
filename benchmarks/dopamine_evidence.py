"""The claims about dopamine in Pavlovian conditioning, over independent circuits.

Each instance conditions a circuit of its own, with its own input and order of trials; intervals are 95 % over
instances (Student), of ratios and fits by the jackknife over instances (Efron and Tibshirani 1993).
"""

from __future__ import annotations

import math
import multiprocessing
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from dopamine_deployed import responses
from numpy.typing import NDArray
from plasticity_window import window
from rows import Row
from scipy.stats import ttest_1samp

import spikerl as sp
from spikerl.analysis import conditioning
from spikerl.analysis.conditioning import FIRST, LAST, Kind
from spikerl.analysis.intervals import Interval, mean_over_blocks, student_quantile
from spikerl.analysis.timing import timing
from spikerl.results import Results

BACKEND = "native"
Settings = dict[str, object]
LATER, BIN = 0.25, 0.05
"""In s: how long after the outcome nothing of it is left, and bins of rates."""
PAIRED: Settings = {"task.trials": 60, "task.probes": 20}
COMPOUND: Settings = {"circuit.alpha": 0.2, "task.trials": 25, "task.probes": 5}
CONDITIONS: dict[str, tuple[int, Settings]] = {
    "acquisition": (80, PAIRED | {"record.spikes": ["dopamine"]}),
    "clamped": (80, PAIRED | {"circuit.clamp_dopamine": True, "record.weights": "end"}),
    "sizes": (120, {"record.weights": "end", "task.design": "sizes", "task.trials": 8, "task.probes": 6}),
    "blocking": (85, COMPOUND | {"task.design": "blocking"}),
    "unblocking": (110, COMPOUND | {"task.design": "unblocking"}),
}
"""Trials of each condition, and its settings."""


class Learning(NamedTuple):
    """A setting in which the learning rate is fitted: `alpha`, the `probability` of reward, and the trials."""

    alpha: float
    probability: float
    trials: int

    def name(self) -> str:
        """Return its name."""
        return f"alpha {self.alpha:g}, P(reward) {self.probability:g}"

    def settings(self) -> Settings:
        """Return its settings."""
        task = {"task.trials": self.trials, "task.probes": 1, "task.probability": self.probability}
        return task | {"circuit.alpha": self.alpha, "record.weights": "every trial"}


LEARNING = tuple(
    Learning(*values)
    for values in ((0.05, 1.0, 50), (0.1, 1.0, 40), (0.15, 1.0, 30), (0.2, 1.0, 25), (0.1, 0.5, 60), (0.3, 1.0, 25))
)


class Condition(NamedTuple):
    """How often and how long a condition is played, with which seed and settings."""

    instances: int
    trials: int
    seed: int
    settings: Settings


def play(name: str, folder: str, condition: Condition) -> Path:
    """Run one condition and return its directory."""
    out = Path(folder) / name.replace(",", "").replace(" ", "-").replace("(", "").replace(")", "")
    base: Settings = {"run.backend": BACKEND, "run.threads": 1, "record.spikes": [], "record.weights": "never"}
    instances, trials, seed, settings = condition
    sp.run("pavlovian", instances=instances, trials=trials, seed=seed, settings=base | settings, out=out)
    return out


def jackknife(statistic: Callable[[NDArray[np.int64]], float], count: int) -> Interval:
    """Return ``statistic`` of all instances with the interval of its pseudo-values (Tukey 1958)."""
    every = np.arange(count)
    whole = statistic(every)
    left_out = np.array([statistic(np.delete(every, k)) for k in every])
    error = math.sqrt((count - 1) / count * float(np.square(left_out - left_out.mean()).sum()))
    half = student_quantile(count - 1) * error
    return Interval(whole, whole - half, whole + half, count)


def row(name: str, interval: Interval, target: str, holds: Callable[[Interval], bool], source: str) -> Row:
    """Return the row of an interval over instances."""
    value, low, high, n = interval
    return Row(f"{name} (n = {n} circuits)", value, low, high, target, bool(holds(interval)), source)


def _above(interval: Interval) -> bool:
    return interval.low > 0


def _below(interval: Interval) -> bool:
    return interval.high < 0


def _around(interval: Interval) -> bool:
    return interval.low <= 0 <= interval.high


def _kind(results: Results, label: str, stage: int) -> Kind:
    return next(kind for kind in conditioning.kinds(results) if kind.label() == label and kind.stage == stage)


def residue(results: Results) -> Interval:
    """Return the response to reward after learning, the last trials, as a share of that on the first ones."""
    table = conditioning.responses(results, "outcome", _kind(results, "A+", 0))
    first, late = table[:, :FIRST].mean(axis=1), table[:, -LAST:].mean(axis=1)
    return jackknife(lambda some: float(late[some].mean() / first[some].mean()), len(table))


def transfer(results: Results) -> list[Row]:
    """Return what moves from reward to cue, and what an omission does."""
    schultz = "Schultz, Dayan and Montague 1997"
    trained = _kind(results, "A+", 0)
    omitted = conditioning.responses(results, "outcome", _kind(results, "A omitted", 1)).mean(axis=1)
    p = float(ttest_1samp(omitted, 0.0, alternative="less").pvalue)
    return [
        row(
            "dopamine: reward after learning, share of its first response",
            residue(results),
            "< 0.2",
            lambda i: i.high < 0.2,
            f"{schultz}: the response to reward is gone",
        ),
        row(
            "dopamine: cue after learning - tonic, Hz",
            conditioning.response(results, "cue", trained, slice(-LAST, None)),
            "> 0",
            _above,
            f"{schultz}: a burst at the cue",
        ),
        row(
            "dopamine: omission - tonic in the outcome, Hz",
            mean_over_blocks(omitted),
            "< 0, P < .01",
            lambda i: _below(i) and p < 0.01,
            f"{schultz}: a dip at the expected time",
        ),
    ]


def elsewhere(results: Results) -> list[Row]:
    """Return what an omission does at other times, beside rewarded trials of the same circuit.

    After the outcome dopamine still answers to what ended with it, for about 100 ms: so the whole interval is shown,
    and the interval without its first quarter of a second.
    """
    omitted, paid = _kind(results, "A omitted", 1), _kind(results, "A+", 1)
    phases = {
        name: [conditioning.responses(results, phase, kind).mean(axis=1) for kind in (omitted, paid)]
        for phase, name in (("hold", "before the outcome"), ("interval", "after it"))
    }
    later = round((timing(results).phase("interval").start * results.contents.dt + LATER) / BIN)
    phases[f"from {LATER * 1e3:g} ms after it on"] = [
        conditioning.rates(results, "dopamine", kind, width=BIN)[:, later:].mean(axis=1) for kind in (omitted, paid)
    ]
    source = "Schultz, Dayan and Montague 1997: a dip at the expected time alone"
    return [
        row(f"dopamine: omitted - rewarded trials {name}, Hz", mean_over_blocks(a - b), "0 within", _around, source)
        for name, (a, b) in phases.items()
    ]


def by_size(results: Results) -> NDArray[np.float64]:
    """Return dopamine in the outcome of the probes above tonic in Hz, [expected or not, circuit, size]."""
    amount, outcome, stage, cues = (
        conditioning.by_instance(results, name) for name in ("reward", "dopamine_outcome", "stage", "cues")
    )
    known, tonic = np.unique(amount), conditioning.tonic(results)
    return np.array(
        [
            [
                [outcome[k][(stage[k] == 1) & (cues[k] == cue) & (amount[k] == size)].mean() - rest for size in known]
                for k, rest in enumerate(tonic)
            ]
            for cue in (1, 0)
        ]
    )


def sizes(table: NDArray[np.float64], where: str = "") -> list[Row]:
    """Return slope and intercept of responses to expected against unexpected rewards over their sizes."""

    def of(which: int) -> Interval:
        def statistic(some: NDArray[np.int64]) -> float:
            return conditioning.subtraction(*(table[side, some].mean(axis=0) for side in (0, 1)))[which]

        return jackknife(statistic, table.shape[1])

    mice = "Eshel et al. 2015, 2016, mice"
    slope, intercept = of(0), of(1)
    return [
        row(
            f"dopamine{where}: slope of expected on unexpected rewards",
            slope,
            "0.9 to 1.1",
            lambda i: 0.9 <= i.value <= 1.1,
            f"{mice}: 1.01",
        ),
        row(f"dopamine{where}: its intercept, Hz", intercept, "< 0", _below, f"{mice}: -1.51 Hz"),
    ]


def cue_difference(results: Results, one: str, other: str) -> Interval:
    """Return the burst at cue `one` minus that at `other`, probes of the last stage, in Hz, paired."""
    stage = int(conditioning.column(results, "stage").max())
    tables = [conditioning.responses(results, "cue", _kind(results, f"{cue}-", stage)) for cue in (one, other)]
    return mean_over_blocks(tables[0].mean(axis=1) - tables[1].mean(axis=1))


def learning(results: Results, setting: Learning) -> list[Row]:
    """Return the fitted learning rate beside the set one, and the correlation with Rescorla-Wagner's course."""
    grown = conditioning.strength(results, "A").grown
    reward = conditioning.by_instance(results, "reward").T
    course = conditioning.rescorla_wagner(setting.alpha, reward)
    rate = jackknife(lambda some: conditioning.fitted(grown[:, some], reward[:, some])[0], grown.shape[1])
    alike = jackknife(
        lambda some: float(np.corrcoef(grown[:, some].mean(axis=1), course[:, some].mean(axis=1))[0, 1]),
        grown.shape[1],
    )
    set_to = setting.alpha
    source = "Rescorla and Wagner 1972, computed on the rewards that were given"
    return [
        row(
            f"weights: fitted / set learning rate, {setting.name()}",
            Interval(rate.value / set_to, rate.low / set_to, rate.high / set_to, rate.n),
            "0.9 to 1.1",
            lambda i: 0.9 <= i.value <= 1.1,
            source,
        ),
        row(
            f"weights: correlation with the analytic course, {setting.name()}",
            alike,
            "> 0.95",
            lambda i: i.low > 0.95,
            source,
        ),
    ]


def measure(runs: dict[str, Results]) -> list[Row]:
    """Return the rows of all claims."""
    acquired, clamped = runs["acquisition"], runs["clamped"]
    table = conditioning.responses(clamped, "outcome", _kind(clamped, "A+", 0))
    rows = [
        row(
            "dopamine: tonic rate in conditioning, Hz",
            mean_over_blocks(conditioning.tonic(acquired)),
            "5 to 6.4",
            lambda i: 5 <= i.value <= 6.4,
            "Cohen et al. 2012, mice: 5 to 6.4 Hz",
        ),
        *transfer(acquired),
        *elsewhere(acquired),
        row(
            "dopamine clamped: reward, last - first trials, Hz",
            mean_over_blocks(table[:, -LAST:].mean(axis=1) - table[:, :FIRST].mean(axis=1)),
            "0 within",
            _around,
            "no learning without phasic dopamine",
        ),
        *sizes(by_size(runs["sizes"])),
        row(
            "blocking: burst at X after A+, AX+ minus at Y after BY+, Hz",
            cue_difference(runs["blocking"], "X", "Y"),
            "< 0",
            _below,
            "Kamin 1969; Waelti et al. 2001",
        ),
        row(
            "unblocking: burst at X, laser in AX+, minus at Y, none in BY+, Hz",
            cue_difference(runs["unblocking"], "X", "Y"),
            "> 0",
            _above,
            "Steinberg et al. 2013",
        ),
    ]
    for setting in LEARNING:
        rows += learning(runs[setting.name()], setting)
    deployed = responses(runs["sizes"], len(runs["sizes"].weights["time_to_value"].value[-1]), seed=401)
    return [*rows, *window(), *sizes(deployed, " on loihi2, weights learned in real numbers")]


def conditions(count: int, seed: int) -> dict[str, Condition]:
    """Return all conditions by name; fits of learning rates, which need more, have twice `count` instances."""
    every = {name: (count, *what) for name, what in CONDITIONS.items()}
    every |= {one.name(): (2 * count, one.trials + 1, one.settings()) for one in LEARNING}
    return {
        name: Condition(instances, trials, seed + k, settings)
        for k, (name, (instances, trials, settings)) in enumerate(every.items())
    }


def rows(count: int = 20, seed: int = 101) -> list[Row]:
    """Run all conditions with `count` instances or twice as many, two at a time, and return the rows."""
    with tempfile.TemporaryDirectory() as folder:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=2, mp_context=spawn) as pool:
            running = {
                name: pool.submit(play, name, folder, condition) for name, condition in conditions(count, seed).items()
            }
            runs = {name: Results.open(one.result()) for name, one in running.items()}
        return measure(runs)
