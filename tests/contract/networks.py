"""Circuits drawn for the tests that hold every back end against the reference.

Hypothesis draws the structure: which neurons, connections, rules and windows. The numbers come from a generator whose
seed Hypothesis draws, out of continuous ranges, so that no voltage ties with a threshold by construction. Magnitudes
are chosen so that most circuits spike, most plastic weights move, and none explodes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import ClassVar

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

import spikerl as sp
from spikerl.connectivity import Connectivity
from spikerl.neurons import Equations, Neuron, Relaxation, SpikingNeuron, Update
from spikerl.plasticity.algebra import Gate, Modulator, Operand, Rule, Term
from spikerl.units import Dimension

Draw = st.DrawFn
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Input:
    """What a session is told for one window of `steps` steps."""

    steps: int
    spikes: dict[str, NDArray[np.bool_]]
    rates: dict[str, Floats]
    modulators: dict[str, Floats]

    def cut(self, at: int) -> tuple[Input, Input]:
        """Return the same window as two, the first of `at` steps."""
        halves = []
        for part, steps in ((slice(None, at), at), (slice(at, None), self.steps - at)):
            spikes = {name: given[part] for name, given in self.spikes.items()}
            modulators = {name: value[part] for name, value in self.modulators.items()}
            halves.append(replace(self, steps=steps, spikes=spikes, modulators=modulators))
        return halves[0], halves[1]

    def alone(self, instance: int) -> Input:
        """Return what instance `instance` of the batch is told."""
        only = slice(instance, instance + 1)
        return replace(
            self,
            spikes={name: given[:, only] if given.ndim == 3 else given for name, given in self.spikes.items()},
            rates={name: rate[only] if rate.ndim == 2 else rate for name, rate in self.rates.items()},
            modulators={name: value[:, only] for name, value in self.modulators.items()},
        )


@dataclass(frozen=True)
class Case:
    """A network, its step, its instances, and its input as uneven windows, at least two."""

    network: sp.Network
    dt: str
    seed: int
    batch: int
    windows: tuple[Input, ...]
    first_instance: int = 0

    def alone(self, instance: int) -> Case:
        """Return the case of one instance of the batch."""
        windows = tuple(window.alone(instance) for window in self.windows)
        return replace(self, batch=1, windows=windows, first_instance=self.first_instance + instance)


def cut(windows: Sequence[Input]) -> list[Input]:
    """Return the same input with each window of three steps or more cut at a third."""
    halves = (window.cut(window.steps // 3) if window.steps >= 3 else (window,) for window in windows)
    return [part for parts in halves for part in parts]


class Numbers:
    """Continuous constants from one seeded generator."""

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)

    def between(self, low: float, high: float) -> float:
        return float(self.generator.uniform(low, high))

    def quantity(self, low: float, high: float, unit: str) -> str | float:
        """Return a number in the range, written with `unit`, or plain where that is empty."""
        number = self.between(low, high)
        return f"{number!r} {unit}" if unit else number


@dataclass(frozen=True)
class Drawn:
    """A population with what its projections need: the unit of weights onto it, and the weight that counts there."""

    population: sp.Population
    unit: str = ""
    scale: float = 0.0


@st.composite
def cases(draw: Draw, max_size: int = 8, steps: int = 90, batch: int = 2) -> Case:
    """Draw a case of about `steps` steps with populations of at most `max_size` neurons."""
    numbers = Numbers(draw(st.integers(0, 2**32 - 1)))
    alone = draw(st.integers(0, 7)) == 7
    kinds = [draw(st.sampled_from(["lif", "adaptive", "lif", "adaptive", "updated", "izhikevich"]))]
    if not alone:  # beside the first population one that drives it, and whatever else
        kinds += [draw(st.sampled_from(["poisson", "source"])), *draw(st.lists(st.sampled_from(_KINDS), max_size=2))]
    drawn = [_population(draw, numbers, f"p{k}", kind, max_size, tonic=alone) for k, kind in enumerate(kinds)]
    modulators = _modulators(draw, numbers, drawn)
    projections: list[sp.Projection] = []
    for number in range(draw(st.integers(0 if alone else 1, 6))):
        driving = not alone and number == 0
        projections.append(_projection(draw, numbers, drawn, modulators, number, driving))
    populations = tuple(d.population for d in drawn)
    network = sp.Network(*projections, populations=populations, modulators=tuple(modulators))
    lengths = draw(st.lists(st.integers(1, steps // 3), min_size=1, max_size=2))
    lengths = [*lengths, steps - sum(lengths)]
    windows = tuple(_input(draw, numbers, network, length, batch) for length in lengths)
    dt = draw(st.sampled_from(["1 ms", "1 ms", "0.5 ms"]))
    return Case(network, dt, draw(st.integers(0, 1000)), batch, windows)


_KINDS = ["poisson", "source", "lif", "adaptive", "lif", "adaptive", "updated", "izhikevich"]


@dataclass(frozen=True)
class Updated(SpikingNeuron):
    """A law of every kind of statement: a current without memory, a voltage by Euler's step, a variable made anew.

    ``v <- v + dt/tau (rest - v + u - b)`` twice with half of the step, held while refractory; `b` relaxes towards the
    voltage, is pushed by an update as well, and begins at `adapt`.
    """

    tau: float
    tau_b: float
    rest: float
    threshold: float
    reset: float
    refractory: float
    coupling: float
    adapt: float

    equations: ClassVar[Equations] = Equations(
        (Relaxation("u", "none", "0"), Relaxation("b", "tau_b", "coupling * (v - rest)")),
        threshold="v > threshold",
        reset=(("v", "reset"), ("b", "b + adapt")),
        updates=(
            Update("v", "v + step / (2 * tau) * (rest - v + u - b)", held=True),
            Update("v", "v + step / (2 * tau) * (rest - v + u - b)", held=True),
            Update("b", "b + 0.25 * coupling * (v - rest)"),
            Update("size", "v * v - b"),
        ),
        start=(("b", "adapt"), ("size", "rest * rest")),
    )
    weight_dimension: ClassVar[Dimension] = Dimension.NUMBER

    def constants(self) -> dict[str, float]:
        """Return the parameters, which are plain or in s."""
        return {field.name: getattr(self, field.name) for field in fields(self)} | {"none": 0.0}


def _population(draw: Draw, numbers: Numbers, name: str, kind: str, max_size: int, tonic: bool) -> Drawn:
    size = draw(st.integers(1, max_size))
    if kind == "poisson":
        return Drawn(sp.Population(name, size, sp.Poisson(numbers.quantity(60, 250, "Hz"))))
    if kind == "source":
        count = draw(st.integers(0, 5))
        neurons = numbers.generator.integers(0, size, count).tolist()
        times = [f"{step} ms" for step in numbers.generator.integers(0, 40, count)]
        return Drawn(sp.Population(name, size, sp.SpikeSource(tuple(neurons), tuple(times))))
    if kind == "izhikevich":
        spread = numbers.between(2, 9)
        cell = sp.Izhikevich(
            a=numbers.between(0.02, 0.1),
            b=numbers.between(0.2, 0.26),
            c=numbers.between(-65, -50),
            d=numbers.between(0.05, 8),
            tau_syn=numbers.quantity(1.5, 5, "ms") if draw(st.booleans()) else "0 ms",
        )
        noise = sp.UniformNoise(-spread, spread + (12 if tonic else 4)) if tonic or draw(st.booleans()) else None
        return Drawn(sp.Population(name, size, cell, noise), "", numbers.between(15, 30))
    if kind == "updated":
        gap = numbers.between(0.5, 2)
        law = Updated(
            tau=numbers.between(4e-3, 30e-3),
            tau_b=numbers.between(5e-3, 50e-3),
            rest=0.3,
            threshold=0.3 + gap,
            reset=0.3 + gap * numbers.between(-0.3, 0.6),
            refractory=draw(st.integers(0, 5)) * 1e-3,
            coupling=numbers.between(0.05, 0.4),
            adapt=gap * numbers.between(0.0, 0.2),
        )
        noise = sp.UniformNoise(-gap, gap * numbers.between(3, 6)) if tonic or draw(st.booleans()) else None
        return Drawn(sp.Population(name, size, law, noise), "", 3 * gap)
    volts, ohms = draw(st.booleans()), draw(st.booleans())
    unit = "mV" if volts else ""
    rest, gap = (numbers.between(-85, -65), numbers.between(8, 25)) if volts else (0.3, numbers.between(0.5, 2))
    written = _written(unit)
    resistance = (numbers.between(50, 300) if volts else numbers.between(0.5, 3)) if ohms else 1.0
    membrane = sp.LIF(
        tau_mem=numbers.quantity(4, 30, "ms"),
        tau_syn=numbers.quantity(1.5, 10, "ms"),
        rest=written(rest),
        threshold=written(rest + gap),
        reset=written(rest + gap * numbers.between(-0.3, 0.6)) if draw(st.booleans()) else None,
        refractory=f"{draw(st.integers(0, 5))} ms",
        resistance=_written("Mohm" if volts else "")(resistance) if ohms else None,
        bias=written(gap * numbers.between(1.1 if tonic else 0.3, 1.8)) if tonic or draw(st.booleans()) else 0,
    )
    neuron: Neuron = membrane
    if kind == "adaptive":
        neuron = sp.AdaptiveLIF(membrane, numbers.quantity(20, 200, "ms"), written(gap * numbers.between(0.0, 0.4)))
    weight_unit = "nA" if volts and ohms else unit
    noise = None
    if draw(st.integers(0, 3)) == 0:
        least = gap / resistance * numbers.between(-0.3, 0.1)
        noise = sp.UniformNoise(_written(weight_unit)(least), _written(weight_unit)(least + gap / resistance / 2))
    return Drawn(sp.Population(name, size, neuron, noise), weight_unit, gap / resistance)


def _written(unit: str) -> Callable[[float], str | float]:
    return lambda number: f"{number!r} {unit}" if unit else number


def _modulators(draw: Draw, numbers: Numbers, drawn: list[Drawn]) -> list[Modulator]:
    found = []
    if draw(st.booleans()):
        tau = numbers.quantity(5, 100, "ms") if draw(st.booleans()) else None
        found.append(sp.Modulator("reward", tau))
    if draw(st.booleans()):
        source = draw(st.sampled_from(drawn)).population
        gain, baseline = numbers.between(0.005, 0.03), numbers.quantity(0, 60, "Hz")
        found.append(sp.Modulator("dopamine", numbers.quantity(5, 100, "ms"), source, baseline, gain))
        if draw(st.booleans()):  # receptors of low and high affinity for the same dopamine
            tau = found[-1].tau if draw(st.booleans()) else numbers.quantity(5, 100, "ms")
            way, below = draw(st.sampled_from([gain, -gain])), numbers.between(0.05, 4)
            found.append(sp.Modulator("receptor", tau, source, baseline, way, gain_below=below * way))
    for target in drawn:
        if target.scale and draw(st.integers(0, 2)) == 0:
            tau = numbers.quantity(5, 100, "ms") if draw(st.booleans()) else None
            found.append(sp.Modulator(f"error_{target.population.name}", tau, target=target.population))
    return found


def _projection(
    draw: Draw, numbers: Numbers, drawn: list[Drawn], modulators: list[Modulator], number: int, driving: bool
) -> sp.Projection:
    """Draw a projection; a `driving` one excites the first population from the second."""
    if driving:
        post, pre = drawn[:2]
    else:
        post = draw(st.sampled_from([d for d in drawn if d.scale]))
        pre = post if draw(st.integers(0, 3)) == 3 else draw(st.sampled_from(drawn))
    name = f"q{number}"
    connectivity = _connectivity(draw, numbers, pre.population.size, post.population.size)
    edges = connectivity.edges(pre.population.size, post.population.size, f"Projection({name!r})")
    synapses = len(edges.pre)
    size = post.scale * numbers.between(4, 10) / math.sqrt(max(1, synapses / post.population.size))
    sign = 1 if driving else draw(st.sampled_from([1, 1, 1, -1]))
    rule = None
    if draw(st.integers(0, 3)):
        low, high = draw(st.sampled_from(_BOUNDS))
        bounds = (size * low, size * high) if sign > 0 else (-size * high, -size * low)
        usable = [m for m in modulators if m.target is None or m.target is post.population]
        rule = _rule(draw, numbers, size, bounds, usable)
    delays = numbers.generator.integers(1, 9, synapses)
    one = f"{draw(st.integers(1, 8))} ms"
    return sp.Projection(
        pre.population,
        post.population,
        weight=_weight(draw, numbers, size * sign, post.unit, synapses),
        connectivity=connectivity,
        delay=sp.Values(tuple(delays.tolist()), "ms") if draw(st.booleans()) else one,
        rule=rule,
        name=name,
    )


_BOUNDS = [(0.0, 1.3), (0.0, 1.02), (-1.5, 1.5), (0.0, np.inf), (-np.inf, np.inf)]


def _connectivity(draw: Draw, numbers: Numbers, pre: int, post: int) -> Connectivity:
    groups = [g for g in range(2, 9) if pre % g == 0 and post % g == 0]
    kind = draw(st.sampled_from(["all", "probability", "explicit", "one", "blocks"]))
    if kind == "one" and pre == post:
        return sp.OneToOne()
    if kind == "blocks" and groups:
        return sp.Blocks(draw(st.sampled_from(groups)), across=draw(st.booleans()))
    if kind == "probability":
        return sp.Probability(numbers.between(0.3, 0.95), seed=draw(st.integers(0, 9)))
    if kind == "explicit":  # with repeated pairs and in no order
        count = draw(st.integers(1, pre * post + 3))
        side = numbers.generator.integers
        return sp.Explicit(tuple(side(0, pre, count).tolist()), tuple(side(0, post, count).tolist()))
    return sp.AllToAll(self_connections=pre == 1 or draw(st.booleans()))


def _weight(
    draw: Draw, numbers: Numbers, size: float, unit: str, synapses: int
) -> str | float | sp.Values | sp.Uniform:
    low, high = sorted((0.4 * size, size))
    kind = draw(st.sampled_from(["one", "uniform", "values"]))
    if kind == "uniform":
        return sp.Uniform(_written(unit)(low), _written(unit)(high), seed=draw(st.integers(0, 9)))
    if kind == "values":
        return sp.Values(tuple(numbers.generator.uniform(low, high, synapses).tolist()), unit)
    return numbers.quantity(low, high, unit)


def _rule(draw: Draw, numbers: Numbers, size: float, bounds: tuple[float, float], modulators: list[Modulator]) -> Rule:
    """Draw a shipped rule or one of the algebra; `size` is the scale of the weight, and so of its changes."""
    taus = [numbers.quantity(4, 25, "ms") for _ in range(3)]
    plus, minus = size * numbers.between(0.02, 0.2), size * numbers.between(0.02, 0.2)
    kind = draw(st.sampled_from(["algebra", "algebra", "pair", "dopamine"]))
    gates = [m for m in modulators if m.target is None]
    if kind == "pair":
        return sp.pair_stdp(taus[0], taus[1], plus, minus, bounds=bounds)
    if kind == "dopamine" and gates:
        receptor = draw(st.sampled_from(["D1", "D2"]))
        dopamine = draw(st.sampled_from(gates))
        return sp.dopamine_stdp(dopamine, taus[2], plus, minus, 0.1, receptor, taus[0], taus[1], bounds=bounds)
    pool: list[Operand] = [sp.pre_trace(taus[0]), sp.post_trace(taus[1]), sp.pre_trace(taus[2]), *modulators]
    relative = sp.weight * ((1 if math.isfinite(sum(bounds)) else 0.1) / size)  # unbounded growth is kept slow
    pool += [
        sp.eligibility(numbers.quantity(20, 500, "ms"), *_terms(draw, numbers, relative, 1.0, pool, 3))
        for _ in range(draw(st.integers(0, 2)))
    ]
    return sp.Rule(*_terms(draw, numbers, relative, size, pool, 4), bounds=bounds)


def _terms(
    draw: Draw, numbers: Numbers, relative: Operand, size: float, pool: list[Operand], most: int
) -> list[tuple[Term, ...]]:
    """Draw gated sums of products of the order of `size`; some hold `relative`, the weight over its scale."""
    gated = {Gate.PRE: (sp.on_pre, 0.15), Gate.POST: (sp.on_post, 0.15), Gate.STEP: (sp.every_step, 0.015)}
    terms = []
    for _ in range(draw(st.integers(1, most))):
        gate, strength = gated[draw(st.sampled_from(list(Gate)))]
        change: Operand | float = size * strength * numbers.between(0.1, 1) * draw(st.sampled_from([1, -1]))
        for factor in draw(st.lists(st.sampled_from(pool), max_size=3)):
            change = change * 0.6 * factor
        if draw(st.integers(0, 2)) == 0:
            change = change * (relative - numbers.between(-0.5, 1.5))
        terms.append(gate(change))
    return terms


def _input(draw: Draw, numbers: Numbers, network: sp.Network, steps: int, batch: int) -> Input:
    random = numbers.generator
    shape: tuple[int, ...]
    spikes, rates, modulators = {}, {}, {}
    for population in network.populations:
        if isinstance(population.neuron, sp.SpikeSource) and draw(st.booleans()):
            shape = (steps, batch, population.size) if draw(st.booleans()) else (steps, population.size)
            spikes[population.name] = random.random(shape) < numbers.between(0.02, 0.3)
        if isinstance(population.neuron, sp.Poisson) and draw(st.booleans()):
            shape = (batch, population.size) if draw(st.booleans()) else (population.size,)
            rates[population.name] = random.uniform(0, 300, shape)
    for modulator in network.modulators:
        if draw(st.integers(0, 2)):
            shape = (steps, batch) if modulator.target is None else (steps, batch, modulator.target.size)
            modulators[modulator.name] = random.normal(0.3, 1.0, shape)
    return Input(steps, spikes, rates, modulators)
