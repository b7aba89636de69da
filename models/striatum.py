"""A spiking striatum that learns values from a spiking dopamine population (Neftci and Averbeck 2019, Fig. 2).

Cortex, one group an option, excites the D1 and D2 medium spiny neurons of the action that takes this option. These
synapses hold the values: ``value = D1 - D2`` in spikes. Neurons of different actions inhibit one another, and the
action with most D1 - D2 spikes is taken. In the outcome, reward excites the dopamine population, which fires tonically,
and striosomal neurons, excited by D1, inhibited by D2 and opened by the feedback event, inhibit it: its firing above
or below the tonic rate is the reward prediction error ``reward - value``. Dopamine gates the plasticity of the
cortico-striatal synapses, with opposite signs in D1 and D2. No value and no error is computed outside the network.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from spikerl.circuit import Circuit, CircuitFactory, Drive, Vote
from spikerl.connectivity import Blocks, Probability, Uniform
from spikerl.network import Network, Projection
from spikerl.neurons import LIF, Poisson
from spikerl.parameters import CircuitParameters, Count, Rate, Share, Strength, Time, Voltage
from spikerl.plasticity.algebra import Modulator, Rule
from spikerl.plasticity.dopamine import dopamine_stdp
from spikerl.population import Population
from spikerl.units import Dimension, parse, to_si

SPINY = LIF(tau_mem="20 ms", tau_syn="5 ms", rest="-80 mV", threshold="-50 mV", refractory="2 ms")
"""Medium spiny neuron: a down state near -80 mV, firing from -50 mV (Wilson and Kawaguchi 1996)."""

STRIOSOME = LIF(tau_mem="20 ms", tau_syn="5 ms", rest="-60 mV", threshold="-50 mV", refractory="2 ms")
"""Striosomal neuron in the up state, the inhibitory path from value to dopamine (Houk et al. 1995)."""


class StriatumParameters(CircuitParameters):
    """Parameters of the striatum; every key can stand in the ``[circuit]`` table of an experiment.

    Sizes, weights and rates without a source are choices, calibrated so that the tonic dopamine rate is `tonic`,
    medium spiny neurons fire at 20 Hz to a new cue, and a value of 1 just cancels a reward.
    """

    name: Literal["striatum"] = "striatum"
    actions: Annotated[int, Field(ge=2, le=8)] = 2
    cortex: Count = 30  # neurons an option
    medium_spiny: Count = 16  # neurons an action and receptor
    striosome: Count = 20
    dopamine: Count = 40
    background: Count = 200

    cue_rate: Rate = "50 Hz"  # of the cortex of an option that is shown
    spontaneous_rate: Rate = "2 Hz"  # of the cortex of an option that is not
    event_rate: Rate = "40 Hz"  # of feedback and of reward, while they last
    background_rate: Rate = "20 Hz"

    weight: Strength = "3.65 mV"  # cortex to D1 and D2, at first, and where forgetting leads
    weight_spread: Share = 0.2  # first weights are uniform within this share of `weight`
    weight_max: Strength = "8 mV"
    lateral: Strength = "0.15 mV"  # inhibition of other actions by D1
    to_striosome: Strength = "3.4 mV"  # from D1; as much inhibition from D2
    opening: Strength = "1.5 mV"  # feedback to striosome
    subtraction: Strength = "0.95 mV"  # striosome to dopamine
    reward: Strength = "0.17 mV"  # reward to dopamine
    noise_spiny: Strength = "1.5 mV"  # background to D1 and D2
    noise_dopamine: Strength = "1 mV"  # background to dopamine

    tonic: Rate = "6 Hz"  # baseline of dopamine, 5 to 6.4 Hz in mice (Cohen et al. 2012)
    dopamine_bias: Voltage = "5.86 mV"  # depolarisation that gives the tonic rate
    tau_dopamine: Time = "50 ms"  # filter of the dopamine signal
    tau_elig: Time = "500 ms"  # eligibility; effects of dopamine fade within 2 s (Yagishita et al. 2014)
    learning_rate: Annotated[float, Field(ge=0)] = 2e-4  # mV a step, for one unit of dopamine and of eligibility
    forgetting: Share = 1e-4  # share of the way back to `weight`, each step

    plasticity: bool = True
    clamp_dopamine: bool = False  # hold the dopamine signal at its baseline


def build(parameters: StriatumParameters) -> Circuit:
    """Return the circuit of `parameters`; raises `DescriptionError` or `UnitError` for values that do not fit."""
    p, k = parameters, parameters.actions
    cortex = Population("cortex", k * p.cortex, Poisson(p.spontaneous_rate))
    feedback = Population("feedback", 40, Poisson("0 Hz"))
    reward = Population("reward", 40, Poisson("0 Hz"))
    background = Population("background", p.background, Poisson(p.background_rate))
    d1 = Population("d1", k * p.medium_spiny, SPINY)
    d2 = Population("d2", k * p.medium_spiny, SPINY)
    striosome = Population("striosome", p.striosome, STRIOSOME)
    # A midbrain dopamine neuron, driven by its own depolarisation to a slow tonic rate (Grace and Bunney 1984).
    tonic = LIF(
        tau_mem="20 ms", tau_syn="5 ms", rest="-60 mV", threshold="-50 mV", refractory="2 ms", bias=p.dopamine_bias
    )
    dopamine = Population("dopamine", p.dopamine, tonic)
    # In units of the tonic rate, so that the full pause is -1.
    signal = Modulator(
        "dopamine_signal",
        tau=p.tau_dopamine,
        source=dopamine,
        baseline=p.tonic,
        gain=1 / to_si(p.tonic, Dimension.RATE, "tonic"),
    )
    first = parse(p.weight, "weight")
    low, high = (
        f"{share * first.value / first.scale:.12g} {first.unit}" for share in (1 - p.weight_spread, 1 + p.weight_spread)
    )

    def learned(receptor: Literal["D1", "D2"], spiny: Population) -> Projection:
        return Projection(
            cortex, spiny, Uniform(low, high, seed=1), Blocks(k), rule=_rule(p, signal, receptor, first.scale)
        )

    return Circuit(
        network=Network(
            learned("D1", d1),
            learned("D2", d2),
            Projection(d1, d1, f"-{p.lateral}", Blocks(k, across=True), name="lateral_d1"),
            Projection(d1, d2, f"-{p.lateral}", Blocks(k, across=True), name="lateral_d2"),
            Projection(d1, striosome, p.to_striosome, Probability(0.5, seed=2)),
            Projection(d2, striosome, f"-{p.to_striosome}", Probability(0.5, seed=3)),
            Projection(feedback, striosome, p.opening, Probability(0.5, seed=4)),
            Projection(striosome, dopamine, f"-{p.subtraction}", Probability(0.5, seed=5)),
            Projection(reward, dopamine, p.reward, Probability(0.5, seed=6)),
            Projection(background, dopamine, p.noise_dopamine, Probability(0.15, seed=7)),
            Projection(background, d1, p.noise_spiny, Probability(0.1, seed=8)),
            Projection(background, d2, p.noise_spiny, Probability(0.1, seed=9)),
            modulators=(signal,),
        ),
        actions=k,
        cues=(Drive("cortex", to_si(p.cue_rate, Dimension.RATE, "cue_rate"), groups=k),),
        feedback=Drive("feedback", to_si(p.event_rate, Dimension.RATE, "event_rate")),
        reward=Drive("reward", to_si(p.event_rate, Dimension.RATE, "event_rate")),
        votes=(Vote("d1", 1), Vote("d2", -1)),
        dopamine="dopamine",
        modulators=(signal.name,),
        clamp=0.0 if p.clamp_dopamine else None,
        learning=("cortex_to_d1", "cortex_to_d2"),
    )


def _rule(p: StriatumParameters, signal: Modulator, receptor: Literal["D1", "D2"], scale: float) -> Rule | None:
    """Return the plasticity of one receptor, in the unit that `weight` is written in; None without plasticity."""
    if not p.plasticity:
        return None
    return dopamine_stdp(
        signal,
        tau_elig=p.tau_elig,
        a_plus=1.0,
        a_minus=0.0,
        rate=p.learning_rate * to_si("1 mV", Dimension.VOLTAGE, "rate") / scale,
        receptor=receptor,
        forgetting=p.forgetting,
        rest=to_si(p.weight, Dimension.VOLTAGE, "weight") / scale,
        bounds=(0.0, to_si(p.weight_max, Dimension.VOLTAGE, "weight_max") / scale),
    )


circuit = CircuitFactory(
    "striatum", StriatumParameters, build, "striatum with D1 and D2 pathways that learns from a dopamine population"
)
