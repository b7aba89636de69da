"""Learning rules compiled from their terms: sums of products, grouped so that each array of synapses is read once.

The part of a product that depends on the pre-synaptic neuron alone, or on the post-synaptic one alone, stays a vector
until it meets the synapses; products that read the same values of the synapse itself share one pass over them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from spikerl.discretise import EligibilityPlan, FactorPlan, Plan, ProjectionPlan, TermPlan
from spikerl.plasticity.algebra import Gate


class Signal(NamedTuple):
    """A value of a neuron or of the network: `kind` "spikes", "trace" or "modulator", `number` among its kind."""

    kind: str
    number: int


class Signals(NamedTuple):
    """The values of one step: `spikes` and `traces` [batch, neuron], `modulators` [batch] or [batch, neuron].

    `drawn`: the random numbers of the step, one tensor for each stream of the program.
    """

    spikes: tuple[Tensor, ...]
    traces: tuple[Tensor, ...]
    modulators: tuple[Tensor, ...]
    drawn: tuple[Tensor, ...] = ()

    def read(self, signal: Signal) -> Tensor:
        """Return the value of `signal`."""
        if signal.kind == "spikes":
            return self.spikes[signal.number]
        return self.traces[signal.number] if signal.kind == "trace" else self.modulators[signal.number]


@dataclass(frozen=True)
class Product:
    """``coefficient * shared * pre[i] * post[j]``, each a product of signals; `shared` has one value an instance."""

    coefficient: float
    shared: tuple[Signal, ...]
    pre: tuple[Signal, ...]
    post: tuple[Signal, ...]


@dataclass(frozen=True)
class Group:
    """``w^weights * (product of eligibilities) * (sum of products)``."""

    weights: int
    eligibilities: tuple[int, ...]
    products: tuple[Product, ...]


@dataclass(frozen=True)
class Change:
    """``x <- decay x + sum of groups``; `keep` where the old x is read again after its first change."""

    decay: float
    groups: tuple[Group, ...]
    keep: bool


@dataclass(frozen=True)
class CompiledRule:
    """How the weights and the eligibilities of one projection change in a step, and the bounds of the weights.

    Products read eligibilities after their decay; here that decay is part of the coefficient, so that the old
    eligibility is read and its decay is done in the same pass as its change.
    """

    weights: Change
    eligibilities: tuple[Change, ...]
    bounds: tuple[float, float]


def compile_rule(plan: Plan, projection: ProjectionPlan, places: Mapping[str, int]) -> CompiledRule | None:
    """Return the rule of `projection`, None where its weights are fixed; `places` numbers the populations."""
    rule = projection.rule
    if rule is None:
        return None
    traces = {name: index for index, name in enumerate(plan.traces)}
    modulators = {name: index for index, name in enumerate(plan.modulators)}

    def signal(factor: FactorPlan) -> Signal:
        if factor.kind in ("pre", "post"):
            return Signal("trace", traces[factor.name])
        return Signal("modulator", modulators[factor.name])

    def product(term: TermPlan) -> tuple[tuple[int, tuple[int, ...]], Product]:
        sides: dict[str, list[Signal]] = {"pre": [], "post": [], "modulator": []}
        if term.gate is not Gate.STEP:
            population = projection.pre if term.gate is Gate.PRE else projection.post
            sides[term.gate.value].append(Signal("spikes", places[population]))
        weights, read, coefficient = 0, [], term.coefficient
        for factor in term.factors:
            if factor.kind == "weight":
                weights += 1
            elif factor.kind == "eligibility":
                read.append(int(factor.name))
                coefficient *= rule.eligibilities[int(factor.name)].decay
            else:
                sides["post" if factor.kind == "post_modulator" else factor.kind].append(signal(factor))
        vectors = Product(coefficient, tuple(sides["modulator"]), tuple(sides["pre"]), tuple(sides["post"]))
        return (weights, tuple(sorted(read))), vectors

    def groups(terms: tuple[TermPlan, ...]) -> tuple[Group, ...]:
        found: dict[tuple[int, tuple[int, ...]], list[Product]] = {}
        for term in terms:
            key, vectors = product(term)
            found.setdefault(key, []).append(vectors)
        # Those that read the weight come first, so that one of them alone can write it in place.
        return tuple(Group(*key, tuple(found[key])) for key in sorted(found, reverse=True))

    def feeding(eligibility: EligibilityPlan) -> Change:
        return Change(eligibility.decay, groups(eligibility.terms), keep=False)

    eligibilities = tuple(feeding(eligibility) for eligibility in rule.eligibilities)
    own = groups(rule.terms)
    read_later = any(group.weights for change in eligibilities for group in change.groups)
    read_twice = sum(len(group.products) for group in own if group.weights) > 1
    return CompiledRule(Change(1.0, own, keep=read_later or read_twice), eligibilities, rule.bounds)
