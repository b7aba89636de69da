"""Blocks cut into a half to fit and a half to test, many times over: by seed alone, so the same for every model."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.errors import DescriptionError, message
from spikerl.seeding import check_seed, generator

SPLITS = 10


class Split(NamedTuple):
    """The positions of the blocks to fit (`train`) and of those to test, ascending; no block is in both."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]


def halves(blocks: int, seed: int, splits: int = SPLITS) -> tuple[Split, ...]:
    """Return `splits` random halves of `blocks` blocks; the odd one is tested. Default: 10 splits.

    Split k is a function of `seed`, k and `blocks` alone. Whole blocks are drawn, for trials of one block share its
    luck and its learning.

    Raises `DescriptionError` for fewer than two blocks, fewer than one split, or a bad seed.
    """
    check_seed(seed)
    for name, value, least in (("blocks to split", blocks, 2), ("splits", splits, 1)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise DescriptionError(message(name, value, f"a whole number, at least {least}"))
    found = []
    for k in range(splits):
        order = generator(seed, "behaviour", "split", k).permutation(blocks)
        found.append(Split(np.sort(order[: blocks // 2]), np.sort(order[blocks // 2 :])))
    return tuple(found)
