"""From a plan to a program: neurons side by side, fixed synapses in bundles, and a place for every projection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikerl.backends.norse.cells import Surrogate, make_cell
from spikerl.backends.norse.program import Bundle, Entry, Inflow, Program
from spikerl.backends.norse.rules import compile_rule
from spikerl.backends.norse.synapses import Dense, Listed, Rows, Synapses
from spikerl.discretise import NeuronPlan, Plan, ProjectionPlan

# Up to so many places a projection is dense whatever its synapses, and beyond them up to so many for each synapse. A
# shared matrix costs one product for all instances; weights of their own, several passes over memory for each. Measured
# on a CPU at batches of 1 and 64, where the two ways cross at densities of 2 to 10 % and of 20 to 30 %.
_FIXED_PLACES, _FIXED_PLACES_A_SYNAPSE = 65_536, 20
_OWN_PLACES, _OWN_PLACES_A_SYNAPSE = 1_024, 4

_STEP_ONLY = Surrogate("heaviside")

Places = dict[str, tuple[int, int]]


def lower(
    plan: Plan,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float64,
    surrogate: Surrogate = _STEP_ONLY,
) -> Program:
    """Return the program of `plan` for `device` and `dtype`, its spikes with the gradient of `surrogate`.

    Raises `UnsupportedError` for equations that torch cannot take.
    """
    device = torch.device(device)
    alike = [list(group) for _, group in groupby(_by_equations(plan), key=lambda neurons: neurons.equations)]
    places: Places = {}
    for name in (*plan.sources, *(neurons.name for group in alike for neurons in group)):
        start = max((stop for _, stop in places.values()), default=0)
        places[name] = (start, start + plan.size(name))
    numbers = {name: number for number, name in enumerate(places)}
    bundled = {name for name, p in plan.projections.items() if p.weight.size and _is_bundled(plan, p)}
    bundles: list[Bundle] = []
    synapses: list[Synapses] = []
    inflows = []
    for group in alike:
        row = []
        for neurons in group:
            onto = [p for p in plan.projections.values() if p.post == neurons.name and p.weight.size]
            fixed = [p for p in onto if p.name in bundled]
            own = [p for p in onto if p.name not in bundled]
            row.append(
                Inflow(
                    neurons.size,
                    len(bundles) if fixed else None,
                    tuple(range(len(synapses), len(synapses) + len(own))),
                )
            )
            if fixed:
                bundles.append(_bundle(plan, fixed, places, device))
            for projection in own:
                synapses.append(_synapses(plan, projection, places, numbers, device, dtype))
        inflows.append(tuple(row))
    sizes = [plan.size(trace.population) for trace in plan.traces.values()]
    decays = [trace.decay for trace in plan.traces.values()]
    return Program(
        plan=plan,
        device=device,
        dtype=dtype,
        places=places,
        sources=sum(source.size for source in plan.sources.values()),
        cells=tuple(make_cell(group, plan.dt, surrogate, dtype, device) for group in alike),
        bundles=tuple(bundles),
        synapses=tuple(synapses),
        inflows=tuple(inflows),
        traced=tuple(numbers[trace.population] for trace in plan.traces.values()),
        trace_decay=torch.tensor(np.repeat(decays, sizes), dtype=dtype, device=device),
        trace_sizes=tuple(sizes),
        modulators=tuple(plan.modulators.values()),
        longest=max(plan.history.values(), default=0),
        surrogate=surrogate,
    )


def _by_equations(plan: Plan) -> list[NeuronPlan]:
    """The neuron plans, those of the same equations together, in the order of their first."""
    kinds = list(dict.fromkeys(neurons.equations for neurons in plan.neurons.values()))
    return sorted(plan.neurons.values(), key=lambda neurons: kinds.index(neurons.equations))


def _is_bundled(plan: Plan, projection: ProjectionPlan) -> bool:
    places = plan.size(projection.pre) * plan.size(projection.post) * len(np.unique(projection.delay))
    largest = max(_FIXED_PLACES, _FIXED_PLACES_A_SYNAPSE * projection.weight.size)
    return projection.rule is None and places <= largest


def _is_dense(plan: Plan, projection: ProjectionPlan) -> bool:
    """Whether weights of its own may lie dense: one delay, no pair with two synapses, and few empty places."""
    places = plan.size(projection.pre) * plan.size(projection.post)
    pairs = np.unique(projection.pre_index * plan.size(projection.post) + projection.post_index)
    return (
        len(np.unique(projection.delay)) == 1
        and len(pairs) == projection.weight.size
        and places <= max(_OWN_PLACES, _OWN_PLACES_A_SYNAPSE * projection.weight.size)
    )


def _rows(parts: Sequence[tuple[str, int]], places: Places) -> tuple[Rows, Callable[[str, int], int]]:
    """Return the rows of all `parts` (population, delay), and the first row of one of them."""
    first: dict[tuple[str, int], int] = {}
    joined: list[tuple[int, int, int]] = []
    total = 0
    for name, delay in parts:
        start, stop = places[name]
        first[name, delay] = total
        total += stop - start
        if joined and joined[-1][0] == delay and joined[-1][2] == start:
            joined[-1] = (delay, joined[-1][1], stop)
        else:
            joined.append((delay, start, stop))
    return Rows(tuple(joined)), lambda name, delay: first[name, delay]


def _row_of_synapse(projection: ProjectionPlan, first: Callable[[str, int], int]) -> NDArray[np.int64]:
    delays, which = np.unique(projection.delay, return_inverse=True)
    firsts = np.array([first(projection.pre, int(delay)) for delay in delays], dtype=np.int64)
    return firsts[which] + projection.pre_index


def _parts(projections: Sequence[ProjectionPlan], places: Places) -> list[tuple[str, int]]:
    found = {(p.pre, int(delay)) for p in projections for delay in np.unique(p.delay)}
    return sorted(found, key=lambda part: (part[1], places[part[0]]))


def _bundle(plan: Plan, fixed: Sequence[ProjectionPlan], places: Places, device: torch.device) -> Bundle:
    rows, first = _rows(_parts(fixed, places), places)
    entries = tuple(
        Entry(p.name, _index(_row_of_synapse(p, first), device), _index(p.post_index, device), p.scale) for p in fixed
    )
    return Bundle(rows, entries, plan.size(fixed[0].post))


def _synapses(
    plan: Plan,
    projection: ProjectionPlan,
    places: Places,
    numbers: dict[str, int],
    device: torch.device,
    dtype: torch.dtype,
) -> Synapses:
    rule = compile_rule(plan, projection, numbers)
    rows, first = _rows(_parts([projection], places), places)
    pre, post = _index(projection.pre_index, device), _index(projection.post_index, device)
    low: float | Tensor
    high: float | Tensor
    low, high = (-np.inf, np.inf) if rule is None else rule.bounds
    if not _is_dense(plan, projection):
        row = _index(_row_of_synapse(projection, first), device)
        return Synapses(
            projection.name, projection.post, Listed(rows, row, pre, post), projection.scale, rule, low, high
        )
    shape = (plan.size(projection.pre), plan.size(projection.post))
    if projection.weight.size < shape[0] * shape[1]:
        bounds = []
        for end in (low, high):
            bound = torch.zeros(shape, dtype=dtype, device=device)
            bound[pre, post] = end
            bounds.append(bound)
        low, high = bounds
    return Synapses(projection.name, projection.post, Dense(rows, pre, post, shape), projection.scale, rule, low, high)


def _index(values: NDArray[np.int64], device: torch.device) -> Tensor:
    return torch.as_tensor(np.ascontiguousarray(values, dtype=np.int64), device=device)
