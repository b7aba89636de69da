"""The claims about the distributional circuit, over networks of independent wiring, asymmetries, rewards and input.

Every network is read as an experimenter reads cells (`spikerl.analysis.distributional`), with predictions of the
cells' own and, on the same wiring, rewards and input, with one that all share. Intervals are 95 % over networks.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rows import Row

import spikerl as sp
from spikerl.analysis import distributional
from spikerl.analysis.intervals import Interval, mean_over_blocks

LEARNING = 400
PUBLISHED = "Dabney et al. 2020, 40 recorded cells"


class Network(NamedTuple):
    """What one network showed: correlations, distances in ul, true modes that were found, and by a Gaussian."""

    points: float
    asymmetry: float
    distance: float
    control: float
    found: float
    gaussian: float
    tonic: float


def play(prediction: str, seed: int) -> Network:
    """Run one network and read it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"circuit.wiring": seed, "circuit.prediction": prediction, "record.weights": "never"}
        results = sp.run("distributional", seed=seed, settings=settings | {"run.threads": 1}, out=Path(folder) / "run")
        code = distributional.read(results, skip=LEARNING, seed=seed)
    return Network(
        code.points_agree.value,
        code.tau_follows_point.value,
        code.distance,
        code.control_distance,
        code.found_modes(),
        _gaussian(code, seed),
        float(np.mean(code.baseline)),
    )


def _gaussian(code: distributional.Code, seed: int) -> float:
    """Return how many true modes a Gaussian of the rewards' mean and spread, clipped to their range, would find."""
    mean = np.average(code.sizes, weights=code.shares)
    spread = np.sqrt(np.average(np.square(code.sizes - mean), weights=code.shares))
    drawn = np.random.default_rng(seed).normal(mean, spread, code.decoded.pooled.size)
    return code.matched(np.clip(drawn, code.sizes[0], code.sizes[-1]))


def row(name: str, values: list[float], target: str, holds: Callable[[Interval], bool], source: str) -> Row:
    """Return the row of a mean over networks."""
    found = mean_over_blocks(np.array(values))
    value, low, high, n = found
    return Row(f"{name} (n = {n} networks)", value, low, high, target, bool(holds(found)), source)


def measure(own: list[Network], shared: list[Network]) -> list[Row]:
    """Return the rows of all claims."""
    scalar = "the same circuit, wiring, rewards and input, with one prediction that all cells share"
    gaussian = "a Gaussian of the rewards' mean and spread, clipped, lies 1.44 ul from them, so that modes are counted"
    return [
        row(
            "distributional: reversal points of halves, r",
            [one.points for one in own],
            ">= 0.55",
            lambda i: i.low >= 0.55,
            f"{PUBLISHED}: .73 [.55, .86]",
        ),
        row(
            "distributional: asymmetry against reversal point of the other half, r",
            [one.asymmetry for one in own],
            ">= 0.4",
            lambda i: i.low >= 0.4,
            f"{PUBLISHED}: .47 [.23, .66]",
        ),
        row(
            "distributional: decoded from true rewards, ul",
            [one.distance for one in own],
            "< 1.7",
            lambda i: i.high < 1.7,
            f"{PUBLISHED}: 1.67",
        ),
        row(
            "distributional: the same, of that with asymmetries shuffled",
            [one.distance / one.control for one in own],
            "< 0.5",
            lambda i: i.high < 0.5,
            f"{PUBLISHED}: 1.67 of 3.71",
        ),
        row(
            "distributional: true modes found, less those of a Gaussian",
            [one.found - one.gaussian for one in own],
            "> 0",
            lambda i: i.low > 0.0,
            gaussian,
        ),
        row(
            "distributional: tonic dopamine, Hz",
            [one.tonic for one in own],
            "5 to 6.4",
            lambda i: 5.0 <= i.value <= 6.4,
            "recorded baseline 5 to 6.4 Hz",
        ),
        row(
            "scalar: asymmetry against reversal point of the other half, r",
            [one.asymmetry for one in shared],
            "< 0.4",
            lambda i: i.high < 0.4,
            scalar,
        ),
        row(
            "scalar: reversal points of halves, r",
            [one.points for one in shared],
            "none",
            lambda i: True,
            "asymmetries alone make reversal points differ (Dabney et al. 2020, Extended Data Fig. 4 l, m)",
        ),
        row(
            "scalar: decoded from true rewards, ul",
            [one.distance for one in shared],
            "> 1.7",
            lambda i: i.low > 1.7,
            scalar,
        ),
        row(
            "scalar: the same, of that with asymmetries shuffled",
            [one.distance / one.control for one in shared],
            "> 0.5",
            lambda i: i.low > 0.5,
            scalar,
        ),
        row(
            "true modes found, distributional less scalar",
            [one.found - other.found for one, other in zip(own, shared, strict=True)],
            "> 0",
            lambda i: i.low > 0.0,
            scalar,
        ),
    ]


def rows(count: int = 20, seed: int = 1) -> list[Row]:
    """Run `count` networks of each kind, two at a time, and return the rows."""
    seeds = list(range(seed, seed + count))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=2, mp_context=spawn) as pool:
        found = list(pool.map(play, ["own"] * count + ["shared"] * count, seeds * 2))
    return measure(found[:count], found[count:])
