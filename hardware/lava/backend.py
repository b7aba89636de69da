"""The back end ``lava``: the same fixed-point program under Lava 0.10, in an interpreter of its own."""

from __future__ import annotations

from dataclasses import dataclass, field

from spikerl.backends.base import Capabilities, Hardware, Options
from spikerl.discretise import Plan
from spikerl.errors import UnsupportedError, message
from spikerl.hardware.engine import FixedEngine, prepared
from spikerl.hardware.lava.machine import LavaMachine
from spikerl.hardware.lowering.lowering import Lowered


@dataclass(frozen=True)
class Lava:
    """Lava's own processes, one worker an instance: the independent witness, and the way to Lava's targets."""

    name: str = "lava"
    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(
            hardware=True,
            checkpoints=False,
            summary="the same fixed point under lava-nc, the witness; needs `spikerl lava setup`",
        )
    )

    def lower(self, plan: Plan) -> Lowered:
        """Return the program for the default chip, with its losses."""
        return prepared(plan, Hardware()).lowered

    def open(self, plan: Plan, options: Options) -> FixedEngine:
        """Start the workers; raises `UnsupportedError`, and `MissingSimulatorError` where Lava is not set up."""
        hardware = options.hardware or Hardware()
        check_streams(hardware)
        lowered = prepared(plan, hardware).lowered
        return FixedEngine(lowered, LavaMachine(lowered.program, options.batch), options, hardware.saturate)


def check_streams(hardware: Hardware) -> None:
    """Raise `UnsupportedError` for random streams that Lava does not have."""
    if hardware.streams != "lava":
        raise UnsupportedError(message("streams of Lava", hardware.streams, "lava", "take 'loihi' for the others"))


backend = Lava()
