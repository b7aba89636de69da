"""An actor and a critic on layers that learn locally, from one dopamine error that all synapses hear.

A decision is a window of T steps. The fixed readouts of L layers give ``Y = 1/(L T) sum_l,t G_l S_l``: a logit for each
action, then a value. The mean of the layers acts and judges, so that what a layer does by its own readout follows the
gradient of the policy that acted. With ``delta = r + gamma V' - V``, one number an instance, the same for all layers,

``z_ij <- gamma lambda z_ij + sum_a (1[a chosen] - pi_a) dY_a/dW_ij + c dY_V/dW_ij``, ``dW_ij = rate delta z_ij``,

where ``dY_k/dW_ij = 1/(L T) sum_t G_ki sigma'(U_i) P_j`` is local (Kaiser, Mostafa and Neftci 2020): three factors, the
presynaptic filter, a post-shaped modulator, and dopamine. No error goes from layer to layer, nor back in time, and no
graph is kept. It is the actor-critic with traces (Sutton and Barto 2018, section 13.6), by each layer's readout.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from spikerl.dcll.dynamics import said
from spikerl.dcll.eligibility import Trace, Window
from spikerl.dcll.network import Network
from spikerl.dcll.rewarded import Learning
from spikerl.errors import DescriptionError, message
from spikerl.seeding import generator
from spikerl.units import whole_number

_LEAST_OUTPUTS = 3
_MEAN_OF_SQUARES = 0.99


class Decision(NamedTuple):
    """What is read of a window: the `policy` [batch, action], and the `value` [batch] of what was shown."""

    policy: NDArray[np.float64]
    value: NDArray[np.float64]

    def best(self) -> NDArray[np.int64]:
        """Return the likeliest action of each instance."""
        return self.policy.argmax(axis=1)

    def drawn(self, seed: int, *labels: str | int) -> NDArray[np.int64]:
        """Return an action of each instance, drawn from the policy by the random numbers of seed and labels."""
        u = generator(seed, *labels).random(len(self.policy))
        passed = np.cumsum(self.policy, axis=1) < u[:, None]
        return np.minimum(passed.sum(axis=1), self.policy.shape[1] - 1)


class Learner(Protocol):
    """What plays: it decides on spikes, marks what it chose, and learns from a dopamine error."""

    @property
    def learning(self) -> Learning:
        """How it learns."""

    @property
    def batch(self) -> int:
        """How many instances stand side by side while it learns."""

    @property
    def actions(self) -> int:
        """How many actions there are."""

    def decide(self, spikes: NDArray[np.bool_], hold: bool = True) -> Decision:
        """Read a window of spikes [time, batch, ...] from rest, and with `hold` keep it for `mark`."""

    def mark(self, decision: Decision, choice: NDArray[np.int64], begins: ArrayLike) -> None:
        """Fade the traces, clear those of instances whose episode `begins` here, and add what was chosen."""

    def learn(self, dopamine: ArrayLike) -> None:
        """Change the weights by dopamine errors [batch] times traces."""

    def state(self) -> dict[str, NDArray]:
        """Return all that the next decision depends on, as arrays by name."""

    def restore(self, state: Mapping[str, NDArray]) -> None:
        """Go on from what `state` returned."""


class ActorCritic:
    """Learns `network` in place, for `batch` instances side by side that share its weights; see `Learner`.

    The network has one output more than there are actions, two actions at the least. Every window begins at rest.
    Between `decide` and `mark` a window is held; `state` is complete at any other time. Raises `DescriptionError`.
    """

    def __init__(self, network: Network, learning: Learning, batch: int) -> None:
        outputs = network.description.outputs
        if outputs < _LEAST_OUTPUTS:
            allowed = f"at least {_LEAST_OUTPUTS}: one for each of two actions or more, and one for the value"
            raise DescriptionError(message("Description.outputs", outputs, allowed))
        self.network, self.learning, self.actions = network, learning, outputs - 1
        self.batch = whole_number(batch, 1, 1_000_000, "ActorCritic.batch")
        self.changes = 0
        self.traces = [Trace(own, batch) for own in network.parameters]
        self._windows: list[Window] | None = None
        learned = [[own.weight, own.bias] for own in network.parameters]
        if learning.optimiser == "adam":
            betas = 0.0, _MEAN_OF_SQUARES
            self._optimisers: list[torch.optim.Optimizer] = [
                torch.optim.Adam(own, lr=learning.rate, betas=betas) for own in learned
            ]
        else:
            self._optimisers = [torch.optim.SGD(own, lr=learning.rate) for own in learned]

    @torch.no_grad()
    def decide(self, spikes: NDArray[np.bool_], hold: bool = True) -> Decision:
        """Read a window of spikes [time, batch, ...] from rest, and with `hold` keep it for `mark`."""
        network, batch = self.network, spikes.shape[1]
        like = network.parameters[0].weight
        states = network.silent(batch)
        windows = [Window(layer) for layer in network.description.layers]
        total = like.new_zeros((batch, network.description.outputs))
        for now in torch.as_tensor(spikes).to(like.device):
            for window, own, state, each in zip(
                windows, network.parameters, states, network.advance(states, now.to(like.dtype)), strict=True
            ):
                total += said(own, each.out)
                if hold:
                    window.see(state, each)
        if hold:
            self._windows = windows
        y = total.div_(len(spikes) * len(windows)).double()
        return Decision(torch.softmax(y[:, :-1], 1).cpu().numpy(), y[:, -1].cpu().numpy())

    @torch.no_grad()
    def mark(self, decision: Decision, choice: NDArray[np.int64], begins: ArrayLike) -> None:
        """Fade the traces, clear those of instances whose episode `begins` here, and add what was chosen.

        `choice` [batch] in the window that was held last, `begins` bool [batch]. Raises `DescriptionError` where no
        window of this batch is held.
        """
        if self._windows is None or len(choice) != self.batch:
            allowed = f"{self.batch} choices, after a window that was held"
            raise DescriptionError(message("choice", choice, allowed, "call decide(spikes) before"))
        errors = np.full((self.batch, self.actions + 1), self.learning.critic)
        errors[:, :-1] = np.eye(self.actions)[choice] - decision.policy
        keep = np.where(begins, 0.0, self.learning.discount * self.learning.trace)
        for trace, window, own in zip(self.traces, self._windows, self.network.parameters, strict=True):
            trace.fade(self._tensor(keep))
            trace.add(window.factors(own, self._tensor(errors / len(self.traces))))
        self._windows = None

    @torch.no_grad()
    def learn(self, dopamine: ArrayLike) -> None:
        """Change the weights by the mean over the batch of dopamine errors [batch] times traces."""
        delta = self._tensor(dopamine)
        for trace, own, optimiser in zip(self.traces, self.network.parameters, self._optimisers, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = self.learning.rate_after(self.changes)
            weight, bias = trace.gated(delta, own)
            own.weight.grad, own.bias.grad = weight.neg_(), bias.neg_()
            optimiser.step()
        self.changes += 1

    def state(self) -> dict[str, NDArray]:
        """Return the number of changes, weights and biases, what the optimisers keep, and the traces, by name."""
        kept: dict[str, NDArray] = {"changes": np.array(self.changes)}
        for place, own in enumerate(self.network.parameters):
            for name in ("weight", "bias"):
                parameter = getattr(own, name)
                kept[f"layer_{place}/{name}"] = _array(parameter)
                kept[f"layer_{place}/{name}/trace"] = _array(getattr(self.traces[place], name))
                for key, value in self._optimisers[place].state.get(parameter, {}).items():
                    kept[f"layer_{place}/{name}/optimiser/{key}"] = _array(torch.as_tensor(value))
        return kept

    @torch.no_grad()
    def restore(self, state: Mapping[str, NDArray]) -> None:
        """Go on from what `state` returned, of one with the same network, learning and batch."""
        for place, own in enumerate(self.network.parameters):
            for name in ("weight", "bias"):
                parameter, prefix = getattr(own, name), f"layer_{place}/{name}"
                parameter.copy_(torch.as_tensor(np.array(state[prefix])))
                getattr(self.traces[place], name).copy_(torch.as_tensor(np.array(state[f"{prefix}/trace"])))
                start = f"{prefix}/optimiser/"
                kept = {
                    key.removeprefix(start): torch.as_tensor(np.array(array))
                    for key, array in state.items()
                    if key.startswith(start)
                }
                # Adam counts its steps on the processor, whatever the device of the weights.
                kept = {key: each if key == "step" else each.to(parameter) for key, each in kept.items()}
                self._optimisers[place].state[parameter] = kept
        self.changes = int(state["changes"])
        self._windows = None

    def _tensor(self, array: ArrayLike) -> Tensor:
        return torch.as_tensor(np.asarray(array)).to(self.network.parameters[0].weight)


def _array(tensor: Tensor) -> NDArray:
    found: NDArray = tensor.detach().cpu().numpy().copy()
    return found
