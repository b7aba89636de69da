"""A midbrain dopamine population that learns to expect reward: the temporal difference error, in spikes.

Time cells, chains of volleys that the onset of a cue starts, excite value neurons through the synapses that learn: the
rate of these above their own is the value V(t). Value neurons excite the dopamine neurons at once, and GABA neurons
after `lag`, which inhibit them; reward excites them as well. Their firing above or below its tonic rate is therefore

    delta(t) = r(t) + V(t) - V(t - lag),

the temporal difference error (Schultz, Dayan and Montague 1997), from which the expectation that GABA neurons carry is
subtracted (Eshel et al. 2015). Synapses from the time cells learn by ``dw = rate delta c``, where c is the trace of
the pre-synaptic spikes, the gradient of V (Sutton 1988). No value and no error is computed outside the network.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from spikerl.circuit import Circuit, CircuitFactory, Drive, Vote
from spikerl.connectivity import Blocks, Explicit, Probability
from spikerl.models.cells import depolarised
from spikerl.network import Network, Projection
from spikerl.neurons import LIF, Poisson
from spikerl.parameters import CircuitParameters, Count, Rate, Strength, Time, Voltage
from spikerl.plasticity.algebra import Modulator, Rule, eligibility, every_step, on_pre
from spikerl.population import Population
from spikerl.units import Dimension, parse, to_si

TIME_CELL = LIF(tau_mem="10 ms", tau_syn="5 ms", rest="-60 mV", threshold="-50 mV", refractory="100 ms")
"""A cell that fires once in a volley. Striatal cells fire at different delays, and so tell time (Mello et al. 2015)."""


_AHEAD = 75e-3
"""How long before the outcome the cells fire, in s, whose rate of learning `alpha` says."""
_NOISES = 32
"""Parts of the background that are independent of one another, so that populations average noise out."""


class DopamineParameters(CircuitParameters):
    """Parameters of the dopamine circuit; every key can stand in the ``[circuit]`` table of an experiment.

    What has no source is a choice. Biases and `inhibition` are calibrated together, so that dopamine neurons rest at
    `tonic`, value neurons at 15 Hz and GABA neurons at 9 Hz, where their rates are linear in what comes, a value that
    lasts moves dopamine by nothing, and a reward of 1 raises it by 4.7 Hz. `alpha` is what a trial moves a value by, as
    a share of the error: the rate of the rule follows from it (`learning_rate`).
    """

    name: Literal["dopamine"] = "dopamine"
    cues: Annotated[int, Field(ge=1, le=8)] = 4
    cue: Count = 30  # neurons that hear a cue
    stages: Annotated[int, Field(ge=2, le=1000)] = 32  # volleys after the onset of a cue
    time_cells: Count = 2  # neurons of a volley
    value: Count = 64
    gaba: Count = 128
    dopamine: Count = 96
    background: Count = 320

    cue_rate: Rate = "50 Hz"  # while it is shown
    spontaneous_rate: Rate = "1 Hz"  # while it is not
    event_rate: Rate = "40 Hz"  # of reward and laser, while they last
    background_rate: Rate = "60 Hz"

    onset: Strength = "3 mV"  # cue to the first volley
    gate: Strength = "5 mV"  # inhibition of the first volley by the cue, from `gate_delay` on
    gate_delay: Time = "50 ms"
    link: Strength = "40 mV"  # from a volley to the next
    link_delay: Time = "24 ms"
    interval: Time = "25 ms"  # between volleys: link_delay, and the rise to threshold

    weight: Strength = "5 mV"  # time cells to value neurons, at first; feed-forward inhibition balances it
    weight_max: Strength = "25 mV"
    excitation: Strength = "6 mV"  # value to dopamine
    to_gaba: Strength = "0.375 mV"  # value to GABA neurons
    inhibition: Strength = "3.968 mV"  # GABA neurons to dopamine
    lag: Time = "50 ms"  # of GABA neurons behind value neurons
    reward: Strength = "1.1 mV"  # reward to dopamine
    laser: Strength = "1.1 mV"  # laser to dopamine
    laser_silences: bool = False  # the laser inhibits dopamine neurons (halorhodopsin) instead of exciting them
    noise: Strength = "2 mV"  # background to value, GABA and dopamine neurons
    value_bias: Voltage = "3.73 mV"
    gaba_bias: Voltage = "0.65 mV"
    dopamine_bias: Voltage = "2.093 mV"
    tau_membrane: Time = "100 ms"  # of dopamine neurons: slow, so that their rate is linear in their input

    tonic: Rate = "6 Hz"  # baseline of dopamine, 5 to 6.4 Hz in mice (Cohen et al. 2012)
    tau_dopamine: Time = "30 ms"  # filter of the dopamine signal
    tau_elig: Time = "600 ms"  # eligibility; effects of dopamine fade within 2 s (Yagishita et al. 2014)
    tau_rise: Time = "200 ms"  # its rise: dopamine acts from 0.3 s after the activity on (Yagishita et al. 2014)
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.1  # learning rate of values, a trial
    outcome: Time = "250 ms"  # length of the reward for which `alpha` is meant
    value_slope: Annotated[float, Field(gt=0)] = 0.031  # Hz of a value neuron for 1 mV Hz of its input, measured
    dopamine_slope: Annotated[float, Field(gt=0)] = 0.0053  # Hz of a dopamine neuron for 1 mV Hz of its input, measured
    latency: Time = "9 ms"  # of inhibition behind excitation, beyond `lag`, measured

    plasticity: bool = True
    clamp_dopamine: bool = False  # hold the dopamine signal at its baseline


def kernel(p: DopamineParameters) -> tuple[tuple[float, float], ...]:
    """``c(t) = exp(-t/tau_elig) (1 - exp(-t/tau_rise))^2``, the trace of a spike, as a sum: (coefficient, tau in s)."""
    decay, rise = (1 / to_si(tau, Dimension.TIME, "tau") for tau in (p.tau_elig, p.tau_rise))
    return tuple((sign, 1 / (decay + order * rise)) for order, sign in enumerate((1.0, -2.0, 1.0)))


def learning_rate(p: DopamineParameters) -> float:
    """Return the rate of the rule, in mV a step of 1 ms, that moves a value by `alpha` of its error in each trial.

    In the linear regime a change dw, in mV, of the synapses of all time cells before a reward moves the value by
    ``dV = value_slope time_cells dw / interval``. A value V that ends in the outcome lowers dopamine by ``area V``
    Hz s in all, ``area = dopamine_slope (value / 2) excitation (lag + latency)``, half of all pairs being connected; a
    reward raises it by ``area V1``, where V1 is the value that predicts it. The signal is in units of `tonic` and
    changes weights by ``dw = rate c (area / tonic) (V1 - V) / 1 ms``, with c the mean of the trace (`kernel`) over the
    outcome, `tau_dopamine` later, of cells that fire 75 ms before it. Then ``dV = alpha (V1 - V)`` for

        rate = alpha 1 ms / (c (area / tonic) value_slope time_cells / interval),

    whatever the size of the reward.
    """
    lag, latency, interval, outcome, start = (
        to_si(getattr(p, name), Dimension.TIME, name)
        for name in ("lag", "latency", "interval", "outcome", "tau_dopamine")
    )
    start += _AHEAD
    trace = sum(
        sign * tau * (math.exp(-start / tau) - math.exp(-(start + outcome) / tau)) / outcome for sign, tau in kernel(p)
    )
    excitation = to_si(p.excitation, Dimension.VOLTAGE, "excitation") / 1e-3
    area = p.dopamine_slope * p.value / 2 * excitation * (lag + latency)
    gain = area / to_si(p.tonic, Dimension.RATE, "tonic")
    return p.alpha * 1e-3 / (trace * gain * p.value_slope * p.time_cells / interval)


def build(parameters: DopamineParameters) -> Circuit:
    """Return the circuit of `parameters`; raises `DescriptionError` or `UnitError` for values that do not fit."""
    p, k = parameters, parameters.cues
    cue = Population("cue", k * p.cue, Poisson(p.spontaneous_rate))
    time = Population("time", k * p.stages * p.time_cells, TIME_CELL)
    value = Population("value", p.value, depolarised(p.value_bias))
    gaba = Population("gaba", p.gaba, depolarised(p.gaba_bias))
    dopamine = Population("dopamine", p.dopamine, depolarised(p.dopamine_bias, p.tau_membrane))
    reward = Population("reward", 40, Poisson("0 Hz"))
    laser = Population("laser", 40, Poisson("0 Hz"))
    background = Population("background", p.background, Poisson(p.background_rate))
    # In units of the tonic rate, so that the full pause is -1.
    signal = Modulator(
        "dopamine_signal",
        tau=p.tau_dopamine,
        source=dopamine,
        baseline=p.tonic,
        gain=1 / to_si(p.tonic, Dimension.RATE, "tonic"),
    )
    onset, chain = _onset(p), _chain(p)
    projections = (
        Projection(cue, time, p.onset, onset, name="onset"),
        Projection(cue, time, f"-{p.gate}", onset, delay=p.gate_delay, name="gate"),
        Projection(time, time, p.link, chain, delay=p.link_delay, name="chain"),
        Projection(time, value, p.weight, rule=_rule(p, signal)),
        # Inhibition by interneurons (Koos and Tepper 1999), lumped; it balances first weights, so that a new cue has no
        # value, by choice.
        Projection(time, value, f"-{p.weight}", name="feed_forward"),
        Projection(value, gaba, p.to_gaba, delay=p.lag),
        Projection(value, dopamine, p.excitation, Probability(0.5, seed=11)),
        Projection(gaba, dopamine, f"-{p.inhibition}", Probability(0.5, seed=12)),
        Projection(reward, dopamine, p.reward, Probability(0.5, seed=6)),
        Projection(laser, dopamine, f"-{p.laser}" if p.laser_silences else p.laser, Probability(0.5, seed=10)),
        Projection(background, dopamine, p.noise, Blocks(_NOISES)),
        Projection(background, value, p.noise, Blocks(_NOISES)),
        Projection(background, gaba, p.noise, Blocks(_NOISES)),
    )
    event_rate = to_si(p.event_rate, Dimension.RATE, "event_rate")
    return Circuit(
        network=Network(*projections, modulators=(signal,)),
        actions=k,
        cues=(Drive("cue", to_si(p.cue_rate, Dimension.RATE, "cue_rate"), groups=k),),
        reward=Drive("reward", event_rate),
        laser=Drive("laser", event_rate),
        votes=(Vote("cue", 1),),
        dopamine="dopamine",
        modulators=(signal.name,),
        clamp=0.0 if p.clamp_dopamine else None,
        learning=("time_to_value",),
    )


def _onset(p: DopamineParameters) -> Explicit:
    """Return the edges from each cue to the first volley of its chain."""
    volley, whole = p.time_cells, p.time_cells * p.stages
    pairs = [(c * p.cue + i, c * whole + j) for c in range(p.cues) for i in range(p.cue) for j in range(volley)]
    return Explicit(*(tuple(side) for side in zip(*pairs, strict=True)))


def _chain(p: DopamineParameters) -> Explicit:
    """Return the edges from each volley to the next of its cue."""
    volley = p.time_cells
    firsts = [(c * p.stages + s) * volley for c in range(p.cues) for s in range(p.stages - 1)]
    pairs = [(first + i, first + volley + j) for first in firsts for i in range(volley) for j in range(volley)]
    return Explicit(*(tuple(side) for side in zip(*pairs, strict=True)))


def _rule(p: DopamineParameters, signal: Modulator) -> Rule | None:
    """Return the plasticity, in the unit that `weight` is written in; None without plasticity."""
    if not p.plasticity:
        return None
    scale = parse(p.weight, "weight").scale
    rate = learning_rate(p) * 1e-3 / scale
    terms = [every_step(sign * rate * signal * eligibility(f"{tau:.12g} s", on_pre(1.0))) for sign, tau in kernel(p)]
    return Rule(*terms, bounds=(0.0, to_si(p.weight_max, Dimension.VOLTAGE, "weight_max") / scale))


circuit = CircuitFactory(
    "dopamine", DopamineParameters, build, "dopamine neurons that learn to expect reward, by temporal differences"
)
