"""The back end ``native``: compiled kernels, event-driven, parallel over instances."""

from __future__ import annotations

from dataclasses import dataclass, field

from spikerl.backends.base import Capabilities, Options
from spikerl.backends.native.engine import NativeEngine
from spikerl.backends.native.few_bits import few_bits
from spikerl.backends.native.lowering import lower
from spikerl.backends.native.program import Program
from spikerl.discretise import Plan

__all__ = ["Native", "backend"]


@dataclass(frozen=True)
class Native:
    """Kernels made from the equations and rules of a plan, compiled by numba; for speed."""

    name: str = "native"
    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(
            precisions=("float64", "float32"),
            threads=True,
            updates=True,
            noise=True,
            quantization=True,
            needs=("numba",),
            summary="numba kernels: many instances and long runs, at speed",
        )
    )

    def lower(self, plan: Plan) -> Program:
        """Return the program in double precision."""
        return lower(plan)

    def open(self, plan: Plan, options: Options) -> NativeEngine:
        """Start an engine at step 0."""
        few = few_bits(plan, options)
        return NativeEngine(plan, lower(plan, options.precision, few=few), options, few)


backend = Native()
