"""Adamax without a first moment: each weight moves by its gradient over the largest gradient of late.

``n <- max(beta n + (1 - beta) eps, |g|)``, ``w <- w - rate g / n`` (Kingma and Ba 2015, algorithm 2, with beta_1 = 0 as
Kaiser et al. 2020 have it); eps is what n falls to where no gradient comes. It is torch's but for that: there eps is
added to each ``|g|``. On a processor, time goes to where weights are read from and written to. So they are taken a few
rows at a time, which its cache holds, and a gradient that is a product of two narrow factors is never written whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from spikerl.dcll import kernels

_HELD = 2**17
"""The numbers of a weight that are taken at a time on a processor."""


class How(NamedTuple):
    """A move, ``n <- max(beta n + floor, |g|)``, ``w <- w - rate g / n``, with n `largest`."""

    rate: float
    beta: float
    floor: float
    largest: Tensor


class Adamax(torch.optim.Optimizer):
    """Moves `parameters` at `rate` (a key "lr" of its groups), with `beta` and `eps`; its state is n, "largest"."""

    def __init__(self, parameters: Iterable[Tensor], rate: float, beta: float = 0.95, eps: float = 1e-8) -> None:
        super().__init__(parameters, {"lr": rate, "beta": beta, "eps": eps})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Move all parameters by their `grad`; those without one stay."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self.follow(parameter, parameter.grad)

    @torch.no_grad()
    def follow(self, parameter: Tensor, gradient: Tensor, factor: Tensor | None = None) -> None:
        """Move one of the parameters by `gradient`, or, with a `factor`, by the product of both."""
        rate, beta, floor, largest = self.how(parameter)
        gradient = gradient if factor is not None else gradient.contiguous()
        if not kernels.fits(parameter, largest, *([gradient] if factor is None else [])):
            change = gradient if factor is None else gradient @ factor
            torch.add(parameter.new_tensor(floor), largest, alpha=beta, out=largest)
            parameter.addcdiv_(change, torch.maximum(largest, change.abs(), out=largest), value=-rate)
        elif factor is None:
            kernels.move(parameter, gradient, largest, rate, beta, floor)
        else:
            rows = max(1, _HELD // factor.shape[1])
            made = factor.new_empty((rows, factor.shape[1]))
            for part, weight, n in zip(gradient.split(rows), parameter.split(rows), largest.split(rows), strict=True):
                kernels.move(weight, torch.mm(part, factor, out=made[: len(part)]), n, rate, beta, floor)

    def how(self, parameter: Tensor) -> How:
        """Return what one of the parameters moves by."""
        group = next(group for group in self.param_groups if any(parameter is one for one in group["params"]))
        state = self.state[parameter]
        if not state:
            state["largest"] = torch.zeros_like(parameter)
        return How(group["lr"], group["beta"], (1 - group["beta"]) * group["eps"], state["largest"])
