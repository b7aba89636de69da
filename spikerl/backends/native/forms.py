"""Whether a rule can be evaluated lazily, and in what form.

Between spikes of its two neurons a synapse changes by its `every_step` terms alone. Where these are products of
modulators with one eligibility, with nothing, or with the weight (with a fixed coefficient), step n has the closed form

    c_k(n) = C_k a_k**n,    w(n) = rest + b**n (W + sum_k C_k K_k(n) + Z(n)),
    K_k(n) = sum_{m <= n} g_k(m) (a_k / b)**m,    Z(n) = sum_{m <= n} z(m) / b**m,

with numbers C_k and W of the synapse, and integrals K_k and Z which are the same for all synapses of a projection. So
a synapse is touched only when a neuron of it spikes or somebody reads it. ``a`` is the decay of an eligibility, g(m)
its modulators in step m, z(m) those of terms without eligibility, ``1 - b`` the share of the weight lost in a step.

The form is that of a weight which never meets its bounds. A weight that may have met one since it was last touched,
judged by the least and the greatest values of the integrals, is replayed step by step from there. Every other rule is
computed at every synapse in every step (`clocked`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from spikerl.backends.native.products import Change, changes, gated
from spikerl.discretise import RulePlan
from spikerl.plasticity.algebra import Gate

_LONGEST, _LONGEST_MIXED = 4096, 512
_GROWTH = {"float64": 4.0, "float32": 2.0}
_SHORTEST = 8


@dataclass(frozen=True)
class Lazy:
    """The closed form of a rule.

    `gains`: by number of the eligibility, the terms that read it; `drift`: those that read no synapse. `retention` b
    and `rest`. `epoch`: after so many steps n begins anew at 0, before ``a**-n`` has grown too large to subtract
    from; 0 where nothing depends on n. `free`: changes at spikes are to eligibilities and read no synapse, so that
    those of the two neurons can be made one after the other.
    """

    gains: dict[int, tuple[Change, ...]]
    drift: tuple[Change, ...]
    retention: float
    rest: float
    epoch: int
    free: bool

    @property
    def integrals(self) -> int:
        """The number of integrals: of gains, then of the drift."""
        return len(self.gains) + bool(self.drift)

    @property
    def single(self) -> bool:
        """Whether a weight moves with one integral alone, so that it turns only where that does."""
        return self.integrals == 1 and self.retention == 1.0


def lazy_form(rule: RulePlan, precision: str) -> Lazy | None:
    """Return the closed form of `rule`, or None where it has none, or one that would be begun anew all the time."""
    found = changes(rule)
    every_step = gated(found, Gate.STEP)
    gains: dict[int, tuple[Change, ...]] = {}
    drift: tuple[Change, ...] = ()
    loss = 0.0
    for change in every_step:
        if change.target != "w" or set(change.kinds) - {"modulator", "eligibility", "weight"}:
            return None
        read = [factor for factor in change.term.factors if factor.kind != "modulator"]
        if len(read) > 1:
            return None
        if not read:
            drift = (*drift, change)
        elif read[0].kind == "eligibility":
            number = int(read[0].name)
            gains[number] = (*gains.get(number, ()), change)
        elif len(change.kinds) > 1:
            return None
        else:
            loss -= change.term.coefficient
    if not 0.0 <= loss <= 0.5:
        return None
    retention, rest = 1.0 - loss, 0.0
    if loss and all(not change.kinds for change in drift):
        rest, drift = sum(change.term.coefficient for change in drift) / loss, ()
    low, high = rule.bounds
    if loss and not low <= rest <= high:
        return None
    integrals = len(gains) + bool(drift)
    # The more a weight moves with, the less a long epoch's extremes say about it, and the more often it is replayed.
    longest = _LONGEST if integrals <= 1 and not loss else _LONGEST_MIXED
    epoch = _epoch(rule, retention, integrals > 0, longest, precision)
    if epoch is not None and epoch < _SHORTEST:
        return None
    at_spikes = gated(found, Gate.PRE, Gate.POST)
    free = all(c.target != "w" and not {"weight", "eligibility"} & set(c.kinds) for c in at_spikes)
    return Lazy(dict(sorted(gains.items())), drift, retention, rest, epoch or 0, free)


def _epoch(rule: RulePlan, retention: float, moves: bool, longest: int, precision: str) -> int | None:
    """Return after how many steps the form begins anew; None where it never needs to."""
    decays = [eligibility.decay for eligibility in rule.eligibilities] + ([retention] if retention < 1.0 else [])
    if not decays and not moves:
        return None
    fastest = max((-math.log(decay) for decay in decays), default=0.0)
    return min(longest, int(_GROWTH[precision] / fastest)) if fastest else longest
