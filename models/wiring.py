"""Connectivity that circuits share: weights around a value, groups for something that several options have."""

from __future__ import annotations

import numpy as np

from spikerl.connectivity import Blocks, Explicit, Uniform
from spikerl.population import Population
from spikerl.units import parse

Groups = tuple[int, ...]


def around(weight: str, spread: float, seed: int) -> Uniform:
    """Return weights uniform within the share `spread` of `weight`, drawn from the stream of `seed`."""
    value = parse(weight, "weight")
    low, high = (f"{share * value.value / value.scale:.12g} {value.unit}" for share in (1 - spread, 1 + spread))
    return Uniform(low, high, seed=seed)


def to_options(pre: Population, post: Population, groups: int, hears: Groups) -> Blocks | Explicit:
    """Return all connections from group ``hears[o]`` of `pre`, which has `groups`, to the group of option o in `post`.

    None is left to chance: a draw would favour one option for good.
    """
    options = len(hears)
    if groups == options and hears == tuple(range(options)):
        return Blocks(options)
    group = np.arange(pre.size) // (pre.size // groups)
    heard = np.asarray(hears)[np.arange(post.size) // (post.size // options)]
    source, target = np.nonzero(group[:, None] == heard[None, :])
    return Explicit(tuple(source.tolist()), tuple(target.tolist()))
