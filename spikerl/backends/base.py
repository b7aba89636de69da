"""What a back end is: capabilities, lowering, an engine; and the registry, by entry points."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import metadata
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from spikerl.discretise import Plan
from spikerl.errors import DescriptionError, MissingSimulatorError, UnsupportedError, message, nearest
from spikerl.inputs import Window
from spikerl.keywords import described
from spikerl.quantization import Quantization
from spikerl.registry import BACKENDS, find, registered
from spikerl.units import finite_number, whole_number

State = dict[str, NDArray[Any]]
"""The complete state of all instances, in one form for all back ends, so that one can go on where another stopped.

Keys: ``step``; ``<variable>/<population>`` and ``refractory/<population>`` (steps left) [batch, neuron];
``history/<population>`` bool [delay, batch, neuron], row k the spikes of k + 1 steps ago; ``trace/<trace>``
[batch, neuron]; ``weight/<projection>`` and ``eligibility/<projection>/<number>`` [batch, synapse];
``modulator/<name>``, the filter r, [batch] or [batch, neuron]. Where weights are quantised ``weight`` is what is
stored, hidden bits and all, and there are int64 ``writes/<projection>`` [batch, synapse], stored changes so far, and
``updates/<projection>`` [batch, 3], how many asked for a change, how many of these were below half a step, and how
many changed what is stored. A back end in fixed point has a form of its own: beside
``step`` its keys are ``fixed/<name>``, and it checks them itself.
"""
OWN = "fixed"


@dataclass(frozen=True)
class Capabilities:
    """What a back end can do.

    `devices`: kinds of torch device it accepts ("cpu" for those that know no other); `precisions`: of its arithmetic;
    `one_window`: whether it has a faster way for sessions of a single window; `threads`: whether it can share the
    instances among threads; `hardware`: whether it runs in the fixed point of a chip, and so takes `Hardware`, and
    agrees with others within its losses alone; `checkpoints`: whether it can return its state and go on from one;
    `updates`: whether it runs laws with updates beside their relaxations; `noise`: whether its neurons hear noise;
    `quantization`: whether it stores weights in few bits as `Quantization` says; `needs`: packages to install.
    """

    devices: tuple[str, ...] = ("cpu",)
    precisions: tuple[str, ...] = ("float64",)
    one_window: bool = False
    threads: bool = False
    hardware: bool = False
    checkpoints: bool = True
    updates: bool = False
    noise: bool = False
    quantization: bool = False
    needs: tuple[str, ...] = ()
    summary: str = ""


@described
@dataclass(frozen=True)
class Hardware:
    """A chip to run on in fixed point, and what may be lost on the way.

    `target`: a name of ``spikerl list targets`` or the path of a TOML file. `weight_bits`, 1 to 8, of weights that do
    not learn. `tolerance`: the largest relative error of any number that is accepted; `saturate`: accept all of them,
    and clip modulators that are held beyond their range. `streams` of random rounding: "lava", one number a step for
    all neurons and one for all synapses, as Lava 0.10 draws them, or "per-synapse". Raises `DescriptionError`.
    """

    target: str = "loihi2"
    weight_bits: int = 8
    tolerance: float = 0.05
    saturate: bool = False
    streams: Literal["lava", "per-synapse"] = "lava"

    def __post_init__(self) -> None:
        """Check every field but the target, which is read where it is used."""
        if not isinstance(self.target, str) or not self.target:
            raise DescriptionError(message("Hardware.target", self.target, "the name of a target, or a file's path"))
        whole_number(self.weight_bits, 1, 8, "Hardware.weight_bits")
        if finite_number(self.tolerance, "Hardware.tolerance") < 0:
            raise DescriptionError(message("Hardware.tolerance", self.tolerance, "0 or more, such as 0.05"))
        if not isinstance(self.saturate, bool):
            raise DescriptionError(message("Hardware.saturate", self.saturate, "True or False"))
        if self.streams not in STREAMS:
            remedy = nearest(self.streams, STREAMS)
            raise DescriptionError(message("Hardware.streams", self.streams, "lava or per-synapse", remedy))


STREAMS = ("lava", "per-synapse")


@dataclass(frozen=True)
class Options:
    """How an engine is opened: `batch` instances in lockstep, on so many `threads`, and what it shall record.

    `seed` and `first_instance` are those of the session, for random numbers of the back end's own; `hardware` is for
    back ends that declare it. With `quantization` the batch is as many equal parts, one a condition, in turn. A back
    end may record more spikes than it is asked for.
    """

    batch: int = 1
    device: str = "cpu"
    precision: str = "float64"
    one_window: bool = False
    threads: int = 1
    spikes: tuple[str, ...] = ()
    voltages: tuple[str, ...] = ()
    seed: int = 0
    first_instance: int = 0
    hardware: Hardware | None = None
    quantization: tuple[Quantization, ...] = ()

    @property
    def instances(self) -> tuple[int, ...]:
        """The number of each instance of the batch: each condition of `quantization` has the same ones."""
        each = self.batch // max(len(self.quantization), 1)
        return tuple(self.first_instance + k % each for k in range(self.batch))


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


def initial_state(plan: Plan, batch: int, quantized: Iterable[str] = ()) -> State:
    """Return the state before the first step: voltages at the reset's rest, everything else at zero.

    `quantized`: projections that count what they store, as ``writes/<projection>`` and ``updates/<projection>``.
    """
    state: State = {"step": np.array(0, dtype=np.int64)}
    for name, neurons in plan.neurons.items():
        for variable, value in neurons.start.items():
            state[f"{variable}/{name}"] = np.full((batch, neurons.size), value)
        state[f"refractory/{name}"] = np.zeros((batch, neurons.size), dtype=np.int64)
    for name, longest in plan.history.items():
        state[f"history/{name}"] = np.zeros((longest, batch, plan.size(name)), dtype=bool)
    for name, trace in plan.traces.items():
        state[f"trace/{name}"] = np.zeros((batch, plan.size(trace.population)))
    for name, projection in plan.projections.items():
        state[f"weight/{name}"] = np.tile(projection.weight, (batch, 1))
        for eligibility in projection.rule.eligibilities if projection.rule else ():
            state[f"eligibility/{name}/{eligibility.name}"] = np.zeros((batch, projection.weight.size))
    for name in quantized:
        state[f"writes/{name}"] = np.zeros((batch, plan.projections[name].weight.size), dtype=np.int64)
        state[f"updates/{name}"] = np.zeros((batch, 3), dtype=np.int64)
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


def check_plan(backend: Backend, plan: Plan) -> None:
    """Refuse, with `UnsupportedError`, neurons that `backend` has not declared that it runs, and name one that does."""
    able = backend.capabilities
    for neurons in plan.neurons.values():
        for what, there, can in (
            ("a law with updates", bool(neurons.equations.updates), able.updates),
            ("noise", neurons.noise is not None, able.noise),
        ):
            if there and not can:
                where, allowed = f"population {neurons.name!r} on back end {backend.name!r}", f"neurons without {what}"
                remedy = "the back end 'native' can"
                raise UnsupportedError(message(where, what, allowed, remedy if backend.name != "native" else ""))


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
    if options.hardware is not None and not able.hardware:
        remedy = "leave hardware out, or take 'loihi'"
        raise UnsupportedError(message(f"hardware of back end {backend.name!r}", options.hardware, "none", remedy))
    if options.quantization and not able.quantization:
        remedy = "leave quantization out, or take 'native'"
        raise UnsupportedError(message(f"quantization of back end {backend.name!r}", "few bits", "none", remedy))
    if options.one_window and not able.one_window:
        remedy = "leave one_window out, or take 'brian2'"
        raise UnsupportedError(message(f"one_window of back end {backend.name!r}", True, "False", remedy))
