"""A spiking striatum that learns values from a spiking dopamine population (Neftci and Averbeck 2019, Fig. 2).

Cortex (Poisson, one group an option) excites D1 and D2 medium spiny neurons of the action that takes this option;
these synapses hold the values, ``value = D1 - D2``. Neurons of different actions inhibit one another, and the choice
is the action with most D1 - D2 spikes. In the outcome, reward excites the tonically firing dopamine population, and
striosomal neurons, excited by D1, inhibited by D2, and opened by the feedback event, inhibit it: its firing beside
its tonic rate is the reward prediction error ``r - value``. Dopamine gates the plasticity of the cortico-striatal
synapses, with opposite signs in D1 and D2. No value and no error is computed outside the network.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from spikerl.circuit import Circuit, CircuitFactory, Drive, Vote
from spikerl.connectivity import AllToAll, Blocks, Probability, Uniform
from spikerl.network import Network, Projection
from spikerl.neurons import LIF, Poisson
from spikerl.plasticity.algebra import Modulator
from spikerl.plasticity.dopamine import dopamine_stdp
from spikerl.population import Population

Count = Annotated[int, Field(ge=1, le=10_000)]
Positive = Annotated[float, Field(gt=0)]


class StriatumParameters(BaseModel):
    """Parameters of the circuit; every key can stand in the ``[circuit]`` table of an experiment."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    name: Literal["striatum"] = "striatum"
    actions: Annotated[int, Field(ge=2, le=8)] = 2
    cortex: Count = 40
    medium_spiny: Count = 16
    striosome: Count = 20
    dopamine: Count = 40
    tau_elig: str = "500 ms"
    tau_dopamine: str = "50 ms"
    learning_rate: Positive = 0.01
    weight: Positive = 3.0
    weight_max: Positive = 8.0
    tonic: str = "6 Hz"
    rate_cue: Positive = 50.0
    plasticity: bool = True
    clamped: bool = False
    lateral: Annotated[float, Field(ge=0)] = 0.15
    bias_da: float = 9.0
    w_rew: float = 0.25
    w_patch: float = -0.3
    w_d1: float = 0.5
    w_fb: float = 1.0
    spn_bias: float = 0.0


def build(parameters: StriatumParameters) -> Circuit:
    p = parameters
    k = p.actions
    spiny = LIF(tau_mem="20 ms", tau_syn="5 ms", rest="-80 mV", threshold="-50 mV", refractory="2 ms", bias=f"{p.spn_bias} mV")
    cortex = Population("cortex", k * p.cortex, Poisson("2 Hz"))
    feedback = Population("feedback", 40, Poisson("0 Hz"))
    reward = Population("reward", 40, Poisson("0 Hz"))
    background = Population("background", 100, Poisson("20 Hz"))
    d1 = Population("d1", k * p.medium_spiny, spiny)
    d2 = Population("d2", k * p.medium_spiny, spiny)
    striosome = Population("striosome", p.striosome, spiny)
    dopamine = Population("dopamine", p.dopamine, LIF(tau_mem="20 ms", tau_syn="5 ms", rest="-60 mV", threshold="-50 mV", refractory="2 ms", bias=f"{p.bias_da} mV"))
    signal = Modulator("signal", tau=p.tau_dopamine, source=dopamine, baseline=p.tonic, gain=1 / 6.0)

    def learned(receptor, post):
        rule = dopamine_stdp(signal, tau_elig=p.tau_elig, a_plus=1.0, a_minus=0.0, rate=p.learning_rate, receptor=receptor, bounds=(0.0, p.weight_max))
        return Projection(cortex, post, Uniform(f"{0.8*p.weight} mV", f"{1.2*p.weight} mV", seed=1), Blocks(k, p=0.5, seed=2), rule=rule)

    lateral = [Projection(a, b, f"{-p.lateral} mV", Blocks(k, across=True)) for a, b in ((d1, d1), (d1, d2))]
    value = [
        Projection(d1, striosome, f"{p.w_d1} mV", Probability(0.8, seed=3)),
        Projection(d2, striosome, f"{-p.w_d1} mV", Probability(0.8, seed=3)),
        Projection(feedback, striosome, f"{p.w_fb} mV", Probability(0.5, seed=4)),
        Projection(striosome, dopamine, f"{p.w_patch} mV", Probability(0.5, seed=5)),
        Projection(reward, dopamine, f"{p.w_rew} mV", Probability(0.5, seed=6)),
        Projection(background, dopamine, "0.3 mV", Probability(0.3, seed=7)),
    ]
    net = Network(learned("D1", d1), learned("D2", d2), *lateral, *value)
    if not p.plasticity:
        net = net.without_plasticity()
    return Circuit(network=net, actions=k, cue=Drive("cortex", p.rate_cue, k), feedback=Drive("feedback", 40.0), reward=Drive("reward", 40.0),
                   votes=(Vote("d1", 1), Vote("d2", -1)), dopamine="dopamine", modulator="signal", clamped=p.clamped, learning=("cortex_to_d1", "cortex_to_d2"))


circuit = CircuitFactory("striatum", StriatumParameters, build, "striatum with D1/D2 and spiking dopamine")
