"""The few numbers that ``spikerl run`` says at its end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikerl.results import Results
from spikerl.seeding import generator

RESAMPLES = 2000


def summary(results: Results) -> dict[str, Any]:
    """Return directory, back end, seed, sizes, and P(better) with its 95 % interval over the instances."""
    facts, trials = results.manifest, results.trials
    means = np.array([trials["better"][trials["instance"] == k].mean() for k in range(facts.instances)])
    low, high = _interval(means)
    return {
        "directory": str(results.path),
        "backend": facts.backend,
        "seed": facts.seed,
        "instances": facts.instances,
        "trials": len(trials["better"]) // facts.instances,
        "better": {"mean": float(means.mean()), "low": low, "high": high},
    }


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the mean of independent `values` (Efron 1979)."""
    draws = generator(0, "bootstrap").integers(values.size, size=(RESAMPLES, values.size))
    low, high = np.quantile(values[draws].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)
