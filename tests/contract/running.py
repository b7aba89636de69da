"""Run a drawn case on a back end, from the start or from a state, and keep all that can be compared."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

import spikerl as sp
from spikerl.backends import base
from spikerl.backends.base import State
from spikerl.discretise import Plan, discretise
from spikerl.errors import MissingSimulatorError, UnsupportedError
from tests.contract.comparison import close, gap, largest, same, same_state
from tests.contract.networks import Case, Input


def exact() -> list[str]:
    """Return the names of all back ends that compute in real numbers, installed or not; the rest lose by design."""
    return [name for name in base.names() if not _in_fixed_point(name)]


def _in_fixed_point(name: str) -> bool:
    try:
        return base.load(name).capabilities.hardware
    except MissingSimulatorError:
        return False


def able(backend: str, case: Case) -> bool:
    """Return whether `backend` has declared that it runs all that the drawn neurons need."""
    try:
        base.check_plan(base.load(backend), discretise(case.network, case.dt))
    except UnsupportedError:
        return False
    return True


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


NUDGE, AMPLIFIED = 1e-12, 1e3


def conditioned(case: Case) -> bool:
    """Say whether the circuit itself keeps differences in its weights small, as seen on the reference alone.

    Some drawn rules are chaotic (a weight that feeds on itself at every step multiplies a rounding error by four each
    step) or grow without end; no two orders of summation agree on those. Weights are nudged by a relative 1e-12 before
    every step; where spikes change, or a voltage or the state parts by more than a thousand times that in any step,
    there is nothing to compare. A case that several tests draw is played once.
    """
    return _conditioned(_Drawn(written(case), case))


def written(case: Case) -> str:
    """Return all that a case is as text, with every digit: what differs in anything is written differently."""
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
        return repr(case)


@dataclass(frozen=True)
class _Drawn:
    """A case that equals another of the same text; it holds arrays, which have no one answer to that."""

    text: str
    case: Case = field(compare=False)


@lru_cache(maxsize=256)
def _conditioned(drawn: _Drawn) -> bool:
    case = drawn.case
    signs = np.random.default_rng(0)
    with np.errstate(over="ignore", invalid="ignore"):
        with opened(case, "reference") as session, opened(case, "reference") as other:
            for window in case.windows:
                rest: Input | None = window
                while rest is not None:
                    now, rest = rest.cut(1) if rest.steps > 1 else (rest, None)
                    _nudge(other, signs)
                    if not _near(session.plan, play(session, [now]), play(other, [now])):
                        return False
    return True


def _nudge(session: sp.Session, signs: np.random.Generator) -> None:
    """Move every weight of `session` up or down by a relative 1e-12, within the bounds of its rule."""
    state = session.state()
    for name, projection in session.plan.projections.items():
        low, high = projection.rule.bounds if projection.rule else (-np.inf, np.inf)
        weight = state[f"weight/{name}"]
        state[f"weight/{name}"] = np.clip(weight * (1.0 + NUDGE * signs.choice((-1.0, 1.0), weight.shape)), low, high)
    session.restore(state)


def _near(plan: Plan, plain: Run, nudged: Run) -> bool:
    """Say whether two runs differ by no more than a thousand times the nudge."""
    pairs = [(nudged.voltages[name], v, gap(plan, name)) for name, v in plain.voltages.items()]
    pairs += [(nudged.state[name], a, largest(a)) for name, a in plain.state.items() if a.dtype.kind == "f"]
    return all(np.array_equal(spikes, nudged.spikes[name]) for name, spikes in plain.spikes.items()) and all(
        bool(np.isfinite(ours).all() and (np.abs(theirs - ours) <= AMPLIFIED * NUDGE * scale).all())
        for theirs, ours, scale in pairs
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
