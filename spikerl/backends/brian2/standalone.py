"""Standalone mode: for a session of one window, one C++ program, compiled, run and removed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from brian2 import SpikeGeneratorGroup, SpikeMonitor, StateMonitor, Synapses, TimedArray, second
from brian2.devices.device import get_device, reset_device, set_device
from numpy.typing import NDArray

from spikerl.backends.base import Options, State, Trajectory, initial_state
from spikerl.backends.brian2.build import SOURCES, Circuit, build
from spikerl.backends.brian2.program import Program
from spikerl.backends.brian2.state import pending, put, remember, take
from spikerl.discretise import Plan
from spikerl.errors import RunError, UnsupportedError, message
from spikerl.inputs import Window

Floats = NDArray[np.float64]


class StandaloneEngine:
    """Keeps the state; the window's input is compiled into the program, so there is nothing to open before it is known.

    Brian2's device is one for the process: it is taken while the window runs, and given back. Sessions in runtime mode
    that are open meanwhile are not touched; two threads may not run standalone windows at once.
    """

    def __init__(self, plan: Plan, program: Program, options: Options) -> None:
        self._plan = plan
        self._program = program
        self._options = options
        self._state = initial_state(plan, options.batch)
        self._used = False

    def advance(self, window: Window) -> Trajectory:
        """Compile the program, run it, and read what it leaves; raises `UnsupportedError` at a second window."""
        if self._used:
            self._refuse("a second window", "one window", "open the session with one_window=False")
        self._used = True
        state, batch, voltages = self._state, self._options.batch, self._options.voltages
        with (
            tempfile.TemporaryDirectory(prefix="spikerl_") as directory,
            compiled(self._plan, self._program, batch, state, window, voltages, directory) as (
                device,
                circuit,
                records,
            ),
        ):
            device.run(directory, with_output=False)
            seen = records.read(window.steps)
            rest = remember(circuit, state, {**window.spikes, **seen.spikes})
            rest["step"] = np.array(state["step"] + window.steps)
            self._state = take(circuit, state | rest)
        return seen

    def weights(self, projection: str) -> Floats:
        """Return the present weights, [batch, synapse]."""
        weights: Floats = self._state[f"weight/{projection}"].copy()
        return weights

    def state(self) -> State:
        """Return the complete state."""
        return {key: array.copy() for key, array in self._state.items()}

    def restore(self, state: State) -> None:
        """Go on from `state`; raises `UnsupportedError` where spikes are under way for longer than a step."""
        if pending(self._plan, state):
            self._refuse("a state with spikes under way", "one without", "restore it with one_window=False")
        self._state = {key: array.copy() for key, array in state.items()}
        self._used = False

    def close(self) -> None:
        """Nothing is left: the program is removed when it has run."""

    def _refuse(self, what: str, allowed: str, remedy: str) -> None:
        raise UnsupportedError(message("one_window of back end 'brian2'", what, allowed, remedy))


@contextmanager
def compiled(
    plan: Plan, program: Program, batch: int, state: State, window: Window, voltages: tuple[str, ...], directory: str
) -> Iterator[tuple[Any, Circuit, Records]]:
    """Compile the program of one window from `state` into `directory`, as ``main``.

    Inside the context Brian2's device is the program's: it can run it, and then the circuit's variables and the
    records can be read. Raises `RunError` where nothing can be compiled.
    """
    set_device("cpp_standalone", build_on_run=False)
    device = get_device()
    device.reinit()
    device.activate(build_on_run=False)
    try:
        circuit = build(plan, program, batch)
        put(circuit, state)
        _hear(circuit, window)
        records = Records(circuit, voltages)
        circuit.network.run(window.steps * plan.dt * second, namespace={})
        try:
            device.build(directory=directory, run=False, with_output=False)
        except RuntimeError as error:
            remedy = "a C++ compiler is needed; with one_window=False none is"
            raise RunError(message("one_window of back end 'brian2'", str(error), "a program", remedy)) from error
        yield device, circuit, records
    finally:
        device.reinit()
        reset_device()


def _hear(circuit: Circuit, window: Window) -> None:
    """Add what brings the window's spikes, noise and held values into the program."""
    clock, network = circuit.clock, circuit.network
    if circuit.plan.sources:
        sources, layout = circuit.objects[SOURCES], circuit.layouts[SOURCES]
        given = np.concatenate([window.spikes[name].reshape(window.steps, -1) for name in layout.sizes], axis=1)
        step, neuron = np.nonzero(given)
        times = step * circuit.plan.dt * second
        stream = SpikeGeneratorGroup(layout.total, neuron, times, clock=clock, when="before_start", name="stream")
        hand_over = Synapses(stream, sources, on_pre="given_post = 1", clock=clock, name="hand_over")
        hand_over.connect(j="i")
        hand_over.pre.when, hand_over.pre.delay = "start", 0 * second
        network.add(stream, hand_over)
    homes = {circuit.home_of_population(name)[0] for name in window.noise}
    for home in sorted(homes):
        owner = circuit.owner(home)
        currents = np.zeros((window.steps, owner.N))
        for name, noise in window.noise.items():
            own, part = circuit.home_of_population(name)
            if own == home:
                currents[:, part] = noise.values(window.first, window.steps).reshape(window.steps, -1)
        stream = f"noise_of_{home}"
        owner.namespace[stream] = TimedArray(currents, dt=circuit.plan.dt * second, name=stream)
        owner.run_regularly(f"arrived_noise = {stream}(t, i)", when="before_start", clock=clock, name=f"hear_{home}")
    for name, values in window.held.items():
        home, part = circuit.home_of_modulator(name)
        owner = circuit.owner(home)
        held, stream = np.zeros(owner.N), np.zeros((window.steps, owner.N))
        held[part] = 1.0
        stream[:, part] = values.reshape(window.steps, -1)
        setattr(owner, f"held_{name}", held)
        owner.namespace[f"stream_{name}"] = TimedArray(stream, dt=circuit.plan.dt * second, name=f"stream_{name}")
        code = f"given_{name} = stream_{name}(t, i)"
        owner.run_regularly(code, when="before_start", clock=clock, name=f"hold_{name}")


class Records:
    """Monitors of all spikes, of the voltages asked for, and of all modulators."""

    def __init__(self, circuit: Circuit, voltages: tuple[str, ...]) -> None:
        self._circuit = circuit
        self._spikes = {name: SpikeMonitor(circuit.objects[name], name=f"spikes_of_{name}") for name in circuit.neurons}
        self._voltages = {name: self._follow("v", *circuit.home_of_population(name)) for name in voltages}
        self._modulators = {
            name: self._follow(f"modulator_{name}", *circuit.home_of_modulator(name))
            for name in circuit.plan.modulators
        }
        circuit.network.add(*self._spikes.values(), *self._voltages.values(), *self._modulators.values())

    def read(self, steps: int) -> Trajectory:
        """Return what the monitors hold after the run."""
        circuit, batch = self._circuit, self._circuit.batch
        spikes: dict[str, NDArray[np.bool_]] = {}
        for group, monitor in self._spikes.items():
            layout = circuit.layouts[group]
            fired = np.zeros((steps, layout.total), dtype=bool)
            fired[np.rint(np.asarray(monitor.t_) / circuit.plan.dt).astype(np.int64), np.asarray(monitor.i)] = True
            spikes |= {name: fired[:, layout.place(name)].reshape(steps, batch, -1) for name in layout.sizes}
        voltages = {name: monitor.v_.T.reshape(steps, batch, -1) for name, monitor in self._voltages.items()}
        modulators = {
            name: circuit.as_instances(name, getattr(monitor, f"modulator_{name}_").T)
            for name, monitor in self._modulators.items()
        }
        return Trajectory(spikes, voltages, modulators)

    def _follow(self, variable: str, home: str, part: slice) -> Any:
        owner, record = self._circuit.owner(home), np.arange(part.start, part.stop)
        name = f"{variable}_of_{home}_from_{part.start}"
        return StateMonitor(owner, variable, record, when="end", order=10, clock=self._circuit.clock, name=name)
