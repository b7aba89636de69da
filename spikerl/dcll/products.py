"""What a layer hears over the steps of a block, and the products that this takes: whole, or by its few spikes.

Spikes S [step, batch, ...] come in three times: into currents ``W S``, into the gradient ``sum_t F_t S_t``, and
into what the filters of the input hold at the block's end, which follows from S in closed form. `Whole` takes dense
products, on any device and for convolutions; `Few`, for dense layers on a processor, goes through the places of spikes.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikerl.dcll.dynamics import State, by_position, weighted
from spikerl.dcll.gradients import outer
from spikerl.dcll.layers import Constants, Convolution, Layer

FEW = 0.15
"""The share of spikes from which on dense products are the faster ones."""
_COLUMNS = 128
"""So many columns of a factor at a time stay in a processor's cache while rows are gathered from all over them."""


class Heard(Protocol):
    """The spikes that a layer hears in a block of steps."""

    def currents(self, weight: Tensor, into: Tensor) -> None:
        """Put ``W S`` [step, batch, ...] into `into`."""
        ...

    def gradient(self, factor: Tensor, shape: Sequence[int]) -> Tensor:
        """Return ``sum_t F_t S_t`` over steps and batch, in the `shape` of the weights; `factor` [step, batch, ...]."""
        ...

    def summed(self, shares: NDArray[np.float64], like: Tensor) -> Tensor:
        """Return the spikes summed over steps with `shares` [sum, step]; [sum, ...], each in the shape of `like`."""
        ...


def heard(layer: Layer, spikes: Tensor, like: Tensor, product: torch.dtype | None) -> Heard:
    """Return what is faster for `spikes` [step, batch, ...], 0 or 1 in any type; `like` the weights."""
    if isinstance(layer, Convolution):
        maps = by_position(spikes.flatten(0, 1)).to(like.dtype)
        return Whole(layer, maps.unflatten(0, spikes.shape[:2]), product)
    spikes = spikes.flatten(2)
    if spikes.device.type == "cpu" and product in (None, like.dtype):
        places = spikes.numpy()
        places = places if places.dtype == np.bool_ else places > 0
        if np.count_nonzero(places) < FEW * places.size:
            return Few(places, like.dtype)
    return Whole(layer, spikes.to(like.dtype), product)


def end_filters(state: State, heard: Heard, steps: int, constants: Constants) -> None:
    """Bring `state.q` and `state.p` to the end of the block.

    ``Q_T = beta^T Q_0 + (1 - beta) sum_t beta^(T-t) S_t``,
    ``P_T = alpha^T P_0 + k_T Q_0 + (1 - beta) sum_t k_(T-t) S_t``, where k_n is what a Q of 1, n steps ago, has left in
    P: ``k_0 = 0, k_(n+1) = alpha k_n + (1 - alpha) beta^n``.
    """
    alpha, beta, _ = constants
    left = beta ** np.arange(steps + 1)
    arrived = np.zeros(steps + 1)
    for n in range(steps):
        arrived[n + 1] = alpha * arrived[n] + (1 - alpha) * left[n]
    ago = steps - 1 - np.arange(steps)
    q, p = heard.summed((1 - beta) * np.stack([left[ago], arrived[ago]]), state.q)
    state.p.mul_(alpha**steps).add_(state.q, alpha=arrived[steps]).add_(p)
    state.q.mul_(left[steps]).add_(q)


class Whole:
    """Spikes as numbers of the weights' type; `product` is the type of the products with weights, if not theirs."""

    def __init__(self, layer: Layer, spikes: Tensor, product: torch.dtype | None) -> None:
        self._layer, self._spikes, self._product = layer, spikes, product
        self._rows = spikes.flatten(0, 1)

    def currents(self, weight: Tensor, into: Tensor) -> None:
        """Put ``W S`` into `into`."""
        if isinstance(self._layer, Convolution) or self._product not in (None, into.dtype):
            into.flatten(0, 1).copy_(weighted(self._layer, weight, self._rows, self._product))
        else:
            torch.mm(self._rows, weight.t(), out=into.view(-1, len(weight)))

    def gradient(self, factor: Tensor, shape: Sequence[int]) -> Tensor:
        """Return ``sum_t F_t S_t``."""
        return outer(self._layer, shape, factor.flatten(0, 1), self._rows, self._product)

    def summed(self, shares: NDArray[np.float64], like: Tensor) -> Tensor:
        """Return weighted sums over the steps."""
        found = torch.as_tensor(shares).to(self._spikes) @ self._spikes.flatten(1)
        return found.view(-1, *like.shape)


class Few:
    """Spikes by their places, as a sparse matrix of [step x batch, input] and its transpose; of a dense layer."""

    def __init__(self, spikes: NDArray[np.bool_], dtype: torch.dtype) -> None:
        steps, batch, inputs = self._shape = spikes.shape
        self._places = places = _places(spikes)
        self._ends = np.searchsorted(places, np.arange(0, spikes.size + 1, inputs)).astype(np.int32)
        self._row = np.repeat(np.arange(steps * batch, dtype=np.int32), np.diff(self._ends))
        self._column = (places - self._row * np.int64(inputs)).astype(np.int32)
        self._ones = torch.ones(len(places), dtype=dtype)

    def currents(self, weight: Tensor, into: Tensor) -> None:
        """Put ``W S`` into `into`."""
        steps, batch, inputs = self._shape
        matrix = self._matrix(self._ends, self._column, steps * batch, inputs)
        torch.mm(matrix, weight.t().contiguous(), out=into.view(-1, len(weight)))

    def gradient(self, factor: Tensor, shape: Sequence[int]) -> Tensor:
        """Return ``sum_t F_t S_t``."""
        steps, batch, inputs = self._shape
        ends = np.zeros(inputs + 1, np.int32)
        np.cumsum(np.bincount(self._column, minlength=inputs), out=ends[1:])
        # Small integers are sorted by their digits, several times as fast as by comparing them.
        order = np.argsort(self._column.astype(np.uint16) if inputs <= 2**16 else self._column, kind="stable")
        matrix = self._matrix(ends, self._row[order], inputs, steps * batch)
        found = factor.new_empty(tuple(shape))
        for part, rows in zip(found.split(_COLUMNS), factor.flatten(0, 1).split(_COLUMNS, 1), strict=True):
            part.copy_(torch.mm(matrix, rows.contiguous()).t())
        return found

    def summed(self, shares: NDArray[np.float64], like: Tensor) -> Tensor:
        """Return weighted sums over the steps."""
        steps, batch, inputs = self._shape
        a_step = np.diff(self._ends[::batch])
        place = self._places - np.repeat(np.arange(steps) * (batch * inputs), a_step)
        sums = [np.bincount(place, np.repeat(share, a_step), batch * inputs) for share in shares]
        return torch.as_tensor(np.stack(sums)).to(like).view(-1, *like.shape)

    def _matrix(self, ends: NDArray[np.int32], column: NDArray[np.int32], rows: int, columns: int) -> Tensor:
        """Return ones at so many columns a row."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta state")
            places = torch.from_numpy(ends), torch.from_numpy(column)
            return torch.sparse_csr_tensor(*places, self._ones, (rows, columns), check_invariants=False)


def _places(spikes: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return where spikes are, flat: first the words of eight that are not empty, which are found eight at a time."""
    flat = np.ascontiguousarray(spikes).reshape(-1)
    if flat.size % 8:
        return np.flatnonzero(flat)
    words = flat.view(np.int64)
    full = np.flatnonzero(words != 0)
    within = np.flatnonzero(words[full].view(np.bool_))
    return (full[within >> 3] << 3) + (within & 7)
