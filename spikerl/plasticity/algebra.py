"""Learning rules as sums of products.

A rule is a sum of terms; a term is a gate (`on_pre`, `on_post`, `every_step`), a coefficient and a product of factors:
traces of pre- and post-synaptic spikes, the weight, an eligibility, modulators. In one step, all traces and
eligibilities decay and traces jump by the step's spikes; then every product is read; then all changes are written
(eligibilities by their own terms, the weight by the rule's); then the weight is clipped to its bounds.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from functools import partial

from spikerl.errors import DescriptionError, message
from spikerl.keywords import checked, described
from spikerl.neurons import Written
from spikerl.population import Population, check_name
from spikerl.units import Dimension, finite_number, to_nonnegative_si, to_positive_si

_OPERANDS = "a finite number, a trace, a weight, an eligibility, a modulator"
_ENDS = "two numbers, the lower one first"


class Gate(Enum):
    """When a term acts: at a spike of the pre- or the post-synaptic neuron, or at every step."""

    PRE = "pre"
    POST = "post"
    STEP = "step"


class Operand(ABC):
    """What can be multiplied, added and subtracted: factors, products and sums of them."""

    __array_ufunc__ = None  # so that a number of numpy leaves the arithmetic to the operand

    @abstractmethod
    def expression(self) -> Expression:
        """Return this operand as a sum of products."""

    def __mul__(self, other: Operand | float) -> Expression:
        """Multiply, distributing over sums."""
        return Expression(tuple(a.times(b) for a in self.expression().products for b in as_expression(other).products))

    def __add__(self, other: Operand | float) -> Expression:
        """Add two sums."""
        return Expression(self.expression().products + as_expression(other).products)

    def __neg__(self) -> Expression:
        """Change the sign."""
        return self * -1.0

    def __sub__(self, other: Operand | float) -> Expression:
        """Subtract."""
        return self + as_expression(other) * -1.0

    def __rsub__(self, other: float) -> Expression:
        """Subtract from a number."""
        return as_expression(other) - self

    __rmul__ = __mul__
    __radd__ = __add__


@dataclass(frozen=True)
class PreTrace(Operand):
    """``x <- exp(-dt/tau) x``, then ``x <- x + 1`` where the pre-synaptic neuron spikes."""

    tau: Written

    def __post_init__(self) -> None:
        """Check the time constant."""
        to_positive_si(self.tau, Dimension.TIME, "pre_trace")

    def expression(self) -> Expression:
        """Return the trace as an expression."""
        return _single(self)


@dataclass(frozen=True)
class PostTrace(Operand):
    """``y <- exp(-dt/tau) y``, then ``y <- y + 1`` where the post-synaptic neuron spikes."""

    tau: Written

    def __post_init__(self) -> None:
        """Check the time constant."""
        to_positive_si(self.tau, Dimension.TIME, "post_trace")

    def expression(self) -> Expression:
        """Return the trace as an expression."""
        return _single(self)


@dataclass(frozen=True)
class Weight(Operand):
    """The weight itself, in the unit that the projection's weight was written in."""

    def expression(self) -> Expression:
        """Return the weight as an expression."""
        return _single(self)


@dataclass(frozen=True)
class Eligibility(Operand):
    """``c <- exp(-dt/tau) c``, then the changes of its own `terms`; one value for each synapse."""

    tau: Written
    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        """Check the time constant, and that no eligibility feeds another."""
        to_positive_si(self.tau, Dimension.TIME, "eligibility.tau")
        if not self.terms:
            raise DescriptionError(message("eligibility.terms", (), "at least one of on_pre, on_post, every_step"))
        for term in self.terms:
            if any(isinstance(factor, Eligibility) for factor in term.product.factors):
                allowed = "terms of traces, weight and modulators"
                raise DescriptionError(message("eligibility.terms", "an eligibility in an eligibility", allowed))

    def expression(self) -> Expression:
        """Return the eligibility as an expression."""
        return _single(self)


@described
@dataclass(frozen=True)
class Modulator(Operand):
    """A third factor, such as dopamine: one number for all synapses, or one for each neuron of `target`.

    With a `source` population it follows that population's firing: with r the mean rate of the source, filtered as
    ``r <- a r + (1 - a) spikes / (N dt)``, ``a = exp(-dt/tau)``, its value in the *next* step is
    ``gain (r - baseline)``, or ``gain_below (r - baseline)`` where ``r < baseline``: receptors that follow rises of
    dopamine more than dips (D1, of low affinity), or dips more than rises (D2, of high affinity), as in Moller and
    Bogacz 2019, ``f(x) = x if x > 0 else eps x``. Without a source the protocol sets it: a set value is held for its
    window and then decays to 0 with `tau` (with `tau` None it stays). A value set on a sourced modulator clamps it for
    the window. Several modulators may follow one source.

    Parameters: `tau` (time or None), `source`, `baseline` (rate, default 0 Hz), `gain` (number, in 1/Hz, default 1),
    `gain_below` (number of the sign of `gain`, in 1/Hz, default None: as `gain`; with a source only), `target` (a
    population; makes it post-shaped, which excludes a source). Raises `UnitError`, `DescriptionError`.
    """

    name: str
    tau: Written | None = None
    source: Population | None = None
    baseline: Written = "0 Hz"
    gain: float = 1.0
    target: Population | None = None
    gain_below: float | None = None

    def __post_init__(self) -> None:
        """Check every parameter."""
        check_name(self.name, "Modulator.name")
        where = f"Modulator({self.name!r})"
        if self.tau is not None:
            to_positive_si(self.tau, Dimension.TIME, f"{where}.tau")
        to_nonnegative_si(self.baseline, Dimension.RATE, f"{where}.baseline")
        finite_number(self.gain, f"{where}.gain")
        for role, population in (("source", self.source), ("target", self.target)):
            if population is not None and not isinstance(population, Population):
                raise DescriptionError(message(f"{where}.{role}", population, "an sp.Population(...) or None"))
        if self.source is not None and self.tau is None:
            raise DescriptionError(message(f"{where}.tau", None, "a time such as '200 ms', where there is a source"))
        if self.source is not None and self.target is not None:
            raise DescriptionError(message(f"{where}.target", self.target.name, "None, where there is a source"))
        if self.source is not None and self.gain == 0:
            raise DescriptionError(message(f"{where}.gain", self.gain, "a number other than 0"))
        if self.gain_below is not None:
            finite_number(self.gain_below, f"{where}.gain_below", "a number, or None for that of gain")
            if self.source is None:
                allowed = "None, where there is no source"
                raise DescriptionError(message(f"{where}.gain_below", self.gain_below, allowed))
            # One filter then belongs to each value, so that a value that is set has a place to decay from.
            if not self.gain_below * math.copysign(1.0, self.gain) > 0:
                allowed = f"a number other than 0, of the sign of gain ({self.gain:g})"
                remedy = "to hear next to nothing of dips, take a small one"
                raise DescriptionError(message(f"{where}.gain_below", self.gain_below, allowed, remedy))

    def expression(self) -> Expression:
        """Return the modulator as an expression."""
        return _single(self)


Factor = PreTrace | PostTrace | Weight | Eligibility | Modulator


@dataclass(frozen=True)
class Product:
    """``coefficient * factor * factor ...``."""

    coefficient: float
    factors: tuple[Factor, ...] = ()

    def times(self, other: Product) -> Product:
        """Multiply two products."""
        return Product(self.coefficient * other.coefficient, self.factors + other.factors)


@dataclass(frozen=True)
class Expression(Operand):
    """A sum of products."""

    products: tuple[Product, ...]

    def expression(self) -> Expression:
        """Return itself."""
        return self


@dataclass(frozen=True)
class Term:
    """A gated product."""

    gate: Gate
    product: Product


def as_expression(operand: Operand | float) -> Expression:
    """Return `operand`, a number or an operand, as a sum of products; raise `DescriptionError` for anything else."""
    if isinstance(operand, Operand):
        return operand.expression()
    return Expression((Product(finite_number(operand, "a rule's coefficient", _OPERANDS)),))


@checked
def pre_trace(tau: Written) -> PreTrace:
    """Return the trace of pre-synaptic spikes with time constant `tau`."""
    return PreTrace(tau)


@checked
def post_trace(tau: Written) -> PostTrace:
    """Return the trace of post-synaptic spikes with time constant `tau`."""
    return PostTrace(tau)


@checked
def eligibility(tau: Written, *terms: tuple[Term, ...]) -> Eligibility:
    """Return the eligibility with time constant `tau` that the gated `terms` feed."""
    return Eligibility(tau, _joined(terms, "eligibility"))


@checked
def on_pre(change: Operand | float) -> tuple[Term, ...]:
    """Return terms that act in steps in which the pre-synaptic neuron spikes."""
    return _gated(Gate.PRE, change)


@checked
def on_post(change: Operand | float) -> tuple[Term, ...]:
    """Return terms that act in steps in which the post-synaptic neuron spikes."""
    return _gated(Gate.POST, change)


@checked
def every_step(change: Operand | float) -> tuple[Term, ...]:
    """Return terms that act in every step (once a step, whatever its length)."""
    return _gated(Gate.STEP, change)


weight = Weight()


@described
class Rule:
    """``w <- clip(w + sum of terms, *bounds)``, its numbers in the unit that the projection's weight is written in.

    Each positional argument is what `on_pre`, `on_post` or `every_step` returns; `bounds` is (lowest, highest), with
    infinities for an open end. Frozen; raises `DescriptionError` for no term, or bounds out of order.
    """

    __slots__ = ("bounds", "terms")
    terms: tuple[Term, ...]
    bounds: tuple[float, float]

    def __init__(self, *terms: tuple[Term, ...], bounds: tuple[float, float]) -> None:
        joined = _joined(terms, "Rule")
        if not isinstance(bounds, (tuple, list)) or len(bounds) != 2:
            raise DescriptionError(message("Rule.bounds", bounds, "a pair (lowest, highest)"))
        low, high = (_end(end, bounds) for end in bounds)
        if not low < high:
            raise DescriptionError(message("Rule.bounds", bounds, _ENDS))
        object.__setattr__(self, "terms", joined)
        object.__setattr__(self, "bounds", (low, high))

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse to change a rule."""
        raise AttributeError(f"a Rule is frozen; write a new one instead of setting {name}")

    def __delattr__(self, name: str) -> None:
        """Refuse to change a rule."""
        raise AttributeError(f"a Rule is frozen; write a new one instead of deleting {name}")

    def __reduce__(self) -> tuple[partial[Rule], tuple[tuple[Term, ...]]]:
        """Say how a copy is made, for `copy` and for processes that are handed a description."""
        return partial(Rule, bounds=self.bounds), (self.terms,)

    def __repr__(self) -> str:
        """Return terms and bounds."""
        return f"Rule({self.terms!r}, bounds={self.bounds!r})"

    def __eq__(self, other: object) -> bool:
        """Compare terms and bounds."""
        return isinstance(other, Rule) and (self.terms, self.bounds) == (other.terms, other.bounds)

    def __hash__(self) -> int:
        """Hash terms and bounds."""
        return hash((self.terms, self.bounds))


def _single(factor: Factor) -> Expression:
    return Expression((Product(1.0, (factor,)),))


def _gated(gate: Gate, change: Operand | float) -> tuple[Term, ...]:
    products = as_expression(change).products
    for product in products:
        finite_number(product.coefficient, "the product of a rule's coefficients")
    return tuple(Term(gate, product) for product in products if product.coefficient != 0)


def _end(end: object, bounds: object) -> float:
    """Return one of the `bounds`, which may be infinite."""
    if isinstance(end, float) and math.isinf(end):
        return float(end)
    try:
        return finite_number(end, "Rule.bounds")
    except DescriptionError:
        raise DescriptionError(message("Rule.bounds", bounds, _ENDS)) from None


def _joined(groups: tuple[tuple[Term, ...], ...], where: str) -> tuple[Term, ...]:
    for group in groups:
        if not isinstance(group, tuple) or not all(isinstance(term, Term) for term in group):
            raise DescriptionError(message(where, group, "what on_pre, on_post and every_step return"))
    if not groups:
        raise DescriptionError(message(where, "no term", "at least one of on_pre, on_post, every_step"))
    return tuple(term for group in groups for term in group)
