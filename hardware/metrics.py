"""NeuroBench's metrics of a program and what it did, with its names and definitions (neurobench 2.3).

- ``Footprint = bytes of parameters and buffers``. Here: the bits that fixed point gives each number, over 8.
- ``ConnectionSparsity = zeros / weights``, over the full matrices of all connections: a pair without a synapse is a 0.
- ``ActivationSparsity = 1 - spikes / (neurons steps instances)``, over populations of neurons; inputs are data.
- ``Effective_ACs``, ``Effective_MACs``: pairs of an input that is not 0 and a weight that is not 0, a sample;
  accumulates (ACs) where all inputs of the connection in that sample are -1, 0 or 1, else multiply-accumulates.
- ``Dense``: all pairs of an input and a weight, 0 or not, a sample.

A sample is one step of one instance. NeuroBench rounds the sparsity of connections to four digits; here nothing is
rounded. Weights are those of the program before learning, without the bits that are cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikerl.hardware.operations import Operations
from spikerl.hardware.program import SPIKE_RESPONSE, Connection, Program

_PARAMETERS = 12 + 12 + 17 + 13 + 3  # du, dv, vth, bias_mant, bias_exp
_STATE = 24 + 24  # u, v
_MOVING, _OFFSET = 13 + 24, 24  # db and jump, b
_REFRACTORY = 6
_DELAY = 6
_TRACE = 7
_TAG = 9


@dataclass(frozen=True)
class Metrics:
    """NeuroBench's metrics by their names: bytes, shares from 0 to 1, operations of a step of one instance."""

    Footprint: float
    ConnectionSparsity: float
    ActivationSparsity: float
    Effective_ACs: float
    Effective_MACs: float
    Dense: float


def neurobench(program: Program, operations: Operations) -> Metrics:
    """Return the metrics of `program`, of which `operations` were counted; 0 where there is nothing to count."""
    samples = max(1, operations.steps * operations.batch)
    accumulates = multiplies = dense = 0
    for connection in program.connections.values():
        kept = connection.pre_index[connection.cut() != 0]
        fan_out = np.bincount(kept, minlength=program.size(connection.pre))
        effective = int(operations.spikes[connection.pre] @ fan_out)
        graded = 0
        if connection.pre in program.inputs:
            graded = int(operations.graded[connection.pre] @ fan_out)
        accumulates += effective - graded
        multiplies += graded
        dense += _pairs(program, connection)
    return Metrics(
        Footprint=footprint(program),
        ConnectionSparsity=connection_sparsity(program),
        ActivationSparsity=activation_sparsity(program, operations),
        Effective_ACs=accumulates / samples,
        Effective_MACs=multiplies / samples,
        Dense=float(dense if operations.steps else 0),
    )


def footprint(program: Program) -> float:
    """Return the bytes that hold the numbers of `program`, without indices, as NeuroBench counts tensors.

    Parameters of a population are counted once, its state for each neuron; a synapse has its weight of so many bits,
    a delay where its connection has any, a tag and traces of its neurons where it learns, with what neurons keep below
    the whole numbers of a trace.
    """
    bits = 0
    for neurons in program.neurons.values():
        refractory = _REFRACTORY if neurons.refractory else 0
        moving, offset = (_MOVING, _OFFSET) if neurons.model == SPIKE_RESPONSE else (0, 0)
        bits += _PARAMETERS + refractory + moving + neurons.size * (_STATE + refractory + offset)
    for connection in program.connections.values():
        synapse = connection.bits
        if connection.delay.any():
            synapse += _DELAY
        if connection.rule is not None:
            if any(product.target == "t" for product in connection.rule.products):
                synapse += _TAG
            bits += _TRACE * (2 * program.size(connection.pre) + 3 * program.size(connection.post))
            bits += sum(heard.parts for heard in connection.rule.heard or ()) * program.size(connection.post)
        bits += synapse * connection.weight.size
    return bits / 8


def connection_sparsity(program: Program) -> float:
    """Return ``zeros / weights`` over full matrices; 0 where there are none."""
    weights = sum(_pairs(program, connection) for connection in program.connections.values())
    present = sum(int(np.count_nonzero(connection.cut())) for connection in program.connections.values())
    return (weights - present) / weights if weights else 0.0


def activation_sparsity(program: Program, operations: Operations) -> float:
    """Return the share of neurons and steps without a spike; 0 where there are none."""
    everything = sum(operations.neuron_updates.values())
    spikes = sum(int(operations.spikes[name].sum()) for name in program.neurons)
    return (everything - spikes) / everything if everything else 0.0


def _pairs(program: Program, connection: Connection) -> int:
    return program.size(connection.pre) * program.size(connection.post)
