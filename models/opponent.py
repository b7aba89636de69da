"""The opponent actor: what cortico-striatal synapses onto D1 and D2 neurons learn from one dopamine population.

``dG = a f(delta) - l G; dN = a f(-delta) - l N; f(x) = x if x > 0 else dips x`` (Moller and Bogacz 2019), with G of D1
and N of D2 neurons, counted from the weight at rest. So ``G - N`` follows the mean of the reward and, where `dips` is
below 1, ``G + N`` its spread: at the fixed point ``G + N = a (1 - dips) E|delta| / l`` (Mikhael and Bogacz 2016). f is
in the receptors: D1, of low affinity, hear rises of dopamine more than dips, D2, of high affinity, dips more than
rises. Dopamine also sets how far the two pathways count in a choice: at the terminals of spiny neurons D1 receptors
make release stronger (Floran et al. 1990), D2 receptors weaker (Floran et al. 1997), each in proportion to a slow
average of its firing, so that more tonic dopamine speaks for what is good and less against what is bad. The eligibility
holds the spikes of spiny neurons, so that learning grows with what has been learned, as in Collins and Frank (2014).
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from spikerl.connectivity import Blocks
from spikerl.models.wiring import Groups, around, to_options
from spikerl.network import Projection
from spikerl.parameters import CircuitParameters, Rate, Share, Strength, Time
from spikerl.plasticity.algebra import Modulator
from spikerl.plasticity.dopamine import dopamine_stdp, scaled
from spikerl.population import Population
from spikerl.units import Dimension, parse, to_si

Receptor = Literal["D1", "D2"]


class OpponentParameters(CircuitParameters):
    """What a circuit with an opponent actor has among its parameters; values without a source are choices."""

    weight: Strength = "3.65 mV"  # cortex to D1 and D2, at first, and where forgetting leads
    weight_spread: Share = 0.2  # first weights are uniform within this share of `weight`
    weight_max: Strength = "8 mV"
    tonic: Rate = "6 Hz"  # baseline of dopamine, 5 to 6.4 Hz in mice (Cohen et al. 2012)
    tau_dopamine: Time = "50 ms"  # filter of the dopamine signal
    tau_elig: Time = "500 ms"  # eligibility; effects of dopamine fade within 2 s (Yagishita et al. 2014)
    learning_rate: Annotated[float, Field(ge=0)] = 2e-4  # mV a step, for one unit of dopamine and of eligibility
    forgetting: Share = 1e-4  # share of the way back to `weight`, each step
    dips: Annotated[float, Field(gt=0, le=1)] = 1.0  # how much D1 hears of dips, and D2 of rises
    plasticity: bool = True


class ToneParameters(OpponentParameters):
    """What a circuit has beside them whose choices heed tonic dopamine."""

    tau_tone: Time = "2 s"  # of tonic dopamine at the terminals; receptors act within seconds
    tone_gain: Share = 0.5  # change of the terminals' strength for one unit of tonic dopamine
    agonist: Annotated[float, Field(ge=-1, le=1)] = 0.0  # a drug at the terminals, in units of the tonic rate


class Signals(NamedTuple):
    """What each receptor hears of dopamine; one modulator for both where dips count as rises."""

    d1: Modulator
    d2: Modulator
    at_rest: Modulator | None = None

    @property
    def modulators(self) -> tuple[Modulator, ...]:
        """The modulators, each once."""
        return tuple(dict.fromkeys(signal for signal in self if signal is not None))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what follows dopamine, each once."""
        return tuple(dict.fromkeys((self.d1.name, self.d2.name)))


def signals(
    p: OpponentParameters, dopamine: Population, name: str = "dopamine_signal", measured: bool = False
) -> Signals:
    """Return what D1 and D2 receptors hear of `dopamine`, in units of the tonic rate: a full pause is -1, or -dips.

    Where the tonic rate is `measured`, a third signal says how far it lies above `tonic`, and errors count from there.
    """
    gain = 1 / to_si(p.tonic, Dimension.RATE, "tonic")

    def heard(name: str, rises: float, dips: float) -> Modulator:
        below = None if rises == dips else dips
        return Modulator(
            name, tau=p.tau_dopamine, source=dopamine, baseline=p.tonic, gain=rises, gain_below=below
        )

    if p.dips == 1.0:
        both = heard(name, gain, gain)
        return Signals(both, both, Modulator(f"{name}_at_rest") if measured else None)
    return Signals(heard(name, gain, p.dips * gain), heard(f"{name}_d2", p.dips * gain, gain))


def learned(
    p: OpponentParameters,
    cortex: Population,
    spiny: Population,
    receptor: Receptor,
    heard: Signals,
    groups: int,
    seed: int = 1,
) -> Projection:
    """Return the synapses of `cortex` onto `spiny`, group onto group, which learn what `receptor` tells them.

    First weights are drawn from the stream of `seed`; without plasticity they stay.
    """
    scale = parse(p.weight, "weight").scale
    rule = dopamine_stdp(
        heard.d1 if receptor == "D1" else heard.d2,
        tau_elig=p.tau_elig,
        a_plus=1.0,
        a_minus=0.0,
        rate=p.learning_rate * to_si("1 mV", Dimension.VOLTAGE, "rate") / scale,
        receptor=receptor,
        forgetting=p.forgetting,
        rest=to_si(p.weight, Dimension.VOLTAGE, "weight") / scale,
        bounds=(0.0, to_si(p.weight_max, Dimension.VOLTAGE, "weight_max") / scale),
        tonic=heard.at_rest,
    )
    weights = around(p.weight, p.weight_spread, seed)
    return Projection(cortex, spiny, weights, Blocks(groups), rule=rule if p.plasticity else None)


def tone(p: ToneParameters, dopamine: Population) -> Modulator:
    """Return tonic dopamine: its firing above `tonic`, in units of it, averaged over `tau_tone`."""
    gain = 1 / to_si(p.tonic, Dimension.RATE, "tonic")
    return Modulator("tone", tau=p.tau_tone, source=dopamine, baseline=p.tonic, gain=gain)


def output(
    p: ToneParameters,
    spiny: Population,
    target: Population,
    weight: str,
    receptor: Receptor,
    heard: Modulator,
    things: Groups,
) -> Projection:
    """Return how `spiny` speaks to `target`: D1 for an action and D2 against it, as tonic dopamine, `heard`, has it.

    Action o hears the group ``things[o]`` of `spiny`. `weight` is the size at the tonic rate; the strength is
    ``weight (1 +- tone_gain (heard + agonist))``, + for D1.
    """
    side = 1.0 if receptor == "D1" else -1.0
    one = parse(weight, "weight")
    rule = scaled(heard, side * one.value / one.scale, side * p.tone_gain, offset=p.agonist)
    joined = to_options(spiny, target, len(set(things)), things)
    return Projection(spiny, target, weight if side > 0 else f"-{weight}", joined, rule=rule)
