"""Local losses of a readout, and their derivatives by it."""

from __future__ import annotations

import torch
from torch import Tensor

from spikerl.dcll.settings import Loss


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
