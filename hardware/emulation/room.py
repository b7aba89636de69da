"""Where the loops compute: arrays whose contents no step and no instance leaves to another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.hardware.emulation.packing import Layout


class Room(NamedTuple):
    """Space for one thread; `longest` is the size of the largest population.

    A step: `fired` [neuron], who spikes; `counts` [population], how many; `messages` [neuron], what they send;
    `spiked` [neuron] without inputs; `signals`; `sums` [ring, longest] and `part` [longest] of what arrives.

    An epoch: `past_x` [epoch + 1, 2, longest] and `past_y` [epoch + 1, 3, longest], the traces; `vectors` [product,
    epoch + 1, longest], what post-synaptic neurons bring to a product, of which `alike` [product, epoch + 1] says where
    it is the same for all, and `largest` how large it gets; `narrow`, the same in 16 bits where they hold it.

    A row: `before` and `before_narrow` [w or t, longest]; `accumulators` and `accumulators_narrow` [longest]; `other`
    [longest]; `term` [w or t, product, 5], and how far the terms reach in all, `reach` [w or t], see `terms`.
    """

    fired: NDArray[np.int32]
    counts: NDArray[np.int64]
    messages: NDArray[np.int32]
    spiked: NDArray[np.uint8]
    signals: NDArray[np.int64]
    sums: NDArray[np.int32]
    part: NDArray[np.int16]
    past_x: NDArray[np.int32]
    past_y: NDArray[np.int32]
    vectors: NDArray[np.int32]
    alike: NDArray[np.uint8]
    largest: NDArray[np.int64]
    narrow: NDArray[np.int16]
    before: NDArray[np.int32]
    before_narrow: NDArray[np.int16]
    accumulators: NDArray[np.int32]
    accumulators_narrow: NDArray[np.int16]
    other: NDArray[np.int32]
    term: NDArray[np.int32]
    reach: NDArray[np.int64]


def room(network: Layout) -> Room:
    """Return room for `network`."""
    neurons, inputs = int(network.first_neuron[-1]), int(network.first_neuron[network.inputs])
    populations = network.first_neuron.size - 1
    longest = int(np.diff(network.first_neuron).max(initial=1))
    epoch, products = (int(a.max(initial=0)) for a in (network.epoch, np.diff(network.products)))
    return Room(
        fired=np.zeros(neurons + 1, np.int32),
        counts=np.zeros(populations, np.int64),
        messages=np.ones(neurons + 1, np.int32),
        spiked=np.zeros(neurons - inputs, np.uint8),
        signals=np.zeros(network.source.size, np.int64),
        sums=np.zeros((network.ring, longest), np.int32),
        part=np.zeros(longest, np.int16),
        past_x=np.zeros((epoch + 1, 2, longest), np.int32),
        past_y=np.zeros((epoch + 1, 3, longest), np.int32),
        vectors=np.zeros((products, epoch + 1, longest), np.int32),
        alike=np.zeros((products, epoch + 1), np.uint8),
        largest=np.zeros((products, epoch + 1), np.int64),
        narrow=np.zeros((products, epoch + 1, longest), np.int16),
        before=np.zeros((2, longest), np.int32),
        before_narrow=np.zeros((2, longest), np.int16),
        accumulators=np.zeros(longest, np.int32),
        accumulators_narrow=np.zeros(longest, np.int16),
        other=np.zeros(longest, np.int32),
        term=np.zeros((2, products, 5), np.int32),
        reach=np.zeros(2, np.int64),
    )
