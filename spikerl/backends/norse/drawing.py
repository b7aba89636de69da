"""Uniform numbers of the quantiser: SplitMix64 by instance, step and place, the same for all conditions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikerl import splitmix

_AT_ONCE = 32_768
"""Numbers that are drawn together, for several steps: few enough to stay in the cache."""


@dataclass(frozen=True, eq=False)
class Stream:
    """Numbers u in [0, 1) for `parts` side by side, each the `keys` uint64 [instance] and its count of numbers.

    ``u(n, k)`` of step n is at place ``(n + 1) count + k`` of the stream of its part. `layout`: for each place of a
    tensor which number it has, in the `shape` that a step's numbers of an instance take.
    """

    parts: tuple[tuple[NDArray[np.uint64], int], ...]
    layout: NDArray[np.int64]
    shape: tuple[int, ...]

    def each(self, first: int, steps: int, dtype: torch.dtype, device: torch.device) -> Iterator[Tensor]:
        """Yield the numbers of `steps` steps from `first` on, [instance, *shape]."""
        instances, count = len(self.parts[0][0]), sum(count for _, count in self.parts)
        block = max(1, _AT_ONCE // max(1, instances * count))
        for start in range(first, first + steps, block):
            now = np.arange(start, min(start + block, first + steps), dtype=np.uint64)
            found = np.concatenate([_uniform(keys, size, now) for keys, size in self.parts], 2)
            laid = np.take(found, self.layout, axis=2).reshape(len(now), instances, *self.shape)
            yield from torch.from_numpy(laid).to(device, dtype)


def stream(keys: Sequence[NDArray[np.uint64]], sizes: Sequence[int]) -> Stream:
    """Return the numbers of `sizes` side by side, without another layout."""
    total = sum(sizes)
    return Stream(tuple(zip(keys, sizes, strict=True)), np.arange(total), (total,))


def _uniform(keys: NDArray[np.uint64], count: int, steps: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return the numbers of some steps, [step, instance, number]."""
    place = (steps[:, None] + np.uint64(1)) * np.uint64(count) + np.arange(count, dtype=np.uint64)
    found: NDArray[np.float64] = splitmix.unit(splitmix.mixed(keys[None, :, None], place[:, None, :]))
    return found
