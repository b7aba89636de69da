"""Run a drawn case on a back end, from the start or from a state, and keep all that can be compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

import spikerl as sp
from spikerl.backends import base
from spikerl.backends.base import State
from spikerl.discretise import Plan
from spikerl.errors import MissingSimulatorError
from tests.contract.comparison import close, gap, largest, same, same_state
from tests.contract.networks import Case, Input


@dataclass(frozen=True)
class Run:
    """What was seen over all windows, [time, batch, ...], the last weights, and the state at the end."""

    spikes: dict[str, NDArray[np.bool_]]
    voltages: dict[str, NDArray[np.float64]]
    modulators: dict[str, NDArray[np.float64]]
    weights: dict[str, NDArray[np.float64]]
    state: State


def play(session: sp.Session, windows: Sequence[Input]) -> Run:
    """Step `session` through `windows`."""
    milliseconds = session.plan.dt * 1e3
    seen = [
        session.step(
            f"{window.steps * milliseconds!r} ms",
            spikes=window.spikes,
            rates=window.rates,
            modulators=window.modulators,
        )
        for window in windows
    ]
    return Run(
        spikes={name: np.concatenate([s.spikes[name] for s in seen]) for name in seen[0].spikes},
        voltages={name: np.concatenate([s.voltages[name] for s in seen]) for name in seen[0].voltages},
        modulators={name: np.concatenate([s.modulators[name] for s in seen]) for name in seen[0].modulators},
        weights=seen[-1].weights,
        state=session.state(),
    )


def run(case: Case, backend: str, windows: Sequence[Input], start: State | None = None) -> Run:
    """Open a fresh session, go on from `start` where given, and play `windows`."""
    with interpreted(backend), opened(case, backend) as session:
        if start is not None:
            session.restore(start)
        return play(session, windows)


def opened(case: Case, backend: str, one_window: bool = False) -> sp.Session:
    """Open the case on `backend`, recording everything."""
    everything = sp.Record(voltages=None, weights=None)
    return sp.open(
        case.network,
        backend,
        seed=case.seed,
        batch=case.batch,
        first_instance=case.first_instance,
        dt=case.dt,
        record=everything,
        one_window=one_window,
    )


@contextmanager
def interpreted(backend: str) -> Iterator[None]:
    """Let Brian2 run its equations in NumPy inside the block; nothing for the other back ends.

    Its compiled code costs half a minute of a compiler for each new circuit, a hundred times the run itself. The
    equations, their order and the schedule are the same in both; `test_compiled.py` holds the compiled code.
    """
    if backend != "brian2":
        yield
        return
    import brian2

    before = brian2.prefs["codegen.target"]
    brian2.prefs["codegen.target"] = "numpy"
    try:
        yield
    finally:
        brian2.prefs["codegen.target"] = before


def require(backend: str) -> None:
    """Skip, with the reason, where the simulator of a registered back end is not installed."""
    try:
        base.load(backend)
    except MissingSimulatorError as error:
        pytest.skip(str(error))


def same_run(plan: Plan, found: Run, expected: Run) -> None:
    """Refuse runs that part: in spikes at all, elsewhere by more than the tolerance."""
    assert set(found.spikes) == set(expected.spikes)
    assert set(found.voltages) == set(expected.voltages) == set(plan.neurons)
    assert set(found.modulators) == set(expected.modulators)
    assert set(found.weights) == set(expected.weights)
    for name, spikes in expected.spikes.items():
        same(f"spikes of {name}", found.spikes[name], spikes)
    for name, voltages in expected.voltages.items():
        close(f"voltages of {name}", found.voltages[name], voltages, gap(plan, name))
    for name, values in expected.modulators.items():
        close(f"modulator {name}", found.modulators[name], values, largest(values))
    for name, weights in expected.weights.items():
        close(f"weights of {name}", found.weights[name], weights, largest(weights))
    same_state(plan, found.state, expected.state)
