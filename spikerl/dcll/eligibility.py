"""What a window leaves at the synapses of a layer, and how it fades: the eligibility that dopamine finds.

In a decision of T steps the fixed readout says ``Y_k = 1/T sum_t (G S_t)_k``, so that by the local rule
``dY_k/dW_ij = 1/T sum_t G_ki sigma'(U_i) P_j``. For an error c by output, the trace of a synapse is
``z_ij <- lambda gamma z_ij + sum_k c_k dY_k/dW_ij``: presynaptic filter, surrogate derivative, own readout. A window's
steps are held until the decision is made, and summed in one product; the sum is the one that a synapse would run.
"""

from __future__ import annotations

import torch
from torch import Tensor

from spikerl.dcll.dynamics import Parameters, Response, State
from spikerl.dcll.gradients import _unpooled
from spikerl.dcll.layers import Convolution, Layer
from spikerl.plasticity.surrogate import fast_sigmoid


class Window:
    """The steps of one layer in one window: ``sigma'(U)``, spikes, and the filter P of what it hears."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self._slopes: list[Tensor] = []
        self._spikes: list[Tensor] = []
        self._heard: list[Tensor] = []

    def see(self, state: State, seen: Response) -> None:
        """Hold one step."""
        self._slopes.append(fast_sigmoid(seen.u))
        self._heard.append(state.p.clone())
        if isinstance(self._layer, Convolution) and self._layer.pool > 1:
            self._spikes.append(seen.s.clone())

    def products(self, parameters: Parameters, errors: Tensor) -> tuple[Tensor, Tensor]:
        """Return the factors of ``sum_k c_k dY_k/dW``: after the synapse [batch, place, neuron], before it [.., input].

        `errors` c, [batch, output]. Their product over `place`, which is every step and position, is the sum.
        """
        batch, steps = len(errors), len(self._slopes)
        back = (errors @ parameters.readout).div_(steps)
        slopes = torch.stack(self._slopes, dim=1)
        heard = torch.stack(self._heard, dim=1)
        if not isinstance(self._layer, Convolution):
            return slopes * back[:, None], heard
        layer = self._layer
        back = back.view(batch, *layer.shape(tuple(heard.shape[2:])))
        if layer.pool > 1:
            modulators = torch.stack([_unpooled(layer, back, s) for s in self._spikes], dim=1) * slopes
        else:
            modulators = slopes * back[:, None]
        fields = torch.nn.functional.unfold(heard.flatten(0, 1), layer.kernel, padding=layer.padding or 0)
        fields = fields.view(batch, steps, fields.shape[1], -1).transpose(2, 3).flatten(1, 2)
        return modulators.flatten(3).transpose(2, 3).flatten(1, 2), fields


class Trace:
    """The eligibility of one layer for each instance, `weight` [batch, neuron, input] and `bias` [batch, neuron]."""

    def __init__(self, parameters: Parameters, batch: int) -> None:
        own = parameters.weight.flatten(1)
        self.weight = own.new_zeros((batch, *own.shape))
        self.bias = own.new_zeros((batch, len(own)))

    def fade(self, keep: Tensor) -> None:
        """Multiply by `keep`, [batch]."""
        self.weight.mul_(keep[:, None, None])
        self.bias.mul_(keep[:, None])

    def add(self, after: Tensor, before: Tensor) -> None:
        """Add what a window left, factors as `Window.products` returns them."""
        torch.baddbmm(self.weight, after.transpose(1, 2), before, out=self.weight)
        self.bias.add_(after.sum(1))

    def gated(self, dopamine: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``mean_b delta_b z_b`` for weights, in the shape of `like`, and biases; `dopamine` delta [batch]."""
        share = dopamine / len(dopamine)
        return (share @ self.weight.flatten(1)).view_as(like), share @ self.bias
