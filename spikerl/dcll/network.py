"""A stack of layers with their parameters: drawn from a seed, run step by step, the same on every device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from spikerl.dcll.dynamics import Parameters, Response, State, advance, silent
from spikerl.dcll.layers import Convolution, Description, Layer, Shape
from spikerl.seeding import generator


class Network:
    """Layers with parameters, weights and biases drawn as `Description` says, readouts as `Readout` does.

    `parameters` [layer] are learned in place. `seed` fixes them, whatever the device and the precision.
    """

    def __init__(
        self, description: Description, seed: int = 0, device: str = "cpu", dtype: torch.dtype = torch.float32
    ) -> None:
        self.description = description
        self.constants = description.filters.constants()
        shapes = description.shapes()
        self.parameters: list[Parameters] = []
        for number, (layer, before, after) in enumerate(zip(description.layers, shapes, shapes[1:], strict=False)):
            draw = generator(seed, "dcll", number)
            end = description.gain / np.sqrt(layer.fan_in(before))
            weight = draw.uniform(-end, end, _weight_shape(layer, before, after))
            bias = draw.uniform(-end, end, after[0])
            most = description.readout.amplitude / np.sqrt(np.prod(after))
            readout = draw.uniform(-most, most, (description.outputs, int(np.prod(after))))
            drawn = (torch.tensor(array, dtype=dtype, device=device) for array in (weight, bias, readout))
            self.parameters.append(Parameters(*drawn))

    def silent(self, batch: int) -> list[State]:
        """Return the states of all layers at rest."""
        description, shapes = self.description, self.description.shapes()
        each = zip(description.layers, shapes, self.parameters, strict=False)
        return [silent(layer, before, batch, own.weight) for layer, before, own in each]

    def advance(self, states: Sequence[State], spikes: Tensor, product: torch.dtype | None = None) -> list[Response]:
        """Take one step of all layers, each hearing what the one before said in this step."""
        seen = []
        for layer, parameters, state in zip(self.description.layers, self.parameters, states, strict=True):
            heard = spikes.flatten(1) if parameters.weight.dim() == 2 else spikes
            seen.append(advance(layer, parameters, state, heard, self.constants, product))
            spikes = seen[-1].out
        return seen


def _weight_shape(layer: Layer, before: Shape, after: Shape) -> tuple[int, ...]:
    if isinstance(layer, Convolution):
        return after[0], before[0], layer.kernel, layer.kernel
    return after[0], layer.fan_in(before)
