"""One step of a layer: filters of its input, membrane, spikes. The state of a batch is kept in place.

``Q = beta Q + (1 - beta) S_in``, ``P = alpha P + (1 - alpha) Q_prev``, ``R = alpha_r R - (1 - alpha_r) S_prev``,
``U = W P + b + R``, ``S = U > 0`` (Kaiser, Mostafa and Neftci 2020, equations 8 to 10). Filters are linear, so that
they run over the inputs of a layer, and P is at hand for the update. Products with weights may be taken in a smaller
type, `product`, such as bfloat16; filters, sums with the bias and the threshold stay in the type of the weights.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from spikerl.dcll import kernels
from spikerl.dcll.layers import Constants, Convolution, Layer, Shape
from spikerl.dcll.pooling import pooled as largest


class Parameters(NamedTuple):
    """What a layer learns, `weight` [out, in] or [out, in, kernel, kernel] and `bias` [out], and its fixed `readout`.

    The readout is [output, neuron], over the pooled neurons of a convolution.
    """

    weight: Tensor
    bias: Tensor
    readout: Tensor


class State(NamedTuple):
    """Of a batch: filters `q` and `p` of the input, refractory term `r`, last spikes `s`, [batch, ...]."""

    q: Tensor
    p: Tensor
    r: Tensor
    s: Tensor


class Response(NamedTuple):
    """What a step gives: membrane `u` and spikes `s` of all neurons, and what is said on, pooled, `out`."""

    u: Tensor
    s: Tensor
    out: Tensor


def silent(layer: Layer, before: Shape, batch: int, like: Tensor) -> State:
    """Return the state at rest, on the device and in the type of `like`."""
    inside = layer.maps(before) if isinstance(layer, Convolution) else layer.shape(before)
    inputs = before if isinstance(layer, Convolution) else (layer.fan_in(before),)
    shapes = (inputs, inputs, inside, inside)
    return State(*(by_position(like.new_zeros((batch, *shape))) for shape in shapes))


def by_position(tensor: Tensor) -> Tensor:
    """Return maps [batch, channel, height, width] with the channels of a position side by side, others as they are.

    Neighbours in memory are then taken together where positions are not, as in pooling.
    """
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor


def numbers(spikes: Tensor, like: Tensor) -> Tensor:
    """Return `spikes` [batch, ...] as 0 and 1 in the type of `like`."""
    # Bytes become numbers several times as fast as truths do.
    return by_position(spikes.view(torch.uint8) if spikes.dtype is torch.bool else spikes).to(like.dtype)


def advance(
    layer: Layer,
    parameters: Parameters,
    state: State,
    spikes: Tensor,
    constants: Constants,
    product: torch.dtype | None = None,
) -> Response:
    """Take one step, in place; `spikes` of the layer before, 0 or 1, [batch, ...]."""
    alpha, beta, alpha_refractory = constants
    if kernels.fits(state.p, state.q, spikes):
        kernels.follow(state.p, state.q, spikes, alpha, beta)
    else:
        p, q = kernels.filtered(state.p, state.q, spikes, 1 - alpha, 1 - beta)
        state.p.copy_(p)
        state.q.copy_(q)
    u = membrane(layer, parameters, state.p, product)
    if kernels.fits(u, state.r, state.s):
        kernels.fire(u, state.r, state.s, alpha_refractory)
    else:
        state.r.copy_(kernels.held_down(state.r, state.s, alpha_refractory))
        torch.gt(u.add_(state.r), 0, out=state.s)
    return Response(u, state.s, pooled(layer, state.s))


def membrane(layer: Layer, parameters: Parameters, p: Tensor, product: torch.dtype | None = None) -> Tensor:
    """Return ``W P + b``, a tensor of its own."""
    weight, bias, _ = parameters
    if product is not None and product != p.dtype:
        return weighted(layer, weight, p, product).add_(bias[:, None, None] if p.dim() == 4 else bias)
    if isinstance(layer, Convolution):
        return torch.nn.functional.conv2d(p, weight, bias, padding=layer.padding or 0)
    return torch.addmm(bias, p, weight.t())


def weighted(layer: Layer, weight: Tensor, p: Tensor, product: torch.dtype | None = None) -> Tensor:
    """Return ``W P``, in the type of P."""
    if product is not None and product != p.dtype:
        return weighted(layer, weight.to(product), p.to(product)).to(p.dtype)
    if isinstance(layer, Convolution):
        return torch.nn.functional.conv2d(p, weight, padding=layer.padding or 0)
    return p @ weight.t()


def pooled(layer: Layer, s: Tensor) -> Tensor:
    """Return what a layer says on: of each square the largest spike."""
    if not isinstance(layer, Convolution) or layer.pool == 1:
        return s
    # torch's own, slower, lets a gradient through the first of equals.
    return torch.nn.functional.max_pool2d(s, layer.pool) if s.requires_grad else largest(s, layer.pool)


def said(parameters: Parameters, out: Tensor) -> Tensor:
    """Return the local readout ``Y = G S``, [batch, output]."""
    return out.flatten(1) @ parameters.readout.t()
