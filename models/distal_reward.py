"""A cortical network that finds the synapse it is rewarded for, seconds later (Izhikevich 2007, figure 1).

800 regular spiking and 200 fast spiking neurons, driven by noise, fire about once a second and share no task. Whenever
one chosen excitatory neuron fires shortly before one of its targets, a reward comes 1 to 3 s later, and with it
dopamine. Synapses keep an eligibility from STDP: each coincidence of spikes leaves a tag that fades within seconds, and
dopamine turns tags into weights. The chosen pair's tag is there at each of its rewards, that of any other synapse by
chance alone. So the synapse between the two becomes one of the strongest of the network.

Numbers are those of the published program. What differs from it:

- weights move by ``(tonic + dopamine) c / 10`` in every step, not in every tenth by ``(tonic + dopamine) c``: what a
  reward makes of a tag differs by 0.4 % on average, by 3 % at most with its place among the ten;
- the traces of STDP add up over spikes and decay by ``exp(-1/20)`` a ms, where the program has the last spike alone
  and 0.95; where both neurons spike in one step the tag jumps by ``a_plus - a_minus``, not by ``-a_minus`` alone;
- of the targets of a neuron none is itself, and none is there twice; the chosen target is excitatory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.connectivity import Explicit, Values
from spikerl.errors import DescriptionError, message
from spikerl.izhikevich import FAST_SPIKING, REGULAR_SPIKING
from spikerl.keywords import described
from spikerl.network import Network, Projection
from spikerl.neurons import SpikeSource, Written
from spikerl.noise import UniformNoise
from spikerl.plasticity.algebra import Modulator, Rule, eligibility, every_step, on_post, on_pre, post_trace, pre_trace
from spikerl.population import Population
from spikerl.seeding import check_seed, generator
from spikerl.units import Dimension, finite_number, to_positive_si, whole_number

STEP = "1 ms"
"""The step for which the numbers below are meant: that of the published program."""


@described
@dataclass(frozen=True)
class DistalReward:
    """The parameters, all with the values of the published program (Izhikevich 2007) but where a comment says so.

    Sizes; `synapses` from each neuron; weights are plain numbers, as the current into a neuron is; `noise`, half of
    the range of each neuron's current in each step. `seed` draws who is joined to whom. Raises `DescriptionError`,
    `UnitError`.
    """

    excitatory: int = 800
    inhibitory: int = 200
    synapses: int = 100
    weight: float = 1.0  # of excitatory synapses at first; the chosen one begins at 0
    weight_max: float = 4.0
    inhibition: float = 1.0
    noise: float = 6.5
    a_plus: float = 0.1
    a_minus: float = 0.15
    tau_stdp: Written = "20 ms"
    tau_elig: Written = "1 s"
    tau_dopamine: Written = "200 ms"
    tonic: float = 0.002  # what turns tags into weights without reward
    reward: float = 0.5  # by which a reward raises dopamine
    update_every: int = 10  # steps over which the program gathers a change of weights
    seed: int = 1

    def __post_init__(self) -> None:
        """Check every parameter."""
        where = type(self).__name__
        whole_number(self.excitatory, 2, 100_000, f"{where}.excitatory")
        whole_number(self.inhibitory, 1, 100_000, f"{where}.inhibitory")
        whole_number(self.synapses, 1, self.excitatory - 1, f"{where}.synapses")
        whole_number(self.update_every, 1, 1_000_000, f"{where}.update_every")
        for name in ("weight", "weight_max", "inhibition", "noise", "a_plus", "a_minus", "tonic", "reward"):
            if finite_number(getattr(self, name), f"{where}.{name}") < 0:
                raise DescriptionError(message(f"{where}.{name}", getattr(self, name), "0 or more"))
        for name in ("tau_stdp", "tau_elig", "tau_dopamine"):
            to_positive_si(getattr(self, name), Dimension.TIME, f"{where}.{name}")
        check_seed(self.seed, f"{where}.seed")


class Pair(NamedTuple):
    """Two neurons of `population`: `pre`, and `post`, which it excites by synapse number `synapse` of `projection`."""

    population: str
    pre: int
    post: int
    projection: str
    synapse: int


@dataclass(frozen=True)
class Rewarded:
    """A network with what its rewards are about: the chosen `pair`, the source `reward`, whose spikes are rewards.

    `excitatory`: the projections among whose synapses that of the pair is ranked.
    """

    network: Network
    pair: Pair
    reward: str
    excitatory: tuple[str, ...]

    def standing(self, weights: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return the share of all excitatory synapses that are as strong as the chosen one or stronger, [batch].

        `weights` [batch, synapse] by projection. The chosen one itself counts, and so do ties: 0.01 is the last place
        within the top 1 %.
        """
        chosen = weights[self.pair.projection][:, self.pair.synapse, None]
        every = np.concatenate([weights[name] for name in self.excitatory], axis=1)
        share: NDArray[np.float64] = (every >= chosen).mean(axis=1)
        return share


def build(parameters: DistalReward) -> Rewarded:
    """Return the network of `parameters`, in which neuron 0 and its first excitatory target are chosen."""
    p = parameters
    noise = UniformNoise(-p.noise, p.noise) if p.noise else None
    excitatory = Population("excitatory", p.excitatory, REGULAR_SPIKING, noise=noise)
    inhibitory = Population("inhibitory", p.inhibitory, FAST_SPIKING, noise=noise)
    reward = Population("reward", 1, SpikeSource())
    # A spike raises the filtered rate to 1 / tau within a step; the area is the same whatever the step.
    lasting = to_positive_si(p.tau_dopamine, Dimension.TIME, "tau_dopamine")
    dopamine = Modulator("dopamine", tau=p.tau_dopamine, source=reward, gain=p.reward * lasting or 1.0)
    tag = eligibility(
        p.tau_elig, on_post(p.a_plus * pre_trace(p.tau_stdp)), on_pre(-p.a_minus * post_trace(p.tau_stdp))
    )
    change = (p.tonic * tag + dopamine * tag) * (1 / p.update_every)
    rule = Rule(every_step(change), bounds=(0.0, p.weight_max))
    onto_excitatory, onto_inhibitory, back = _targets(p)
    first = int(np.flatnonzero(onto_excitatory[0] == 0)[0])
    weights = np.full(onto_excitatory.shape[1], p.weight)
    weights[first] = 0.0
    learned = Projection(excitatory, excitatory, Values(tuple(weights.tolist())), _explicit(onto_excitatory), rule=rule)
    network = Network(
        learned,
        Projection(excitatory, inhibitory, p.weight, _explicit(onto_inhibitory), rule=rule),
        Projection(inhibitory, excitatory, -p.inhibition, _explicit(back)),
        modulators=(dopamine,),
    )
    pair = Pair(excitatory.name, 0, int(onto_excitatory[1, first]), learned.name, first)
    return Rewarded(network, pair, reward.name, (learned.name, "excitatory_to_inhibitory"))


def _targets(p: DistalReward) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return pre- and post-synaptic neurons [2, synapse]: excitatory to excitatory, to inhibitory, and back."""
    draw = generator(p.seed, "distal reward")
    pre = np.repeat(np.arange(p.excitatory), p.synapses)
    others = p.excitatory + p.inhibitory - 1
    drawn = np.array([draw.choice(others, p.synapses, replace=False) for _ in range(p.excitatory)]).ravel()
    post = drawn + (drawn >= pre)  # of all but the neuron itself
    # The chosen neuron has an excitatory target.
    if not (post[: p.synapses] < p.excitatory).any():
        post[0] = 1
    inner = post < p.excitatory
    back = np.array([draw.choice(p.excitatory, p.synapses, replace=False) for _ in range(p.inhibitory)]).ravel()
    return (
        np.stack([pre[inner], post[inner]]),
        np.stack([pre[~inner], post[~inner] - p.excitatory]),
        np.stack([np.repeat(np.arange(p.inhibitory), p.synapses), back]),
    )


def _explicit(ends: NDArray[np.int64]) -> Explicit:
    return Explicit(tuple(ends[0].tolist()), tuple(ends[1].tolist()))
