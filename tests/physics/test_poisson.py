"""Poisson input against its theorem: independent spikes with probability p a step, so geometric intervals.

Every bound is five standard errors of the estimate, of which chance passes one in two million.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

import spikerl as sp

NEURONS, STEPS = 100, 20_000


def trains(rate: float, batch: int = 1, seed: int = 1) -> NDArray[np.bool_]:
    """Return the spikes of 20 s in steps of 1 ms, [time, batch, neuron]."""
    network = sp.Network(populations=(sp.Population("cue", NEURONS, sp.Poisson(f"{rate} Hz")),))
    with sp.open(network, "reference", seed=seed, batch=batch) as session:
        return session.step(f"{STEPS} ms").spikes["cue"]


def intervals(spikes: NDArray[np.bool_], p: float) -> NDArray[np.int64]:
    """Return the first intervals of every train, as many of each: taking all favours short ones, which fit better."""
    count = int(0.6 * STEPS * p)
    return np.concatenate([np.diff(np.flatnonzero(train))[:count] for train in spikes[:, 0].T])


@pytest.mark.parametrize("rate", [10.0, 50.0, 300.0])
def test_intervals_are_geometric(rate: float) -> None:
    """Mean 1/p, coefficient of variation sqrt(1 - p), no two in a row related, and the distribution by chi-square."""
    p = rate * 1e-3
    drawn = intervals(trains(rate), p)
    n, sd = drawn.size, math.sqrt(1 - p) / p
    assert abs(drawn.mean() - 1 / p) < 5 * sd / math.sqrt(n)
    kurtosis = 9 + p * p / (1 - p)
    assert abs(drawn.var() - sd**2) < 5 * sd**2 * math.sqrt((kurtosis - 1) / n)
    assert abs(drawn.std() / drawn.mean() - math.sqrt(1 - p)) < 5 * math.sqrt((kurtosis - 1) / n)
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 5 / math.sqrt(n)
    edges = np.unique(np.floor(np.log1p(-np.arange(0, 20) / 20) / math.log1p(-p)).astype(int))
    counts = np.array([((drawn > a) & (drawn <= b)).sum() for a, b in zip(edges, [*edges[1:], np.inf], strict=True)])
    share = (1 - p) ** edges - np.append((1 - p) ** edges[1:], 0.0)
    chi_square = ((counts - n * share) ** 2 / (n * share)).sum()
    freedom = edges.size - 1
    assert chi_square < freedom + 5 * math.sqrt(2 * freedom) + 10


def test_neurons_and_instances_are_independent() -> None:
    """The correlations of all pairs of trains, of neurons and of instances, are those of independent ones."""
    spikes = trains(50.0, batch=4)
    columns = spikes.reshape(STEPS, -1)
    correlations = np.corrcoef(columns.astype(float), rowvar=False)
    pairs = correlations[np.triu_indices(columns.shape[1], 1)]
    assert pairs.size == 400 * 399 // 2
    assert abs(pairs.std() * math.sqrt(STEPS) - 1) < 0.03
    assert abs(pairs).max() * math.sqrt(STEPS) < 7


def test_spikes_of_one_step_say_nothing_of_the_next() -> None:
    """No correlation with the same train one to five steps later."""
    deviations = trains(100.0)[:, 0] - 0.1
    for lag in range(1, 6):
        covariance = (deviations[:-lag] * deviations[lag:]).mean()
        assert abs(covariance) < 5 * 0.1 * 0.9 / math.sqrt((STEPS - lag) * NEURONS)


def test_windows_split_differently_hear_the_same(backend: str) -> None:
    """One window of 60 steps, sixty of one, and an uneven split; with rates that change within them."""
    network = sp.Network(populations=(sp.Population("cue", 7, sp.Poisson("80 Hz")), sp.Population("c", 1, sp.LIF())))
    heard = []
    for lengths in ([20, 40], [1] * 60, [3, 17, 29, 11]):
        with sp.open(network, backend, seed=5, batch=2) as session:
            parts, now = [], 0
            for length in lengths:
                rates = {} if now < 20 else {"cue": "300 Hz"}
                parts.append(session.step(f"{length} ms", rates=rates).spikes["cue"])
                now += length
            heard.append(np.concatenate(parts))
    assert heard[0].any() and all(np.array_equal(heard[0], other) for other in heard[1:])


def test_every_neuron_and_instance_fires_at_the_rate_it_is_given() -> None:
    """Rates as [neuron] and as [batch, neuron]; 0 Hz is silence and one spike a step is certainty."""
    cue = sp.Population("cue", 4, sp.Poisson("10 Hz"))
    with sp.open(sp.Network(populations=(cue,)), "reference", batch=2) as session:
        by_neuron = session.step("5 s", rates={"cue": [0, 20, 200, 1000]}).spikes["cue"].mean(axis=(0, 1))
        by_instance = session.step("5 s", rates={"cue": [[50] * 4, [400] * 4]}).spikes["cue"].mean(axis=(0, 2))
        default = session.step("5 s").spikes["cue"].mean()
    for found, expected, n in [
        (by_neuron[1], 0.02, 10_000), (by_neuron[2], 0.2, 10_000),
        (by_instance[0], 0.05, 20_000), (by_instance[1], 0.4, 20_000), (default, 0.01, 40_000),
    ]:  # fmt: skip
        assert abs(found - expected) < 5 * math.sqrt(expected * (1 - expected) / n)
    assert by_neuron[0] == 0 and by_neuron[3] == 1
