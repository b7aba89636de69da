"""What a layer hears over the steps of a block, and the products that this takes: whole, or by its few spikes.

Spikes S [step, batch, ...] come in three times: into currents ``W S + b``, into the gradient ``sum_t F_t S_t``, and
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

from spikerl.dcll.dynamics import Parameters, State, membrane
from spikerl.dcll.gradients import outer
from spikerl.dcll.layers import Constants, Convolution, Layer

FEW = 0.15
"""The share of spikes from which on dense products are the faster ones."""
_COLUMNS = 128
"""So many columns of a factor at a time stay in a processor's cache while rows are gathered from all over them."""


class Heard(Protocol):
    """The spikes that a layer hears in a block of steps."""

    def currents(self, parameters: Parameters) -> Tensor:
        """Return ``W S + b``, [step, batch, ...]."""
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
        return Whole(layer, spikes.to(like.dtype), product)
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

    def currents(self, parameters: Parameters) -> Tensor:
        """Return ``W S + b``."""
        found = membrane(self._layer, parameters, self._rows, self._product)
        return found.unflatten(0, self._spikes.shape[:2])

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
        steps, batch, inputs = spikes.shape
        self._shape, self._dtype = (steps, batch, inputs), dtype
        self._places = np.flatnonzero(spikes)
        self._row, self._column = np.divmod(self._places, inputs)
        self._ones = torch.ones(len(self._places), dtype=dtype)

    def currents(self, parameters: Parameters) -> Tensor:
        """Return ``W S + b``."""
        steps, batch, inputs = self._shape
        matrix = self._matrix(self._row, self._column, steps * batch, inputs)
        found = torch.mm(matrix, parameters.weight.t().contiguous())
        return found.add_(parameters.bias).view(steps, batch, -1)

    def gradient(self, factor: Tensor, shape: Sequence[int]) -> Tensor:
        """Return ``sum_t F_t S_t``."""
        steps, batch, inputs = self._shape
        order = np.argsort(self._column.astype(np.int16 if inputs < 2**15 else np.int32), kind="stable")
        matrix = self._matrix(self._column[order], self._row[order], inputs, steps * batch)
        found = factor.new_empty(tuple(shape))
        for part, rows in zip(found.split(_COLUMNS), factor.flatten(0, 1).split(_COLUMNS, 1), strict=True):
            part.copy_(torch.mm(matrix, rows.contiguous()).t())
        return found

    def summed(self, shares: NDArray[np.float64], like: Tensor) -> Tensor:
        """Return weighted sums over the steps."""
        _, batch, inputs = self._shape
        step, place = np.divmod(self._places, batch * inputs)
        sums = [np.bincount(place, weights=share[step], minlength=batch * inputs) for share in shares]
        return torch.as_tensor(np.stack(sums)).to(like).view(-1, *like.shape)

    def _matrix(self, row: NDArray[np.int64], column: NDArray[np.int64], rows: int, columns: int) -> Tensor:
        """Return ones at places in the order of rows."""
        ends = torch.from_numpy(np.searchsorted(row, np.arange(rows + 1)))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta state")
            size, places = (rows, columns), torch.from_numpy(column)
            return torch.sparse_csr_tensor(ends, places, self._ones, size, check_invariants=False)
