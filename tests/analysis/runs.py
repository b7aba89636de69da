"""Runs made by hand: small tables, written and read back by the real files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from spikerl.results import Column, Contents, Results, RunFacts, RunWriter, Synapses

DT = 1e-3
PHASE_STEPS = {"cue": 10, "decision": 20, "hold": 10, "outcome": 50, "interval": 10}
TRIAL_STEPS = sum(PHASE_STEPS.values())
OUTCOME = 40

EXPERIMENT = """[circuit]
name = "striatum"

[task]
name = "reversal"
schedule = "80/20"

[protocol]
cue = "10 ms"
decision = "20 ms"
hold = "10 ms"
outcome = "50 ms"
interval = "10 ms"

[run]
backend = "reference"
"""

Spikes = tuple[np.ndarray, np.ndarray, np.ndarray]


def table(**columns: object) -> dict[str, np.ndarray]:
    """Complete trial columns of one instance and block, or of those given, with zeros."""
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    length = len(next(iter(arrays.values())))
    zeros = np.zeros(length, dtype=np.int64)
    made = {name: zeros for name in ("instance", "block", "choice", "better")}
    made |= {"trial": np.arange(length), "reward": np.zeros(length)}
    return made | arrays


def write(
    directory: Path,
    trials: Mapping[str, np.ndarray],
    *,
    spikes: Mapping[str, tuple[int, Spikes]] | None = None,
    weights: Mapping[str, tuple[Synapses, np.ndarray, np.ndarray]] | None = None,
    experiment: str = EXPERIMENT,
    backend: str = "reference",
    failure: str | None = None,
    instances: int | None = None,
) -> Results:
    """Write a run with these tables, finished or failed, and open it."""
    spikes, weights = spikes or {}, weights or {}
    kinds = {"f": "<f8", "i": "<i8", "U": "S16"}
    contents = Contents(
        DT,
        instances or 1 + int(trials["instance"].max(initial=0)),
        trials={
            name: Column("Hz" if name.startswith("dopamine_") else "1", kinds[np.asarray(values).dtype.kind])
            for name, values in trials.items()
        },
        spikes={name: size for name, (size, _) in spikes.items()},
        weights={name: synapses for name, (synapses, _, _) in weights.items()},
    )
    with RunWriter.create(directory, experiment, RunFacts(1, backend), contents) as writer:
        writer.append(
            trials,
            {name: train for name, (_, train) in spikes.items()},
            {name: (step, value) for name, (_, step, value) in weights.items()},
        )
        if failure is None:
            writer.finish()
        else:
            writer.checkpoint({})
            writer.fail(failure)
    return Results.open(directory)


def learner(blocks: int, trials: int = 40, seed: int = 3, reversal: int = 20) -> dict[str, np.ndarray]:
    """Columns of `blocks` instances that learn, reverse and learn again; dopamine is the error of a running value."""
    random = np.random.default_rng(seed)
    rows: dict[str, list[float]] = {}
    for instance in range(blocks):
        value, first = np.array([0.5, 0.5]), int(random.integers(2))
        for trial in range(trials):
            better = first if trial < reversal else 1 - first
            choice = int(value.argmax() if random.random() < 0.9 else random.integers(2))
            reward = float(random.random() < (0.8 if choice == better else 0.2))
            error = reward - value[choice]
            value[choice] += 0.3 * error
            row = {
                "instance": instance,
                "block": 0,
                "trial": trial,
                "choice": choice,
                "reward": reward,
                "better": int(choice == better),
                "better_option": better,
                "reversal": reversal if reversal < trials else -1,
                "votes_0": int(random.poisson(20)),
                "votes_1": int(random.poisson(20)),
            }
            for phase in PHASE_STEPS:
                row[f"dopamine_{phase}"] = 6.0 + random.normal(0, 0.5) + (4.0 * error if phase == "outcome" else 0.0)
            for name, number in row.items():
                rows.setdefault(name, []).append(number)
    whole = {"reward", *(name for name in rows if name.startswith("dopamine_"))}
    return {name: np.array(values, dtype=float if name in whole else np.int64) for name, values in rows.items()}


def noise_spikes(instances: int, trials: int, neurons: int, seed: int = 5) -> tuple[int, Spikes]:
    """Spikes of a population in all trials of all instances, about two a neuron and trial."""
    random = np.random.default_rng(seed)
    fired = random.random((trials * TRIAL_STEPS, instances, neurons)) < 2 / TRIAL_STEPS
    step, instance, neuron = np.nonzero(fired)
    return neurons, (step, instance, neuron)


def trial_weights(instances: int, trials: int) -> tuple[Synapses, np.ndarray, np.ndarray]:
    """Four synapses, two an option, whose weight is ``option + trial / 100`` at the end of each trial."""
    pre = np.array([0, 1, 2, 3])
    step = (1 + np.arange(trials)) * TRIAL_STEPS
    value = np.empty((trials, instances, 4))
    value[:] = (pre // 2)[None, None, :] + np.arange(trials)[:, None, None] / 100.0
    return Synapses("mV", pre, np.zeros(4, dtype=np.int64)), step, value


def complete(directory: Path, blocks: int = 6, trials: int = 40, reversal: int = 20) -> Results:
    """Write a run of which everything was recorded."""
    spikes = {name: noise_spikes(blocks, trials, size) for name, size in (("d1", 8), ("d2", 8), ("dopamine", 10))}
    weights = {name: trial_weights(blocks, trials) for name in ("cortex_to_d1", "cortex_to_d2")}
    return write(directory, learner(blocks, trials, reversal=reversal), spikes=spikes, weights=weights)
