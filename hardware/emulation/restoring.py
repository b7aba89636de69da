"""A state that comes back, from a file perhaps: every number held to its range, since compiled loops check none."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from spikerl.errors import DescriptionError, message
from spikerl.hardware.emulation.memory import Memory
from spikerl.hardware.machine import MachineState
from spikerl.hardware.program import SIGNAL_RANGE, TAG_RANGE, TRACE_RANGE, WEIGHT_RANGE, Program

Range = tuple[int, int]
_U = (-(2**23), 2**23)
_V = (-(2**23) + 1, 2**23 - 1)
_ARRIVING = (-(2**31), 2**31 - 1)
_LONGEST_STEP = 2**53


def check_state(program: Program, state: MachineState) -> None:
    """Raise `DescriptionError` where `state` holds a number that no run of `program` can reach.

    Names, shapes and types have been checked.
    """
    learning = [c for c in program.connections.values() if c.rule is not None]
    epochs = [c.rule.epoch for c in learning if c.rule is not None]
    pre, post, synapses = (
        _parts([program.size(c.pre) for c in learning]),
        _parts([program.size(c.post) for c in learning]),
        _parts([c.weight.size for c in learning]),
    )
    _within("step", state["step"], (0, _LONGEST_STEP))
    for name, allowed in (
        ("u", _U),
        ("v", _V),
        ("offset", _V),
        ("arriving", _ARRIVING),
        ("tag", TAG_RANGE),
        ("low", (0, 1)),
    ):
        _within(name, state[name], allowed)
    first = 0
    for neurons in program.neurons.values():
        _within("wait", state["wait"][:, first : first + neurons.size], (0, neurons.refractory))
        first += neurons.size
    for connection, epoch, of_pre, of_post, own in zip(learning, epochs, pre, post, synapses, strict=True):
        _within("weight", state["weight"][:, own], WEIGHT_RANGE[connection.sign])
        _within("tx", state["tx"][:, of_pre], (0, epoch))
        _within("ty", state["ty"][:, of_post], (0, epoch))
        for trace, heard in enumerate((connection.rule and connection.rule.heard) or ()):
            most = ((TRACE_RANGE[1] + 1) << heard.parts) - 1
            _within("fine", state["fine"][:, trace, of_post], (0, most))
    _within("x", state["x"], TRACE_RANGE)
    _within("y", state["y"], SIGNAL_RANGE)
    _within("given", state["given"], SIGNAL_RANGE)
    assert set(state) == {"step", *Memory._fields}


def _parts(sizes: list[int]) -> list[slice]:
    return [slice(*edges) for edges in pairwise(np.cumsum([0, *sizes]).tolist())]


def _within(name: str, array: NDArray[np.int64], allowed: Range) -> None:
    outside = (array < allowed[0]) | (array > allowed[1])
    if outside.any():
        value = int(np.asarray(array)[outside].flat[0])
        raise DescriptionError(message(f"state: {name}", value, f"{allowed[0]} to {allowed[1]}"))
