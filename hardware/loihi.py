"""The back end ``loihi``: the fixed-point program on the native emulator, bit for bit what Lava 0.10 computes."""

from __future__ import annotations

from dataclasses import dataclass, field

from spikerl.backends.base import Capabilities, Hardware, Options
from spikerl.discretise import Plan
from spikerl.hardware.engine import FixedEngine, emulator, prepared
from spikerl.hardware.lowering.lowering import Lowered


@dataclass(frozen=True)
class Loihi:
    """Integers on an emulated chip; for hardware effects, at speed."""

    name: str = "loihi"
    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(
            threads=True,
            hardware=True,
            needs=("numba",),
            summary="fixed point on an emulated chip: what hardware does to a circuit",
        )
    )

    def lower(self, plan: Plan) -> Lowered:
        """Return the program for the default chip, with its losses."""
        return prepared(plan, Hardware()).lowered

    def open(self, plan: Plan, options: Options) -> FixedEngine:
        """Start an engine at step 0; raises `UnsupportedError` for what the chip cannot hold."""
        hardware = options.hardware or Hardware()
        lowered = prepared(plan, hardware).lowered
        machine = emulator(lowered.program, hardware, options)
        return FixedEngine(lowered, machine, options, hardware.saturate)


backend = Loihi()
