"""The definition of a step once more, in plain Python numbers: one neuron, one synapse, one trace at a time.

Written from the text of the definition and from the descriptions' own words, not from any back end, and sharing no
arithmetic with the package: it reads quantities, decays and rules by itself. Slow on purpose.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

import spikerl as sp
from spikerl.plasticity.algebra import Eligibility, Gate, Modulator, PostTrace, PreTrace, Term
from spikerl.seeding import philox
from tests.contract.networks import Case, Input, Updated

UNITS = {"": 1.0, "ms": 1e-3, "s": 1.0, "mV": 1e-3, "nA": 1e-9, "Mohm": 1e6, "Hz": 1.0}


def si(quantity: str | float | int) -> float:
    """Return a quantity in SI."""
    number, _, unit = quantity.partition(" ") if isinstance(quantity, str) else (quantity, "", "")
    return float(number) * UNITS[unit]


@dataclass
class Cell:
    """One spiking neuron."""

    model: sp.LIF
    adapt: float
    tau_adapt: float
    v: float = 0.0
    u: float = 0.0
    b: float = 0.0
    waits: int = 0

    def step(self, arrived: float, dt: float) -> bool:
        """Return whether the neuron fires, after integrating what arrived."""
        model = self.model
        rest = si(model.rest)
        reset = rest if model.reset is None else si(model.reset)
        resistance = 1.0 if model.resistance is None else si(model.resistance)
        self.u = math.exp(-dt / si(model.tau_syn)) * self.u + arrived
        self.b = math.exp(-dt / self.tau_adapt) * self.b
        if self.waits > 0:
            self.waits -= 1
            return False
        a = math.exp(-dt / si(model.tau_mem))
        self.v = a * self.v + (1 - a) * (rest + resistance * self.u + si(model.bias))
        if not self.v > si(model.threshold) + self.b:
            return False
        self.v = reset
        self.b += self.adapt
        self.waits = round(si(model.refractory) / dt)
        return True


@dataclass
class Quadratic:
    """One neuron of Izhikevich: two half steps of v by Euler, then one of the recovery; times in ms."""

    model: sp.Izhikevich
    u: float = 0.0
    v: float = 0.0
    recovery: float = 0.0
    waits: int = 0

    def step(self, arrived: float, dt: float) -> bool:
        """Return whether the neuron fires, after integrating what arrived."""
        model, tau = self.model, si(self.model.tau_syn)
        self.u = (math.exp(-dt / tau) * self.u if tau else 0.0) + arrived
        for _ in range(2):
            self.v += 0.5 * (dt * 1e3) * (0.04 * self.v**2 + 5 * self.v + 140 - self.recovery + self.u)
        self.recovery += dt * 1e3 * model.a * (model.b * self.v - self.recovery)
        if not self.v > model.threshold:
            return False
        self.v = model.c
        self.recovery += model.d
        return True


@dataclass
class Halved:
    """One neuron of the drawn law with updates."""

    model: Updated
    u: float = 0.0
    v: float = 0.0
    b: float = 0.0
    size: float = 0.0
    waits: int = 0

    def step(self, arrived: float, dt: float) -> bool:
        """Return whether the neuron fires, after integrating what arrived."""
        m, waiting = self.model, self.waits > 0
        a = math.exp(-dt / m.tau_b)
        self.u, self.b = arrived, a * self.b + (1 - a) * m.coupling * (self.v - m.rest)
        for _ in range(0 if waiting else 2):
            self.v += dt / (2 * m.tau) * (m.rest - self.v + self.u - self.b)
        self.b += 0.25 * m.coupling * (self.v - m.rest)
        self.size = self.v**2 - self.b
        if waiting:
            self.waits -= 1
            return False
        if not self.v > m.threshold:
            return False
        self.v, self.b, self.waits = m.reset, self.b + m.adapt, round(m.refractory / dt)
        return True


@dataclass
class Synapse:
    """One synapse: its ends, weight (as written) and the traces of its rule."""

    pre: int
    post: int
    delay: int
    weight: float
    eligibilities: dict[Eligibility, float] = field(default_factory=dict)


class Oracle:
    """One instance of a case's network."""

    def __init__(self, case: Case) -> None:
        self.network, self.dt, self.now = case.network, si(case.dt), 0
        self.cells: dict[str, list[Cell | Quadratic | Halved]] = {}
        self.fired: dict[str, list[list[bool]]] = {p.name: [] for p in self.network.populations}
        for population in self.network.populations:
            neuron = population.neuron
            if isinstance(neuron, sp.LIF):
                self.cells[population.name] = [Cell(neuron, 0.0, 1.0) for _ in range(population.size)]
            elif isinstance(neuron, sp.AdaptiveLIF):
                adapt, tau = si(neuron.adapt), si(neuron.tau_adapt)
                self.cells[population.name] = [Cell(neuron.membrane, adapt, tau) for _ in range(population.size)]
            elif isinstance(neuron, sp.Izhikevich):
                begin = neuron.c, neuron.b * neuron.c
                self.cells[population.name] = [
                    Quadratic(neuron, v=begin[0], recovery=begin[1]) for _ in range(population.size)
                ]
            elif isinstance(neuron, Updated):
                begin = neuron.adapt, neuron.rest**2
                self.cells[population.name] = [
                    Halved(neuron, v=neuron.rest, b=begin[0], size=begin[1]) for _ in range(population.size)
                ]
        for cells in self.cells.values():
            for cell in cells:
                if isinstance(cell, Cell):
                    cell.v = si(cell.model.rest)
        self.synapses: dict[str, list[Synapse]] = {}
        self.scale: dict[str, float] = {}
        for p in self.network.projections:
            edges = p.edges()
            weights, delays = p.weights(len(edges.pre)), p.delays(len(edges.pre))
            self.scale[p.name] = UNITS[weights.unit]
            self.synapses[p.name] = [
                Synapse(int(i), int(j), round(float(d) * UNITS[delays.unit] / self.dt), float(w))
                for i, j, d, w in zip(edges.pre, edges.post, delays.values, weights.values, strict=True)
            ]
        self.traces: dict[tuple[str, int, str | float], float] = {}
        self.filters: dict[str, list[float]] = {
            m.name: [si(m.baseline) if m.source else 0.0] * (m.target.size if m.target else 1)
            for m in self.network.modulators
        }

    def step(
        self, given: dict[str, list[bool]], held: dict[str, list[float]], noise: dict[str, list[float]]
    ) -> dict[str, list[float]]:
        """Advance one step; `given` are the spikes of sources. Return the value of each modulator in it."""
        spikes = dict(given)
        arrived = {
            name: [self._arrived(name, j) + (noise[name][j] if name in noise else 0.0) for j in range(len(cells))]
            for name, cells in self.cells.items()
        }
        for name, cells in self.cells.items():
            spikes[name] = [cell.step(arrived[name][j], self.dt) for j, cell in enumerate(cells)]
        for name, now in spikes.items():
            self.fired[name].append(now)
        values = self._modulate(held)
        changes: list[Callable[[], None]] = []
        for projection in self.network.projections:
            if projection.rule is not None:
                for synapse in self.synapses[projection.name]:
                    self._decay(projection, synapse)
        self._trace(spikes)
        for projection in self.network.projections:
            if projection.rule is not None:
                for synapse in self.synapses[projection.name]:
                    changes.append(self._learn(projection, synapse, spikes, values))
        for change in changes:
            change()
        for modulator in self.network.modulators:
            self._follow(modulator, spikes)
        self.now += 1
        return values

    def _arrived(self, post: str, neuron: int) -> float:
        total = 0.0
        for projection in self.network.projections:
            if projection.post.name == post:
                for s in self.synapses[projection.name]:
                    emitted = self.now - s.delay
                    if s.post == neuron and emitted >= 0 and self.fired[projection.pre.name][emitted][s.pre]:
                        total += s.weight * self.scale[projection.name]
        return total

    def _modulate(self, held: dict[str, list[float]]) -> dict[str, list[float]]:
        values = {}
        for m in self.network.modulators:
            gain, baseline = (m.gain, si(m.baseline)) if m.source else (1.0, 0.0)
            dips = gain if m.gain_below is None else m.gain_below
            if m.name in held:
                values[m.name] = held[m.name]
                below = [(value < 0) is (gain > 0) and value != 0 for value in held[m.name]]
                places = zip(held[m.name], below, strict=True)
                self.filters[m.name] = [baseline + value / (dips if low else gain) for value, low in places]
            else:
                rates = self.filters[m.name]
                values[m.name] = [(r - baseline) * (gain if r >= baseline else dips) for r in rates]
        return values

    def _follow(self, m: Modulator, spikes: dict[str, list[bool]]) -> None:
        if m.tau is None:
            return
        a = math.exp(-self.dt / si(m.tau))
        drive = sum(spikes[m.source.name]) / (m.source.size * self.dt) if m.source else 0.0
        self.filters[m.name] = [a * r + (1 - a) * drive for r in self.filters[m.name]]

    def _decay(self, projection: sp.Projection, synapse: Synapse) -> None:
        assert projection.rule is not None
        for term in projection.rule.terms:
            for factor in term.product.factors:
                if isinstance(factor, Eligibility):
                    synapse.eligibilities.setdefault(factor, 0.0)
        for eligibility, c in synapse.eligibilities.items():
            synapse.eligibilities[eligibility] = c * math.exp(-self.dt / si(eligibility.tau))

    def _trace(self, spikes: dict[str, list[bool]]) -> None:
        taus: set[tuple[str, str | float]] = set()
        for projection in self.network.projections:
            for factor in _factors(projection):
                if isinstance(factor, PreTrace):
                    taus.add((projection.pre.name, factor.tau))
                if isinstance(factor, PostTrace):
                    taus.add((projection.post.name, factor.tau))
        for population, tau in taus:
            a = math.exp(-self.dt / si(tau))
            for i, spike in enumerate(spikes[population]):
                self.traces[population, i, tau] = a * self.traces.get((population, i, tau), 0.0) + spike

    def _learn(
        self, projection: sp.Projection, s: Synapse, spikes: dict[str, list[bool]], values: dict[str, list[float]]
    ) -> Callable[[], None]:
        """Read everything now; return what writes the changes."""
        rule = projection.rule
        assert rule is not None

        def worth(terms: tuple[Term, ...]) -> float:
            total = 0.0
            for term in terms:
                if term.gate is Gate.PRE and not spikes[projection.pre.name][s.pre]:
                    continue
                if term.gate is Gate.POST and not spikes[projection.post.name][s.post]:
                    continue
                product = term.product.coefficient
                for factor in term.product.factors:
                    if isinstance(factor, PreTrace):
                        product *= self.traces[projection.pre.name, s.pre, factor.tau]
                    elif isinstance(factor, PostTrace):
                        product *= self.traces[projection.post.name, s.post, factor.tau]
                    elif isinstance(factor, Eligibility):
                        product *= s.eligibilities[factor]
                    elif isinstance(factor, Modulator):
                        product *= values[factor.name][s.post if factor.target else 0]
                    else:
                        product *= s.weight
                total += product
            return total

        low, high = rule.bounds
        weight = min(max(s.weight + worth(rule.terms), low), high)
        eligibilities = {e: c + worth(e.terms) for e, c in s.eligibilities.items()}

        def write() -> None:
            s.weight, s.eligibilities = weight, eligibilities

        return write


def _factors(projection: sp.Projection) -> list[object]:
    terms = list(projection.rule.terms) if projection.rule else []
    found: list[object] = []
    for term in terms:
        for factor in term.product.factors:
            found.append(factor)
            if isinstance(factor, Eligibility):
                terms.extend(factor.terms)
    return found


def _noise(case: Case, instance: int, step: int) -> dict[str, list[float]]:
    """Return the noise of each population in one step: the first 53 bits of words of Philox, four to a count."""
    found = {}
    for population in case.network.populations:
        if population.noise is not None:
            blocks = -(-population.size // 4)
            stream = philox(case.seed, "noise", population.name, instance, count=step * blocks)
            units = [int(word) // 2048 / 2**53 for word in stream.random_raw(4 * blocks)[: population.size]]
            low, high = si(population.noise.low), si(population.noise.high)
            found[population.name] = [low + (high - low) * unit for unit in units]
    return found


def play(case: Case, windows: tuple[Input, ...], sources: dict[str, np.ndarray], instance: int) -> Oracle:
    """Run instance `instance` of a case whose sources' spikes are `sources`, [time, batch, neuron]."""
    oracle = Oracle(case)
    number = case.first_instance + instance
    for window in windows:
        for k in range(window.steps):
            given = {name: spikes[oracle.now, instance].tolist() for name, spikes in sources.items()}
            held = {}
            for name, value in window.modulators.items():
                now = value[k, instance]
                held[name] = now.tolist() if now.ndim else [float(now)]
            oracle.step(given, held, _noise(case, number, oracle.now))
    return oracle
