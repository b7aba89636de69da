"""When the weights change: the run of one batch, step by step, every layer learning from what is there in the step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, Protocol

import torch
from torch import Tensor

from spikerl.dcll.dynamics import numbers, said
from spikerl.dcll.gradients import Factors, Gradient, by_autograd, by_factors, by_hand
from spikerl.dcll.layers import Dense
from spikerl.dcll.losses import value
from spikerl.dcll.network import Network
from spikerl.dcll.settings import Loss

Change = Callable[[int, Gradient | Factors], None]
"""Changes the parameters of the layer at a place by a gradient."""


class Schedule(Protocol):
    """Runs a batch from rest, learning; returns the mean loss of the last layer, []."""

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
        gradient: Literal["hand", "autograd"],
        product: torch.dtype | None = None,
    ) -> Tensor:
        """Run `spikes` [time, batch, ...] towards `targets` [time, batch, output]; `change` is told of gradients."""
        ...


def step_by_step(
    network: Network,
    spikes: Tensor,
    targets: Tensor,
    change: Change,
    *,
    loss: Loss,
    every: int,
    burn_in: int,
    gradient: Literal["hand", "autograd"],
    product: torch.dtype | None = None,
) -> Tensor:
    """Run a batch from rest and change all layers at every so many steps; return the mean loss of the last, [].

    `spikes` [time, batch, ...] bool; `targets` [time, batch, output]. A change follows the gradient of its own step
    alone, from step `burn_in` on. `product` is the type of the products with weights, if not theirs; by hand alone.
    """
    like = network.parameters[0].weight
    states = network.silent(spikes.shape[1])
    hand = gradient == "hand"
    way = partial(by_hand, product=product) if hand else by_autograd
    few = [hand and product is None and isinstance(layer, Dense) for layer in network.description.layers]
    total, updates = like.new_zeros(()), 0
    for step, now in enumerate(spikes):
        seen = network.advance(states, numbers(now, like), product)
        if step < burn_in or (step - burn_in) % every:
            continue
        for place, layer in enumerate(network.description.layers):
            own, state = network.parameters[place], states[place]
            taken = by_factors if few[place] else way
            change(place, taken(layer, own, state, seen[place], targets[step], loss))
        total += value(loss, said(network.parameters[-1], seen[-1].out), targets[step])
        updates += 1
    return total / max(1, updates)
