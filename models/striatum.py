"""A spiking striatum that learns values from a spiking dopamine population (Neftci and Averbeck 2019, Fig. 2).

Cortex, one group an option, excites the D1 and D2 medium spiny neurons of the action that takes this option. These
synapses hold the values: ``value = D1 - D2`` in spikes. Neurons of different actions inhibit one another, and the
action with most D1 - D2 spikes is taken. In the outcome, reward excites the dopamine population, which fires tonically,
and striosomal neurons, excited by D1, inhibited by D2 and opened by the feedback event, inhibit it: its firing above
or below the tonic rate is the reward prediction error ``reward - value``. Dopamine gates the plasticity of the
cortico-striatal synapses, with opposite signs in D1 and D2 (`spikerl.models.opponent`). No value and no error is
computed outside the network.

A region of it hears part of what an option is: the ventral striatum which object is there, the dorsal one where
(without the ventral one monkeys choose badly between objects, not between places: Rothenhoefer et al. 2017). Dopamine
is cleared half as fast in the ventral one (Suaud-Chagny et al. 1995). The ventral striatum is held to be the critic
that foretells reward, the dorsal one an actor that needs one (O'Doherty et al. 2004; Takahashi et al. 2008), but each
has striosomes that inhibit dopamine neurons, so that alone it can be its own; `critic` says whether it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from spikerl.circuit import Circuit, CircuitFactory, Drive, Rest, Vote
from spikerl.connectivity import Blocks, Probability
from spikerl.errors import DescriptionError, message
from spikerl.models.cells import SPINY, STRIOSOME, depolarised
from spikerl.models.opponent import ToneParameters, learned, output, signals, tone
from spikerl.network import Network, Projection
from spikerl.neurons import Poisson
from spikerl.parameters import Count, Rate, Share, Strength, Time, Voltage
from spikerl.population import Population
from spikerl.units import Dimension, to_si


@dataclass(frozen=True)
class Region:
    """What tells one region from another: what it `hears`, and defaults of parameters."""

    hears: Literal["options", "objects", "places"]
    defaults: Mapping[str, object]

    def things(self, actions: int) -> tuple[int, ...]:
        """Return which object or place each option is: ``option = 2 object + place`` where there are more than two.

        Raises `DescriptionError` for an odd number of actions, which are no objects in two places.
        """
        if self.hears == "options" or actions == 2:
            return tuple(range(actions))
        if actions % 2:
            allowed = "2, 4, 6 or 8, objects in two places"
            raise DescriptionError(message("actions", actions, allowed, "or take the region 'whole'"))
        return tuple(option // 2 if self.hears == "objects" else option % 2 for option in range(actions))


# Half of what impulses release is cleared within 113 ms in the ventral, 64 ms in the dorsal striatum of the rat
# (Suaud-Chagny et al. 1995): divided by log 2, these are time constants.
REGIONS = {
    "whole": Region("options", {}),
    "ventral": Region("objects", {"tau_dopamine": "163 ms", "readout": "output"}),
    "dorsal": Region("places", {"tau_dopamine": "92 ms", "readout": "output"}),
}


class StriatumParameters(ToneParameters):
    """Parameters of the striatum; every key can stand in the ``[circuit]`` table of an experiment.

    Sizes, weights and rates without a source are choices, calibrated so that the tonic dopamine rate is `tonic`,
    medium spiny neurons fire at 20 Hz to a new cue, and a value of 1 just cancels a reward.
    """

    name: Literal["striatum"] = "striatum"
    region: Literal["whole", "ventral", "dorsal"] = "whole"
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

    lateral: Strength = "0.15 mV"  # inhibition of other actions by D1
    to_striosome: Strength = "3.4 mV"  # from D1; as much inhibition from D2
    spiny_to_striosome: Share = 0.5  # probability of that connection
    opening: Strength = "1.5 mV"  # feedback to striosome
    subtraction: Strength = "0.95 mV"  # striosome to dopamine
    reward: Strength = "0.17 mV"  # reward to dopamine
    noise_spiny: Strength = "1.5 mV"  # background to D1 and D2
    noise_dopamine: Strength = "1 mV"  # background to dopamine
    background_to_dopamine: Share = 0.15  # probability of that connection
    dopamine_bias: Voltage = "5.86 mV"  # depolarisation that gives the tonic rate

    critic: bool = True  # whether a striosome subtracts what is expected; else dopamine knows reward alone
    readout: Literal["spiny", "output"] = "spiny"  # whose spikes are the votes
    output: Count = 16  # neurons an action
    to_output: Strength = "1 mV"  # from D1 at the tonic rate of dopamine; as much inhibition from D2
    noise_output: Strength = "1.5 mV"  # background to output
    output_bias: Voltage = "6 mV"  # depolarisation of the output

    rest: Time | None = None  # before the first trial, where the tonic rate is measured; without, it is `tonic`
    clamp_dopamine: bool = False  # hold the dopamine signals at their baseline

    @model_validator(mode="before")
    @classmethod
    def _of_region(cls, given: Any) -> Any:
        """Return what was given, and the region's own defaults for the rest."""
        region = given.get("region", "whole") if isinstance(given, Mapping) else None
        return {**REGIONS[region].defaults, **given} if isinstance(region, str) and region in REGIONS else given

    @model_validator(mode="after")
    def _consistent(self) -> StriatumParameters:
        things = REGIONS[self.region].things(self.actions)
        if self.readout == "spiny" and len(set(things)) != self.actions:
            allowed = "'output', where actions are more than what this region hears"
            raise DescriptionError(message("readout", self.readout, allowed))
        if self.rest is not None and self.dips != 1.0:
            # What receptors hear would have to bend where dopamine rests, which its own law does at `tonic`.
            raise DescriptionError(message("rest", self.rest, "none where dips is below 1", "leave rest or dips out"))
        return self


def build(parameters: StriatumParameters) -> Circuit:
    """Return the circuit of `parameters`; raises `DescriptionError` or `UnitError` for values that do not fit."""
    p = parameters
    things = REGIONS[p.region].things(p.actions)
    k = len(set(things))
    cortex = Population("cortex", k * p.cortex, Poisson(p.spontaneous_rate))
    reward = Population("reward", 40, Poisson("0 Hz"))
    background = Population("background", p.background, Poisson(p.background_rate))
    d1 = Population("d1", k * p.medium_spiny, SPINY)
    d2 = Population("d2", k * p.medium_spiny, SPINY)
    # A midbrain dopamine neuron, driven by its own depolarisation to a slow tonic rate (Grace and Bunney 1984).
    dopamine = Population("dopamine", p.dopamine, depolarised(p.dopamine_bias))
    heard = signals(p, dopamine, measured=p.rest is not None)
    parts = [
        learned(p, cortex, d1, "D1", heard, k),
        learned(p, cortex, d2, "D2", heard, k),
        Projection(d1, d1, f"-{p.lateral}", Blocks(k, across=True), name="lateral_d1"),
        Projection(d1, d2, f"-{p.lateral}", Blocks(k, across=True), name="lateral_d2"),
    ]
    if p.critic:
        feedback = Population("feedback", 40, Poisson("0 Hz"))
        parts += subtraction(p, d1, d2, feedback, dopamine)
    parts += [
        Projection(reward, dopamine, p.reward, Probability(0.5, seed=6)),
        Projection(background, dopamine, p.noise_dopamine, Probability(p.background_to_dopamine, seed=7)),
        Projection(background, d1, p.noise_spiny, Probability(0.1, seed=8)),
        Projection(background, d2, p.noise_spiny, Probability(0.1, seed=9)),
    ]
    votes: tuple[Vote, ...] = (Vote("d1", 1), Vote("d2", -1))
    if p.readout == "output":
        action = Population("output", p.actions * p.output, depolarised(p.output_bias))
        level = tone(p, dopamine)
        parts += [
            output(p, d1, action, p.to_output, "D1", level, things),
            output(p, d2, action, p.to_output, "D2", level, things),
            Projection(background, action, p.noise_output, Probability(0.1, seed=10)),
        ]
        votes = (Vote("output", 1),)
    event = to_si(p.event_rate, Dimension.RATE, "event_rate")
    shared = None if k == p.actions else things
    return Circuit(
        network=Network(*parts, modulators=heard.modulators),
        actions=p.actions,
        cues=(Drive("cortex", to_si(p.cue_rate, Dimension.RATE, "cue_rate"), groups=k, hears=shared),),
        feedback=Drive("feedback", event) if p.critic else None,
        reward=Drive("reward", event),
        votes=votes,
        dopamine="dopamine",
        modulators=heard.names,
        clamp=0.0 if p.clamp_dopamine else None,
        rest=None if p.rest is None or heard.at_rest is None else Rest(p.rest, heard.d1.name, heard.at_rest.name),
        learning=("cortex_to_d1", "cortex_to_d2"),
    )


def subtraction(
    p: StriatumParameters, d1: Population, d2: Population, feedback: Population, dopamine: Population
) -> list[Projection]:
    """Return the critic: striosomal neurons hear D1 - D2, and inhibit `dopamine` where `feedback` opens them."""
    striosome = Population("striosome", p.striosome, STRIOSOME)
    return [
        Projection(d1, striosome, p.to_striosome, Probability(p.spiny_to_striosome, seed=2)),
        Projection(d2, striosome, f"-{p.to_striosome}", Probability(p.spiny_to_striosome, seed=3)),
        Projection(feedback, striosome, p.opening, Probability(0.5, seed=4)),
        Projection(striosome, dopamine, f"-{p.subtraction}", Probability(0.5, seed=5)),
    ]


circuit = CircuitFactory(
    "striatum", StriatumParameters, build, "striatum with D1 and D2 pathways that learns from a dopamine population"
)
