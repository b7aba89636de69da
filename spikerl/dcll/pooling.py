"""The largest spike of each square, and the way back: the neuron of a square through which its spike went on.

What torch's max pooling gives, its first of equals too, for spikes of 0 and 1; in a few passes over strided parts,
each of which holds one place of all squares.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor


def pooled(s: Tensor, size: int) -> Tensor:
    """Return of each `size` by `size` square of `s` [..., height, width] the largest; what is left over is left out."""
    height, width = (length // size * size for length in s.shape[-2:])
    rows = [s[..., row:height:size, :width] for row in range(size)]
    tall = rows[0]
    for row in rows[1:]:
        tall = torch.maximum(tall, row)
    out = tall[..., 0::size]
    for column in range(1, size):
        out = torch.maximum(out, tall[..., column::size])
    return out


def unpooled(back: Tensor, s: Tensor, size: int) -> Tensor:
    """Return `back` of squares at the first of the largest neurons of each, and 0 elsewhere, in the shape of `s`."""
    whole = torch.zeros_like(s) if any(length % size for length in s.shape[-2:]) else torch.empty_like(s)
    left = back.clone()
    places = _places(s, size), _places(whole, size)
    first: Tensor | None = None
    for spikes, into in zip(*places, strict=True):
        torch.mul(left, spikes, out=into)
        left.sub_(into)
        first = into if first is None else first
    if first is not None:
        first.add_(left)
    return whole


def _places(s: Tensor, size: int) -> Iterator[Tensor]:
    height, width = (length // size * size for length in s.shape[-2:])
    for row in range(size):
        for column in range(size):
            yield s[..., row:height:size, column:width:size]
