"""The back end ``norse``: Norse's cells and surrogate gradients on torch, all instances in one batch, any device.

For training: `lower` a plan with a `Surrogate`, `pack` a state with weights that require a gradient, and `unroll` a
window, or call `step`, which is a pure function of program, state and inputs.
"""

from spikerl.backends.norse.cells import Surrogate
from spikerl.backends.norse.engine import Norse
from spikerl.backends.norse.lowering import lower
from spikerl.backends.norse.portable import pack
from spikerl.backends.norse.program import Inputs, NetworkState, Outputs, Program
from spikerl.backends.norse.stepping import Unrolled, step, unroll

__all__ = [
    "Inputs",
    "NetworkState",
    "Outputs",
    "Program",
    "Surrogate",
    "Unrolled",
    "backend",
    "lower",
    "pack",
    "step",
    "unroll",
]

backend = Norse()
