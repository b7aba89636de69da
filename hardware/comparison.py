"""Two machines that run one program, held to the last bit of neurons, signals, weights, tags and traces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.errors import DivergenceError
from spikerl.hardware.machine import FixedRun, FixedWindow, Learned, Machine
from spikerl.hardware.program import Program

_ORDER = ("u", "v", "spike", "offset", "signal")
"""Within a step, in the order in which one follows from another."""


@dataclass
class Compared:
    """What was compared: `windows`, `steps` of each instance, `spikes`, and `integers`, spikes left out."""

    windows: int = 0
    steps: int = 0
    spikes: int = 0
    integers: int = 0


class _Part(NamedTuple):
    """The first place where two arrays part; sorted by step, then by the order of variables."""

    step: int
    rank: int
    name: str
    place: tuple[int, ...]
    values: tuple[int, int]


class Pair:
    """A machine that is two, the `first` and the `second`, and returns what the first does.

    Raises `DivergenceError` at the end of the window in which they part, naming the first step, population, neuron and
    variable; of what is learned, the window's last step, connection, synapse or neuron, and variable.
    """

    def __init__(self, program: Program, names: tuple[str, str], first: Machine, second: Machine) -> None:
        self._program, self.names, self._machines = program, names, (first, second)
        self.compared = Compared()

    def run(self, window: FixedWindow, watched: tuple[str, ...] = ()) -> FixedRun:
        """Run the window on both, compare, and return u and v of the populations `watched`."""
        everyone = tuple(self._program.neurons)
        ours, theirs = (machine.run(window, everyone) for machine in self._machines)
        parts = [part for part in self._parts(ours, theirs) if part is not None]
        if parts:
            self._raise(min(parts))
        for name, connection in self._program.connections.items():
            if connection.rule is not None:
                first, second = (machine.learned(name) for machine in self._machines)
                self._compare_learned(name, first, second, window.steps)
        self.compared.windows += 1
        self.compared.steps += window.steps
        self.compared.spikes += sum(int(fired.sum()) for fired in ours.spikes.values())
        u, v, offsets = (
            {name: values[name] for name in watched if name in values} for values in (ours.u, ours.v, ours.offsets)
        )
        return FixedRun(ours.spikes, u, v, ours.signals, offsets)

    def learned(self, connection: str) -> Learned:
        """Return what `connection` holds now."""
        return self._machines[0].learned(connection)

    def close(self) -> None:
        """Close both."""
        for machine in self._machines:
            machine.close()

    def _parts(self, ours: FixedRun, theirs: FixedRun) -> Iterator[_Part | None]:
        for name in self._program.neurons:
            yield self._first("u", name, ours.u[name], theirs.u[name])
            yield self._first("v", name, ours.v[name], theirs.v[name])
            yield self._first("spike", name, ours.spikes[name], theirs.spikes[name])
            if name in ours.offsets:
                yield self._first("offset", name, ours.offsets[name], theirs.offsets[name])
        for name in self._program.signals:
            yield self._first("signal", name, ours.signals[name], theirs.signals[name])

    def _first(self, variable: str, name: str, ours: NDArray[Any], theirs: NDArray[Any]) -> _Part | None:
        if variable != "spike":
            self.compared.integers += ours.size
        parted = np.argwhere(ours != theirs)
        if not parted.size:
            return None
        there = tuple(int(k) for k in parted[0])
        return _Part(there[0], _ORDER.index(variable), name, there[1:], (int(ours[there]), int(theirs[there])))

    def _raise(self, part: _Part) -> None:
        variable, step = _ORDER[part.rank], self.compared.steps + part.step
        if variable == "signal":
            facts: dict[str, object] = {"signal": part.name}
            where = f"signal {part.name!r}"
        else:
            facts = {"population": part.name, "neuron": part.place[1]}
            where = f"population {part.name!r}, neuron {part.place[1]}"
        self._tell(step, variable, part.place[0], where, facts, part.values)

    def _compare_learned(self, name: str, ours: Learned, theirs: Learned, steps: int) -> None:
        connection, last = self._program.connections[name], self.compared.steps + steps - 1
        for variable in ("weight", "tag"):
            mine, others = getattr(ours, variable), getattr(theirs, variable)
            self.compared.integers += mine.size
            for instance, synapse in np.argwhere(mine != others)[:1].tolist():
                pre, post = connection.pre_index[synapse], connection.post_index[synapse]
                pair = f"{connection.pre}[{pre}] -> {connection.post}[{post}]"
                facts: dict[str, object] = {"projection": name, "synapse": synapse, "between": pair}
                where = f"projection {name!r}, synapse {synapse} ({pair}), at the end of the window"
                at = instance, synapse
                self._tell(last, variable, instance, where, facts, (int(mine[at]), int(others[at])))
        for letter, population in (("x", connection.pre), ("y", connection.post)):
            mine, others = getattr(ours, letter), getattr(theirs, letter)
            self.compared.integers += mine.size
            for trace, instance, neuron in np.argwhere(mine != others)[:1].tolist():
                facts = {"projection": name, "population": population, "neuron": neuron}
                where = f"projection {name!r}, population {population!r}, neuron {neuron}, at the end of the window"
                values = int(mine[trace, instance, neuron]), int(others[trace, instance, neuron])
                self._tell(last, f"trace {letter}{trace + 1}", instance, where, facts, values)

    def _tell(
        self, step: int, variable: str, instance: int, where: str, more: dict[str, object], values: tuple[int, int]
    ) -> None:
        ours, theirs = self.names
        facts: dict[str, object] = {"step": step, "variable": variable, "instance": instance, **more}
        facts["values"] = dict(zip(self.names, values, strict=True))
        said = f"{ours} has {values[0]}, {theirs} has {values[1]}"
        at = f"step {step} ({step * self._program.dt:g} s), {where}, instance {instance}"
        raise DivergenceError(f"{theirs} parts from {ours}: {at}, {variable}: {said}; allowed: the same bits", facts)
