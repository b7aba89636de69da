"""What the back end can do, and how it is opened."""

from __future__ import annotations

from dataclasses import dataclass, field

from spikerl.backends.base import Capabilities, Engine, Options
from spikerl.backends.brian2.lowering import lower
from spikerl.backends.brian2.program import Program
from spikerl.backends.brian2.runtime import RuntimeEngine
from spikerl.backends.brian2.standalone import StandaloneEngine
from spikerl.discretise import Plan


def _capabilities() -> Capabilities:
    return Capabilities(
        one_window=True,
        updates=True,
        noise=True,
        needs=("brian2",),
        summary="Brian2 on the CPU, step by step or as one C++ program",
    )


@dataclass(frozen=True)
class Brian2:
    """The back end ``brian2``."""

    name: str = "brian2"
    capabilities: Capabilities = field(default_factory=_capabilities)

    def lower(self, plan: Plan) -> Program:
        """Return equation strings, statements and constants."""
        return lower(plan)

    def open(self, plan: Plan, options: Options) -> Engine:
        """Start an engine at step 0."""
        program = lower(plan)
        return StandaloneEngine(plan, program, options) if options.one_window else RuntimeEngine(plan, program, options)
