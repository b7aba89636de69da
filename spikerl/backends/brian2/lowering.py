"""From a plan to a program: populations and projections of one kind are joined, and their statements written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from spikerl.backends.brian2.learning import Learning, fixed, learn
from spikerl.backends.brian2.modulation import lower_modulators, post_shaped
from spikerl.backends.brian2.program import Constants, GroupProgram, Program, SynapseProgram
from spikerl.discretise import NeuronPlan, Plan, ProjectionPlan, TracePlan


def lower(plan: Plan) -> Program:
    """Return the program of `plan`."""
    slots = trace_slots(plan)
    learnings = {
        name: learn(projection.rule, slots, bool((projection.delay == 1).all())) if projection.rule else fixed()
        for name, projection in plan.projections.items()
        if projection.weight.size
    }
    sides = {side for name, one in learnings.items() if one.flags for side in _sides(plan.projections[name])}
    kinds = _kinds(plan)
    groups = tuple(_group(plan, name, members, sides) for name, members in kinds.items())
    home = {population: name for name, members in kinds.items() for population in members}
    return Program(plan.dt, groups, _synapses(plan, learnings, home), lower_modulators(plan))


def trace_slots(plan: Plan) -> dict[str, int]:
    """Return the number of each trace among those of its population."""
    return {trace.name: number for name in plan.sizes for number, trace in enumerate(traces_of(plan, name))}


def traces_of(plan: Plan, population: str) -> list[TracePlan]:
    """Return the traces of `population`, in the order of their numbers."""
    return [trace for trace in plan.traces.values() if trace.population == population]


def _sides(projection: ProjectionPlan) -> tuple[str, str]:
    return projection.pre, projection.post


def _kinds(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Return groups by name: all sources, and the populations of each kind of equations."""
    kinds = {"sources": tuple(plan.sources)} if plan.sources else {}
    equations = list(dict.fromkeys(neurons.equations for neurons in plan.neurons.values()))
    for number, one in enumerate(equations):
        kinds[f"neurons_{number}"] = tuple(name for name, n in plan.neurons.items() if n.equations == one)
    return kinds


def _group(plan: Plan, name: str, populations: tuple[str, ...], flagged: set[str]) -> GroupProgram:
    neurons = [plan.neurons[population] for population in populations if population in plan.neurons]
    law = _integrate(neurons) if neurons else _Law(("given",), (), "given > 0", ("given = 0",))
    variables, update, reset = list(law.variables), list(law.update), list(law.reset)
    traces = [traces_of(plan, population) for population in populations]
    for slot in range(max(map(len, traces))):
        variables.append(f"trace_{slot}")
        update.append(f"trace_{slot} = decay_trace_{slot}*trace_{slot}")
        reset.append(f"trace_{slot} += 1")
    if flagged & set(populations):
        variables.append("spiked")
        update.append("spiked = 0")
        reset.append("spiked = 1")
    shaped = [m for m in plan.modulators.values() if m.target in populations]
    for modulator in shaped:
        names, statements = post_shaped(modulator)
        variables.extend(names)
        update.extend(statements)
    counted = tuple((m.name, m.source) for m in plan.modulators.values() if m.source in populations and m.source)
    reset.extend(f"count_{modulator} += 1" for modulator, _ in counted)
    known = [_numbers(plan, population) | _decays(traces, k) for k, population in enumerate(populations)]
    for modulator in shaped:
        for numbers in known:
            numbers |= {f"decay_filter_{modulator.name}": modulator.decay}
            numbers |= {f"gain_{modulator.name}": modulator.gain, f"baseline_{modulator.name}": modulator.baseline}
    used = _used((*update, law.threshold, *reset), known)
    return GroupProgram(name, populations, tuple(variables), tuple(update), law.threshold, tuple(reset), used, counted)


@dataclass(frozen=True)
class _Law:
    variables: tuple[str, ...]
    update: tuple[str, ...]
    threshold: str
    reset: tuple[str, ...]


def _integrate(neurons: Sequence[NeuronPlan]) -> _Law:
    """``u <- a u + arrived``, then ``x <- a x + (1 - a) target``, all targets read before any variable is written.

    Then the updates, one after the other.
    """
    equations = neurons[0].equations
    first, *rest = equations.relaxations
    waits = any(plan.refractory for plan in neurons)
    noisy = any(plan.noise for plan in neurons)
    arriving = "arrived + arrived_noise" if noisy else "arrived"
    update = [f"{first.variable} = decay_{first.variable}*{first.variable} + {arriving}", "arrived = 0"]
    if waits:
        update.append("waiting = waiting - int(waiting > 0)")
    for variable, _, target, held in rest:
        relaxed = f"decay_{variable}*{variable} + (1 - decay_{variable})*({target})"
        if held and waits:
            relaxed = f"int(waiting > 0)*{variable} + int(waiting <= 0)*({relaxed})"
        update.append(f"next_{variable} = {relaxed}")
    update.extend(f"{one.variable} = next_{one.variable}" for one in rest)
    for variable, value, held in equations.updates:
        stays = f"int(waiting > 0)*{variable} + int(waiting <= 0)*({value})"
        update.append(f"{variable} = {stays if held and waits else value}")
    reset = [f"next_{variable} = {text}" for variable, text in equations.reset]
    reset.extend(f"{variable} = next_{variable}" for variable, _ in equations.reset)
    if waits:  # one more than the steps to wait, since the next update counts down before it asks
        reset.append("waiting = refractory_steps + 1")
    threshold = f"({equations.threshold}) and waiting <= 0" if waits else equations.threshold
    own = ("arrived", *(("arrived_noise",) if noisy else ()), *(("waiting",) if waits else ()))
    return _Law((*equations.variables, *own), tuple(update), threshold, tuple(reset))


def _numbers(plan: Plan, population: str) -> dict[str, float]:
    if population in plan.sources:
        return {}
    neurons = plan.neurons[population]
    decays = {f"decay_{variable}": a for variable, a in neurons.decays.items()}
    return neurons.constants | decays | {"refractory_steps": float(neurons.refractory)}


def _decays(traces: Sequence[Sequence[TracePlan]], member: int) -> dict[str, float]:
    """Return the decays of a member's traces; where others have more, theirs, so that equal ones stay shared."""
    longest = max(traces, key=len)
    own = traces[member]
    return {
        f"decay_trace_{slot}": (own[slot] if slot < len(own) else longest[slot]).decay for slot in range(len(longest))
    }


def _synapses(plan: Plan, learnings: Mapping[str, Learning], home: Mapping[str, str]) -> tuple[SynapseProgram, ...]:
    alike: dict[tuple[object, ...], list[str]] = {}
    for name, one in learnings.items():
        pre, post = (home[side] for side in _sides(plan.projections[name]))
        alike.setdefault((pre, post, one.variables, one.every_step, one.pathways), []).append(name)
    programs = []
    for number, members in enumerate(alike.values()):
        one, projection = learnings[members[0]], plan.projections[members[0]]
        known = [learnings[name].constants | {"scale": plan.projections[name].scale} for name in members]
        code = (*one.every_step, *(line for pathway in one.pathways for line in pathway.code))
        programs.append(
            SynapseProgram(
                name=f"synapses_{number}",
                source=home[projection.pre],
                target=home[projection.post],
                projections=tuple(members),
                variables=one.variables,
                every_step=one.every_step,
                pathways=one.pathways,
                constants=_used(code, known),
                modulators=one.modulators,
            )
        )
    return tuple(programs)


def _used(code: Iterable[str], known: Sequence[Mapping[str, float]]) -> Constants:
    """Return those numbers of the members that `code` reads: shared where all agree."""
    words = set(re.findall(r"[A-Za-z_]\w*", "\n".join(code)))
    names = [name for name in known[0] if name in words]
    numbers = {name: tuple(float(member[name]) for member in known) for name in names}
    return Constants(
        shared={name: values[0] for name, values in numbers.items() if len(set(values)) == 1},
        varying={name: values for name, values in numbers.items() if len(set(values)) > 1},
    )
