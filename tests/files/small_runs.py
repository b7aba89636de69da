"""A small run whose rows are a function of the trial, and a child process that writes it."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from spikerl.results import Column, Contents, RunFacts, RunWriter, Synapses

EXPERIMENT = '[circuit]\nname = "striatum"\n\n[run]\nseed = 7\ntrials = 12\n'
INSTANCES, NEURONS, SYNAPSES, TRIALS = 2, 5, 3, 12

CHILD = """
import resource, sys
from spikerl.results import RunWriter
from tests.files.small_runs import EXPERIMENT, create, play

directory, mode, limit = sys.argv[1], sys.argv[2], int(sys.argv[3])
first = 0
if mode == "create":
    writer = create(directory)
else:
    writer, state = RunWriter.resume(directory, EXPERIMENT)
    first = int(state["trial"]) if state else 0
print("ready", flush=True)
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
play(writer, first)
writer.finish()
"""


def contents() -> Contents:
    """Return what the run records."""
    return Contents(
        dt=1e-3,
        instances=INSTANCES,
        trials={"schedule": Column(dtype="S8"), "dopamine": Column("Hz", "<f8")},
        spikes={"d1": NEURONS, "silent": NEURONS},
        weights={"cue_to_d1": Synapses("mV", np.array([0, 1, 2]), np.array([4, 3, 2]))},
        modulators={"dopamine": "1"},
    )


def create(directory: str | Path) -> RunWriter:
    """Begin the run."""
    return RunWriter.create(directory, EXPERIMENT, RunFacts(seed=7, backend="reference"), contents())


def append(writer: RunWriter, trial: int) -> None:
    """Add the rows of one trial."""
    random = np.random.default_rng(trial)
    spikes = int(random.integers(0, 9))
    steps = np.sort(random.integers(100 * trial, 100 * (trial + 1), spikes))
    writer.append(
        trials={
            "instance": np.arange(INSTANCES),
            "block": np.zeros(INSTANCES, dtype=np.int64),
            "trial": np.full(INSTANCES, trial),
            "choice": random.integers(0, 2, INSTANCES),
            "reward": random.integers(0, 2, INSTANCES).astype(float),
            "better": random.random(INSTANCES) < 0.5,
            "schedule": ["80/20"] * INSTANCES,
            "dopamine": random.random(INSTANCES),
        },
        spikes={"d1": (steps, random.integers(0, INSTANCES, spikes), random.integers(0, NEURONS, spikes))},
        weights={"cue_to_d1": ([100 * trial], random.random((1, INSTANCES, SYNAPSES)))},
        modulators={"dopamine": random.random((4, INSTANCES))},
    )


def state(trial: int) -> dict[str, np.ndarray]:
    """Return the state after `trial` trials."""
    return {"trial": np.array(trial), "session/v": np.random.default_rng(trial).random((INSTANCES, NEURONS))}


def play(writer: RunWriter, first: int, last: int = TRIALS, every: int = 1) -> None:
    """Add trials and write a checkpoint after every few of them."""
    for trial in range(first, last):
        append(writer, trial)
        if (trial + 1) % every == 0:
            writer.checkpoint(state(trial + 1))


def write_run(directory: str | Path) -> Path:
    """Write the whole run and return its directory."""
    with create(directory) as writer:
        play(writer, 0, every=5)
        writer.finish()
    return Path(directory)


def start_child(directory: Path, mode: str, limit: int = 0) -> subprocess.Popen:
    """Start a process that writes or resumes the run, with files of at most `limit` bytes (0: any size)."""
    command = [sys.executable, "-c", CHILD, str(directory), mode, str(limit)]
    root = Path(__file__).parents[2]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
