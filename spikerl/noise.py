"""Noise that every back end hears alike: a current for each neuron and step, a pure function of seed and place.

Numbers are Philox4x64's, under a key for each population and instance, four neurons to a block. A back end is given
what they are drawn from, and may draw them itself or ask for the values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikerl.errors import DescriptionError, message
from spikerl.keywords import described
from spikerl.neurons import Written, si_or_zero
from spikerl.seeding import key, philox_at
from spikerl.units import Dimension

BLOCK = 4
"""Neurons that share a block of Philox."""
_TO_UNIT = 2.0**-53
_STRETCH = 64  # steps that are drawn at once


@described
@dataclass(frozen=True)
class UniformNoise:
    """``u <- u + low + (high - low) U`` for each neuron in each step, U uniform in [0, 1) and independent.

    It adds to the synaptic current once a step, whatever its length, as a spike that arrives does: a current without
    memory hears white noise, one with `tau_syn` what that leaves of it. `low` and `high` are in the dimension of the
    weights onto the neuron. Raises `DescriptionError` and, where it is given to a population, `UnitError`.
    """

    low: Written
    high: Written

    def ends(self, dimension: Dimension, where: str) -> tuple[float, float]:
        """Return both ends in SI, which must be of `dimension` and in order."""
        low, high = (si_or_zero(getattr(self, end), dimension, f"{where}.{end}") for end in ("low", "high"))
        if not low < high:
            raise DescriptionError(message(f"{where}.high", self.high, f"above low ({self.low})"))
        if not np.isfinite(high - low):
            raise DescriptionError(message(f"{where}.high", self.high, "at a finite distance from low"))
        return low, high


@dataclass(frozen=True)
class NoiseInput:
    """The noise of one population of `size` neurons: `keys` uint64 [batch, 2], values in [`low`, `low` + `width`)."""

    keys: NDArray[np.uint64]
    size: int
    low: float
    width: float

    def values(self, first: int, steps: int) -> NDArray[np.float64]:
        """Return the currents from step `first` on, in SI, float64 [steps, batch, neuron]."""
        blocks = -(-self.size // BLOCK)
        found = np.empty((steps, len(self.keys), self.size))
        for instance, stream in enumerate(self.keys):
            words = philox_at(stream, (first * blocks, 0, 0, 0)).random_raw(steps * blocks * BLOCK)
            unit = (words >> np.uint64(11)) * _TO_UNIT
            found[:, instance] = self.low + self.width * unit.reshape(steps, -1)[:, : self.size]
        return found

    def each(self, first: int, steps: int) -> Iterator[NDArray[np.float64]]:
        """Yield the currents of each step from `first` on, [batch, neuron]; a long window takes no more memory."""
        for start in range(0, steps, _STRETCH):
            yield from self.values(first + start, min(_STRETCH, steps - start))


def noise_keys(seed: int, population: str, instances: Sequence[int]) -> NDArray[np.uint64]:
    """Return the keys of the noise of `population` in each instance, [batch, 2]."""
    return np.array([key(seed, "noise", population, instance) for instance in instances], dtype=np.uint64)
