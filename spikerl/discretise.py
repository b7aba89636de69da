"""A network on a grid of steps: every constant a number, every connection an array; what all back ends lower from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikerl.errors import DescriptionError, UnitError, message
from spikerl.network import Network, Projection
from spikerl.neurons import STEP, Equations, Poisson, Relaxation, Source, SpikeSource, Written
from spikerl.plasticity.algebra import (
    Eligibility,
    Factor,
    Gate,
    Modulator,
    PostTrace,
    PreTrace,
    Term,
)
from spikerl.population import Population
from spikerl.units import MOST_STEPS, Dimension, steps, to_positive_si, to_si, whole_steps

_LONGEST_DELAY = 100_000


@dataclass(frozen=True)
class SourcePlan:
    """A population whose spikes are given: `probability` of a spike a step (Poisson), and the scheduled spikes."""

    name: str
    size: int
    poisson: bool
    probability: float
    scheduled_steps: NDArray[np.int64]
    scheduled_neurons: NDArray[np.int64]


@dataclass(frozen=True)
class NoisePlan:
    """In each step, each neuron hears a current of its own, uniform in [`low`, `low` + `width`), in SI."""

    low: float
    width: float


@dataclass(frozen=True)
class NeuronPlan:
    """A population that integrates: its `equations`, their `constants` in SI, and of what relaxes its `decays` a.

    `refractory` counts the steps after a spike in which held variables stay as they are; `start` says where each
    variable begins; `noise`, what is added to the current in each step.
    """

    name: str
    size: int
    equations: Equations
    constants: dict[str, float]
    decays: dict[str, float]
    refractory: int
    start: dict[str, float]
    noise: NoisePlan | None = None


@dataclass(frozen=True)
class TracePlan:
    """Trace of the spikes of `population`: ``x <- decay x``, then ``+ 1`` where it spikes. Shared by rules."""

    name: str
    population: str
    decay: float


@dataclass(frozen=True)
class FactorPlan:
    """A factor of a product: `kind` says where to look, `name` what for.

    Kinds: ``pre``, ``post`` (a trace by name, read at that side), ``eligibility`` (by number), ``weight``,
    ``modulator`` (one value), ``post_modulator`` (one value for each post-synaptic neuron).
    """

    kind: str
    name: str


@dataclass(frozen=True)
class TermPlan:
    """``coefficient * product of factors``, acting when `gate` says."""

    gate: Gate
    coefficient: float
    factors: tuple[FactorPlan, ...]


@dataclass(frozen=True)
class EligibilityPlan:
    """``c <- decay c``, then the sum of `terms`; `name` is its number within the rule."""

    name: str
    decay: float
    terms: tuple[TermPlan, ...]


@dataclass(frozen=True)
class RulePlan:
    """The rule of one projection, its factors resolved to names."""

    eligibilities: tuple[EligibilityPlan, ...]
    terms: tuple[TermPlan, ...]
    bounds: tuple[float, float]


@dataclass(frozen=True)
class ProjectionPlan:
    """Synapses `pre_index` -> `post_index` with `delay` in steps (>= 1) and initial `weight`, all shape [synapse].

    Weights are in `unit`; ``scale * weight`` is the jump of the synaptic current in SI.
    """

    name: str
    pre: str
    post: str
    pre_index: NDArray[np.int64]
    post_index: NDArray[np.int64]
    delay: NDArray[np.int64]
    weight: NDArray[np.float64]
    unit: str
    scale: float
    rule: RulePlan | None


@dataclass(frozen=True)
class ModulatorPlan:
    """``r <- decay r + (1 - decay) drive``, and the value is ``gain (r - baseline)``, below it with `gain_below`.

    The drive is the source's mean rate in Hz, or 0 without a source; a decay of 1 keeps a set value. `size` is None
    for one number, or the number of neurons of the `target`.
    """

    name: str
    decay: float
    source: str | None
    baseline: float
    gain: float
    gain_below: float
    target: str | None
    size: int | None

    @property
    def bent(self) -> bool:
        """Whether rises and dips have different gains."""
        return self.gain_below != self.gain


@dataclass(frozen=True)
class Plan:
    """The whole network at step length `dt` (s). `history` gives, by population, the longest delay out of it."""

    dt: float
    sources: dict[str, SourcePlan]
    neurons: dict[str, NeuronPlan]
    traces: dict[str, TracePlan]
    projections: dict[str, ProjectionPlan]
    modulators: dict[str, ModulatorPlan]
    history: dict[str, int]

    def size(self, population: str) -> int:
        """Return the number of neurons of `population`."""
        return (self.sources.get(population) or self.neurons[population]).size

    @property
    def sizes(self) -> dict[str, int]:
        """Return the size of every population, sources first."""
        return {name: plan.size for name, plan in (self.sources | self.neurons).items()}


def discretise(network: Network, dt: Written = "1 ms") -> Plan:
    """Return the `Plan` of `network` for steps of `dt`.

    Raises `UnitError` for a step that is no positive time, exceeds a time constant, or does not divide a delay,
    a refractory period or a scheduled spike; `DescriptionError` for a rate beyond one spike a step.
    """
    if not isinstance(network, Network):
        raise DescriptionError(message("network", network, "an sp.Network(...)"))
    seconds = to_positive_si(dt, Dimension.TIME, "dt")
    traces: dict[str, TracePlan] = {}
    projections = {p.name: _projection(p, seconds, traces) for p in network.projections}
    history = {
        population.name: max(
            (int(p.delay.max()) for p in projections.values() if p.pre == population.name and p.delay.size), default=0
        )
        for population in network.populations
    }
    return Plan(
        dt=seconds,
        sources={p.name: _source(p, seconds) for p in network.populations if isinstance(p.neuron, Source)},
        neurons={p.name: _neurons(p, seconds) for p in network.populations if not isinstance(p.neuron, Source)},
        traces=traces,
        projections=projections,
        modulators={m.name: _modulator(m, seconds) for m in network.modulators},
        history={name: longest for name, longest in history.items() if longest},
    )


def decay(tau: float, dt: float, where: str) -> float:
    """``a = exp(-dt/tau)``, the share of a first-order variable that one step leaves; both in s, refuses dt > tau."""
    if dt > tau:
        allowed = f"at least the step of {dt * 1e3:g} ms"
        raise UnitError(message(where, f"{tau * 1e3:g} ms", allowed, "take a shorter dt"))
    if tau > MOST_STEPS * dt:
        allowed = f"at most {MOST_STEPS:g} steps of {dt * 1e3:g} ms"
        raise UnitError(message(where, f"{tau * 1e3:g} ms", allowed, "take a longer dt"))
    return math.exp(-dt / tau)


def probability(rate: Written, dt: float, where: str) -> float:
    """``p = rate dt``, the probability of a spike a step; refuses more than one."""
    chance = to_si(rate, Dimension.RATE, where) * dt
    if not 0 <= chance <= 1:
        raise DescriptionError(message(where, rate, f"0 to {1 / dt:g} Hz, one spike a step of {dt * 1e3:g} ms"))
    return chance


def _source(population: Population, dt: float) -> SourcePlan:
    where = f"Population({population.name!r}).neuron"
    neuron = population.neuron
    schedule = neuron if isinstance(neuron, SpikeSource) else SpikeSource()
    times = [steps(time, dt, f"{where}.times") for time in schedule.times]
    return SourcePlan(
        name=population.name,
        size=population.size,
        poisson=isinstance(neuron, Poisson),
        probability=probability(neuron.rate, dt, f"{where}.rate") if isinstance(neuron, Poisson) else 0.0,
        scheduled_steps=np.array(times, dtype=np.int64),
        scheduled_neurons=np.array(schedule.neurons, dtype=np.int64),
    )


def _neurons(population: Population, dt: float) -> NeuronPlan:
    neuron, where = population.neuron, f"Population({population.name!r}).neuron"
    assert not isinstance(neuron, Source)
    constants = neuron.constants()
    equations = neuron.equations
    start = {name: constants["rest"] if name == "v" else 0.0 for name in equations.variables}
    start |= {name: float(eval(text, {"__builtins__": {}}, constants)) for name, text in equations.start}
    noise = population.noise
    ends = None if noise is None else noise.ends(neuron.weight_dimension, f"Population({population.name!r}).noise")
    return NeuronPlan(
        name=population.name,
        size=population.size,
        equations=equations,
        constants=constants | ({STEP: dt} if equations.reads_step() else {}),
        decays={
            relaxation.variable: _left(relaxation, constants[relaxation.tau], dt, f"{where}.{relaxation.tau}")
            for relaxation in equations.relaxations
        },
        refractory=whole_steps(constants["refractory"], dt, f"{where}.refractory"),
        start=start,
        noise=None if ends is None else NoisePlan(ends[0], ends[1] - ends[0]),
    )


def _left(relaxation: Relaxation, tau: float, dt: float, where: str) -> float:
    """Return the decay of a variable; a current whose time constant is 0 leaves nothing of the step before."""
    return 0.0 if relaxation.variable == "u" and tau == 0 else decay(tau, dt, where)


def _projection(projection: Projection, dt: float, traces: dict[str, TracePlan]) -> ProjectionPlan:
    where = f"Projection({projection.name!r})"
    edges = projection.edges()
    weights = projection.weights(len(edges.pre))
    delays = projection.delays(len(edges.pre))
    seconds = delays.values * delays.scale
    if seconds.size and seconds.max() > _LONGEST_DELAY * dt:
        wrong, allowed = f"{delays.values.max():g} {delays.unit}", f"at most {_LONGEST_DELAY} steps of {dt * 1e3:g} ms"
        raise UnitError(message(f"{where}.delay", wrong, allowed))
    counts = np.rint(seconds / dt).astype(np.int64)
    off_grid = ~np.isclose(counts * dt, seconds, rtol=1e-9, atol=1e-12) | (counts < 1)
    if off_grid.any():
        wrong = f"{delays.values[off_grid][0]:g} {delays.unit}"
        raise UnitError(message(f"{where}.delay", wrong, f"a positive multiple of the step of {dt * 1e3:g} ms"))
    return ProjectionPlan(
        name=projection.name,
        pre=projection.pre.name,
        post=projection.post.name,
        pre_index=edges.pre,
        post_index=edges.post,
        delay=counts,
        weight=weights.values,
        unit=weights.unit,
        scale=weights.scale,
        rule=_rule(projection, dt, traces),
    )


def _rule(projection: Projection, dt: float, traces: dict[str, TracePlan]) -> RulePlan | None:
    if projection.rule is None:
        return None
    where = f"Projection({projection.name!r}).rule"
    found: list[Eligibility] = []

    def trace(population: Population, tau: Written) -> str:
        share = decay(_seconds(tau), dt, f"{where}: trace of {population.name}")
        for known in traces.values():
            if (known.population, known.decay) == (population.name, share):
                return known.name
        name = f"{population.name}_{sum(known.population == population.name for known in traces.values())}"
        traces[name] = TracePlan(name, population.name, share)
        return name

    def factor(item: Factor) -> FactorPlan:
        if isinstance(item, PreTrace):
            return FactorPlan("pre", trace(projection.pre, item.tau))
        if isinstance(item, PostTrace):
            return FactorPlan("post", trace(projection.post, item.tau))
        if isinstance(item, Modulator):
            return FactorPlan("modulator" if item.target is None else "post_modulator", item.name)
        if isinstance(item, Eligibility):
            if item not in found:
                found.append(item)
            return FactorPlan("eligibility", str(found.index(item)))
        return FactorPlan("weight", "w")

    def term(item: Term) -> TermPlan:
        return TermPlan(item.gate, item.product.coefficient, tuple(factor(f) for f in item.product.factors))

    terms = tuple(term(item) for item in projection.rule.terms)
    decays = [decay(_seconds(item.tau), dt, f"{where}: eligibility") for item in found]
    eligibilities = tuple(
        EligibilityPlan(str(number), decays[number], tuple(term(t) for t in item.terms))
        for number, item in enumerate(found)
    )
    return RulePlan(eligibilities, terms, projection.rule.bounds)


def _seconds(tau: Written) -> float:
    return to_positive_si(tau, Dimension.TIME, "tau")


def _modulator(modulator: Modulator, dt: float) -> ModulatorPlan:
    where, below = f"Modulator({modulator.name!r})", modulator.gain_below
    return ModulatorPlan(
        name=modulator.name,
        decay=1.0 if modulator.tau is None else decay(_seconds(modulator.tau), dt, f"{where}.tau"),
        source=None if modulator.source is None else modulator.source.name,
        baseline=to_si(modulator.baseline, Dimension.RATE, f"{where}.baseline") if modulator.source else 0.0,
        gain=modulator.gain if modulator.source else 1.0,
        gain_below=(modulator.gain if below is None else below) if modulator.source else 1.0,
        target=None if modulator.target is None else modulator.target.name,
        size=None if modulator.target is None else modulator.target.size,
    )
