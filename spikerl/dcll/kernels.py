"""What torch takes several passes over memory for, in one each, for tensors on a processor: compiled by numba.

Between two products a step does little to each number, so that its time is that of reading and writing them. Tensors
of a call lie in memory alike, maps by position (`spikerl.dcll.dynamics.by_position`).
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from spikerl.plasticity.surrogate import SLOPE

_OPTIONS = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract"}}


def filtered(p: Any, q: Any, spikes: Any, toward_q: float, toward_s: float) -> tuple[Any, Any]:
    """``P + (1 - alpha) (Q - P)`` and ``Q + (1 - beta) (S - Q)``, of numbers or of tensors: P hears the Q before."""
    return p + toward_q * (q - p), q + toward_s * (spikes - q)


def held_down(r: Any, s: Any, left: float) -> Any:
    """``alpha_r (R + S) - S``, which is ``alpha_r R - (1 - alpha_r) S``, of numbers or of tensors."""
    return left * (r + s) - s


def fits(*tensors: Tensor) -> bool:
    """Return whether the kernels can take these: on a processor, without gaps, of one layout and type, no graph."""
    first = tensors[0]
    whole = first.is_contiguous() or (first.dim() == 4 and first.is_contiguous(memory_format=torch.channels_last))
    return (
        whole
        and first.device.type == "cpu"
        and first.dtype in (torch.float32, torch.float64)
        and all(
            each.stride() == first.stride() and each.dtype == first.dtype and not each.requires_grad for each in tensors
        )
    )


def by_position(*tensors: Tensor) -> bool:
    """Return whether these are maps of one type, with the channels of a position side by side."""
    return all(
        each.is_contiguous(memory_format=torch.channels_last) and each.dtype == tensors[0].dtype for each in tensors
    )


def move(weight: Tensor, gradient: Tensor, largest: Tensor, rate: float, beta: float, floor: float) -> None:
    """``n <- max(beta n + floor, |g|)``, ``w <- w - rate g / n``, in place."""
    own = _scalar(weight)
    _move(_flat(weight), _flat(gradient), _flat(largest), own(rate), own(beta), own(floor))


def follow(p: Tensor, q: Tensor, spikes: Tensor, alpha: float, beta: float) -> None:
    """``p <- p + (1 - alpha) (q - p)``, then ``q <- q + (1 - beta) (s - q)``, in place."""
    own = _scalar(p)
    _follow(_flat(p), _flat(q), _flat(spikes), own(1 - alpha), own(1 - beta))


def fire(u: Tensor, r: Tensor, s: Tensor, left: float) -> None:
    """``r <- left r - (1 - left) s``, ``u <- u + r``, ``s <- u > 0``, in place."""
    own = _scalar(u)
    _fire(_flat(u), _flat(r), _flat(s), own(left))


def slope(m: Tensor, u: Tensor) -> None:
    """``m <- m sigma'(u)`` with the fast sigmoid, in place."""
    _slope(_flat(m), _flat(u), _scalar(m)(SLOPE))


def unpool(back: Tensor, s: Tensor, u: Tensor, size: int) -> Tensor:
    """Return `back` of squares at the first of their largest spikes, times ``sigma'(u)``; `back` is lost.

    Maps [batch, channel, height, width] by position; as `spikerl.dcll.pooling.unpooled` and then `slope` do it.
    """
    m = torch.zeros_like(s) if any(length % size for length in s.shape[2:]) else torch.empty_like(s)
    _unpool(*(each.permute(0, 2, 3, 1).numpy() for each in (back, s, u, m)), size, _scalar(m)(SLOPE))
    return m


def _scalar(tensor: Tensor) -> Any:
    return np.float32 if tensor.itemsize == 4 else np.float64


def _flat(tensor: Tensor) -> NDArray[np.float64]:
    """Return the numbers in the order in which they lie in memory."""
    found: NDArray[np.float64] = tensor.as_strided((tensor.numel(),), (1,)).numpy()
    return found


# The laws stand in this file, so that machine code kept on disk is that of the laws as they are now.
_filtered, _held_down = njit(**_OPTIONS)(filtered), njit(**_OPTIONS)(held_down)


@njit(**_OPTIONS)
def _move(weight, gradient, largest, rate, beta, floor):
    for k in range(weight.size):
        g = gradient[k]
        n = max(beta * largest[k] + floor, abs(g))
        largest[k] = n
        weight[k] -= rate * (g / n)


@njit(**_OPTIONS)
def _follow(p, q, spikes, toward_q, toward_s):
    for k in range(p.size):
        p[k], q[k] = _filtered(p[k], q[k], spikes[k], toward_q, toward_s)


@njit(**_OPTIONS)
def _fire(u, r, s, left):
    for k in range(u.size):
        rest = _held_down(r[k], s[k], left)
        membrane = u[k] + rest
        r[k] = rest
        u[k] = membrane
        s[k] = membrane > 0


@njit(**_OPTIONS)
def _unpool(back, s, u, m, size, steep):
    batch, rows, columns, channels = back.shape
    one = steep / steep
    for b in range(batch):
        for row in range(rows):
            for column in range(columns):
                left = back[b, row, column]
                for place in range(size * size):
                    y, x = row * size + place // size, column * size + place % size
                    spikes, membranes, into = s[b, y, x], u[b, y, x], m[b, y, x]
                    for k in range(channels):
                        came = left[k] * spikes[k]
                        left[k] -= came
                        width = steep * abs(membranes[k]) + one
                        into[k] = came / (width * width)
                membranes, into = u[b, row * size, column * size], m[b, row * size, column * size]
                for k in range(channels):
                    width = steep * abs(membranes[k]) + one
                    into[k] += left[k] / (width * width)


@njit(**_OPTIONS)
def _slope(m, u, steep):
    for k in range(m.size):
        width = steep * abs(u[k]) + m.dtype.type(1)
        m[k] /= width * width
