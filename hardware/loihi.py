"""The back end ``loihi``: the fixed-point program on the native emulator, bit for bit what Lava 0.10 computes."""

from __future__ import annotations

from dataclasses import dataclass, field

from spikerl.backends.base import Capabilities, Hardware, Options
from spikerl.discretise import Plan
from spikerl.hardware.emulation.emulator import Emulator
from spikerl.hardware.engine import FixedEngine, prepared
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
        return prepared(plan, Hardware())

    def open(self, plan: Plan, options: Options) -> FixedEngine:
        """Start an engine at step 0; raises `UnsupportedError` for what the chip cannot hold."""
        hardware = options.hardware or Hardware()
        lowered = prepared(plan, hardware)
        emulator = Emulator(
            lowered.program,
            options.batch,
            streams=hardware.streams,
            seed=options.seed,
            first_instance=options.first_instance,
            threads=options.threads,
        )
        return FixedEngine(lowered, emulator, options, hardware.saturate)


backend = Loihi()
