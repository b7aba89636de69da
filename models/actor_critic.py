"""The whole: ventral and dorsal striatum, amygdala, dopamine and an arbiter (Neftci and Averbeck 2019, Fig. 2).

Objects are valued by the ventral striatum, gated by dopamine, and by the amygdala, faster and by activity alone; places
by the dorsal striatum, in a loop of its own. Their voices, each as loud as its own predictions have been good
(`spikerl.models.arbiter`), excite the neurons that choose, and most spikes win. Striosomal neurons take what the
striatum expects off reward, in one dopamine population whose firing gates plasticity in both loops. Principal neurons
of the amygdala excite ventral spiny neurons (Stuber et al. 2011), which fire and learn less without it.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from spikerl.circuit import Circuit, CircuitFactory, Drive, Vote
from spikerl.connectivity import Blocks, InDegree, Probability
from spikerl.models.amygdala import AmygdalaParameters, amygdala
from spikerl.models.arbiter import ArbiterParameters, Events, Expert, arbitrated, choosers
from spikerl.models.cells import SPINY, STRIOSOME, depolarised
from spikerl.models.opponent import OpponentParameters, Receptor, Signals, learned, signals
from spikerl.models.wiring import Groups
from spikerl.network import Network, Projection
from spikerl.neurons import Poisson
from spikerl.parameters import Count, Rate, Share, Strength, Time, Voltage
from spikerl.population import Population
from spikerl.units import Dimension, to_si

OBJECTS = PLACES = 2
CLAMPS = {"free": None, "baseline": 0.0, "silenced": -1.0, "stimulated": 1.0}
"""What the dopamine signal is held at, in units of the tonic rate."""


class ActorCriticParameters(OpponentParameters, AmygdalaParameters, ArbiterParameters):
    """Parameters of the whole circuit; every key can stand in the ``[circuit]`` table of an experiment.

    `loops`: "object" for options that are objects, "object and place" for four options, each an object at a place
    (``2 object + place``). `lesion` removes the neurons of the amygdala, of the ventral or of the dorsal striatum;
    `decider` lets the arbiter weigh them, takes its gates away ("equal"), or cuts all voices but that of the amygdala
    or of the (ventral) striatum, while all of them live and learn; `dopamine_is` holds the signal at its baseline,
    at a full pause or at twice the tonic rate. What has no source is a choice, calibrated on the table of lesions of
    Costa et al. (2016).
    """

    name: Literal["actor_critic"] = "actor_critic"
    loops: Literal["object", "object and place"] = "object"
    lesion: Literal["none", "amygdala", "striatum", "dorsal"] = "none"
    decider: Literal["arbiter", "equal", "amygdala", "striatum"] = "arbiter"
    dopamine_is: Literal["free", "baseline", "silenced", "stimulated"] = "free"

    cortex: Count = 20  # neurons an object, a place, and an option
    medium_spiny: Count = 20  # neurons an object or place, and receptor
    striosome: Count = 20
    dopamine: Count = 30
    background: Count = 100

    cue_rate: Rate = "50 Hz"  # of the cortex of what is shown
    spontaneous_rate: Rate = "2 Hz"  # of the cortex of what is not
    event_rate: Rate = "40 Hz"  # of feedback and of reward, while they last
    background_rate: Rate = "20 Hz"

    weight: Strength = "3.65 mV"
    dorsal_weight: Strength = "5.2 mV"  # the same onto dorsal D1 and D2, which the amygdala does not excite
    weight_spread: Share = 0.1
    weight_max: Strength = "12 mV"
    tau_elig: Time = "200 ms"  # eligibility; trials of 0.6 s are about a fifth as long as an animal's
    learning_rate: Annotated[float, Field(ge=0)] = 0.0019
    forgetting: Share = 0.0006
    from_amygdala: Strength = "5.5 mV"  # amygdala to ventral D1 and D2
    noise_spiny: Strength = "3 mV"  # background to D1 and D2
    lateral: Strength = "0.2 mV"  # inhibition of other objects, or places, by D1
    to_striosome: Strength = "1.2 mV"  # from D1; as much inhibition from D2
    opening: Strength = "1.68 mV"  # feedback to striosome
    subtraction: Strength = "4.5 mV"  # striosome to dopamine
    reward: Strength = "0.8 mV"  # reward to dopamine
    noise_dopamine: Strength = "2 mV"  # background to dopamine
    dopamine_bias: Voltage = "9 mV"  # depolarisation that gives the tonic rate
    tau_membrane: Time = "100 ms"  # of dopamine neurons: slow, so that their rate is linear in their input

    ventral_to_voice: Strength = "1.2 mV"  # D1 to the voice of the ventral striatum; as much inhibition from D2
    amygdala_to_voice: Strength = "2.5 mV"  # positive neurons to its voice; inhibition from negative ones
    dorsal_to_voice: Strength = "1.2 mV"  # D1 to the voice of the dorsal striatum; as much inhibition from D2
    ventral_to_error: Strength = "2.5 mV"  # D1 and D2 to the errors of the ventral striatum
    amygdala_to_error: Strength = "7 mV"  # positive and negative neurons to the errors of the amygdala
    dorsal_to_error: Strength = "2.5 mV"  # D1 and D2 to the errors of the dorsal striatum
    ventral_voice: Strength = "5 mV"  # voice of the ventral striatum to the neurons that choose
    amygdala_voice: Strength = "1.05 mV"  # voice of the amygdala to them
    dorsal_voice: Strength = "5 mV"  # voice of the dorsal striatum to them


class _Common(NamedTuple):
    """The populations that every part of the circuit meets."""

    objects: Population
    places: Population
    options: Population
    feedback: Population
    reward: Population
    background: Population
    striosome: Population
    dopamine: Population
    choice: Population


def build(parameters: ActorCriticParameters) -> Circuit:
    """Return the circuit of `parameters`; raises `DescriptionError` or `UnitError` for values that do not fit."""
    p, both = parameters, parameters.loops == "object and place"
    options = OBJECTS * PLACES if both else OBJECTS
    of_object: Groups = tuple(option // PLACES if both else option for option in range(options))
    of_place: Groups = tuple(option % PLACES for option in range(options))
    common = _Common(
        objects=Population("objects", OBJECTS * p.cortex, Poisson(p.spontaneous_rate)),
        places=Population("places", PLACES * p.cortex, Poisson(p.spontaneous_rate)),
        options=Population("options", options * p.cortex, Poisson("0 Hz")),
        feedback=Population("feedback", 40, Poisson("0 Hz")),
        reward=Population("reward", 40, Poisson("0 Hz")),
        background=Population("background", p.background, Poisson(p.background_rate)),
        striosome=Population("striosome", p.striosome, STRIOSOME),
        dopamine=Population("dopamine", p.dopamine, depolarised(p.dopamine_bias, p.tau_membrane)),
        choice=choosers(p, options),
    )
    heard = signals(p, common.dopamine)
    cue_rate, event_rate = (to_si(rate, Dimension.RATE, "rate") for rate in (p.cue_rate, p.event_rate))
    cues = [Drive("objects", cue_rate, OBJECTS, of_object), Drive("options", cue_rate, options)]
    parts, experts = [*_midbrain(p, common)], []
    if p.lesion != "striatum":
        ventral = _striatum(p, common, "ventral", common.objects, heard)
        parts += ventral.projections
        experts.append(_expert(p, "ventral", ventral.d1, ventral.d2, of_object))
    if p.lesion != "amygdala":
        fast = amygdala(p, common.objects, OBJECTS, common.reward, (common.feedback,), common.background, p.plasticity)
        parts += fast.projections
        experts.append(_expert(p, "amygdala", fast.positive, fast.negative, of_object))
        if p.lesion != "striatum":
            parts += [
                Projection(valence, spiny, p.from_amygdala, Blocks(OBJECTS))
                for valence in (fast.positive, fast.negative)
                for spiny in (ventral.d1, ventral.d2)
            ]
    if both and p.lesion != "dorsal":
        apart = p.model_copy(update={"weight": p.dorsal_weight})
        dorsal = _striatum(apart, common, "dorsal", common.places, heard)
        parts += dorsal.projections
        experts.append(_expert(p, "dorsal", dorsal.d1, dorsal.d2, of_place))
        cues.append(Drive("places", cue_rate, PLACES, of_place))
    events = Events(common.reward, common.feedback, common.background)
    for expert in experts:
        alone = {"amygdala": "amygdala", "striatum": "ventral"}.get(p.decider, expert.name)
        if expert.name == alone:
            parts += arbitrated(p, expert, events, common.choice, gated=p.decider != "equal")
    return Circuit(
        network=Network(*parts, modulators=heard.modulators),
        actions=options,
        cues=tuple(cues),
        feedback=Drive("feedback", event_rate),
        reward=Drive("reward", event_rate),
        votes=(Vote("choice", 1),),
        dopamine="dopamine",
        modulators=heard.names,
        learning=tuple(part.name for part in parts if part.rule is not None),
        clamp=CLAMPS[p.dopamine_is],
    )


def _midbrain(p: ActorCriticParameters, common: _Common) -> tuple[Projection, ...]:
    """Return what dopamine neurons and the neurons that choose hear beside the experts."""
    return (
        Projection(common.options, common.choice, p.option, Blocks(common.choice.size // p.choice)),
        Projection(common.background, common.choice, p.choice_noise, InDegree(10, seed=31)),
        Projection(common.feedback, common.striosome, p.opening, Probability(0.5, seed=4)),
        Projection(common.striosome, common.dopamine, f"-{p.subtraction}", Probability(0.5, seed=5)),
        Projection(common.reward, common.dopamine, p.reward, Probability(0.5, seed=6)),
        Projection(common.background, common.dopamine, p.noise_dopamine, InDegree(15, seed=7)),
    )


class _Striatum(NamedTuple):
    d1: Population
    d2: Population
    projections: tuple[Projection, ...]


def _striatum(p: ActorCriticParameters, common: _Common, region: str, cue: Population, heard: Signals) -> _Striatum:
    """Return the opponent neurons of one region, one group for each of the two that `cue` stands for."""
    groups = OBJECTS
    d1, d2 = (Population(f"{region}_{receptor}", groups * p.medium_spiny, SPINY) for receptor in ("d1", "d2"))
    receptors: tuple[tuple[Receptor, Population, int], ...] = (("D1", d1, 8), ("D2", d2, 9))
    projections = [learned(p, cue, spiny, receptor, heard, groups) for receptor, spiny, _ in receptors]
    for _, spiny, seed in receptors:
        projections.append(
            Projection(d1, spiny, f"-{p.lateral}", Blocks(groups, across=True), name=f"lateral_{spiny.name}")
        )
        projections.append(Projection(common.background, spiny, p.noise_spiny, InDegree(10, seed=seed)))
    projections.append(Projection(d1, common.striosome, p.to_striosome, Probability(0.5, seed=2)))
    projections.append(Projection(d2, common.striosome, f"-{p.to_striosome}", Probability(0.5, seed=3)))
    return _Striatum(d1, d2, tuple(projections))


def _expert(p: ActorCriticParameters, name: str, favour: Population, against: Population, hears: Groups) -> Expert:
    strengths = {
        "ventral": (p.ventral_to_voice, p.ventral_to_error, p.ventral_voice),
        "amygdala": (p.amygdala_to_voice, p.amygdala_to_error, p.amygdala_voice),
        "dorsal": (p.dorsal_to_voice, p.dorsal_to_error, p.dorsal_voice),
    }
    return Expert(name, favour, against, OBJECTS, hears, *strengths[name])


circuit = CircuitFactory(
    "actor_critic", ActorCriticParameters, build, "striatum, amygdala and dopamine, weighed by an arbiter"
)
