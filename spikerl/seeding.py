"""Counter-based randomness: each number is a pure function of a seed, labels, and a position.

Philox4x64 (Salmon et al. 2011) keyed by a BLAKE2b hash of seed and labels. Nothing depends on the order in which
numbers are asked for, so every back end hears the same input, and one instance alone equals the same one in a batch.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from spikerl.units import whole_number

_OUTPUTS_PER_COUNT = 4  # Philox4x64 gives four 64-bit numbers for each value of its counter


def check_seed(seed: object, where: str = "seed") -> int:
    """Return `seed` if it is a whole number from 0 to 2**63 - 1; raise `DescriptionError` otherwise."""
    return whole_number(seed, 0, 2**63 - 1, where)


def key(seed: int, *labels: str | int) -> NDArray[np.uint64]:
    """Return the key of the stream of `seed` and `labels`, two 64-bit numbers."""
    text = "\x1f".join(f"{type(label).__name__}:{label}" for label in (check_seed(seed), *labels))
    return np.frombuffer(hashlib.blake2b(text.encode(), digest_size=16).digest(), dtype="<u8").astype(np.uint64)


def philox_at(key: NDArray[np.uint64], counter: tuple[int, int, int, int]) -> np.random.Philox:
    """Return the Philox stream of `key` after `counter`."""
    return np.random.Philox(key=key, counter=np.array(counter, dtype=np.uint64))


def philox(seed: int, *labels: str | int, count: int = 0) -> np.random.Philox:
    """Return the Philox stream of `seed` and `labels`, with its counter set to `count`."""
    return philox_at(key(seed, *labels), (count, 0, 0, 0))


def generator(seed: int, *labels: str | int) -> np.random.Generator:
    """Return a fresh generator for the stream of `seed` and `labels` (the same arguments, the same numbers)."""
    return np.random.Generator(philox(seed, *labels))


def uniforms(seed: int, labels: tuple[str | int, ...], first: int, steps: int, size: int) -> NDArray[np.float64]:
    """Return uniform numbers in [0, 1), shape [steps, size]; row k is a function of ``first + k`` alone."""
    counts = -(-size // _OUTPUTS_PER_COUNT)
    stream = np.random.Generator(philox(seed, *labels, count=first * counts))
    return stream.random((steps, counts * _OUTPUTS_PER_COUNT))[:, :size]
