"""Training online: every layer changes its weights while the input runs, from nothing but what is there in the step."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikerl.dcll.adamax import Adamax
from spikerl.dcll.chunks import Chunks
from spikerl.dcll.dynamics import said
from spikerl.dcll.gradients import Factors, Gradient, by_bias
from spikerl.dcll.network import Network
from spikerl.dcll.schedules import Schedule, step_by_step
from spikerl.dcll.settings import Training
from spikerl.dcll.stored import After, Counts, Move, StoredWeights, check
from spikerl.quantization import Quantization
from spikerl.seeding import generator

_BETA = 0.95
_SCHEDULES: dict[str, Callable[[], Schedule]] = {"steps": lambda: step_by_step, "chunks": Chunks}
_PRODUCTS = {"full": None, "bfloat16": torch.bfloat16}


class Samples(Protocol):
    """What can be trained on: `labels` [sample] and, for chosen ones, spikes [time, batch, ...] of an epoch."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """The class of each sample."""
        ...

    def spikes(self, index: NDArray[np.int64], epoch: int = 0) -> NDArray[np.bool_]:
        """Return the spikes of samples `index`."""
        ...


class Evaluation(NamedTuple):
    """Of a set of samples: `votes` [layer, sample, output], readouts summed from the burn-in on; `labels` [sample]."""

    votes: NDArray[np.float64]
    labels: NDArray[np.int64]

    def accuracy(self) -> NDArray[np.float64]:
        """Return the share of samples whose largest vote is their label, [layer]."""
        right: NDArray[np.float64] = (self.votes.argmax(axis=2) == self.labels).mean(axis=1)
        return right


class Trainer:
    """Trains `network` in place, layer by layer, online; `seed` fixes the order of samples and what is dropped.

    With `quantization`, weights, not biases, are in few bits, on grids of their first values: "during" training, after
    every change, and so in the network; or "after" it, where tests and readouts are those of rounded weights, and `lay`
    rounds for good. `state` and `restore` carry all that the next epoch depends on, so that training goes on to the
    same bits. Raises `DescriptionError` or `UnsupportedError` for a quantization that layers do not have.
    """

    def __init__(
        self,
        network: Network,
        training: Training,
        seed: int = 0,
        quantization: Quantization | None = None,
        when: Literal["during", "after"] = "during",
    ) -> None:
        self.network, self.training, self.seed = network, training, seed
        self.epoch = 0
        if quantization is not None:
            check(quantization)
        self._stored: list[StoredWeights] = []
        self._rounding: list[After] = []
        if quantization is not None and not quantization.floating:
            weights = enumerate(own.weight for own in network.parameters)
            if when == "during":
                self._stored = [StoredWeights(weight, quantization, seed, layer) for layer, weight in weights]
            else:
                self._rounding = [After(weight, quantization, seed, layer) for layer, weight in weights]
        self._schedule = _SCHEDULES[training.schedule]()
        learned = [[own.weight, own.bias] for own in network.parameters]
        if training.optimiser == "adamax":
            self._optimisers: list[torch.optim.Optimizer] = [Adamax(own, training.rate, _BETA) for own in learned]
        else:
            self._optimisers = [torch.optim.SGD(own, lr=training.rate) for own in learned]

    def train(self, samples: Samples, progress: Callable[[int, int], None] | None = None) -> float:
        """Train one epoch over `samples` in a drawn order; return the mean loss of the last layer.

        `progress` is called with batches done and batches in all.
        """
        training, count = self.training, len(samples.labels)
        order = generator(self.seed, "dcll order", self.epoch).permutation(count)
        batches = -(-count // training.batch)
        total = 0.0
        for number in range(batches):
            index = order[number * training.batch : (number + 1) * training.batch]
            spikes = samples.spikes(index, self.epoch)
            target = torch.nn.functional.one_hot(
                torch.as_tensor(samples.labels[index]), self.network.description.outputs
            )
            total += self._batch(spikes, target.expand(len(spikes), -1, -1), number) * len(index)
            if progress:
                progress(number + 1, batches)
        self._next_epoch()
        return total / count

    def follow(self, spikes: NDArray[np.bool_], targets: NDArray[np.float64]) -> float:
        """Train one epoch on one batch, whose readouts follow curves; return the mean loss of the last layer.

        `spikes` [time, batch, ...]; `targets` [time, output], the same for the whole batch.
        """
        wanted = torch.tensor(targets)[:, None].expand(-1, spikes.shape[1], -1)
        loss = self._batch(spikes, wanted, 0)
        self._next_epoch()
        return loss

    @property
    def counts(self) -> list[Counts]:
        """What became of the updates of each layer whose weights are stored in few bits; [] where none are."""
        return [stored.counts for stored in self._stored]

    @property
    def clipped(self) -> list[float]:
        """The share of the weights of each layer that are at an end of their grid; [] in floating point."""
        return [each.clipped for each in self._stored] + [each.clipped for each in self._rounding]

    @torch.no_grad()
    def lay(self) -> None:
        """Round weights in few bits after training, for good; do nothing otherwise."""
        for own, after in zip(self.network.parameters, self._rounding, strict=False):
            own.weight.copy_(after.laid())

    @torch.no_grad()
    def readouts(self, spikes: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the readouts of all layers in every step, [layer, time, batch, output]; nothing learns."""
        states = self.network.silent(spikes.shape[1])
        found = []
        with self._as_tested():
            for now in self._tensor(spikes):
                seen = self.network.advance(states, now.to(self._like.dtype))
                found.append(
                    torch.stack([said(own, each.out) for own, each in zip(self.network.parameters, seen, strict=True)])
                )
        return torch.stack(found, dim=1).double().cpu().numpy()

    @torch.no_grad()
    def spikes(self, spikes: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
        """Return what each layer says to the next in every step, bool [time, batch, ...]; nothing learns."""
        states = self.network.silent(spikes.shape[1])
        found: list[list[Tensor]] = [[] for _ in states]
        with self._as_tested():
            for now in self._tensor(spikes):
                for kept, each in zip(found, self.network.advance(states, now.to(self._like.dtype)), strict=True):
                    kept.append(each.out.bool())
        return [torch.stack(kept).cpu().numpy() for kept in found]

    @torch.no_grad()
    def evaluate(self, samples: Samples, batch: int = 500) -> Evaluation:
        """Return what all layers say of `samples`; nothing learns."""
        firsts = range(0, len(samples.labels), batch)
        with self._as_tested():
            votes = [self._votes(samples, np.arange(k, min(k + batch, len(samples.labels)))) for k in firsts]
        return Evaluation(np.concatenate(votes, axis=1), np.asarray(samples.labels))

    def state(self) -> dict[str, NDArray]:
        """Return the epoch, all weights and biases, and what the optimisers keep, as arrays by name."""
        kept: dict[str, NDArray] = {"epoch": np.array(self.epoch)}
        for place, own in enumerate(self.network.parameters):
            for name in ("weight", "bias"):
                parameter = getattr(own, name)
                kept[f"layer_{place}/{name}"] = parameter.detach().cpu().numpy().copy()
                for key, value in self._optimisers[place].state.get(parameter, {}).items():
                    kept[f"layer_{place}/{name}/{key}"] = torch.as_tensor(value).cpu().numpy().copy()
        for place, stored in enumerate(self._stored):
            kept |= {f"layer_{place}/{name}": array for name, array in stored.state().items()}
        return kept

    def restore(self, state: Mapping[str, NDArray]) -> None:
        """Go on from what `state` returned, of a trainer with the same network and training."""
        for place, own in enumerate(self.network.parameters):
            for name in ("weight", "bias"):
                parameter, prefix = getattr(own, name), f"layer_{place}/{name}"
                parameter.copy_(torch.as_tensor(state[prefix]))
                keys = [key.removeprefix(f"{prefix}/") for key in state if key.startswith(f"{prefix}/")]
                if keys:
                    kept = {key: torch.as_tensor(np.array(state[f"{prefix}/{key}"])) for key in keys}
                    kept = {key: tensor.to(parameter) for key, tensor in kept.items()}
                    self._optimisers[place].state[parameter] = kept
        for place, stored in enumerate(self._stored):
            stored.restore({name: state[f"layer_{place}/{name}"] for name in ("codes", "updates")})
        self.epoch = int(state["epoch"])
        self._set_rate()

    @property
    def _like(self) -> Tensor:
        return self.network.parameters[0].weight

    def _votes(self, samples: Samples, index: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the summed readouts of samples `index`, [layer, sample, output]."""
        states = self.network.silent(len(index))
        sums = [own.readout.new_zeros((len(index), len(own.readout))) for own in self.network.parameters]
        for step, now in enumerate(self._tensor(samples.spikes(index))):
            seen = self.network.advance(states, now.to(self._like.dtype))
            if step >= self.training.burn_in:
                for total, own, each in zip(sums, self.network.parameters, seen, strict=True):
                    total += said(own, each.out)
        found: NDArray[np.float64] = torch.stack(sums).double().cpu().numpy()
        return found

    @contextlib.contextmanager
    def _as_tested(self) -> Iterator[None]:
        """Put the weights that are tested in the place of those that learn, for a while."""
        kept = [own.weight.clone() for own, _ in zip(self.network.parameters, self._rounding, strict=False)]
        self.lay()
        try:
            yield
        finally:
            for own, weight in zip(self.network.parameters, kept, strict=False):
                own.weight.copy_(weight)

    @torch.no_grad()
    def _batch(self, spikes: NDArray[np.bool_], targets: Tensor, number: int) -> float:
        """Run a batch, learning; return the mean loss of the last layer at its updates."""
        training = self.training
        loss = self._schedule(
            self.network,
            self._tensor(self._thinned(spikes, number)),
            self._converted(targets),
            self._change,
            loss=training.loss,
            every=training.every,
            burn_in=training.burn_in,
            gradient=cast(Literal["hand", "autograd"], training.gradient),
            product=_PRODUCTS[training.precision],
        )
        return float(loss)

    def _change(self, place: int, gradient: Gradient | Factors) -> None:
        own, optimiser = self.network.parameters[place], self._optimisers[place]
        if self._stored:
            self._store(place, gradient)
            return
        if isinstance(gradient, Factors):
            if isinstance(optimiser, Adamax):
                optimiser.follow(own.weight, gradient.m.t(), gradient.p)
                optimiser.follow(own.bias, by_bias(gradient.m))
                return
            gradient = gradient.gradient()
        own.weight.grad, own.bias.grad = gradient
        optimiser.step()

    def _store(self, place: int, gradient: Gradient | Factors) -> None:
        """Change weights that are stored in few bits, and biases as ever."""
        own, optimiser, stored = self.network.parameters[place], self._optimisers[place], self._stored[place]
        if isinstance(gradient, Factors) and isinstance(optimiser, Adamax):
            stored.follow(gradient.m.t(), Move(*optimiser.how(own.weight)), gradient.p)
            optimiser.follow(own.bias, by_bias(gradient.m))
            return
        whole = gradient.gradient() if isinstance(gradient, Factors) else gradient
        adamax = isinstance(optimiser, Adamax)
        move = Move(*optimiser.how(own.weight)) if adamax else Move(optimiser.param_groups[0]["lr"])
        stored.follow(whole.weight, move)
        own.bias.grad = whole.bias
        optimiser.step()

    def _next_epoch(self) -> None:
        self.epoch += 1
        self._set_rate()

    def _set_rate(self) -> None:
        for optimiser in self._optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self.training.rate * self.training.keep**self.epoch

    def _thinned(self, spikes: NDArray[np.bool_], number: int) -> NDArray[np.bool_]:
        if not self.training.dropout:
            return spikes
        draw = generator(self.seed, "dcll dropout", self.epoch, number)
        return spikes & (draw.random(spikes.shape[1:]) >= self.training.dropout)

    def _converted(self, targets: Tensor) -> Tensor:
        """Return targets in the type and place of the weights; what is the same along an axis stays one."""
        once = targets[tuple(slice(0, 1 if stride == 0 else None) for stride in targets.stride())]
        return once.to(self._like).expand(targets.shape)

    def _tensor(self, spikes: NDArray[np.bool_]) -> Tensor:
        with warnings.catch_warnings():
            # Nothing writes to the input, so that one which is read only is used where it lies, too.
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            return torch.as_tensor(spikes).to(self._like.device)
