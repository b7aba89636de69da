"""A downstream arbiter: experts speak to the neurons that choose, each as loud as its own predictions have been good.

Of each expert (amygdala, ventral and dorsal striatum), two populations compare the outcome with what its own neurons
say of the chosen option: ``surplus = [reward - value]+``, ``deficit = [value - reward]+``. Both excite a population of
`distrust`, whose slow synapses keep a running average of ``|reward - value|`` over some trials; it inhibits the
expert's `voice`, through which alone its values reach the neurons that choose. All of it is spikes. Arbitration by
reliability, computed from prediction errors: Lee, Shimojo and O'Doherty 2014; mixture of a fast and a slow learner
downstream of amygdala and striatum: Averbeck and Costa 2017, Neftci and Averbeck 2019.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from spikerl.connectivity import Blocks, Explicit, InDegree, Probability
from spikerl.models.cells import depolarised
from spikerl.models.wiring import Groups, to_options
from spikerl.network import Projection
from spikerl.parameters import CircuitParameters, Count, Strength, Time, Voltage
from spikerl.population import Population


class ArbiterParameters(CircuitParameters):
    """Keys of the arbiter in a ``[circuit]`` table; they are choices, calibrated with the whole circuit."""

    voice: Count = 12  # neurons an option and expert
    choice: Count = 16  # neurons an option
    error: Count = 12  # neurons of surplus, and of deficit, an expert
    distrust: Count = 12  # neurons an expert

    voice_bias: Voltage = "8 mV"  # depolarisation of voices
    voice_noise: Strength = "1 mV"  # background to voices
    choice_bias: Voltage = "-0.2 mV"  # depolarisation of the neurons that choose
    choice_noise: Strength = "4.2 mV"  # background to them
    option: Strength = "1 mV"  # cue of an option to the neurons that choose it
    error_bias: Voltage = "4 mV"  # depolarisation of the neurons of errors
    outcome_to_error: Strength = "4 mV"  # reward to surplus; feedback, less reward, to deficit
    comparison: Time = "60 ms"  # delay of values on their way to the errors, so that they are those before the outcome
    tau_distrust: Time = "2 s"  # running average over outcomes (persistent activity; Egorov et al. 2002)
    error_to_distrust: Strength = "0.06 mV"  # surplus and deficit to distrust
    distrust_bias: Voltage = "8 mV"  # depolarisation of distrust
    gating: Strength = "0.25 mV"  # distrust to voice


class Expert(NamedTuple):
    """Somebody with an opinion: neurons for and against, in `groups`, of which option o has group ``hears[o]``.

    `to_voice` is the strength of a neuron's synapse on the voice, `to_error` that on the neurons of its errors,
    `to_choice` that of the voice on the neurons that choose.
    """

    name: str
    favour: Population
    against: Population
    groups: int
    hears: Groups
    to_voice: str
    to_error: str
    to_choice: str


class Events(NamedTuple):
    """What the arbiter hears beside the experts: reward, feedback, and a background."""

    reward: Population
    feedback: Population
    background: Population


def choosers(p: ArbiterParameters, options: int) -> Population:
    """Return the neurons that choose, in one group an option."""
    return Population("choice", options * p.choice, depolarised(p.choice_bias))


def arbitrated(
    p: ArbiterParameters, expert: Expert, events: Events, choice: Population, gated: bool
) -> tuple[Projection, ...]:
    """Return the projections from `expert`, through its voice, to `choice`, and those that keep its reliability.

    Without `gated` the voice is as loud whatever its errors.
    """
    name, options = expert.name, len(expert.hears)
    voice = Population(f"voice_{name}", options * p.voice, depolarised(p.voice_bias))
    surplus = Population(f"surplus_{name}", p.error, depolarised(p.error_bias))
    deficit = Population(f"deficit_{name}", p.error, depolarised(p.error_bias))
    slow = replace(depolarised(p.distrust_bias), tau_syn=p.tau_distrust)
    distrust = Population(f"distrust_{name}", p.distrust, slow)

    def spoken(source: Population, target: Population) -> Blocks | Explicit:
        return to_options(source, target, expert.groups, expert.hears)

    half = Probability(0.5, seed=25)
    heard = (
        Projection(expert.favour, voice, expert.to_voice, spoken(expert.favour, voice)),
        Projection(expert.against, voice, f"-{expert.to_voice}", spoken(expert.against, voice)),
        Projection(events.background, voice, p.voice_noise, InDegree(10, seed=23)),
        Projection(voice, choice, expert.to_choice, Blocks(options)),
    )
    if not gated:
        return heard
    return (
        *heard,
        Projection(events.reward, surplus, p.outcome_to_error, half),
        Projection(expert.favour, surplus, f"-{expert.to_error}", delay=p.comparison),
        Projection(events.feedback, deficit, p.outcome_to_error, half),
        # From all of reward, where feedback comes from half: what was paid leaves no deficit.
        Projection(events.reward, deficit, f"-{p.outcome_to_error}"),
        Projection(expert.against, deficit, f"-{expert.to_error}", delay=p.comparison),
        Projection(surplus, distrust, p.error_to_distrust, half),
        Projection(deficit, distrust, p.error_to_distrust, half),
        Projection(distrust, voice, f"-{p.gating}", half),
    )
