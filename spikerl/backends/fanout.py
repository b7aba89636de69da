"""Which synapses do these spikes reach: found from the spikes, without looking at every synapse."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


class Fanout:
    """The synapses of each neuron; `index` [synapse] is the neuron at one end, of `neurons`.

    `among` are the numbers of the synapses to consider, all by default.
    """

    def __init__(self, index: Indices, neurons: int, among: Indices | None = None) -> None:
        chosen = np.arange(index.size) if among is None else among
        ends = index[chosen]
        self._synapses = chosen[np.argsort(ends, kind="stable")]
        self._count = np.bincount(ends, minlength=neurons)
        self._first = np.cumsum(self._count) - self._count

    def reached(self, spikes: NDArray[np.bool_]) -> tuple[Indices, Indices]:
        """Return instance and synapse of every synapse of a spiking neuron; `spikes` is [batch, neuron]."""
        instance, neuron = np.nonzero(spikes)
        count = self._count[neuron]
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        return np.repeat(instance, count), self._synapses[np.repeat(self._first[neuron], count) + within]
