"""Between the state that all back ends share (NumPy, by name) and the tensors of a program."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikerl.backends.base import State
from spikerl.backends.norse.cells import Cell, CellState
from spikerl.backends.norse.program import Bundle, NetworkState, Program
from spikerl.backends.norse.storing import Stock
from spikerl.backends.norse.synapses import Synapses


def pack(program: Program, state: State, batch: int, weights: Mapping[str, Tensor] | None = None) -> NetworkState:
    """Return the tensors of `state`, which has `batch` instances.

    `weights`: for projections by name, tensors [1 or batch, synapse] that stand in for those of `state`, in the
    projection's unit; where they require it, gradients of what follows reach them.
    """
    given = weights or {}
    traces = [_tensor(program, state[f"trace/{name}"]) for name in program.plan.traces]
    nothing = torch.zeros(batch, 0, dtype=program.dtype, device=program.device)
    held = [_pack_weights(program, synapses, state, batch, given) for synapses in program.synapses]
    return NetworkState(
        cells=tuple(_pack_cell(program, cell, state) for cell in program.cells),
        history=_pack_history(program, state, batch),
        traces=torch.cat([nothing, *traces], 1),
        bundles=tuple(_pack_bundle(program, bundle, state, given) for bundle in program.bundles),
        weights=tuple(weight for weight, _ in held),
        eligibilities=tuple(
            tuple(synapses.place.pack(_tensor(program, state[key])) for key in _eligibilities(synapses))
            for synapses in program.synapses
        ),
        modulators=tuple(_tensor(program, state[f"modulator/{m.name}"]) for m in program.modulators),
        stocks=tuple(stock for _, stock in held),
    )


def unchanging(program: Program, state: State) -> State:
    """Return copies of those arrays of `state` that the tensors do not give back: of fixed and of empty projections."""
    own = {synapses.projection for synapses in program.synapses if synapses.rule is not None}
    parts = ((name, name.split("/")) for name in state)
    of_synapses = ("weight", "eligibility", "writes", "updates")
    kept = [name for name, part in parts if part[0] in of_synapses and part[1] not in own]
    return {name: state[name].copy() for name in kept}


def unpack(program: Program, tensors: NetworkState, fixed: State, count: int) -> State:
    """Return the complete state at step `count`, as copies; `fixed` is what `unchanging` gave."""
    state: State = {"step": np.array(count, dtype=np.int64)}
    for cell, now in zip(program.cells, tensors.cells, strict=True):
        sizes = [program.plan.size(name) for name in cell.populations]
        for variable, values in zip(cell.variables, now.variables, strict=True):
            for name, part in zip(cell.populations, values.split(sizes, 1), strict=True):
                state[f"{variable}/{name}"] = to_numpy(part)
        left = torch.zeros_like(now.variables[0]) if now.refractory is None else now.refractory
        for name, part in zip(cell.populations, left.split(sizes, 1), strict=True):
            state[f"refractory/{name}"] = to_numpy(part).astype(np.int64)
    for name, longest in program.plan.history.items():
        start, stop = program.places[name]
        state[f"history/{name}"] = np.stack(
            [to_numpy(spikes[:, start:stop]) != 0 for spikes in tensors.history[:longest]]
        )
    cut = tensors.traces.split(program.trace_sizes, 1) if program.trace_sizes else ()
    for name, trace in zip(program.plan.traces, cut, strict=True):
        state[f"trace/{name}"] = to_numpy(trace)
    held = zip(program.synapses, tensors.weights, tensors.eligibilities, tensors.stocks, strict=True)
    for synapses, weight, eligibilities, stock in held:
        if synapses.rule is not None:
            state[f"weight/{synapses.projection}"] = to_numpy(synapses.place.unpack(weight))
        if stock is not None:
            writes = to_numpy(synapses.place.unpack(stock.writes))
            state[f"writes/{synapses.projection}"] = writes.astype(np.int64)
            state[f"updates/{synapses.projection}"] = stock.updates.cpu().numpy().copy()
        for key, eligibility in zip(_eligibilities(synapses), eligibilities, strict=True):
            state[key] = to_numpy(synapses.place.unpack(eligibility))
    for modulator, value in zip(program.modulators, tensors.modulators, strict=True):
        state[f"modulator/{modulator.name}"] = to_numpy(value)
    return state | {name: array.copy() for name, array in fixed.items()}


def _eligibilities(synapses: Synapses) -> list[str]:
    count = len(synapses.rule.eligibilities) if synapses.rule else 0
    return [f"eligibility/{synapses.projection}/{number}" for number in range(count)]


def _pack_cell(program: Program, cell: Cell, state: State) -> CellState:
    def joined(variable: str) -> Tensor:
        parts = [state[f"{variable}/{name}"] for name in cell.populations]
        return _tensor(program, np.concatenate(parts, 1))

    left = joined("refractory")
    never = not bool(cell.refractory.any()) and not bool(left.any())
    return CellState(tuple(joined(variable) for variable in cell.variables), None if never else left)


def _pack_history(program: Program, state: State, batch: int) -> tuple[Tensor, ...]:
    total = sum(program.sizes)
    spikes = np.zeros((program.longest, batch, total))
    for name, longest in program.plan.history.items():
        start, stop = program.places[name]
        spikes[:longest, :, start:stop] = state[f"history/{name}"]
    return tuple(_tensor(program, now) for now in spikes)


def _pack_bundle(program: Program, bundle: Bundle, state: State, given: Mapping[str, Tensor]) -> Tensor:
    """One matrix for all instances where they agree, else one for each."""
    values = [_weights(program, entry.projection, state, given) for entry in bundle.entries]
    copies = max(value.shape[0] for value in values)
    total = torch.zeros(copies, bundle.rows.size * bundle.size, dtype=program.dtype, device=program.device)
    for entry, value in zip(bundle.entries, values, strict=True):
        index = (entry.row * bundle.size + entry.post).expand(copies, -1)
        total = total.scatter_add(1, index, (entry.scale * value).expand(copies, -1))
    shaped = total.unflatten(1, (bundle.rows.size, bundle.size))
    return shaped[0] if copies == 1 else shaped


def _pack_weights(
    program: Program, synapses: Synapses, state: State, batch: int, given: Mapping[str, Tensor]
) -> tuple[Tensor, Stock | None]:
    values = _weights(program, synapses.projection, state, given)
    packed = synapses.place.pack(values if synapses.rule is None else values.expand(batch, -1).clone())
    if synapses.stored is None:
        return packed, None
    writes = torch.tensor(state[f"writes/{synapses.projection}"], dtype=torch.float64, device=program.device)
    updates = torch.tensor(state[f"updates/{synapses.projection}"], dtype=torch.int64, device=program.device)
    return synapses.stored.stocked(packed, synapses.place.pack(writes), updates)


def _weights(program: Program, projection: str, state: State, given: Mapping[str, Tensor]) -> Tensor:
    """Return the weights [1 or batch, synapse]: one row where all instances agree."""
    if projection in given:
        return given[projection].to(program.device, program.dtype)
    array = state[f"weight/{projection}"]
    return _tensor(program, array[:1] if (array == array[:1]).all() else array)


def _tensor(program: Program, array: NDArray[np.float64]) -> Tensor:
    # `torch.tensor` copies, so that no later change of one reaches the other.
    return torch.tensor(np.asarray(array, dtype=np.float64), dtype=program.dtype, device=program.device)


def to_numpy(tensor: Tensor) -> NDArray[np.float64]:
    """Return a copy of `tensor` as float64."""
    array: NDArray[np.float64] = tensor.detach().cpu().to(torch.float64, copy=True).numpy()
    return array
