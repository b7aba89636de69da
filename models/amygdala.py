"""A spiking amygdala that learns values from activity alone, faster than the striatum does from dopamine.

Principal neurons of positive valence are excited by a cue and, in the outcome, strongly by reward; those of negative
valence by the cue and by an outcome without reward, or by punishment. A synapse from the cue follows the activity of
its target while the cue is on (`outstar`): in a few trials it learns what came with the cue, and loses it as fast when
that stays away. ``value = positive - negative`` in spikes. Neurons of the two valences are intermingled in the
basolateral amygdala and inhibit one another through interneurons (Paton et al. 2006; Namburi et al. 2015).
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from spikerl.circuit import Circuit, CircuitFactory, Drive, Vote
from spikerl.connectivity import Blocks, InDegree, Probability
from spikerl.models.wiring import around
from spikerl.network import Network, Projection
from spikerl.neurons import LIF, Poisson
from spikerl.parameters import CircuitParameters, Count, Rate, Share, Strength, Time
from spikerl.plasticity.outstar import outstar
from spikerl.population import Population
from spikerl.units import Dimension, parse, to_si

PRINCIPAL = LIF(tau_mem="20 ms", tau_syn="5 ms", rest="-60 mV", threshold="-50 mV", refractory="2 ms")
"""Principal neuron of the basolateral amygdala, which fires little at rest (Likhtik et al. 2006)."""


class AmygdalaParameters(CircuitParameters):
    """Keys of the amygdala in a ``[circuit]`` table; sizes, weights and rates without a source are choices.

    At `amygdala_weight` a cue alone makes principal neurons fire at 12 Hz, after reward at every time at 24 Hz.
    """

    amygdala: Count = 12  # principal neurons a cue and valence
    amygdala_weight: Strength = "1.6 mV"  # cue to principal neurons, at first, and where forgetting leads
    amygdala_max: Strength = "8 mV"
    amygdala_noise: Strength = "1 mV"  # background to principal neurons
    outcome_positive: Strength = "4 mV"  # reward to positive neurons: the teaching input
    outcome_negative: Strength = "2.4 mV"  # feedback, and punishment, to negative neurons
    relief: Strength = "5 mV"  # inhibition of negative neurons by reward
    valence: Strength = "0.3 mV"  # inhibition of one valence by the other
    tau_activity: Time = "50 ms"  # trace of post-synaptic activity that the weights follow
    amygdala_gain: Annotated[float, Field(ge=0)] = 0.2  # mV of weight for one unit of that trace
    amygdala_rate: Share = 0.06  # share of the way there, at a pre-synaptic spike
    amygdala_forgetting: Share = 2e-4  # share of the way back to `amygdala_weight`, each step


class Amygdala(NamedTuple):
    """What `amygdala` returns: the populations of the two valences, and the projections among what they hear."""

    positive: Population
    negative: Population
    projections: tuple[Projection, ...]


def amygdala(
    p: AmygdalaParameters,
    cue: Population,
    cues: int,
    reward: Population,
    aversive: tuple[Population, ...],
    background: Population,
    plasticity: bool,
) -> Amygdala:
    """Return the amygdala that hears `cue`, in `cues` groups, reward, what is `aversive`, and a background.

    An outcome that is announced, and not rewarded, is aversive as a punishment is; reward cancels it.
    """
    positive = Population("positive", cues * p.amygdala, PRINCIPAL)
    negative = Population("negative", cues * p.amygdala, PRINCIPAL)
    scale = parse(p.amygdala_weight, "amygdala_weight").scale
    rule = outstar(
        p.tau_activity,
        gain=p.amygdala_gain * to_si("1 mV", Dimension.VOLTAGE, "amygdala_gain") / scale,
        rate=p.amygdala_rate,
        rest=to_si(p.amygdala_weight, Dimension.VOLTAGE, "amygdala_weight") / scale,
        forgetting=p.amygdala_forgetting,
        bounds=(0.0, to_si(p.amygdala_max, Dimension.VOLTAGE, "amygdala_max") / scale),
    )
    learned = tuple(
        Projection(cue, valence, around(p.amygdala_weight, 0.2, 11), Blocks(cues), rule=rule if plasticity else None)
        for valence in (positive, negative)
    )
    return Amygdala(
        positive,
        negative,
        (
            *learned,
            Projection(reward, positive, p.outcome_positive, Probability(0.5, seed=12)),
            *(Projection(bad, negative, p.outcome_negative, Probability(0.5, seed=13)) for bad in aversive),
            Projection(reward, negative, f"-{p.relief}", Probability(0.5, seed=13)),
            Projection(positive, negative, f"-{p.valence}", Blocks(cues)),
            Projection(negative, positive, f"-{p.valence}", Blocks(cues)),
            Projection(background, positive, p.amygdala_noise, InDegree(10, seed=14)),
            Projection(background, negative, p.amygdala_noise, InDegree(10, seed=15)),
        ),
    )


class AmygdalaAloneParameters(AmygdalaParameters):
    """Parameters of the amygdala as a circuit of its own; every key can stand in the ``[circuit]`` table."""

    name: Literal["amygdala"] = "amygdala"
    cues: Annotated[int, Field(ge=1, le=8)] = 2
    cortex: Count = 20  # neurons a cue
    background: Count = 100
    cue_rate: Rate = "50 Hz"  # of the cortex of a cue that is shown
    spontaneous_rate: Rate = "2 Hz"  # of the cortex of a cue that is not
    event_rate: Rate = "40 Hz"  # of feedback, reward and punishment, while they last
    background_rate: Rate = "20 Hz"
    plasticity: bool = True


def build(parameters: AmygdalaAloneParameters) -> Circuit:
    """Return the circuit of `parameters`, whose votes are ``positive - negative``; raises `DescriptionError`."""
    p, event = parameters, to_si(parameters.event_rate, Dimension.RATE, "event_rate")
    cue = Population("cue", p.cues * p.cortex, Poisson(p.spontaneous_rate))
    feedback, reward, punishment = (Population(name, 40, Poisson("0 Hz")) for name in _EVENTS)
    background = Population("background", p.background, Poisson(p.background_rate))
    found = amygdala(p, cue, p.cues, reward, (feedback, punishment), background, p.plasticity)
    return Circuit(
        network=Network(*found.projections),
        actions=p.cues,
        cues=(Drive("cue", to_si(p.cue_rate, Dimension.RATE, "cue_rate"), p.cues),),
        feedback=Drive("feedback", event),
        reward=Drive("reward", event),
        punishment=Drive("punishment", event),
        votes=(Vote("positive", 1), Vote("negative", -1)),
        dopamine=None,
        modulators=(),
        learning=tuple(projection.name for projection in found.projections if projection.rule is not None),
    )


_EVENTS = ("feedback", "reward", "punishment")

circuit = CircuitFactory(
    "amygdala", AmygdalaAloneParameters, build, "amygdala that learns from activity, with two valences and no dopamine"
)
