"""Decay of the learning engine's traces, and the random numbers that round them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LOWEST = -128
"""The least value of a trace that the tables know; the greatest is 127."""


def decay_tables(taus: Sequence[int]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """``floor(exp(-1/tau) x)`` and the remainder, for each tau and x from -128 to 127: two arrays [tau, 256].

    A tau of 0 leaves nothing.
    """
    x = np.arange(LOWEST, -LOWEST)
    values = np.array([np.exp(-1 / tau) * x if tau else 0.0 * x for tau in taus])
    return np.floor(values).astype(np.int32), values % 1


class SharedStreams:
    """Lava's random numbers for one learning connection: one number for all its neurons, or synapses.

    PCG64 seeded ``seed`` for the decay of x, ``seed + 2`` for that of y, one draw at first and two in each step, of
    which the last counts; seeded 2 for synapses, one draw at first and one at each epoch's end.
    """

    def __init__(self, seed: int, epoch: int, step: int = 0) -> None:
        self._epoch, self._step = epoch, step
        self._traces = [np.random.default_rng(seed), np.random.default_rng(seed + 2)]
        self._synapses = np.random.default_rng(2)
        for stream in self._traces:
            stream.random(1 + 2 * step)
        self._synapses.random(1 + step // epoch)

    def draw(self, steps: int) -> NDArray[np.float64]:
        """Return the numbers of the next `steps` steps, [3, steps]: x, y, and synapses (0 within an epoch)."""
        drawn = np.zeros((3, steps))
        for k, stream in enumerate(self._traces):
            drawn[k] = stream.random(2 * steps)[1::2]
        ends = (np.arange(self._step + 1, self._step + steps + 1) % self._epoch) == 0
        drawn[2, ends] = self._synapses.random(int(ends.sum()))
        self._step += steps
        return drawn
