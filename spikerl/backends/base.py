"""What a back end is: capabilities, lowering, an engine; and the registry, by entry points."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import metadata
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from spikerl.discretise import Plan
from spikerl.errors import MissingSimulatorError, UnsupportedError, message
from spikerl.inputs import Window
from spikerl.registry import BACKENDS, find, registered

State = dict[str, NDArray[Any]]
"""The complete state of all instances, in one form for all back ends, so that one can go on where another stopped.

Keys: ``step``; ``<variable>/<population>`` and ``refractory/<population>`` (steps left) [batch, neuron];
``history/<population>`` bool [delay, batch, neuron], row k the spikes of k + 1 steps ago; ``trace/<trace>``
[batch, neuron]; ``weight/<projection>`` and ``eligibility/<projection>/<number>`` [batch, synapse];
``modulator/<name>``, the filter r, [batch] or [batch, neuron].
"""


@dataclass(frozen=True)
class Capabilities:
    """What a back end can do.

    `devices`: kinds of torch device it accepts ("cpu" for those that know no other); `precisions`: of its arithmetic;
    `one_window`: whether it has a faster way for sessions of a single window; `threads`: whether it can share the
    instances among threads; `needs`: packages to install.
    """

    devices: tuple[str, ...] = ("cpu",)
    precisions: tuple[str, ...] = ("float64",)
    one_window: bool = False
    threads: bool = False
    needs: tuple[str, ...] = ()
    summary: str = ""


@dataclass(frozen=True)
class Options:
    """How an engine is opened: `batch` instances in lockstep, on so many `threads`, and what it shall record.

    A back end may record more spikes than it is asked for.
    """

    batch: int = 1
    device: str = "cpu"
    precision: str = "float64"
    one_window: bool = False
    threads: int = 1
    spikes: tuple[str, ...] = ()
    voltages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trajectory:
    """What happened in a window.

    `spikes` of each integrating population asked for, bool [time, batch, neuron]; `voltages` of those asked for, after
    the reset, float64, same shape; `modulators`, the value used in each step, [time, batch] or [time, batch, neuron].
    """

    spikes: Mapping[str, NDArray[np.bool_]]
    voltages: dict[str, NDArray[np.float64]]
    modulators: dict[str, NDArray[np.float64]]


class Engine(Protocol):
    """A running program: it owns the mutable state of all instances."""

    def advance(self, window: Window) -> Trajectory:
        """Run the window."""
        ...

    def weights(self, projection: str) -> NDArray[np.float64]:
        """Return the present weights of `projection`, [batch, synapse], in the unit they were written in."""
        ...

    def state(self) -> State:
        """Return the complete state, as copies."""
        ...

    def restore(self, state: State) -> None:
        """Go on from `state`, which has been checked."""
        ...

    def close(self) -> None:
        """Free what is held outside Python's memory."""
        ...


class Backend(Protocol):
    """One way to run a network; what it cannot do it declares, and `check` refuses."""

    name: str
    capabilities: Capabilities

    def lower(self, plan: Plan) -> object:
        """Return the program: plain, inspectable data, derived from `plan`."""
        ...

    def open(self, plan: Plan, options: Options) -> Engine:
        """Lower `plan` and start an engine."""
        ...


def initial_state(plan: Plan, batch: int) -> State:
    """Return the state before the first step: voltages at the reset's rest, everything else at zero."""
    state: State = {"step": np.array(0, dtype=np.int64)}
    for name, neurons in plan.neurons.items():
        for variable in neurons.decays:
            state[f"{variable}/{name}"] = np.zeros((batch, neurons.size))
        state[f"v/{name}"][:] = neurons.constants["rest"]
        state[f"refractory/{name}"] = np.zeros((batch, neurons.size), dtype=np.int64)
    for name, longest in plan.history.items():
        state[f"history/{name}"] = np.zeros((longest, batch, plan.size(name)), dtype=bool)
    for name, trace in plan.traces.items():
        state[f"trace/{name}"] = np.zeros((batch, plan.size(trace.population)))
    for name, projection in plan.projections.items():
        state[f"weight/{name}"] = np.tile(projection.weight, (batch, 1))
        for eligibility in projection.rule.eligibilities if projection.rule else ():
            state[f"eligibility/{name}/{eligibility.name}"] = np.zeros((batch, projection.weight.size))
    for name, modulator in plan.modulators.items():
        shape = (batch,) if modulator.size is None else (batch, modulator.size)
        state[f"modulator/{name}"] = np.full(shape, modulator.baseline)
    return state


def names() -> list[str]:
    """Return the names of all registered back ends, installed or not, sorted."""
    return list(registered(BACKENDS))


def load(name: str) -> Backend:
    """Return the back end called `name`.

    Raises `DescriptionError` for an unknown name and `MissingSimulatorError` where its simulator is not installed.
    """
    point = find(BACKENDS, name, "backend")
    try:
        backend: Backend = point.load()
    except ImportError as error:
        missing = error.name or str(error)
        extras = metadata("spikerl").get_all("Provides-Extra", [])
        remedy = f"install it with: pip install {shlex.quote(f'spikerl[{name}]') if name in extras else missing}"
        allowed = f"one whose simulator ({missing}) is installed"
        raise MissingSimulatorError(message("backend", name, allowed, remedy)) from error
    return backend


def check(backend: Backend, options: Options) -> None:
    """Refuse, with `UnsupportedError`, what `backend` has not declared, and name one that can."""
    able = backend.capabilities
    kind = options.device.split(":")[0]
    for where, wanted, allowed, other in (
        ("device", kind, able.devices, "norse"),
        ("precision", options.precision, able.precisions, "native"),
    ):
        if wanted not in allowed:
            remedy = f"the back end {other!r} can" if other != backend.name else ""
            raise UnsupportedError(message(f"{where} of back end {backend.name!r}", wanted, ", ".join(allowed), remedy))
    if options.threads > 1 and not able.threads:
        remedy = "leave threads out, or take 'native'"
        raise UnsupportedError(message(f"threads of back end {backend.name!r}", options.threads, "1", remedy))
    if options.one_window and not able.one_window:
        remedy = "leave one_window out, or take 'brian2'"
        raise UnsupportedError(message(f"one_window of back end {backend.name!r}", True, "False", remedy))
