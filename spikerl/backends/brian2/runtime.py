"""Runtime mode: Brian2's compiled objects, called in the order of its schedule, window after window."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from brian2 import prefs, second
from brian2.devices.device import auto_target
from numpy.typing import NDArray

from spikerl.backends.base import Options, State, Trajectory, initial_state
from spikerl.backends.brian2.build import SOURCES, build
from spikerl.backends.brian2.program import Program
from spikerl.backends.brian2.state import emitted, put, remember, take
from spikerl.discretise import Plan
from spikerl.inputs import Window

Floats = NDArray[np.float64]


class RuntimeEngine:
    """Runs each step by calling Brian2's code objects; between them, spikes are handed in and read out.

    `Network.run` would prepare all objects again for every window, which costs as much as hundreds of steps; so it
    runs once, for no time, and the objects that it has put in order are called from here.
    """

    def __init__(self, plan: Plan, program: Program, options: Options) -> None:
        if prefs.codegen.target == "auto" and auto_target().class_name == "numpy":
            text = "Brian2 found no working C++ compiler: it runs NumPy code, which is several times slower"
            warnings.warn(text, RuntimeWarning, stacklevel=2)
        self._plan = plan
        self._options = options
        self._circuit = circuit = build(plan, program, options.batch)
        circuit.network.run(0 * second, namespace={})
        self._code = [code for o in circuit.network.sorted_objects if o.active for code in o.code_objects]
        self._rest: State = {}
        self.restore(initial_state(plan, options.batch))

    def advance(self, window: Window) -> Trajectory:
        """Run the window."""
        circuit, steps = self._circuit, window.steps
        inputs = self._given(window) + self._hold(window)
        heard = self._noise(window)
        groups = circuit.neurons
        fired = {name: np.zeros((steps, circuit.layouts[name].total), dtype=bool) for name in groups}
        spaces = [(fired[name], circuit.variable(name, "_spikespace")) for name in groups]
        watched = {f"modulator/{name}": self._value(name) for name in self._plan.modulators}
        watched |= {f"v/{name}": self._voltage(name) for name in self._options.voltages}
        records = {key: np.zeros((steps, array.size)) for key, array in watched.items()}
        outputs = [(records[key], array) for key, array in watched.items()]
        code = self._code
        for k in range(steps):
            for target, stream in inputs:
                target[:] = stream[k]
            for target, currents in heard:
                target[:] = next(currents).ravel()
            for run in code:
                run()
            for spiked, space in spaces:
                spiked[k, space[: space[-1]]] = True
            for record, array in outputs:
                record[k] = array
        for name in window.held:
            self._part_of(name, f"held_{name}")[:] = 0.0
        spikes = {
            name: fired[group][:, circuit.layouts[group].place(name)].reshape(steps, self._options.batch, -1)
            for group in groups
            for name in circuit.layouts[group].sizes
        }
        self._rest |= remember(circuit, self._rest, {**window.spikes, **spikes})
        self._rest["step"] = np.array(self._rest["step"] + steps)
        return Trajectory(
            spikes,
            {name: records[f"v/{name}"].reshape(steps, self._options.batch, -1) for name in self._options.voltages},
            {name: circuit.as_instances(name, records[f"modulator/{name}"]) for name in self._plan.modulators},
        )

    def weights(self, projection: str) -> Floats:
        """Return the present weights, [batch, synapse]."""
        for program in self._circuit.program.synapses:
            if projection in program.projections:
                part = self._circuit.layouts[program.name].place(projection)
                weights = self._circuit.variable(program.name, "weight")[part]
                return weights.reshape(self._options.batch, -1).copy()
        return np.zeros((self._options.batch, 0))

    def state(self) -> State:
        """Return the complete state."""
        return take(self._circuit, self._rest)

    def restore(self, state: State) -> None:
        """Go on from `state`: the variables, and the spikes under way, which follow from the history."""
        self._rest = {key: array.copy() for key, array in state.items()}
        put(self._circuit, state)
        self._replay(state)

    def close(self) -> None:
        """Drop Brian2's objects."""
        self._code = []

    def _replay(self, state: State) -> None:
        """Push the spikes of the past through the queues; what was in them, and what has arrived, leaves meanwhile."""
        for program in self._circuit.program.synapses:
            longest = max(int(self._plan.projections[name].delay.max()) for name in program.projections)
            for pathway in program.pathways:
                if pathway.delayed:
                    queue = getattr(self._circuit.objects[program.name], pathway.name).queue
                    for ago in reversed(range(longest)):
                        spikes = emitted(self._circuit, program.source, state, ago)
                        if spikes.size:
                            queue.push(spikes)
                        queue.advance()

    def _given(self, window: Window) -> list[tuple[Floats, NDArray[Any]]]:
        """Return where the spikes of the sources go, and what goes there in each step."""
        if not self._plan.sources:
            return []
        layout = self._circuit.layouts[SOURCES]
        streams = [window.spikes[name].reshape(window.steps, -1) for name in layout.sizes]
        return [(self._circuit.variable(SOURCES, "given"), np.concatenate(streams, axis=1))]

    def _noise(self, window: Window) -> list[tuple[Floats, Iterator[Floats]]]:
        """Return where the noise of populations goes, and the currents of each step."""
        found = []
        for name, noise in window.noise.items():
            home, part = self._circuit.home_of_population(name)
            found.append((self._circuit.variable(home, "arrived_noise")[part], noise.each(window.first, window.steps)))
        return found

    def _hold(self, window: Window) -> list[tuple[Floats, NDArray[Any]]]:
        """Mark the modulators that are held, and return where their values go, and what in each step."""
        found: list[tuple[Floats, NDArray[Any]]] = []
        for name, values in window.held.items():
            self._part_of(name, f"held_{name}")[:] = 1.0
            found.append((self._part_of(name, f"given_{name}"), values.reshape(window.steps, -1)))
        return found

    def _value(self, modulator: str) -> Floats:
        return self._part_of(modulator, f"modulator_{modulator}")

    def _part_of(self, modulator: str, variable: str) -> Floats:
        home, part = self._circuit.home_of_modulator(modulator)
        return self._circuit.variable(home, variable)[part]

    def _voltage(self, population: str) -> Floats:
        home, part = self._circuit.home_of_population(population)
        return self._circuit.variable(home, "v")[part]
