"""Products of a rule as text: what is the same for all synapses of a row (or column) is multiplied once, before it."""

from __future__ import annotations

from dataclasses import dataclass

from spikerl.discretise import RulePlan, TermPlan
from spikerl.plasticity.algebra import Gate


@dataclass(frozen=True)
class Change:
    """One term of a rule: its `number`, the term, and its `target`: "w", or "c<k>" for eligibility k."""

    number: int
    target: str
    term: TermPlan

    def text(self, side: str, reading: Reading, *shared: str) -> tuple[str, str]:
        """Return the line outside the loop over synapses, and the product inside.

        `side` says which neuron the loop belongs to: synapses of one pre-synaptic neuron i (a row), or of one
        post-synaptic neuron j (a column). `shared`: names of further factors that no synapse changes.
        """
        outside, inside = [f"coefficient_{self.number}", *shared], [f"h{self.number}"]
        for factor in self.term.factors:
            match factor.kind:
                case "modulator":
                    outside.append(f"modulator_{reading.modulators.index(factor.name)}")
                case "pre" | "post":
                    number = reading.traces.index(factor.name)
                    outside.append(f"share_{number}")
                    place = outside if factor.kind == side else inside
                    place.append(f"trace_{number}[{'i' if factor.kind == 'pre' else 'j'}]")
                case "post_modulator":
                    place = outside if side == "post" else inside
                    place.append(f"modulator_{reading.modulators.index(factor.name)}[j]")
                case "weight":
                    inside.append("old")
                case "eligibility":
                    inside.append(f"c{factor.name}")
        return f"h{self.number} = {' * '.join(outside)}", " * ".join(inside)

    @property
    def kinds(self) -> list[str]:
        """The kinds of the factors."""
        return [factor.kind for factor in self.term.factors]


def changes(rule: RulePlan) -> tuple[Change, ...]:
    """Return all terms of the rule, those of the weight first."""
    found = [("w", term) for term in rule.terms]
    found += [(f"c{e.name}", term) for e in rule.eligibilities for term in e.terms]
    return tuple(Change(number, target, term) for number, (target, term) in enumerate(found))


def gated(found: tuple[Change, ...], *gates: Gate) -> tuple[Change, ...]:
    """Return those changes that act at one of `gates`."""
    return tuple(change for change in found if change.term.gate in gates)


@dataclass(frozen=True)
class Reading:
    """What a rule's kernels read beside their own arrays: the traces and modulators of its terms, in this order."""

    traces: tuple[str, ...]
    modulators: tuple[str, ...]
    shaped: frozenset[str]

    def arrays(self) -> tuple[str, ...]:
        """Return the names of the arrays."""
        traces = [array for name in self.traces for array in (f"trace/{name}", f"share/{name}")]
        return (*traces, *(f"value/{name}" for name in self.modulators))

    def lines(self, first: int) -> list[str]:
        """Return the lines that name these arrays, which begin at ``p[first]``."""
        lines = []
        for k in range(len(self.traces)):
            lines.append(f"trace_{k} = reals(p[{first + 2 * k}])")
            lines.append(f"share_{k} = REAL(doubles(p[{first + 2 * k + 1}])[0])")
        first += 2 * len(self.traces)
        for k, name in enumerate(self.modulators):
            value = f"doubles(p[{first + k}])"
            lines.append(f"modulator_{k} = {value if name in self.shaped else f'REAL({value}[0])'}")
        return lines


def reading(found: tuple[Change, ...]) -> Reading:
    """Return what the terms of a rule read."""
    factors = [factor for change in found for factor in change.term.factors]

    def named(*wanted: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(factor.name for factor in factors if factor.kind in wanted))

    return Reading(named("pre", "post"), named("modulator", "post_modulator"), frozenset(named("post_modulator")))


def additions(
    found: tuple[Change, ...], side: str, reading: Reading, names: dict[str, str], shared: str = ""
) -> tuple[list[str], list[str]]:
    """Return the lines outside and inside the loop that add products to variables; `names` gives those of targets.

    With `shared`, each product has one more factor, called ``<shared>_<target>``.
    """
    texts = []
    for change in found:
        more = (f"{shared}_{change.target}",) if shared else ()
        texts.append((names[change.target], *change.text(side, reading, *more)))
    return [outside for _, outside, _ in texts], [f"{name} += {inside}" for name, _, inside in texts]
