"""The machines that a deployment runs on: the emulator, Lava, or both at once; counted as they run."""

from __future__ import annotations

from spikerl.backends.base import Hardware, Options
from spikerl.errors import DescriptionError, message, nearest
from spikerl.hardware.comparison import Compared, Pair
from spikerl.hardware.engine import emulator
from spikerl.hardware.lava.backend import check_streams
from spikerl.hardware.lava.machine import LavaMachine
from spikerl.hardware.machine import FixedRun, FixedWindow, Learned, Machine
from spikerl.hardware.operations import Counter, Operations
from spikerl.hardware.program import Program

EMULATORS = ("loihi", "lava", "both")


class Counted:
    """A machine that counts what it makes a chip do."""

    def __init__(self, program: Program, machine: Machine, batch: int) -> None:
        self._machine, self._counter = machine, Counter(program, batch)

    def run(self, window: FixedWindow, watched: tuple[str, ...] = ()) -> FixedRun:
        """Run the window, and return u and v of the populations `watched`."""
        seen = self._machine.run(window, watched)
        self._counter.add({**window.messages, **seen.spikes})
        return seen

    def learned(self, connection: str) -> Learned:
        """Return what `connection` holds now."""
        return self._machine.learned(connection)

    def close(self) -> None:
        """Close the machine."""
        self._machine.close()

    def operations(self) -> Operations:
        """Return what was counted so far."""
        return self._counter.total()

    def compared(self) -> Compared | None:
        """Return what two machines were compared in; None where there is one."""
        return self._machine.compared if isinstance(self._machine, Pair) else None


def opened(which: str, program: Program, hardware: Hardware, options: Options) -> Counted:
    """Return the machine `which`, "loihi", "lava" or "both", with the program at its first step.

    Raises `DescriptionError`, `UnsupportedError`, and `MissingSimulatorError` where Lava is not set up.
    """
    check_emulator(which)
    if which == "loihi":
        return Counted(program, emulator(program, hardware, options), options.batch)
    check_streams(hardware)
    if which == "lava":
        return Counted(program, LavaMachine(program, options.batch), options.batch)
    ours = emulator(program, hardware, options)
    both = Pair(program, ("loihi", "lava"), ours, LavaMachine(program, options.batch))
    return Counted(program, both, options.batch)


def check_emulator(which: object) -> None:
    """Raise `DescriptionError` for what is no name of a machine."""
    if not isinstance(which, str) or which not in EMULATORS:
        raise DescriptionError(message("emulator", which, ", ".join(EMULATORS), nearest(which, EMULATORS)))
