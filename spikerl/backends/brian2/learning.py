"""From the terms of a rule to statements: all decays, then all products are read, then all changes are written.

What happens in every step is done for every synapse; gated terms only where a spike is. Spikes come after, so they
may not read, or clip again, what the step's own terms have changed: such a rule is done for every synapse, gates as
factors. Where one spike's statements would see another's, the synapses with both are left to the pre-synaptic spike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from spikerl.backends.brian2.program import INFINITE, PathwayProgram
from spikerl.discretise import FactorPlan, RulePlan, TermPlan
from spikerl.plasticity.algebra import Gate

ARRIVE = "arrived_post += scale*weight"
_SPIKED = {Gate.PRE: "spiked_pre", Gate.POST: "spiked_post"}
_ORDER = {Gate.PRE: 0, Gate.POST: 1}


@dataclass(frozen=True)
class Learning:
    """The statements of one projection, before it is joined with others.

    `flags`: whether they read which neurons spiked in this step.
    """

    variables: tuple[str, ...]
    every_step: tuple[str, ...]
    pathways: tuple[PathwayProgram, ...]
    constants: dict[str, float]
    modulators: tuple[str, ...]
    flags: bool


def fixed() -> Learning:
    """Return the statements of a projection without a rule: spikes arrive."""
    return Learning(("weight",), (), (_arrival(),), {}, (), False)


def learn(rule: RulePlan, slots: dict[str, int], next_step: bool) -> Learning:
    """Return the statements of `rule`.

    `slots`: the number of each trace among those of its population. `next_step`: all delays are one step, so that
    the pre-synaptic pathway, if there is one, can hand over the new weight itself: after it, no post-synaptic spike
    changes the weight of the same synapse, since that would have to read what it has changed.
    """
    names = [f"eligibility_{eligibility.name}" for eligibility in rule.eligibilities]
    changes = {name: eligibility.terms for name, eligibility in zip(names, rule.eligibilities, strict=True)}
    changes["weight"] = rule.terms
    text = _Text(changes, slots)
    constants = {f"decay_{name}": e.decay for name, e in zip(names, rule.eligibilities, strict=True)}
    decays = tuple(f"{name} = decay_{name}*{name}" for name in names)
    by_step = _needs_every_synapse(changes)
    both = not by_step and _needs_coincidences(changes)
    pathways = []
    if by_step:
        every_step = decays + text.block({Gate.STEP: "", **_SPIKED})
    else:
        every_step = decays + text.block({Gate.STEP: ""})
        pre = text.block({Gate.PRE: "", Gate.POST: "spiked_post"} if both else {Gate.PRE: ""})
        post = text.block({Gate.POST: "(1 - spiked_pre)" if both else ""})
        if pre:
            code = (*pre, ARRIVE) if next_step else pre
            pathways.append(PathwayProgram("learn_pre", "pre", False, _ORDER[Gate.PRE], code))
        if post:
            pathways.append(PathwayProgram("learn_post", "post", False, _ORDER[Gate.POST], post))
    if not any(ARRIVE in pathway.code for pathway in pathways):
        pathways.append(_arrival())
    low, high = (max(min(bound, INFINITE), -INFINITE) for bound in rule.bounds)
    return Learning(
        variables=("weight", *names),
        every_step=every_step,
        pathways=tuple(pathways),
        constants=constants | text.coefficients | {"low": low, "high": high},
        modulators=text.modulators,
        flags=by_step or both,
    )


class _Text:
    """Writes products of factors, naming their coefficients."""

    def __init__(self, changes: dict[str, tuple[TermPlan, ...]], slots: dict[str, int]) -> None:
        self._slots = slots
        self._products: dict[str, list[tuple[Gate, str]]] = {}
        self.coefficients: dict[str, float] = {}
        for variable, terms in changes.items():
            products = self._products[variable] = []
            for number, term in enumerate(terms):
                coefficient = f"k_{variable}_{number}"
                self.coefficients[coefficient] = term.coefficient
                factors = (self._factor(factor) for factor in term.factors)
                products.append((term.gate, "*".join((coefficient, *factors))))
        found = (f.name for terms in changes.values() for t in terms for f in t.factors if f.kind == "modulator")
        self.modulators = tuple(dict.fromkeys(found))

    def block(self, gates: dict[Gate, str]) -> tuple[str, ...]:
        """Return the changes by the terms of `gates`, each times its text if it has one: all read, then written."""
        read, written = [], []
        for variable, products in self._products.items():
            terms = [f"{gates[gate]}*{text}" if gates[gate] else text for gate, text in products if gate in gates]
            if terms:
                read.append(f"next_{variable} = {' + '.join((variable, *terms))}")
                clipped = variable == "weight"
                written.append(
                    f"{variable} = " + (f"bounded(next_{variable}, low, high)" if clipped else f"next_{variable}")
                )
        return (*read, *written)

    def _factor(self, factor: FactorPlan) -> str:
        match factor.kind:
            case "pre" | "post":
                return f"trace_{self._slots[factor.name]}_{factor.kind}"
            case "eligibility":
                return f"eligibility_{factor.name}"
            case "modulator":
                return f"modulator_{factor.name}"
            case "post_modulator":
                return f"modulator_{factor.name}_post"
            case _:
                return "weight"


def _arrival() -> PathwayProgram:
    return PathwayProgram("arrive", "pre", True, 2, (ARRIVE,))


def _needs_every_synapse(changes: dict[str, tuple[TermPlan, ...]]) -> bool:
    """Whether spikes would read, or clip a second time, what the terms of every step have changed."""
    stepped = _changed(changes, {Gate.STEP})
    gated = {Gate.PRE, Gate.POST}
    clipped_twice = "weight" in stepped & _changed(changes, gated)
    return clipped_twice or bool(stepped & _read(changes, gated))


def _needs_coincidences(changes: dict[str, tuple[TermPlan, ...]]) -> bool:
    """Whether the post-synaptic spike would read, or clip a second time, what the pre-synaptic one has changed."""
    first = _changed(changes, {Gate.PRE})
    clipped_twice = "weight" in first & _changed(changes, {Gate.POST})
    return clipped_twice or bool(first & _read(changes, {Gate.POST}))


def _changed(changes: dict[str, tuple[TermPlan, ...]], gates: set[Gate]) -> set[str]:
    return {variable for variable, terms in changes.items() if any(term.gate in gates for term in terms)}


def _read(changes: dict[str, tuple[TermPlan, ...]], gates: set[Gate]) -> set[str]:
    gated: Iterable[TermPlan] = (term for terms in changes.values() for term in terms if term.gate in gates)
    kinds = {"weight": "weight", "eligibility": "eligibility_"}
    return {
        kinds[f.kind] + (f.name if f.kind == "eligibility" else "")
        for term in gated
        for f in term.factors
        if f.kind in kinds
    }
