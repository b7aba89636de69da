"""The arrays of all instances, and their translation from and to the state that all back ends share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikerl.backends.base import State
from spikerl.backends.native.few_bits import FewBits
from spikerl.backends.native.program import QUANTIZED, Array, Program
from spikerl.backends.native.static import SPREAD
from spikerl.discretise import Plan, ProjectionPlan

Floats = NDArray[np.float64]
Held = dict[str, NDArray[Any]]


def allocate(program: Program, batch: int, precision: str) -> Held:
    """Return the arrays of `program`: those of instances [batch, size] at zero, shared ones [size]."""

    def made(array: Array) -> NDArray[Any]:
        dtype = np.dtype(precision if array.dtype == "real" else array.dtype)
        return np.zeros((batch, array.size), dtype) if array.values is None else array.values.astype(dtype)

    return {name: made(array) for name, array in program.arrays.items()}


def put(plan: Plan, program: Program, arrays: Held, state: State, few: FewBits | None = None) -> None:
    """Set `arrays` to `state`: nothing is left of what they held, so that equal states go on to equal bytes."""
    batch = next(iter(state[f"v/{name}"].shape[0] for name in plan.neurons))
    for name, array in program.arrays.items():
        if array.values is None:
            arrays[name][:] = 0
    for name, neurons in plan.neurons.items():
        for variable in neurons.equations.variables:
            arrays[f"{variable}/{name}"][:] = state[f"{variable}/{name}"]
        arrays[f"refractory/{name}"][:] = state[f"refractory/{name}"]
    for name in plan.traces:
        arrays[f"trace/{name}"][:] = state[f"trace/{name}"]
        arrays[f"share/{name}"][:] = 1.0
    for name in plan.modulators:
        arrays[f"filter/{name}"][:] = state[f"modulator/{name}"].reshape(batch, -1)
    step = int(state["step"])
    for name, longest in plan.history.items():
        size = plan.size(name)
        rows = arrays[f"fired/{name}"].reshape(batch, longest, 1 + size)
        for ago, spikes in enumerate(state[f"history/{name}"]):
            row = rows[:, (step - 1 - ago) % longest]
            for instance in range(batch):
                fired = np.flatnonzero(spikes[instance])
                row[instance, 0] = fired.size
                row[instance, 1 : 1 + fired.size] = fired
            if ago == 0:
                arrays[f"spiked/{name}"][:, :size] = spikes
    for name, projection in plan.projections.items():
        if projection.weight.size:
            if program.synapses[name].form == QUANTIZED:
                assert few is not None
                _put_quantized(program, arrays, state, name, few)
                transmitted = few.synapses[name].transmitted(state[f"weight/{name}"], step)
                _put_arriving(plan, arrays, state, projection, transmitted)
            else:
                _put_synapses(plan, program, arrays, state, name)
                _put_arriving(plan, arrays, state, projection, state[f"weight/{name}"])


def _put_synapses(plan: Plan, program: Program, arrays: Held, state: State, name: str) -> None:
    stored = program.synapses[name]
    weights = state[f"weight/{name}"][:, stored.order]
    if stored.form == "static":
        # Shared as long as all instances have the weights of the description.
        same = bool((weights == program.arrays[f"weight/{name}"].values).all())
        # Kernels read instance by instance; what an index has picked may lie the other way round.
        kept = weights[0] if same else weights
        arrays[f"weight/{name}"] = np.ascontiguousarray(kept, dtype=arrays[f"weight/{name}"].dtype)
        arrays[f"{SPREAD}/{name}"][:] = not same or np.ptp(weights[0]) != 0
        return
    synapses = arrays[f"synapse/{name}"].reshape(len(weights), -1, 1 + stored.eligibilities)
    synapses[:, :, 0] = weights - stored.rest if stored.form == "lazy" else weights
    for k in range(stored.eligibilities):
        synapses[:, :, 1 + k] = state[f"eligibility/{name}/{k}"][:, stored.order]


def _put_quantized(program: Program, arrays: Held, state: State, name: str, few: FewBits) -> None:
    """Set codes, eligibilities and counts; weights lie on their grids."""
    stored = program.synapses[name]
    codes = few.codes(name, state[f"weight/{name}"])[:, stored.order]
    synapses = arrays[f"synapse/{name}"].reshape(len(codes), 1 + stored.eligibilities, -1)
    synapses[:, 0] = codes
    for k in range(stored.eligibilities):
        synapses[:, 1 + k] = state[f"eligibility/{name}/{k}"][:, stored.order]
    arrays[f"writes/{name}"][:] = state[f"writes/{name}"][:, stored.order]
    arrays[f"updates/{name}"][:] = state[f"updates/{name}"]


def stored_weights(program: Program, arrays: Held, name: str, few: FewBits) -> Floats:
    """Return what the synapses of a projection in few bits store, [batch, synapse]."""
    stored = program.synapses[name]
    held = arrays[f"synapse/{name}"]
    codes = np.empty((len(held), stored.order.size))
    codes[:, stored.order] = held[:, : stored.order.size]
    return few.stored(name, codes)


def _put_arriving(plan: Plan, arrays: Held, state: State, projection: ProjectionPlan, weight: Floats) -> None:
    """Add the spikes under way: all of them where weights are fixed, else those that arrive in the next step."""
    step, size = int(state["step"]), plan.size(projection.post)
    history = state[f"history/{projection.pre}"]
    arriving = arrays[f"arriving/{projection.post}"].reshape(len(weight), -1, size)
    for ago in reversed(range(len(history))):
        left = projection.delay - 1 - ago
        due = (left >= 0) if projection.rule is None else (left == 0)
        for instance in np.flatnonzero(history[ago].any(axis=1)):
            synapse = np.flatnonzero(due & history[ago][instance][projection.pre_index])
            slots = (step + left[synapse]) % arriving.shape[1]
            jump = projection.scale * weight[instance, synapse]
            np.add.at(arriving[instance], (slots, projection.post_index[synapse]), jump.astype(arriving.dtype))


def take(plan: Plan, program: Program, arrays: Held, step: int, weights: Mapping[str, Floats]) -> State:
    """Return the state that `arrays` hold after step number `step`; `weights` have been read."""
    state: State = {"step": np.array(step, dtype=np.int64)}
    for name, neurons in plan.neurons.items():
        for variable in neurons.equations.variables:
            state[f"{variable}/{name}"] = arrays[f"{variable}/{name}"].astype(np.float64)
        state[f"refractory/{name}"] = arrays[f"refractory/{name}"].copy()
    for name, longest in plan.history.items():
        size = plan.size(name)
        rows = arrays[f"fired/{name}"].reshape(-1, longest, 1 + size)
        history = np.zeros((longest, len(rows), size), dtype=bool)
        for ago in range(longest):
            for instance, row in enumerate(rows[:, (step - 1 - ago) % longest]):
                history[ago, instance, row[1 : 1 + row[0]]] = True
        state[f"history/{name}"] = history
    for name in plan.traces:
        state[f"trace/{name}"] = arrays[f"trace/{name}"] * arrays[f"share/{name}"]
    for name, projection in plan.projections.items():
        state[f"weight/{name}"] = weights[name]
        for eligibility in projection.rule.eligibilities if projection.rule else ():
            values = _eligibility(program, arrays, name, int(eligibility.name))
            state[f"eligibility/{name}/{eligibility.name}"] = values
        if f"writes/{name}" in arrays:
            writes = np.empty_like(arrays[f"writes/{name}"])
            writes[:, program.synapses[name].order] = arrays[f"writes/{name}"]
            state |= {f"writes/{name}": writes, f"updates/{name}": arrays[f"updates/{name}"].copy()}
    for name, modulator in plan.modulators.items():
        values = arrays[f"filter/{name}"].copy()
        state[f"modulator/{name}"] = values[:, 0] if modulator.size is None else values
    return state


def _eligibility(program: Program, arrays: Held, name: str, number: int) -> Floats:
    """``c = C a**e`` in the order of the description; C itself where the rule is clocked, or weights in few bits."""
    stored = program.synapses[name]
    if not stored.order.size:
        return np.zeros((len(next(iter(arrays.values()))), 0))
    batch, each = len(arrays[f"synapse/{name}"]), 1 + stored.eligibilities
    if stored.form == QUANTIZED:
        held = arrays[f"synapse/{name}"].reshape(batch, each, -1)[:, 1 + number].astype(np.float64)
    else:
        held = arrays[f"synapse/{name}"].reshape(batch, -1, each)[:, :, 1 + number].astype(np.float64)
    if stored.form == "lazy":
        powers = arrays[f"table/{name}"].reshape(1 + 2 * stored.eligibilities, -1)[2 * number]
        held *= powers[arrays[f"epoch/{name}"][:, :1]]
    values = np.empty_like(held)
    values[:, stored.order] = held
    return values
