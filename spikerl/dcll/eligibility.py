"""What a window leaves at the synapses of a layer, and how it fades: the trace that dopamine finds.

In a window of T steps the fixed readout says ``Y_k = 1/T sum_t (G S_t)_k``, so that by the local rule
``dY_k/dW_ij = 1/T sum_t G_ki sigma'(U_i) P_j``. For an error c by output, ``z_ij <- keep z_ij + sum_k c_k dY_k/dW_ij``.
The steps of a window are held until its decision is made and then summed in one product. A synapse of a dense layer
could run the sum ``sum_t sigma'(U_i) P_j`` by itself, with c as a factor of the neuron behind it; a shared weight of a
convolution would run one sum for each output.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from spikerl.dcll.dynamics import Parameters, Response, State
from spikerl.dcll.gradients import local_errors
from spikerl.dcll.layers import Convolution, Layer


class Factors(NamedTuple):
    """Whose product over places, steps and positions, is a change: `after` the synapse, [batch, place, neuron].

    And `before` it, [batch, place, input].
    """

    after: Tensor
    before: Tensor


class Window:
    """The steps of one layer in one window: membranes, spikes, and the filter P of what it hears."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self._seen: list[Response] = []
        self._heard: list[Tensor] = []

    def see(self, state: State, seen: Response) -> None:
        """Hold one step, of which the state goes on."""
        spikes = seen.s.clone() if isinstance(self._layer, Convolution) else seen.s
        self._seen.append(Response(seen.u, spikes, seen.out))
        self._heard.append(state.p.clone())

    def factors(self, parameters: Parameters, errors: Tensor) -> Factors:
        """Return the factors of ``sum_k c_k dY_k/dW``, for `errors` c [batch, output]."""
        steps, layer, errors = len(self._seen), self._layer, errors / len(self._seen)
        whole = Response(*(torch.cat(tensors) for tensors in zip(*self._seen, strict=True)))
        m = local_errors(layer, parameters, whole, errors.repeat(steps, 1))
        heard = torch.cat(self._heard)
        if isinstance(layer, Convolution):
            m, heard = m.flatten(2), torch.nn.functional.unfold(heard, layer.kernel, padding=layer.padding or 0)
        else:
            m, heard = m[:, :, None], heard[:, :, None]
        return Factors(_by_place(m, len(errors)), _by_place(heard, len(errors)))


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

    def add(self, factors: Factors) -> None:
        """Add what a window left."""
        self.weight.baddbmm_(factors.after.transpose(1, 2), factors.before)
        self.bias.add_(factors.after.sum(1))

    def gated(self, dopamine: Tensor, like: Parameters) -> tuple[Tensor, Tensor]:
        """Return the mean over the batch of ``delta z``, for weights and biases in their shapes; delta [batch]."""
        share = dopamine / len(dopamine)
        return (share @ self.weight.flatten(1)).view_as(like.weight), share @ self.bias


def _by_place(tensor: Tensor, batch: int) -> Tensor:
    """Return [step batch, neuron, position] as [batch, step position, neuron]."""
    split = tensor.view(-1, batch, *tensor.shape[1:])
    return split.permute(1, 0, 3, 2).flatten(1, 2)
