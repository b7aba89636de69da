"""Local losses of a readout, and their derivatives by it."""

from __future__ import annotations

from enum import Enum

import torch
from torch import Tensor


class Loss(Enum):
    """The loss of one layer, summed over outputs.

    "smooth_l1": ``e**2 / 2`` where ``|e| < 1``, else ``|e| - 1/2``, with ``e = y - target`` (Kaiser et al. 2020);
    "cross_entropy": ``-sum target log softmax(y)``.
    """

    SMOOTH_L1 = "smooth_l1"
    CROSS_ENTROPY = "cross_entropy"


def value(loss: Loss, y: Tensor, target: Tensor) -> Tensor:
    """Return the loss of readouts `y` for `target`, both [batch, output]: the mean over the batch."""
    if loss is Loss.SMOOTH_L1:
        return torch.nn.functional.smooth_l1_loss(y, target, reduction="sum") / len(y)
    return torch.nn.functional.cross_entropy(y, target)


def error(loss: Loss, y: Tensor, target: Tensor) -> Tensor:
    """Return the derivative of a sample's loss by its readout, [batch, output]."""
    if loss is Loss.SMOOTH_L1:
        return (y - target).clamp_(-1, 1)
    return torch.softmax(y, 1).sub_(target)
