"""Poisson spikes that every back end hears alike: pure functions of seed, population, instance, step and neuron.

In each step, each neuron spikes with its probability p, independently. Most spike rarely, so eight of them share a
draw: U < s, with ``s = 1 - prod(1 - p)``, says whether any of the eight spikes. Where one does, the first that does is
k with probability ``p_k prod_{i<k}(1 - p_i) / s``, and those after it draw for themselves. A draw takes 16 bits, and
more of them, from elsewhere, only where the first 16 are those of its probability: once in 65,536 draws.

All bits are Philox4x64's, under a key for each population and instance, in three streams that differ in the third word
of the counter: groups, 16 in a block; what happens in a group where something does, a block each; further bits of
groups.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.seeding import key, philox_at

GROUP = 8
"""Neurons that share a draw."""
LANES = 16
"""Draws of 16 bits in a block of four words."""
_RANGE = 65536.0
_ONES = np.uint64(0x0001000100010001)
_TO_UNIT = 2.0**-53


class Thresholds(NamedTuple):
    """What draws are held against; a draw of 16 bits is a hit below `top`, and at `top` if the rest is below `rest`.

    Of groups: `group_top`, `group_rest` [batch, group], and `cumulative` [batch, group, 8], the probability that one
    up to each neuron spikes. Of neurons: `top`, `rest` [batch, group, 8]. Those that fill up the last group never
    spike.
    """

    group_top: NDArray[np.uint32]
    group_rest: NDArray[np.float64]
    cumulative: NDArray[np.float64]
    top: NDArray[np.uint32]
    rest: NDArray[np.float64]


@dataclass(frozen=True)
class PoissonInput:
    """The random spikes of one population in a window: `keys` uint64 [batch, 2], `chances` p [batch, neuron]."""

    keys: NDArray[np.uint64]
    chances: NDArray[np.float64]

    def thresholds(self) -> Thresholds:
        """Return what draws are held against."""
        batch, size = self.chances.shape
        chances = np.zeros((batch, -(-size // GROUP), GROUP))
        chances.reshape(batch, -1)[:, :size] = self.chances
        cumulative: NDArray[np.float64] = np.subtract(1.0, np.cumprod(np.subtract(1.0, chances), axis=2))
        return Thresholds(*_split(cumulative[:, :, -1]), cumulative, *_split(chances))

    def spikes(self, first: int, steps: int) -> NDArray[np.bool_]:
        """Return the spikes from step `first` on, bool [steps, batch, neuron]."""
        batch, size = self.chances.shape
        found = np.zeros((steps, batch, size), dtype=bool)
        thresholds = self.thresholds()
        for instance in np.flatnonzero(self.chances.any(axis=1)):
            groups = self._groups(instance, first, steps, *(part[instance] for part in thresholds))
            found[:, instance] = groups.reshape(steps, -1)[:, :size]
        return found

    def _groups(
        self,
        instance: int,
        first: int,
        steps: int,
        group_top: NDArray[np.uint32],
        group_rest: NDArray[np.float64],
        cumulative: NDArray[np.float64],
        top: NDArray[np.uint32],
        rest: NDArray[np.float64],
    ) -> NDArray[np.bool_]:
        """Return the spikes of one instance, [steps, group, 8]."""
        key, count = self.keys[instance], len(group_top)
        draws = _lanes(_words(key, first, steps, -(-count // LANES), 0))[:, :count]
        hit = draws < group_top
        for step, group in zip(*np.nonzero(draws == group_top), strict=True):
            more = _words(key, (first + int(step)) * count + int(group), 1, 1, 2)[0, 0]
            hit[step, group] = _unit(more) < group_rest[group]
        spikes = np.zeros((steps, count, GROUP), dtype=bool)
        if not hit.any():
            return spikes
        words = _words(key, first, steps, count, 1).reshape(steps, count, 4)[hit]
        group = np.nonzero(hit)[1]
        place = (_unit(words[:, 0]) * cumulative[group, -1])[:, None]
        leader = (cumulative[group] <= place).sum(axis=1)
        own = _lanes(words[:, 1:3])
        decided = (own < top[group]) | ((own == top[group]) & (_unit(words[:, 3:]) < rest[group]))
        neuron = np.arange(GROUP)
        spikes[hit] = (neuron == leader[:, None]) | ((neuron > leader[:, None]) & decided)
        return spikes

    def limits(self, group_top: NDArray[np.uint32]) -> NDArray[np.uint64]:
        """Return, for each word of four groups, a bound above all their tops, the same in each lane.

        Up to half of the range, nothing happens in the four where ``(word - bound) & ~word`` has the highest bit of no
        lane: one test for 32 neurons.
        """
        batch, count = group_top.shape
        padded = np.zeros((batch, -(-count // LANES) * LANES), dtype=np.uint64)
        padded[:, :count] = group_top
        bounds: NDArray[np.uint64] = (padded.reshape(batch, -1, 4).max(axis=2) + np.uint64(1)) * _ONES
        return bounds

    def draws(self, group_top: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Return, for each instance, 0 where nobody can spike, 1 where `limits` can be used, else 2."""
        dense = group_top.max(axis=1, initial=0) >= _RANGE / 2
        return np.where(dense, 2, self.chances.any(axis=1)).astype(np.int64)


def poisson_keys(seed: int, population: str, instances: Sequence[int]) -> NDArray[np.uint64]:
    """Return the keys of the streams of `population` in each instance, [batch, 2]."""
    return np.array([key(seed, "poisson", population, instance) for instance in instances], dtype=np.uint64)


def _split(chances: NDArray[np.float64]) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
    """Return the first 16 bits of probabilities, from 0 to 65,536, and what is left of them, in [0, 1); both exact."""
    top = np.floor(chances * _RANGE)
    return top.astype(np.uint32), chances * _RANGE - top


def _words(key: NDArray[np.uint64], first: int, rows: int, blocks: int, stream: int) -> NDArray[np.uint64]:
    """Return rows `first` and on of a stream with so many `blocks` of four words in a row."""
    return philox_at(key, (first * blocks, 0, stream, 0)).random_raw(rows * blocks * 4).reshape(rows, -1)


def _lanes(words: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """Return the four parts of each word, the lowest bits first."""
    ordered = np.ascontiguousarray(words if sys.byteorder == "little" else words.byteswap())
    return ordered.view("<u2")


def _unit(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return words as numbers in [0, 1)."""
    unit: NDArray[np.float64] = np.multiply(words >> np.uint64(11), _TO_UNIT)
    return unit
