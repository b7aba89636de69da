"""The state in the form of all back ends, out of Brian2's variables and into them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.backends.base import State
from spikerl.backends.brian2.build import MODULATORS, Circuit
from spikerl.backends.brian2.lowering import trace_slots, traces_of
from spikerl.discretise import Plan


class Place(NamedTuple):
    """Where an array of the state lives: a part of a `variable` of an `owner`, the array being of `shape`."""

    owner: str
    variable: str
    part: slice
    shape: tuple[int, ...]


def places(circuit: Circuit) -> dict[str, Place]:
    """Return the place of every array of the state that Brian2 holds; the others never change from zero."""
    plan, batch = circuit.plan, circuit.batch
    found: dict[str, Place] = {}
    slots = trace_slots(plan)
    for group in circuit.program.groups:
        for population in group.populations:
            part, shape = circuit.layouts[group.name].place(population), (batch, plan.size(population))
            moving = plan.neurons[population].equations.variables if population in plan.neurons else ()
            owned = {f"{variable}/{population}": variable for variable in moving}
            owned |= {f"trace/{trace.name}": f"trace_{slots[trace.name]}" for trace in traces_of(plan, population)}
            shaped = (m.name for m in plan.modulators.values() if m.target == population)
            owned |= {f"modulator/{name}": f"filter_{name}" for name in shaped}
            if "waiting" in group.variables:
                owned[f"refractory/{population}"] = "waiting"
            found |= {key: Place(group.name, variable, part, shape) for key, variable in owned.items()}
    for synapses in circuit.program.synapses:
        for name in synapses.projections:
            part, shape = circuit.layouts[synapses.name].place(name), (batch, plan.projections[name].weight.size)
            for variable in synapses.variables:
                key = f"weight/{name}" if variable == "weight" else f"eligibility/{name}/{variable.split('_')[1]}"
                found[key] = Place(synapses.name, variable, part, shape)
    for name in circuit.program.modulators.modulators if circuit.program.modulators else ():
        found[f"modulator/{name}"] = Place(MODULATORS, f"filter_{name}", slice(0, batch), (batch,))
    return found


def take(circuit: Circuit, keys: State) -> State:
    """Return the state: what Brian2 holds, and the rest of `keys` as it is there, all as copies."""
    state = {key: array.copy() for key, array in keys.items()}
    for key, place in places(circuit).items():
        values = circuit.variable(place.owner, place.variable)[place.part].reshape(place.shape)
        state[key] = np.maximum(values - 1, 0).astype(np.int64) if place.variable == "waiting" else values.copy()
    return state


def put(circuit: Circuit, state: State) -> None:
    """Write into Brian2's variables what it holds of `state`, and what arrives in the next step.

    Arrivals later than that are on their way in queues, which are no variables.
    """
    arrays: dict[tuple[str, str], NDArray[Any]] = {}
    for key, place in places(circuit).items():
        where = place.owner, place.variable
        if where not in arrays:
            arrays[where] = np.zeros(len(circuit.owner(place.owner)))
        values = state[key] + 1 if place.variable == "waiting" else state[key]
        arrays[where][place.part] = values.ravel()
    for group in circuit.neurons:
        arrays[group, "arrived"] = np.zeros(circuit.layouts[group].total)
    for name, projection in circuit.plan.projections.items():
        if projection.weight.size:
            group, part = circuit.home_of_population(projection.post)
            total = arrays[group, "arrived"][part].reshape(circuit.batch, -1)
            synapse, instance = np.nonzero(
                state[f"history/{projection.pre}"][projection.delay - 1, :, projection.pre_index]
            )
            jump = projection.scale * state[f"weight/{name}"][instance, synapse]
            np.add.at(total, (instance, projection.post_index[synapse]), jump)
    for (owner, variable), values in arrays.items():
        setattr(circuit.owner(owner), variable, values)


def remember(circuit: Circuit, history: State, spikes: dict[str, NDArray[np.bool_]]) -> State:
    """Return the histories after a window with these `spikes`, bool [time, batch, neuron]; row 0 is the last step."""
    after: State = {}
    for name, longest in circuit.plan.history.items():
        recent = spikes[name][-longest:][::-1]
        after[f"history/{name}"] = np.concatenate([recent, history[f"history/{name}"]])[:longest]
    return after


def emitted(circuit: Circuit, group: str, state: State, ago: int) -> NDArray[np.int32]:
    """Return which neurons of `group` spiked `ago` + 1 steps before the next one."""
    found = []
    layout = circuit.layouts[group]
    for population in layout.sizes:
        history = state.get(f"history/{population}")
        if history is not None and ago < len(history):
            found.append(layout.starts[population] + np.flatnonzero(history[ago]))
    return np.concatenate(found).astype(np.int32) if found else np.zeros(0, np.int32)


def pending(plan: Plan, state: State) -> bool:
    """Whether spikes of before arrive later than in the next step."""
    return any(
        state[f"history/{p.pre}"][: int(p.delay.max()) - 1].any() for p in plan.projections.values() if p.weight.size
    )
