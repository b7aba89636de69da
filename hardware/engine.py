"""A session's engine in fixed point: spikes and held modulators go in as integers, volts and weights come out."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.backends.base import OWN, Hardware, Options, State, Trajectory
from spikerl.discretise import Plan
from spikerl.errors import DescriptionError, UnsupportedError, message
from spikerl.hardware.emulation.emulator import Emulator
from spikerl.hardware.emulation.restoring import check_state
from spikerl.hardware.fit import Fit, fit
from spikerl.hardware.lowering.lowering import Lowered, lower
from spikerl.hardware.machine import FixedWindow, Integers, Machine
from spikerl.hardware.program import SIGNAL_RANGE, Program
from spikerl.hardware.target import load_target
from spikerl.inputs import Window


class Prepared(NamedTuple):
    """A network as a program for a chip, what that loses, and how it lies there (`fit`, which knows the target)."""

    lowered: Lowered
    fit: Fit


def prepared(plan: Plan, hardware: Hardware, whole: Collection[str] = ()) -> Prepared:
    """Return `plan` lowered for the chip, refused where it loses too much or does not fit.

    The projections `whole` keep 8 bits, whatever `hardware` says of weights. Raises `UnsupportedError`, and for the
    target `FileError` and `DescriptionError`.
    """
    target = load_target(hardware.target)
    lowered = lower(plan, target, hardware.weight_bits, whole)
    lowered.require(hardware.tolerance, hardware.saturate)
    found = fit(lowered.program, target)
    found.require()
    return Prepared(lowered, found)


def emulator(program: Program, hardware: Hardware, options: Options) -> Emulator:
    """Return the emulator of `program` with the instances, random streams and threads that were asked for."""
    return Emulator(
        program,
        options.batch,
        streams=hardware.streams,
        seed=options.seed,
        first_instance=options.first_instance,
        threads=options.threads,
    )


class FixedEngine:
    """Runs a lowered network on a machine, the emulator or Lava.

    What is read of it is in the units of the description: voltages, modulators and weights as their integers stand for.
    """

    def __init__(self, lowered: Lowered, machine: Machine, options: Options, saturate: bool = False) -> None:
        self._lowered, self._machine, self._options, self._saturate = lowered, machine, options, saturate
        self._last: dict[str, Integers] = {}

    def advance(self, window: Window) -> Trajectory:
        """Run the window; raises `DescriptionError` where a modulator is held beyond its range."""
        program = self._lowered.program
        held = {name: self._integers(name, values) for name, values in window.held.items()}
        # Spikes are zeros and ones, which need not be made wide.
        messages: dict[str, NDArray] = {name: window.spikes[name] for name in program.inputs}
        seen = self._machine.run(FixedWindow(window.steps, messages, held), self._options.voltages)
        return Trajectory(
            spikes=seen.spikes,
            voltages={
                name: _scaled(v, program.neurons[name].volts) + program.neurons[name].rest for name, v in seen.v.items()
            },
            modulators={
                name: _scaled(y - self._lowered.spoken[name].offset, self._lowered.spoken[name].unit)
                for name, y in (seen.signals | self._given(held, window.steps)).items()
            },
        )

    def weights(self, projection: str) -> NDArray[np.float64]:
        """Return the present weights, [batch, synapse], in the unit they were written in."""
        return _scaled(self._machine.learned(projection).weight, self._lowered.program.connections[projection].unit)

    def state(self) -> State:
        """Return the complete state, in a form of its own; raises `UnsupportedError` for a machine that keeps it."""
        state = self._emulator().state()
        return {"step": state.pop("step")} | {f"{OWN}/{name}": array for name, array in state.items()}

    def restore(self, state: State) -> None:
        """Go on from `state`; raises `DescriptionError` for numbers out of their range."""
        own = {name.removeprefix(f"{OWN}/"): array for name, array in state.items()}
        check_state(self._lowered.program, own)
        self._emulator().restore(own)

    def close(self) -> None:
        """End the machine."""
        self._machine.close()

    def _given(self, held: dict[str, Integers], steps: int) -> dict[str, Integers]:
        """Return the third factors that neurons have had in each step, which stay while nothing else is held."""
        program, found = self._lowered.program, {}
        for name, given in program.given.items():
            shape = self._options.batch, program.size(given.population)
            before = self._last.get(name, np.full(shape, given.start))
            found[name] = held.get(name, np.broadcast_to(before, (steps, *before.shape)))
            self._last[name] = found[name][-1]
        return found

    def _emulator(self) -> Emulator:
        if not isinstance(self._machine, Emulator):
            remedy = "run it in one piece, or on the back end 'loihi'"
            raise UnsupportedError(message("state of a machine", "Lava's", "the emulator's: Lava keeps it", remedy))
        return self._machine

    def _integers(self, name: str, values: NDArray[np.float64]) -> NDArray[np.int64]:
        spoken, most = self._lowered.spoken[name], SIGNAL_RANGE[1]
        # Bounded first, since a float beyond 64 bits has no integer.
        said = np.rint(np.clip(values / spoken.unit, -(2.0**31), 2.0**31)).astype(np.int64) + spoken.offset
        outside = (said < 0) | (said > most)
        if outside.any() and not self._saturate:
            low, high = (-spoken.offset) * spoken.unit, (most - spoken.offset) * spoken.unit
            allowed = f"{low:.4g} to {high:.4g}, what the chip can say"
            remedy = "allow it to be clipped: sp.Hardware(saturate=True), --saturate"
            raise DescriptionError(message(f"modulators[{name!r}]", float(values[outside][0]), allowed, remedy))
        return np.clip(said, 0, most)


def _scaled(integers: Integers, unit: float) -> NDArray[np.float64]:
    scaled: NDArray[np.float64] = integers.astype(np.float64) * unit
    return scaled
