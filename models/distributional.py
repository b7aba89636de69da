"""Dopamine cells that each learn a prediction of their own, and so a distribution together (Dabney et al. 2020).

Dopamine cell i has a channel. Value neurons V_i hear the cue through synapses that learn. In the outcome, error
neurons are opened by the feedback: E+_i, which reward excites and V_i inhibits, and E-_i, which V_i excites and reward
inhibits. E+_i excites the dopamine cell with the gain a+_i and E-_i inhibits it with a-_i, so that it fires above its
tonic rate for more than was predicted and below it for less. On average over rewards its learning comes to rest where

``a+_i E[max(r - V_i, 0)] = a-_i E[max(V_i - r, 0)]``,

at the expectile of tau_i = a+_i / (a+_i + a-_i): cells of large tau become optimistic, of small tau pessimistic.

A synapse sees the spikes of its own two neurons and signals that are one for all. So that V_i can say a value and hear
a lesson, the two come at different times. Dopamine acts late, as it does on spines (0.3 to 2 s: Yagishita et al.
2014): its spikes arrive at teaching neurons T_i, which the cue silences, when the cue has gone. There each of them
makes V_i fire once. A gate, neurons that fire where no cue is, opens plasticity at that time alone, and

``dw = rate gate c (spikes of V_i - tonic dt)``

with c an eligibility of cue spikes, moves w until cell i fires at its tonic rate on average: no prediction and no
error is computed outside the network, and none is shared between cells.

With ``prediction = "shared"`` all value neurons learn from the mean firing of all cells instead, as one number that is
broadcast: the classical scalar prediction, with cells as unlike as before.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from spikerl.circuit import Circuit, CircuitFactory, Drive, Vote
from spikerl.connectivity import AllToAll, Blocks, OneToOne, Probability, Uniform, Values, expand
from spikerl.network import Network, Projection
from spikerl.neurons import LIF, Poisson
from spikerl.parameters import CircuitParameters, Count, Rate, Strength, Time, Voltage
from spikerl.plasticity.algebra import Modulator, Rule, eligibility, every_step, on_post, on_pre
from spikerl.population import Population
from spikerl.units import Dimension, parse, to_si

VALUE = LIF(tau_mem="20 ms", tau_syn="5 ms", rest="-60 mV", threshold="-50 mV", refractory="2 ms")
"""Value neuron: a striosomal neuron in the up state (Houk et al. 1995)."""

ERROR = LIF(tau_mem="20 ms", tau_syn="5 ms", rest="-80 mV", reset="-60 mV", threshold="-50 mV", refractory="2 ms")
"""Error neuron: silent without feedback, which lifts it from a down state of -80 mV (Wilson and Kawaguchi 1996)."""

RELAY = LIF(tau_mem="5 ms", tau_syn="5 ms", rest="-60 mV", threshold="-50 mV", refractory="5 ms")
"""Teaching neuron: one spike for a spike that it hears, unless it is inhibited."""

GATE = LIF(tau_mem="10 ms", tau_syn="5 ms", rest="-60 mV", threshold="-50 mV", bias="12 mV")
"""Gate neuron: fires, unless it is inhibited. Its signal is slow to rise and quick to fall, by its membrane."""

GATE_SIZE = 20
GATE_RATE = 95.0
"""Hz, of gate neurons where no cue is: the unit of their signal."""

STEP = 1e-3
"""Seconds; what acts at every step is written for this one."""


class DistributionalParameters(CircuitParameters):
    """Parameters of the circuit; every key can stand in the ``[circuit]`` table of an experiment.

    Sizes, weights and rates without a source are choices, calibrated so that a full reward is a prediction that value
    neurons can reach, and that the tonic dopamine rate is `tonic`.
    """

    name: Literal["distributional_dopamine"] = "distributional_dopamine"
    cells: Count = 40  # dopamine cells, and channels; as many as were recorded
    value: Count = 10  # value neurons a cell
    error: Count = 5  # error neurons a cell and sign
    cue: Count = 100
    events: Count = 100  # neurons of feedback, and of reward
    noise: Count = 5  # background neurons a dopamine cell
    prediction: Literal["own", "shared"] = "own"
    wiring: Annotated[int, Field(ge=0, le=2**62)] = 1  # seed of connections and asymmetries

    cue_rate: Rate = "50 Hz"
    event_rate: Rate = "100 Hz"  # of feedback, and of the largest reward
    noise_rate: Rate = "40 Hz"

    ratio_low: Annotated[float, Field(gt=0)] = 0.04  # a+ / a- is uniform in its logarithm from here
    ratio_high: Annotated[float, Field(gt=0)] = 6.0  # to here
    gain: Strength = "1.3 mV"  # error neurons to their cell, the mean of a+ and a-

    weight: Strength = "0.7 mV"  # cue to value at first, alike for all
    weight_max: Strength = "4 mV"
    opening: Strength = "0.6 mV"  # feedback to error neurons
    reward: Strength = "0.66 mV"  # reward to error neurons
    subtraction: Strength = "5.5 mV"  # value to error neurons
    noise_dopamine: Strength = "3 mV"
    silencing: Strength = "1.6 mV"  # cue to teaching neurons and gate
    relay: Strength = "33 mV"  # dopamine to teaching neurons: one spike for a spike
    lesson: Strength = "85 mV"  # teaching neurons to value: one spike for a spike

    tonic: Rate = "6 Hz"  # baseline of dopamine, 5 to 6.4 Hz in mice (Cohen et al. 2012)
    dopamine_bias: Voltage = "5.63 mV"  # depolarisation that gives the tonic rate
    lag: Time = "430 ms"  # of dopamine's effect; a little more than the outcome, so that all of it is heard after it
    tau_elig: Time = "1 s"  # effects of dopamine fade within 2 s (Yagishita et al. 2014)
    tau_signal: Time = "5 ms"  # filter of the gate, and of the broadcast signal
    learning_rate: Annotated[float, Field(ge=0)] = 2.5e-4  # mV for one spike and one unit of eligibility
    plasticity: bool = True

    @model_validator(mode="after")
    def _rising(self) -> DistributionalParameters:
        if not self.ratio_low <= self.ratio_high:
            raise ValueError(f"ratio_low: got {self.ratio_low:g}; allowed: at most ratio_high ({self.ratio_high:g})")
        return self


def asymmetry(parameters: DistributionalParameters) -> np.ndarray:
    """Return tau = a+ / (a+ + a-) of each cell's drive, [cell], as the wiring draws it."""
    drawn = Uniform(math.log(parameters.ratio_low), math.log(parameters.ratio_high), seed=parameters.wiring)
    return 1.0 / (1.0 + np.exp(-expand(drawn, parameters.cells, "asymmetry").values))


def build(parameters: DistributionalParameters) -> Circuit:
    """Return the circuit of `parameters`; raises `DescriptionError` or `UnitError` for values that do not fit."""
    p, n, seed = parameters, parameters.cells, parameters.wiring
    cue = Population("cue", p.cue, Poisson("0 Hz"))
    feedback = Population("feedback", p.events, Poisson("0 Hz"))
    reward = Population("reward", p.events, Poisson("0 Hz"))
    background = Population("background", n * p.noise, Poisson(p.noise_rate))
    value = Population("value", n * p.value, VALUE)
    above = Population("error_above", n * p.error, ERROR)
    below = Population("error_below", n * p.error, ERROR)
    tonic = LIF(
        tau_mem="20 ms", tau_syn="5 ms", rest="-60 mV", threshold="-50 mV", refractory="2 ms", bias=p.dopamine_bias
    )
    dopamine = Population("dopamine", n, tonic)
    teaching = Population("teaching", n, RELAY)
    gate = Population("gate", GATE_SIZE, GATE)
    jitter = Population("jitter", GATE_SIZE, Poisson("200 Hz"))
    channels = Blocks(n)
    tau = asymmetry(p)
    gain = to_si(p.gain, Dimension.VOLTAGE, "gain") / to_si("1 mV", Dimension.VOLTAGE, "gain")

    def each(share: np.ndarray, sign: float) -> Values:
        return Values(tuple((sign * gain * np.repeat(share, p.error)).tolist()), "mV")

    if p.prediction == "own":
        signal = Modulator("open", tau=p.tau_signal, source=gate, gain=1.0 / GATE_RATE)
    else:
        signal = Modulator("broadcast", tau=p.tau_signal, source=dopamine, baseline=p.tonic)
    return Circuit(
        network=Network(
            # Late enough for the gate to have closed before value neurons fire.
            Projection(cue, value, p.weight, Probability(0.5, seed=seed), delay="15 ms", rule=_rule(p, signal)),
            Projection(value, above, f"-{p.subtraction}", channels),
            Projection(value, below, p.subtraction, channels),
            Projection(reward, above, p.reward, Probability(0.8, seed=seed)),
            Projection(reward, below, f"-{p.reward}", Probability(0.8, seed=seed)),
            Projection(feedback, above, p.opening, Probability(0.8, seed=seed)),
            Projection(feedback, below, p.opening, Probability(0.8, seed=seed)),
            Projection(above, dopamine, each(2.0 * tau, 1.0), channels),
            Projection(below, dopamine, each(2.0 * (1.0 - tau), -1.0), channels),
            Projection(background, dopamine, p.noise_dopamine, channels),
            Projection(dopamine, teaching, p.relay, OneToOne(), delay=p.lag),
            Projection(cue, teaching, f"-{p.silencing}", AllToAll()),
            Projection(teaching, value, p.lesson, channels),
            Projection(cue, gate, f"-{p.silencing}", AllToAll()),
            Projection(jitter, gate, "4 mV", OneToOne()),
            modulators=(signal,),
        ),
        actions=1,
        cues=(Drive("cue", to_si(p.cue_rate, Dimension.RATE, "cue_rate")),),
        feedback=Drive("feedback", to_si(p.event_rate, Dimension.RATE, "event_rate")),
        reward=Drive("reward", to_si(p.event_rate, Dimension.RATE, "event_rate")),
        votes=(Vote("value", 1),),
        dopamine="dopamine",
        modulators=(signal.name,),
        learning=("cue_to_value",),
    )


def _rule(p: DistributionalParameters, signal: Modulator) -> Rule | None:
    """Return the plasticity of cue to value, in the unit that `weight` is written in; None without plasticity."""
    if not p.plasticity:
        return None
    unit = parse(p.weight, "weight").scale
    rate = p.learning_rate * to_si("1 mV", Dimension.VOLTAGE, "learning_rate") / unit
    bounds = (0.0, to_si(p.weight_max, Dimension.VOLTAGE, "weight_max") / unit)
    heard = eligibility(p.tau_elig, on_pre(1.0))
    if p.prediction == "shared":
        return Rule(every_step(rate * STEP * signal * heard), bounds=bounds)
    tonic = to_si(p.tonic, Dimension.RATE, "tonic") * STEP
    return Rule(on_post(rate * signal * heard), every_step(-rate * tonic * signal * heard), bounds=bounds)


circuit = CircuitFactory(
    "distributional_dopamine",
    DistributionalParameters,
    build,
    "dopamine cells that each learn a prediction of their own, and so the distribution of rewards",
)
