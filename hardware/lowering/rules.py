"""Rules of the algebra as rules of a learning engine: traces, one tag, sums of products, an epoch.

Pre-synaptic traces are x1 and x2, the eligibility is the tag t. Without modulators the post-synaptic traces are y1 to
y3; with them, each of y1 to y3 is a trace, a modulator's signal, or nothing. An epoch is as long as the fastest of its
variables allows, since of the spikes of an epoch the engine sees the last alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from spikerl.discretise import EligibilityPlan, FactorPlan, Plan, ProjectionPlan, RulePlan, TermPlan
from spikerl.errors import UnsupportedError, message
from spikerl.hardware.lowering.losses import Loss, relative
from spikerl.hardware.lowering.products import Joined, Setting, Variable, joined, product_of
from spikerl.hardware.lowering.scales import reach
from spikerl.hardware.lowering.signals import Spoken
from spikerl.hardware.program import (
    LONGEST_TAU,
    TAG_RANGE,
    TRACE_RANGE,
    WHOLE,
    Connection,
    Heard,
    Product,
    Rule,
    right_shift,
)
from spikerl.plasticity.algebra import Gate

_BUSY = 50.0
"""The rate in Hz that traces and tags are given room for."""
_LONGEST_EPOCH = 4
_SHARE_OF_TRACE = 5
"""An epoch lasts at most this fraction of the shortest trace ..."""
_SHARE_OF_REST = 3
"""... and what acts at every step is computed at least so often within the shortest of all time constants."""
_MOST_DECIMATE = 9
_PARTS = 12
"""Bits below the whole numbers of a trace that a neuron keeps: enough that cutting them in each step counts little."""
_OWN = "post_modulator"
_THIRD = ("modulator", _OWN)
_X, _Y = ("x1", "x2"), ("y1", "y2", "y3")


def lower_rule(
    projection: ProjectionPlan, connection: Connection, plan: Plan, signals: Mapping[str, Spoken], seed: int
) -> tuple[Rule, list[Loss]]:
    """Return the rule of a projection, and what is lost; raises `UnsupportedError` for more than an engine holds."""
    assert projection.rule is not None
    rule, where = projection.rule, f"rule of {projection.name!r}"
    eligibility = _only_one(rule, where)
    used = _factors(rule)
    pre = [factor.name for factor in used if factor.kind == "pre"]
    post = [factor.name for factor in used if factor.kind == "post"]
    heard = [factor.name for factor in used if factor.kind in _THIRD]
    _check_room(where, pre, [*post, *heard])
    losses: list[Loss] = []
    fed = [plan.traces[name].decay for name in (*pre, *post)]
    # A rule with modulators sees traces of post-synaptic neurons as they are at the end of the epoch, not at a spike.
    longest = 1 if heard and _reads_post_at_spikes(rule) else _LONGEST_EPOCH
    epoch, decimate = _epochs(fed, _read_at_every_step(rule, plan), longest)
    if any(factor.kind == _OWN for factor in used):
        epoch = 1 << (decimate := 0)  # what neurons are given may be another number in each step
    variables: dict[FactorPlan, Variable] = {}
    impulses = {name: _impulse(plan, name) for name in (*pre, *post)}
    for names, letters, kind in ((pre, _X, "pre"), (post, _Y, "post")):
        for name, letter in zip(names, letters, strict=False):
            variables[FactorPlan(kind, name)] = Variable(letter, 1 / impulses[name])
    for name, letter in zip(heard, _Y[len(post) :], strict=False):
        spoken = signals[name]
        for kind in _THIRD:
            variables[FactorPlan(kind, name)] = Variable(letter, spoken.unit, -spoken.offset)
    units = {"w": connection.unit}
    variables[FactorPlan("weight", "w")] = Variable("w", connection.unit)
    if eligibility:
        units["t"] = _tag_unit(eligibility, plan, reach(projection))
        variables[FactorPlan("eligibility", eligibility.name)] = Variable("t", units["t"])
        ends = ((end * units["t"]) for end in TAG_RANGE)
        note = "eligibilities beyond {:.3g} to {:.3g} saturate, in steps of {:.3g}".format(*ends, units["t"])
        losses.append(Loss(where, "eligibility", "saturation", math.inf, TAG_RANGE[1] * units["t"], None, note))
    setting = Setting(variables, epoch << decimate, _spare(pre, [*post, *heard]), units, where)
    products = []
    changes: list[tuple[Literal["w", "t"], Joined]] = [("t", term) for term in joined(_tag_terms(eligibility))]
    changes += [("w", term) for term in joined(rule.terms)]
    for found, lost in (product_of(term, target, setting) for target, term in changes):
        products += found
        losses += lost
    if not products:
        raise UnsupportedError(
            message(where, "no coefficient that the chip can say", "larger ones", f"{losses[-1]}")
        )
    losses += _drifts(products, setting, plan.dt)
    if epoch > 1:
        note = f"spikes are seen at the ends of {epoch} steps, the last of each neuron"
        losses.append(Loss(where, "epoch in steps", "approximation", 1, epoch, None, note))
    if decimate or epoch > 1:
        note = "what acts at every step acts for all of them at once"
        losses.append(Loss(where, "steps between visits", "approximation", 1, epoch << decimate, None, note))
    lowered = Rule(
        products=tuple(products),
        x_tau=_pair(_tau(plan, name) for name in pre),
        x_impulse=_pair(impulses[name] for name in pre),
        y_tau=_three(() if heard else (_tau(plan, name) for name in post)),
        y_impulse=_three(() if heard else (impulses[name] for name in post)),
        heard=_heard(plan, post, heard, impulses) if heard else None,
        epoch=epoch,
        decimate=decimate,
        seed=seed,
    )
    return lowered, [*_trace_losses(plan, where, pre, post, bool(heard), impulses), *losses]


def _drifts(products: Sequence[Product], setting: Setting, dt: float) -> Iterator[Loss]:
    """Yield how far weights and tags may drift, since a product loses a half of its finest step in each visit."""
    for target, what in (("w", "weight"), ("t", "eligibility")):
        # A resting weight has had it put back.
        cut = [p for p in products if p.target == target and p.dependency == "u" and right_shift(p.factors)]
        cut = [p for p in cut if not any(factor.variable == "w" and factor.constant for factor in p.factors)]
        if cut:
            lost = sum(2.0 ** (product.exponent - 1) for product in cut) * setting.units[target]
            note = "a second, while its factors are not 0: what each visit cuts off is a half of the finest step"
            drift = -lost / (setting.steps * dt)
            yield Loss(setting.where, f"drift of the {what}, at most", "approximation", 0.0, drift, None, note)


def _only_one(rule: RulePlan, where: str) -> EligibilityPlan | None:
    if len(rule.eligibilities) > 1:
        wrong, remedy = f"{len(rule.eligibilities)} eligibilities", "split the rule over several projections"
        raise UnsupportedError(message(where, wrong, "one: a synapse has one tag", remedy))
    return rule.eligibilities[0] if rule.eligibilities else None


def _factors(rule: RulePlan) -> list[FactorPlan]:
    """Return all factors of a rule, each once."""
    terms = (*rule.terms, *(term for eligibility in rule.eligibilities for term in eligibility.terms))
    return list(dict.fromkeys(factor for term in terms for factor in term.factors))


def _check_room(where: str, pre: Sequence[str], post: Sequence[str]) -> None:
    for side, names, most in (("pre-synaptic traces", pre, 2), ("post-synaptic traces and modulators", post, 3)):
        if len(names) > most:
            remedy = "use fewer time constants, or fewer modulators"
            raise UnsupportedError(message(f"{where}: {side}", ", ".join(names), f"at most {most}", remedy))


def _reads_post_at_spikes(rule: RulePlan) -> bool:
    """Return whether a term at spikes reads a trace of post-synaptic spikes."""
    terms = (*rule.terms, *(term for eligibility in rule.eligibilities for term in eligibility.terms))
    return any(term.gate is not Gate.STEP and factor.kind == "post" for term in terms for factor in term.factors)


def _read_at_every_step(rule: RulePlan, plan: Plan) -> list[float]:
    """Return the decays of all that terms at every step read, and of the eligibility itself."""
    terms = (*rule.terms, *(term for eligibility in rule.eligibilities for term in eligibility.terms))
    read = {factor for term in terms if term.gate is Gate.STEP for factor in term.factors}
    found = [eligibility.decay for eligibility in rule.eligibilities]
    for factor in read:
        if factor.kind in ("pre", "post"):
            found.append(plan.traces[factor.name].decay)
        elif factor.kind == "modulator":
            found.append(plan.modulators[factor.name].decay)
    return found


def _epochs(fed: Sequence[float], read: Sequence[float], longest: int) -> tuple[int, int]:
    """Return the epoch, and the power of two of epochs between visits, that time constants allow."""
    epoch = _power_below(min(map(_steps, fed), default=_SHARE_OF_TRACE) / _SHARE_OF_TRACE, longest)
    visits = min(map(_steps, read), default=1.0) / _SHARE_OF_REST / epoch
    return epoch, _power_below(visits, 1 << _MOST_DECIMATE).bit_length() - 1


def _power_below(number: float, most: int) -> int:
    return int(2 ** math.floor(math.log2(min(max(number, 1), most))))


def _steps(decay: float) -> float:
    """Return the time constant in steps of a share that is left after one."""
    return math.inf if decay >= 1 else -1 / math.log(decay)


def _impulse(plan: Plan, name: str) -> int:
    """Return the impulse of a trace, a power of two: what 3 times the mean at a busy rate adds to must fit."""
    mean = _BUSY * plan.dt * _steps(plan.traces[name].decay)
    return _power_below(TRACE_RANGE[1] / (1 + 3 * mean), 64)


def _tag_unit(eligibility: EligibilityPlan, plan: Plan, weight: float) -> float:
    """Return the eligibility of a tag of 1: its largest says what busy neurons make of the eligibility."""
    lasting = _steps(eligibility.decay)
    most = 0.0
    for term in eligibility.terms:
        size = abs(term.coefficient)
        for factor in term.factors:
            if factor.kind in ("pre", "post"):
                size *= max(1.0, _BUSY * plan.dt * _steps(plan.traces[factor.name].decay))
            elif factor.kind == "weight":
                size *= weight
        most += size * (lasting if term.gate is Gate.STEP else max(2.0, _BUSY * plan.dt * lasting))
    return most / TAG_RANGE[1]


def _tag_terms(eligibility: EligibilityPlan | None) -> tuple[TermPlan, ...]:
    """Return the terms of the tag with its decay: ``-(1 - d**E) t`` at the end of E steps."""
    if eligibility is None:
        return ()
    own = FactorPlan("eligibility", eligibility.name)
    return (*eligibility.terms, TermPlan(Gate.STEP, -(1 - eligibility.decay), (own,)))


def _spare(pre: Sequence[str], post: Sequence[str]) -> str | None:
    """Return a variable that is always 0."""
    return next(iter((*_X[len(pre) :], *_Y[len(post) :])), None)


def _tau(plan: Plan, name: str) -> int:
    return min(max(round(_steps(plan.traces[name].decay)), 1), LONGEST_TAU)


def _heard(
    plan: Plan, post: Sequence[str], heard: Sequence[str], impulses: Mapping[str, int]
) -> tuple[Heard, Heard, Heard]:
    traces = [Heard("trace", decay=_decay(plan, name), impulse=impulses[name], parts=_PARTS) for name in post]
    first, second, third, *_ = [*traces, *(_third(plan, name) for name in heard), *[Heard("constant")] * 3]
    return first, second, third


def _third(plan: Plan, name: str) -> Heard:
    return Heard("signal" if plan.modulators[name].target is None else "given", signal=name)


def _decay(plan: Plan, name: str) -> int:
    return min(max(round(WHOLE * (1 - plan.traces[name].decay)), 1), WHOLE)


def _trace_losses(
    plan: Plan, where: str, pre: Sequence[str], post: Sequence[str], three: bool, impulses: Mapping[str, int]
) -> Iterator[Loss]:
    for name in (*pre, *post):
        steps = _steps(plan.traces[name].decay)
        what = f"tau of the trace {name}"
        if three and name in post:
            decay = _decay(plan, name) / WHOLE
            got = -plan.dt / math.log(1 - decay) if decay < 1 else 0.0
        else:
            got = _tau(plan, name) * plan.dt
        yield Loss(where, what, "rounding", steps * plan.dt, got, relative(steps * plan.dt, got))
        most = TRACE_RANGE[1] / impulses[name]
        note = f"traces above {most:.3g} spikes saturate, in steps of {1 / impulses[name]:.3g}"
        yield Loss(where, f"range of the trace {name}", "saturation", math.inf, most, None, note)


def _pair(numbers: Iterable[int]) -> tuple[int, int]:
    first, second, *_ = [*numbers, 0, 0]
    return first, second


def _three(numbers: Iterable[int]) -> tuple[int, int, int]:
    first, second, third, *_ = [*numbers, 0, 0, 0]
    return first, second, third
