"""What a running emulator holds, and what one window brings, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.hardware.emulation.packing import Layout, Numbers, orders
from spikerl.hardware.program import Program

FREE = -32768
"""Stands for a signal that is not held."""


class Memory(NamedTuple):
    """The state of all instances; the first axis is the instance.

    `u`, `v`, `wait` (steps of refractoriness left), `offset` (b) [neuron]; `arriving` [ring, neuron]; `weight`, `tag`
    of learned synapses; `x` [2, pre], `y` [3, post] and the step within the epoch of the last spike, `tx`, `ty` (0:
    none), of learning connections side by side; `fine` [3, post], the traces that neurons of three-factor rules keep;
    `low`: whether a tag lies below the accumulator's range; `filters` of signals; `given`, the third factors that
    neurons have been given, side by side.
    """

    u: NDArray[np.int32]
    v: NDArray[np.int32]
    wait: NDArray[np.int32]
    offset: NDArray[np.int32]
    arriving: NDArray[np.int32]
    weight: NDArray[np.int16]
    tag: NDArray[np.int16]
    x: NDArray[np.int32]
    tx: NDArray[np.int32]
    y: NDArray[np.int32]
    ty: NDArray[np.int32]
    fine: NDArray[np.int32]
    low: NDArray[np.uint8]
    filters: NDArray[np.int64]
    given: NDArray[np.int32]


class Heard(NamedTuple):
    """A window as the loops read it: `sent` [step, batch, word], a bit for each input neuron, says who sends.

    `messages` [step, batch, input neuron] says what, where any are graded; `held` [step, batch, signal] or `FREE`;
    `given` [step, batch, neuron of a given third factor] or `FREE`, or of no neuron where none is held.
    `random` [learner, 3, step] of the shared streams; `keys` [batch], for streams of their own, which `own` asks for.
    `watched` [neuron] are the neurons whose u and v are recorded, `watched_offsets` those whose offset is.
    """

    sent: NDArray[np.uint64]
    messages: NDArray[np.int32]
    held: NDArray[np.int16]
    given: NDArray[np.int16]
    random: NDArray[np.float64]
    keys: NDArray[np.uint64]
    own: bool
    watched: NDArray[np.int64]
    watched_offsets: NDArray[np.int64]


class Seen(NamedTuple):
    """What a window leaves: `spikes` [step, batch, neuron], `u`, `v`, `offset` [step, batch, watched], `signals`."""

    spikes: NDArray[np.uint8]
    u: NDArray[np.int32]
    v: NDArray[np.int32]
    offset: NDArray[np.int32]
    signals: NDArray[np.int64]


def fresh(network: Layout, values: Numbers, programs: Sequence[Program], which: NDArray[np.int64]) -> Memory:
    """Return the state before the first step; `which` program each instance runs."""
    batch, neurons = which.size, int(network.first_neuron[-1] - network.first_neuron[network.inputs])
    weights = [
        np.concatenate([np.zeros(0), *(c.cut()[orders(c)] for c in program.connections.values() if c.rule)])
        for program in programs
    ]
    given = [
        np.concatenate([np.zeros(0), *(np.full(p.size(one.population), one.start) for one in p.given.values())])
        for p in programs
    ]
    synapses, x, y = (int(first[-1]) for first in (network.first_learned, network.first_x, network.first_y))
    return Memory(
        u=np.zeros((batch, neurons), np.int32),
        v=np.zeros((batch, neurons), np.int32),
        wait=np.zeros((batch, neurons), np.int32),
        offset=np.zeros((batch, neurons), np.int32),
        arriving=np.zeros((batch, network.ring, neurons), np.int32),
        weight=np.array([weights[k] for k in which], dtype=np.int16).reshape(batch, synapses),
        tag=np.zeros((batch, synapses), np.int16),
        x=np.zeros((batch, 2, x), np.int32),
        tx=np.zeros((batch, x), np.int32),
        y=np.zeros((batch, 3, y), np.int32),
        ty=np.zeros((batch, y), np.int32),
        fine=np.zeros((batch, 3, y), np.int32),
        low=np.zeros((batch, len(network.learner)), np.uint8),
        filters=values.signal[which, :, 5].copy(),
        given=np.array([given[k] for k in which], dtype=np.int32).reshape(batch, int(network.first_given[-1])),
    )
