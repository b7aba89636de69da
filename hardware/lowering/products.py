"""The terms of a rule as products of the learning engine: which variable says which factor, in which unit.

A product ``coefficient * factors`` of the description becomes ``k * (its variables)``, with
``k = coefficient * (units of the factors) / (unit of the target)``; terms at every step act at the end of an epoch,
for all its steps. Terms that differ in one weight only are joined: ``a w F + b F = a (w + b / a) F``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from spikerl.discretise import FactorPlan, TermPlan
from spikerl.hardware.lowering.coefficients import coefficient
from spikerl.hardware.lowering.losses import Loss, relative
from spikerl.hardware.program import Factor, Product, right_shift
from spikerl.plasticity.algebra import Gate

DEPENDENCY: dict[Gate, Literal["x0", "y0", "u"]] = {Gate.PRE: "x0", Gate.POST: "y0", Gate.STEP: "u"}
_LEAST_CONSTANT, _MOST_CONSTANT = -256, 255
WEIGHT = FactorPlan("weight", "w")


@dataclass(frozen=True)
class Variable:
    """How the engine says a factor: ``value = (variable + constant) unit``."""

    name: str
    unit: float
    constant: int = 0


@dataclass(frozen=True)
class Joined:
    """``coefficient (w + offset) * factors``, or without the weight where `offset` is None."""

    gate: Gate
    coefficient: float
    factors: tuple[FactorPlan, ...]
    offset: float | None


@dataclass(frozen=True)
class Setting:
    """What the products of one rule share.

    `variables` by factor; the steps between two visits at the end of an epoch; a variable that is always 0, or None,
    to carry constants; the unit of each target; `where` for losses.
    """

    variables: dict[FactorPlan, Variable]
    steps: int
    spare: str | None
    units: dict[str, float]
    where: str


def joined(terms: Sequence[TermPlan]) -> list[Joined]:
    """Return `terms` with those of equal factors added up, and those that differ in one weight joined."""
    sums: dict[tuple[Gate, tuple[FactorPlan, ...]], float] = {}
    for term in terms:
        key = term.gate, tuple(sorted(term.factors, key=lambda factor: (factor.kind, factor.name)))
        sums[key] = sums.get(key, 0.0) + term.coefficient
    found = []
    for (gate, factors), number in sums.items():
        if WEIGHT in factors:
            rest = _without(factors)
            other = sums.get((gate, rest), 0.0) if WEIGHT not in rest else 0.0
            if number:
                found.append(Joined(gate, number, rest, other / number))
            elif other:
                found.append(Joined(gate, other, rest, None))
        elif number and not sums.get((gate, _with(factors)), 0.0):
            found.append(Joined(gate, number, factors, None))
    return found


def product_of(term: Joined, target: Literal["w", "t"], setting: Setting) -> tuple[list[Product], list[Loss]]:
    """Return `term` as a product for `target`, none where its coefficient is too small, and what is lost."""
    variables = [setting.variables[factor] for factor in term.factors]
    factors = [Factor(variable.name, variable.constant) for variable in variables]
    wanted = term.coefficient / setting.units[target]
    for variable in variables:
        wanted *= variable.unit
    if term.gate is Gate.STEP:
        wanted *= setting.steps
    losses: list[Loss] = []
    if term.offset is not None:
        wanted *= setting.units["w"]
        factors.append(Factor("w"))
    found = coefficient(wanted, tuple(factors), setting.spare is not None)
    if term.offset and found.mantissa:
        constant = term.offset / setting.units["w"]
        if len(factors) == 1:
            # What is cut off below 2**exponent would draw the resting weight down by half of it: it is put back.
            constant += 2.0 ** (found.exponent - 1) / found.value
        if not _LEAST_CONSTANT <= round(constant) <= _MOST_CONSTANT:
            return _apart(term, target, setting)
        factors[-1] = Factor("w", round(constant))
    error = relative(wanted, found.value)
    constants = tuple(Factor("x2", constant) for constant in found.constants)
    shift = right_shift((*factors, *constants))
    note = f"with the engine's right shift of {shift} put back" if shift else ""
    if not found.mantissa:
        note = "below the finest step of the chip: take a larger rate or longer time constants"
    shown = found.value / wanted * term.coefficient
    losses.append(Loss(setting.where, _name(term, target), "coefficient", term.coefficient, shown, error, note))
    if not found.mantissa:
        return [], losses
    assert setting.spare is not None or not found.constants
    factors += [Factor(str(setting.spare), constant) for constant in found.constants]
    return [Product(target, DEPENDENCY[term.gate], found.mantissa, found.exponent, tuple(factors))], losses


def _apart(term: Joined, target: Literal["w", "t"], setting: Setting) -> tuple[list[Product], list[Loss]]:
    """Return the two products of a term whose resting weight is further off than a constant can say."""
    assert term.offset is not None
    parts = (
        replace(term, offset=0.0),
        replace(term, coefficient=term.coefficient * term.offset, offset=None),
    )
    lowered = [product_of(part, target, setting) for part in parts]
    return [p for products, _ in lowered for p in products], [loss for _, losses in lowered for loss in losses]


def _name(term: Joined, target: str) -> str:
    names = [factor.name if factor.kind != "eligibility" else "eligibility" for factor in term.factors]
    names += [] if term.offset is None else ["(w + constant)" if term.offset else "w"]
    change = "eligibility" if target == "t" else "weight"
    return f"coefficient of {' * '.join(names) or '1'} in the change of the {change}, {term.gate.value}"


def _without(factors: tuple[FactorPlan, ...]) -> tuple[FactorPlan, ...]:
    """Return `factors` less one weight."""
    left = Counter(factors)
    left[WEIGHT] -= 1
    return tuple(sorted(left.elements(), key=lambda factor: (factor.kind, factor.name)))


def _with(factors: tuple[FactorPlan, ...]) -> tuple[FactorPlan, ...]:
    return tuple(sorted((*factors, WEIGHT), key=lambda factor: (factor.kind, factor.name)))
