"""What a plastic projection needs: its kernels, arrays and numbers, lazy where its rule has a closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikerl.backends.native import ordered
from spikerl.backends.native.clocked import clocked_kernels
from spikerl.backends.native.few_bits import ways
from spikerl.backends.native.forms import Lazy, lazy_form
from spikerl.backends.native.layout import ARRAYS, narrowed
from spikerl.backends.native.lazy import lazy_kernels
from spikerl.backends.native.products import changes, gated, reading
from spikerl.backends.native.program import Array
from spikerl.backends.native.quantized import ARRAYS as QUANTIZED_ARRAYS
from spikerl.backends.native.quantized import QuantizedTexts
from spikerl.backends.native.sorting import Sorted
from spikerl.discretise import Plan, ProjectionPlan, RulePlan
from spikerl.plasticity.algebra import Gate
from spikerl.quantized import Synapses

_ROUNDING = {"float64": 3e-13, "float32": 1e-5}
"""What a closed form loses, of the reach of a weight."""


@dataclass(frozen=True)
class Plastic:
    """The `module` text, its kernels in a `step`, the arrays they read, the new `arrays`, and their numbers."""

    module: str
    step: tuple[str, ...]
    reads: tuple[str, ...]
    arrays: dict[str, Array]
    reals: tuple[float, ...]
    form: str
    longest: int
    eligibilities: int
    rest: float


def plastic(plan: Plan, projection: ProjectionPlan, table: Sorted, precision: str, lazy: bool) -> Plastic:
    """Return the kernels of the rule of `projection`; without `lazy`, computed at every synapse in every step."""
    rule = projection.rule
    assert rule is not None
    found, width = changes(rule), 1 + len(rule.eligibilities)
    form = lazy_form(rule, precision) if lazy else None
    narrow = narrowed(max(plan.size(projection.pre), plan.size(projection.post)), projection.weight.size)
    at_once = table.delays.tolist() == [1]
    if form is None:
        module, step = clocked_kernels(rule, narrow), ("step_all", "late")
        retention, rest, longest, integrals = 1.0, 0.0, 0, 0
        powers = np.array([eligibility.decay for eligibility in rule.eligibilities] or [0.0])
    else:
        module = lazy_kernels(rule, form, at_once, narrow)
        step = (*(("clock",) if form.epoch else ()), "rows", "columns", *(() if at_once else ("late",)))
        retention, rest, longest, integrals = form.retention, form.rest, form.epoch, form.integrals
        powers = _powers(rule, form)
    name, margin = projection.name, _ROUNDING[precision] * _reach(projection, rule.bounds)
    indices = _indices(table, narrow)
    arrays = indices | {
        "synapse": Array("real", projection.weight.size * width),
        "epoch": Array("int64", 3),
        "reach": Array("float64", max(3 * integrals, 1)),
        "past": Array("float64", max((longest + 1) * integrals, 1)),
        "table": Array("float64", powers.size, powers),
        "row_last": Array("int64", plan.size(projection.pre)),
        "column_last": Array("int64", plan.size(projection.post)),
    }
    shared = _shared(projection)
    return Plastic(
        module=module,
        step=step,
        reads=(*(shared.get(part, f"{part}/{name}") for part in ARRAYS), *reading(found).arrays()),
        arrays={f"{part}/{name}": array for part, array in arrays.items()},
        reals=(
            *(*rule.bounds, retention, rest, projection.scale),
            *(rule.bounds[0] + margin, rule.bounds[1] - margin, *(c.term.coefficient for c in found)),
        ),
        form="clocked" if form is None else "lazy",
        longest=longest,
        eligibilities=width - 1,
        rest=rest,
    )


class Kernel(NamedTuple):
    """The `module` text of a kernel and its `name`; of ``learn``, the number of the way of rounding."""

    module: str
    name: str
    way: int = 0


class Quantized(NamedTuple):
    """The kernels of a `step`, the arrays they read, the new `arrays`, and their numbers."""

    step: tuple[Kernel, ...]
    reads: tuple[str, ...]
    arrays: dict[str, Array]
    reals: tuple[float, ...]


def quantized(plan: Plan, projection: ProjectionPlan, table: Sorted, synapses: Synapses) -> Quantized:
    """Return the kernels of a projection whose weights are stored as `synapses` says."""
    rule, name, count = projection.rule, projection.name, projection.weight.size
    assert rule is not None
    narrow = narrowed(max(plan.size(projection.pre), plan.size(projection.post)), count)
    texts = QuantizedTexts(rule, bool(np.ptp(synapses.scale) == 0), not synapses.even, narrow)
    step: list[Kernel] = [Kernel(texts.learning(way), "learn", number) for number, way in enumerate(ways(synapses))]
    if ordered.apart(texts.changes) and gated(texts.changes, Gate.PRE, Gate.POST):
        step.append(Kernel(texts.spiking(), "jump"))
    step.append(Kernel(texts.transmission(), "transmit"))
    arrays = _indices(table, narrow) | {
        "synapse": Array("real", count * (1 + len(rule.eligibilities))),
        "writes": Array("int64", count),
        "updates": Array("int64", 3),
        "tops": Array("float64", count, synapses.scale[table.order]),
    }
    shared = _shared(projection)
    return Quantized(
        step=tuple(step),
        reads=(*(shared.get(part, f"{part}/{name}") for part in QUANTIZED_ARRAYS), *ordered.arrays(texts.reading)),
        arrays={f"{part}/{name}": array for part, array in arrays.items()},
        reals=(
            *(*rule.bounds, projection.scale, *(change.term.coefficient for change in texts.changes)),
            *(eligibility.decay for eligibility in rule.eligibilities),
        ),
    )


def _indices(table: Sorted, narrow: frozenset[str]) -> dict[str, Array]:
    return {
        part: Array("uint16" if part in narrow else "uint32", values.size, values)
        for part, values in table.indices().items()
    }


def _shared(projection: ProjectionPlan) -> dict[str, str]:
    """Return the arrays that belong to the two populations."""
    return {
        "fired_pre": f"fired/{projection.pre}",
        "fired_post": f"fired/{projection.post}",
        "spiked_pre": f"spiked/{projection.pre}",
        "spiked_post": f"spiked/{projection.post}",
        "arriving": f"arriving/{projection.post}",
    }


def _reach(projection: ProjectionPlan, bounds: tuple[float, float]) -> float:
    """Return how far weights lie apart: their range, or where it has no end, how far from its bound they begin."""
    if math.isfinite(bounds[1] - bounds[0]):
        return bounds[1] - bounds[0]
    finite = [bound for bound in bounds if math.isfinite(bound)]
    return max((float(np.abs(projection.weight - bound).max(initial=0.0)) for bound in finite), default=0.0)


def _powers(rule: RulePlan, form: Lazy) -> np.ndarray:
    """Return ``a**n`` and ``a**-n`` of each eligibility in turn, and ``b**n``, each for n from 0 to the epoch's end."""
    n = np.arange(form.epoch + 1)
    rows = [powers for e in rule.eligibilities for powers in (e.decay**n, e.decay ** -n.astype(float))]
    return np.concatenate([*rows, form.retention**n])
