"""Others that train what `spikerl.dcll` trains: Norse with autograd on local losses, snnTorch through time.

`Local` is a layer of the same dynamics from Norse's parts: its integrator (`LICell`) filters the input, its threshold
spikes and gives the surrogate's gradient, torch's layers hold the weights. Losses are local, every step is a graph of
its own, and all layers learn after it. The weights begin as ours do, so that both spike alike. `backpropagation` is the
loop that snnTorch is used with: second-order neurons, the loss of all steps, one backward pass over all of them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from importlib.metadata import version

import torch
from norse.torch import LICell
from norse.torch.functional.leaky_integrator import LIParameters, LIState
from norse.torch.functional.threshold import threshold
from torch import Tensor, nn

from spikerl.dcll.layers import Constants, Convolution, Layer
from spikerl.dcll.network import Network
from spikerl.plasticity.surrogate import SLOPE

RATE, BETAS = 1e-3, (0.0, 0.95)


class Local(nn.Module):
    """A layer that hears spikes and says its own and its readout; `forget` takes it to rest."""

    def __init__(self, layer: Layer, weight: Tensor, bias: Tensor, readout: Tensor, constants: Constants) -> None:
        super().__init__()
        alpha, self._beta, self._left = constants
        inverse = (torch.tensor((1 - left) / 1e-3, device=weight.device) for left in (self._beta, alpha))
        self._filter = LICell(LIParameters(*inverse, torch.tensor(0.0, device=weight.device)), dt=1e-3)
        self._said: nn.Module = nn.Flatten()
        if isinstance(layer, Convolution):
            before = weight.shape[1]
            self.synapses: nn.Module = nn.Conv2d(before, layer.channels, layer.kernel, padding=layer.padding or 0)
            self._pool: nn.Module = nn.MaxPool2d(layer.pool) if layer.pool > 1 else nn.Identity()
        else:
            self.synapses, self._pool = nn.Linear(weight.shape[1], len(weight)), nn.Identity()
        self.synapses.load_state_dict({"weight": weight, "bias": bias})
        self.synapses.to(weight.device)
        self.register_buffer("readout", readout.clone())
        self.forget()

    def forget(self) -> None:
        """Begin from rest."""
        self._state: LIState | None = None
        self._before: Tensor | None = None
        self._refractory: Tensor | float = 0.0
        self._last: Tensor | float = 0.0

    def forward(self, spikes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the spikes that are said on, which carry no gradient, and the readout."""
        if isinstance(self.synapses, nn.Linear):
            spikes = spikes.flatten(1)
        with torch.no_grad():
            before = torch.zeros_like(spikes) if self._before is None else self._before
            p, self._state = self._filter((1 - self._beta) * before, self._state)
            self._before = spikes
            self._refractory = self._left * self._refractory - (1 - self._left) * self._last
        u = self.synapses(p) + self._refractory
        # Norse's surrogate has a slope of 1, whatever it is told (1.1.0).
        s = threshold(SLOPE * u, "super", 1.0)
        self._last = s.detach()
        out = self._pool(s)
        return out.detach(), self._said(out) @ self.readout.t()


class Norse:
    """Trains a copy of `network` with autograd, every layer after every step."""

    def __init__(self, network: Network) -> None:
        each = zip(network.description.layers, network.parameters, strict=True)
        self.layers = nn.ModuleList(Local(layer, *own, network.constants) for layer, own in each)
        self._first = {name: tensor.clone() for name, tensor in self.layers.state_dict().items()}
        self._optimiser = torch.optim.Adamax(self.layers.parameters(), lr=RATE, betas=BETAS)

    def again(self) -> None:
        """Begin with the first weights."""
        self.layers.load_state_dict(self._first)

    def train(self, spikes: Tensor, labels: Tensor) -> Tensor:
        """Train on `spikes` bool [time, batch, ...]; return how often a neuron of the last layer spiked in a step."""
        total = torch.zeros((), device=labels.device)
        for layer in self.layers:
            layer.forget()
        for now in spikes:
            said, loss = now.float(), torch.zeros((), device=labels.device)
            for layer in self.layers:
                said, y = layer(said)
                loss = loss + nn.functional.cross_entropy(y, labels)
            self._optimiser.zero_grad()
            loss.backward()
            self._optimiser.step()
            total += said.mean()
        return total / len(spikes)


def snntorch_version() -> str | None:
    """Return the version of snnTorch, None where it is not installed."""
    return version("snntorch") if importlib.util.find_spec("snntorch") else None


def backpropagation(network: Network) -> Callable[[Tensor, Tensor], None]:
    """Return what trains dense layers of the sizes of `network`, and a last one, with snnTorch through time."""
    import snntorch

    alpha, beta, _ = network.constants
    sizes = [network.parameters[0].weight.shape[1], *(len(own.bias) for own in network.parameters)]
    sizes.append(network.description.outputs)
    synapses = nn.ModuleList(nn.Linear(*pair) for pair in zip(sizes, sizes[1:], strict=False))
    surrogate = snntorch.surrogate.fast_sigmoid(slope=SLOPE)
    neurons = [snntorch.Synaptic(alpha=beta, beta=alpha, spike_grad=surrogate) for _ in synapses]
    optimiser = torch.optim.Adamax(synapses.parameters(), lr=RATE)

    def train(spikes: Tensor, labels: Tensor) -> None:
        states = [neuron.init_synaptic() for neuron in neurons]
        membranes = []
        for now in spikes:
            said = now.float()
            for place, (synapse, neuron) in enumerate(zip(synapses, neurons, strict=True)):
                said, *states[place] = neuron(synapse(said), *states[place])
            membranes.append(states[-1][1])
        loss = torch.zeros(())
        for membrane in membranes:
            loss = loss + nn.functional.cross_entropy(membrane, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return train
