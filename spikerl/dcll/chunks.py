"""Weights that are fixed for a chunk of steps, and then change once, by the mean of the gradients of all its steps.

While weights are fixed, products with them and sums over steps may change places. Forward, ``W P = filter(W S)``: the
currents of all steps are one product, and the double exponential runs over them, with as many numbers as there are
neurons, from ``W Q_0`` and ``W P_0``. Backward, the local errors m are filtered against time instead of S with it,

``l_t = alpha l_(t+1) + (1 - alpha) m_t, F_t = beta F_(t+1) + (1 - beta) l_(t+1)``,

``sum_t m_t P_t = sum_t F_t S_t + F_0 / (1 - beta) Q_0 + alpha l_1 / (1 - alpha) P_0``,

one product with the spikes, and two with what the chunk began from. No layer hears of a later one, so that each runs
all steps before the next begins. The sums are those of the steps one by one; nothing is approximated. A long chunk is
run in blocks, so that what is held at a time is bounded, and depends neither on the chunk nor on the input.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from spikerl.dcll.dynamics import Parameters, Response, State, by_position, pooled, said, weighted
from spikerl.dcll.gradients import Gradient, by_bias, local_errors, outer
from spikerl.dcll.layers import Constants, Convolution, Layer
from spikerl.dcll.losses import error, value
from spikerl.dcll.network import Network
from spikerl.dcll.products import Heard, end_filters, heard
from spikerl.dcll.schedules import Change
from spikerl.dcll.settings import Loss
from spikerl.errors import DescriptionError, message

_NUMBERS = 3 * 2**20
"""The most numbers that a block holds of the widest layer, in each of its few tensors; a step at least is held."""


class _Block(NamedTuple):
    """What layers share in a block: `targets` [step, batch, output], loss and type of products.

    `skipped` steps, from its first on, do not count; `share` is that of one sample's step in the mean.
    """

    targets: Tensor
    skipped: int
    share: float
    loss: Loss
    product: torch.dtype | None


class _Room:
    """Memory for large tensors that is used again: asked of the system anew, it takes longer to come than to fill."""

    def __init__(self) -> None:
        self._held: dict[str, Tensor] = {}

    def tensor(self, name: str, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """Return a tensor of any content, in the place of the last one of this name; of maps, by position."""
        size, held = math.prod(shape), self._held.get(name)
        if held is None or len(held) < size or held.dtype != like.dtype or held.device != like.device:
            self._held[name] = held = like.new_empty(size)
        if len(shape) < 5:
            return held[:size].view(shape)
        steps, batch, channels, height, width = shape
        return held[:size].view(steps, batch, height, width, channels).permute(0, 1, 4, 2, 3)


class Chunks:
    """The schedule; it keeps the memory that it works in from batch to batch."""

    def __init__(self) -> None:
        self._room = _Room()

    def __call__(
        self,
        network: Network,
        spikes: Tensor,
        targets: Tensor,
        change: Change,
        *,
        loss: Loss,
        every: int,
        burn_in: int,
        gradient: Literal["hand", "autograd"] = "hand",
        product: torch.dtype | None = None,
    ) -> Tensor:
        """Run a batch from rest and change all layers after every so many steps; return the mean loss of the last, [].

        `spikes` [time, batch, ...] bool; `targets` [time, batch, output]. A change follows the mean of the gradients of
        the chunk's steps, those before step `burn_in` left out; a chunk of such steps alone changes nothing, and the
        last one may be shorter. `product` is the type of the products with weights, if not theirs. Raises
        `DescriptionError` for gradients by autograd, which would keep a graph of the chunk.
        """
        if gradient != "hand":
            raise DescriptionError(message("Chunks: gradient", gradient, "hand"))
        steps, batch = spikes.shape[:2]
        states = network.silent(batch)
        at_once = _steps_at_once(network, batch)
        total = torch.zeros((), device=targets.device, dtype=targets.dtype)
        for first in range(0, steps, every):
            last = min(first + every, steps)
            counted = last - max(first, burn_in)
            sums: list[Gradient | None] = [None] * len(states)
            blocks = -(-(last - first) // at_once)
            bounds = [first + (last - first) * number // blocks for number in range(blocks + 1)]
            for start, end in pairwise(bounds):
                skipped = min(max(burn_in - start, 0), end - start)
                block = _Block(targets[start:end], skipped, 1 / (batch * max(1, counted)), loss, product)
                found, lost = _run(network, states, spikes[start:end], block, self._room)
                sums = [_plus(one, other) for one, other in zip(sums, found, strict=True)]
                total += lost
            for place, one in enumerate(sums):
                if one is not None:
                    change(place, one)
        return total / max(1, steps - burn_in)


def _steps_at_once(network: Network, batch: int) -> int:
    description = network.description
    shapes = description.shapes()
    widest = max(math.prod(shape) for shape in shapes)
    for layer, before in zip(description.layers, shapes, strict=False):
        if isinstance(layer, Convolution):
            widest = max(widest, math.prod(layer.maps(before)))
    return max(1, _NUMBERS // (batch * widest))


def _plus(one: Gradient | None, other: Gradient | None) -> Gradient | None:
    if one is None or other is None:
        return other if one is None else one
    return Gradient(one.weight.add_(other.weight), one.bias.add_(other.bias))


def _run(
    network: Network, states: list[State], spikes: Tensor, block: _Block, room: _Room
) -> tuple[list[Gradient | None], Tensor]:
    """Take the steps of a block; return the gradients of its steps, None where none counts, and its summed loss."""
    found: list[Gradient | None] = []
    lost = block.targets.new_zeros(())
    steps, targets = len(spikes), block.targets[block.skipped :].flatten(0, 1)
    for place, (layer, own, state) in enumerate(
        zip(network.description.layers, network.parameters, states, strict=True)
    ):
        here = heard(layer, spikes, own.weight, block.product)
        # The membranes of one layer at a time are looked at, and the spikes of two: what hears, and what is heard.
        u, s = (room.tensor(name, (steps, *state.s.shape), state.s) for name in ("u", f"s{place % 2}"))
        seen = _forward(layer, own, state, here, network.constants, block.product, u, s)
        spikes = seen.out
        found.append(None)
        if block.skipped < steps:
            y = said(own, spikes[block.skipped :].flatten(0, 1))
            lost = value(block.loss, y, targets) * (steps - block.skipped)
            e = error(block.loss, y, targets).mul_(block.share).unflatten(0, (steps - block.skipped, -1))
            found[-1] = _backward(layer, own, state, here, seen, network.constants, e, block)
        end_filters(state, here, steps, network.constants)
    return found, lost


def _forward(
    layer: Layer,
    parameters: Parameters,
    state: State,
    here: Heard,
    constants: Constants,
    product: torch.dtype | None,
    u: Tensor,
    s: Tensor,
) -> Response:
    """Return what all steps give, [step, batch, ...], in `u` and `s`; r and s of the state go to the block's end."""
    alpha, beta, alpha_refractory = constants
    here.currents(parameters.weight, u)
    wp, wq = (weighted(layer, parameters.weight, filtered, product) for filtered in (state.p, state.q))
    # With the bias in the refractory term, ``R + b`` follows ``b - S``, and no step adds it.
    bias = (parameters.bias[:, None, None] if wp.dim() == 4 else parameters.bias).expand_as(wp)
    bias = by_position(bias.contiguous())
    state.r.add_(bias)
    before, toward = state.s, torch.empty_like(wp)
    for now, spikes in zip(u, s, strict=True):
        wp.lerp_(wq, 1 - alpha)
        wq.lerp_(now, 1 - beta)
        state.r.lerp_(torch.sub(bias, before, out=toward), 1 - alpha_refractory)
        torch.add(wp, state.r, out=now)
        before = torch.gt(now, 0, out=spikes)
    state.r.sub_(bias)
    state.s.copy_(before)
    return Response(u, s, pooled(layer, s.flatten(0, 1)).unflatten(0, s.shape[:2]))


def _backward(
    layer: Layer,
    parameters: Parameters,
    state: State,
    here: Heard,
    seen: Response,
    constants: Constants,
    e: Tensor,
    block: _Block,
) -> Gradient:
    """Return the summed gradient of the steps that count, from the errors `e` of their readouts.

    `state` has the filters of the block's beginning; `seen.u` is lost.
    """
    alpha, beta, _ = constants
    skipped, shape = block.skipped, parameters.weight.shape
    ahead, f, total = (torch.zeros_like(seen.u[0]) for _ in range(3))
    for step in reversed(range(len(seen.u))):
        now = Response(*(each[step] for each in seen))
        m = local_errors(layer, parameters, now, e[step - skipped]) if step >= skipped else None
        f = torch.lerp(f, ahead, 1 - beta, out=now.u)
        if m is None:
            ahead.mul_(alpha)
        else:
            ahead.lerp_(m, 1 - alpha)
            total.add_(m)
    weight = here.gradient(seen.u, shape)
    weight += outer(layer, shape, f.lerp(ahead, 1 - beta).div_(1 - beta), state.q, block.product)
    weight += outer(layer, shape, ahead.mul_(alpha / (1 - alpha)), state.p, block.product)
    return Gradient(weight, by_bias(total))
