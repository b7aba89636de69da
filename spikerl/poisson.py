"""Poisson spikes that every back end hears alike: each a pure function of seed, population, instance, step and neuron.

A neuron spikes in a step with probability p where a uniform number U of its own lies below p. The first 16 bits of U
are a lane of the main stream, 16 neurons a block of the generator, in order; they decide unless they equal those of p.
Then, once in 65,536 draws, the rest of U is drawn from a block of its own. So U < p is exact to 2**-69, and most
neurons cost a sixteenth of a block.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikerl.seeding import key, philox_at

_LANES = 16  # of 16 bits, in a block of four words
_BITS = 65536.0
_ONES = np.uint64(0x0001000100010001)


@dataclass(frozen=True)
class PoissonInput:
    """The random spikes of one population in a window: `keys` uint64 [batch, 2], `chances` p [batch, neuron]."""

    keys: NDArray[np.uint64]
    chances: NDArray[np.float64]

    def spikes(self, first: int, steps: int) -> NDArray[np.bool_]:
        """Return the spikes from step `first` on, bool [steps, batch, neuron]."""
        batch, size = self.chances.shape
        found = np.zeros((steps, batch, size), dtype=bool)
        top, rest = self.thresholds()
        for instance in np.flatnonzero(self.chances.any(axis=1)):
            lanes = self._lanes(instance, first, steps)
            found[:, instance] = lanes < top[instance]
            for step, neuron in zip(*np.nonzero(lanes == top[instance]), strict=True):
                counter = (first + int(step), int(neuron), 1, 0)
                second = np.random.Generator(philox_at(self.keys[instance], counter)).random()
                found[step, instance, neuron] = second < rest[instance, neuron]
        return found

    def thresholds(self) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
        """Return the first 16 bits of each p, from 0 to 65,536, and what is left of it, in [0, 1); both exact."""
        scaled = self.chances * _BITS
        top = np.floor(scaled)
        return top.astype(np.uint32), scaled - top

    def _lanes(self, instance: int, first: int, steps: int) -> NDArray[np.uint16]:
        blocks = -(-self.chances.shape[1] // _LANES)
        stream = philox_at(self.keys[instance], (first * blocks, 0, 0, 0))
        words: NDArray[np.uint64] = stream.random_raw(steps * blocks * 4)
        if sys.byteorder == "big":
            words = words.byteswap()
        lanes = words.view("<u2").reshape(steps, blocks * _LANES)[:, : self.chances.shape[1]]
        return lanes

    def limits(self, top: NDArray[np.uint32]) -> NDArray[np.uint64]:
        """Return, for each word of four lanes, a bound above all its tops, the same in each lane.

        Up to half of the range, none of the four can be a spike where ``(word - bound) & ~word`` has the highest bit
        of no lane.
        """
        batch, size = top.shape
        padded = np.zeros((batch, -(-size // _LANES) * _LANES), dtype=np.uint64)
        padded[:, :size] = top
        bounds: NDArray[np.uint64] = (padded.reshape(batch, -1, 4).max(axis=2) + np.uint64(1)) * _ONES
        return bounds

    def draws(self, top: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Return, for each instance, 0 where nobody can spike, 1 where `limits` can be used, else 2."""
        dense = top.max(axis=1, initial=0) >= _BITS / 2
        return np.where(dense, 2, self.chances.any(axis=1)).astype(np.int64)


def poisson_keys(seed: int, population: str, instances: range) -> NDArray[np.uint64]:
    """Return the keys of the streams of `population` in each instance, [batch, 2]."""
    return np.array([key(seed, "poisson", population, instance) for instance in instances], dtype=np.uint64)
