"""The local gradient, two ways: by hand, which keeps no graph, and by autograd through Norse's surrogate, the check.

``dL/dW_ij = m_i P_j`` with ``m_i = sigma'(U_i) sum_k G_ki e_k``, e the derivative of the loss by the readout; filters
and refractory term are taken as given (Kaiser, Mostafa and Neftci 2020, equations 11 to 13). With pooling, the neuron
of a square through which its spike went on receives the error, the first of equals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from norse.torch.functional.threshold import threshold
from torch import Tensor

from spikerl.dcll import kernels
from spikerl.dcll.dynamics import Parameters, Response, State, by_position, membrane, pooled, said
from spikerl.dcll.layers import Convolution, Layer
from spikerl.dcll.losses import error, value
from spikerl.dcll.pooling import unpooled
from spikerl.dcll.settings import Loss
from spikerl.plasticity.surrogate import SLOPE, fast_sigmoid


class Gradient(NamedTuple):
    """Of the mean loss of a batch, by `weight` and `bias`."""

    weight: Tensor
    bias: Tensor


class Factors(NamedTuple):
    """A gradient of a dense layer before the product, ``m^T P`` by weight: local errors `m` and filters `p`."""

    m: Tensor
    p: Tensor

    def gradient(self) -> Gradient:
        """Take the product."""
        return Gradient(self.m.t() @ self.p, by_bias(self.m))


def by_hand(
    layer: Layer,
    parameters: Parameters,
    state: State,
    seen: Response,
    target: Tensor,
    loss: Loss,
    product: torch.dtype | None = None,
) -> Gradient:
    """Return the gradient of a step that was taken; `product` is the type of the product with P, if not its own."""
    m = _of_step(layer, parameters, seen, target, loss)
    return Gradient(outer(layer, parameters.weight.shape, m, state.p, product), by_bias(m))


def by_factors(
    layer: Layer, parameters: Parameters, state: State, seen: Response, target: Tensor, loss: Loss
) -> Factors:
    """Return the same gradient of a dense layer, before the product; `state` is the step's own, and changes with it."""
    return Factors(_of_step(layer, parameters, seen, target, loss), state.p)


def _of_step(layer: Layer, parameters: Parameters, seen: Response, target: Tensor, loss: Loss) -> Tensor:
    e = error(loss, said(parameters, seen.out), target).div_(len(target))
    return local_errors(layer, parameters, seen, e)


def local_errors(layer: Layer, parameters: Parameters, seen: Response, e: Tensor) -> Tensor:
    """Return m of every neuron, [batch, ...], from the errors `e` of the readout, [batch, output]."""
    back = by_position((e @ parameters.readout).view_as(seen.out))
    if isinstance(layer, Convolution) and layer.pool > 1:
        if kernels.fits(seen.s, seen.u) and kernels.by_position(back, seen.s):
            return kernels.unpool(back, seen.s, seen.u, layer.pool)
        back = unpooled(back, seen.s, layer.pool)
    if kernels.fits(back, seen.u):
        kernels.slope(back, seen.u)
        return back
    return back.mul_(fast_sigmoid(seen.u))


def outer(layer: Layer, shape: Sequence[int], m: Tensor, p: Tensor, product: torch.dtype | None = None) -> Tensor:
    """Return ``sum m_i P_j`` over the batch, in the `shape` of the weights."""
    if product is not None and product != p.dtype:
        return outer(layer, shape, m.to(product), p.to(product)).to(p.dtype)
    if isinstance(layer, Convolution):
        return torch.nn.grad.conv2d_weight(p, list(shape), m, padding=layer.padding or 0)
    return m.t() @ p


def by_bias(m: Tensor) -> Tensor:
    """Return the sum of m over the batch, and over the neurons of a map."""
    return m.sum((0, 2, 3)) if m.dim() == 4 else m.new_ones(len(m)) @ m


def by_autograd(
    layer: Layer, parameters: Parameters, state: State, seen: Response, target: Tensor, loss: Loss
) -> Gradient:
    """Return the same gradient, from the graph of this step alone."""
    with torch.enable_grad():
        weight, bias = (tensor.detach().clone().requires_grad_() for tensor in parameters[:2])
        own = parameters._replace(weight=weight, bias=bias)
        u = membrane(layer, own, state.p.detach()) + state.r.detach()
        # Norse's surrogate has a slope of 1, whatever it is told (1.1.0): the slope goes into the membrane's value.
        steep = SLOPE * u.detach() + (u - u.detach())
        spikes = threshold(steep, "super", 1.0)
        found = value(loss, said(own, pooled(layer, spikes)), target)
        return Gradient(*torch.autograd.grad(found, (weight, bias)))
