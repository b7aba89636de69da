"""Adamax without a first moment: each weight moves by its gradient over the largest gradient of late.

``n <- max(beta n + (1 - beta) eps, |g|)``, ``w <- w - rate g / n`` (Kingma and Ba 2015, algorithm 2, with beta_1 = 0 as
Kaiser et al. 2020 have it); eps is what n falls to where no gradient comes. It is torch's but for that: there eps is
added to each ``|g|``. On a processor, time goes to where weights are read from and written to. So they are taken a few
rows at a time, which its cache holds, and a gradient that is a product of two narrow factors is never written whole.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

_HELD = 2**16
"""The numbers of a weight that are taken at a time on a processor."""


class Adamax(torch.optim.Optimizer):
    """Moves `parameters` at `rate` (a key "lr" of its groups), with `beta` and `eps`; its state is n, "largest"."""

    def __init__(self, parameters: Iterable[Tensor], rate: float, beta: float = 0.95, eps: float = 1e-8) -> None:
        super().__init__(parameters, {"lr": rate, "beta": beta, "eps": eps})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move all parameters by their `grad`; those without one stay."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self.follow(parameter, parameter.grad)

    @torch.no_grad()
    def follow(self, parameter: Tensor, gradient: Tensor, factor: Tensor | None = None) -> None:
        """Move one of the parameters by `gradient`, or, with a `factor`, by the product of both."""
        group = next(group for group in self.param_groups if any(parameter is one for one in group["params"]))
        largest = self._largest(parameter)
        width = parameter.numel() // max(1, len(parameter))
        rows = max(1, _HELD // width) if parameter.device.type == "cpu" else len(parameter)
        made = parameter.new_empty((rows, *parameter.shape[1:])) if factor is not None else None
        size = parameter.new_empty((rows, *parameter.shape[1:]))
        floor = parameter.new_tensor((1 - group["beta"]) * group["eps"])
        for weight, change, n in zip(parameter.split(rows), gradient.split(rows), largest.split(rows), strict=True):
            if factor is not None and made is not None:
                change = torch.mm(change, factor, out=made[: len(change)])
            now = torch.abs(change, out=size[: len(change)])
            torch.add(floor, n, alpha=group["beta"], out=n)
            torch.maximum(n, now, out=n)
            weight.addcdiv_(change, n, value=-group["lr"])

    def _largest(self, parameter: Tensor) -> Tensor:
        state = self.state[parameter]
        if not state:
            state["largest"] = torch.zeros_like(parameter)
        largest: Tensor = state["largest"]
        return largest
