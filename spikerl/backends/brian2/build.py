"""From a program to Brian2's objects: one explicit `Network`, stable names, numbers in SI without dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2 import Clock, Network, NeuronGroup, Synapses, linked_var, prefs, second
from brian2.core.functions import Function
from numpy.typing import NDArray

from spikerl.backends.brian2.program import (
    Constants,
    GroupProgram,
    ModulatorProgram,
    Program,
    SynapseProgram,
)
from spikerl.discretise import Plan


@dataclass(frozen=True)
class Layout:
    """Where the members of a group stand: `starts` and `sizes` by name, for `batch` instances, instance slowest."""

    batch: int
    starts: dict[str, int]
    sizes: dict[str, int]

    @property
    def total(self) -> int:
        """The number of elements of the group."""
        return self.batch * sum(self.sizes.values())

    def place(self, member: str) -> slice:
        """Return where all instances of `member` stand."""
        return slice(self.starts[member], self.starts[member] + self.batch * self.sizes[member])

    def at(self, member: str, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places of element `index` of each instance, [batch, index]."""
        return self.starts[member] + np.arange(self.batch)[:, None] * self.sizes[member] + index

    def repeat(self, values: tuple[float, ...]) -> NDArray[np.float64]:
        """Return one value for each element, from one for each member."""
        return np.repeat(values, [self.batch * size for size in self.sizes.values()])


def lay_out(sizes: dict[str, int], batch: int) -> Layout:
    """Return the layout of members of `sizes`, one after the other."""
    ends = np.cumsum([0, *sizes.values()]) * batch
    return Layout(batch, dict(zip(sizes, ends[:-1].tolist(), strict=True)), sizes)


@dataclass(frozen=True)
class Circuit:
    """Brian2's objects by their program's name, with their layouts; `modulators` is None where there are none."""

    plan: Plan
    program: Program
    batch: int
    network: Any
    clock: Any
    objects: dict[str, Any]
    layouts: dict[str, Layout]
    modulators: Any

    def owner(self, name: str) -> Any:
        """Return the object called `name`."""
        return self.modulators if name == MODULATORS else self.objects[name]

    def variable(self, name: str, variable: str) -> NDArray[Any]:
        """Return the array of a `variable` of the object `name`: in runtime mode, the array itself."""
        array: NDArray[Any] = self.owner(name).variables[variable].get_value()
        return array

    @property
    def neurons(self) -> tuple[str, ...]:
        """The names of the groups that integrate."""
        return tuple(group.name for group in self.program.groups if group.name != SOURCES)

    def home_of_population(self, population: str) -> tuple[str, slice]:
        """Return the name of the group of `population`, and its place there."""
        name = next(group.name for group in self.program.groups if population in group.populations)
        return name, self.layouts[name].place(population)

    def home_of_modulator(self, modulator: str) -> tuple[str, slice]:
        """Return the name of the group that holds `modulator`, and its place there."""
        target = self.plan.modulators[modulator].target
        return (MODULATORS, slice(0, self.batch)) if target is None else self.home_of_population(target)

    def as_instances(self, modulator: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values [time, element] of `modulator` as [time, batch], or [time, batch, neuron] where post-shaped."""
        shaped = self.plan.modulators[modulator].size is not None
        return values.reshape(len(values), self.batch, -1) if shaped else values


MODULATORS, SOURCES = "modulators", "sources"


def build(plan: Plan, program: Program, batch: int) -> Circuit:
    """Return the objects of `program` for `batch` instances, on the active device, all variables at zero."""
    layouts = {g.name: lay_out({p: plan.size(p) for p in g.populations}, batch) for g in program.groups}
    clock = Clock(plan.dt * second, name="steps")
    modulators = _modulators(program.modulators, clock, batch) if program.modulators else None
    objects = {g.name: _group(g, clock, layouts[g.name], modulators) for g in program.groups}
    for synapses in program.synapses:
        sizes = {name: plan.projections[name].weight.size for name in synapses.projections}
        layouts[synapses.name] = lay_out(sizes, batch)
        objects[synapses.name] = _synapses(synapses, plan, clock, objects, layouts, modulators)
    network = Network(*objects.values(), *([modulators] if modulators else []), name="network")
    return Circuit(plan, program, batch, network, clock, objects, layouts, modulators)


_CYTHON = """
cdef inline double bounded(double x, double low, double high) noexcept nogil:
    return low if x < low else (high if x > high else x)
"""
_CPP = """
static inline double bounded(const double x, const double low, const double high)
{ return x < low ? low : (x > high ? high : x); }
"""


def _bounded() -> Function:
    """Return ``clip`` such that compilers can vectorise it, which they cannot with Brian2's own in Cython."""
    function = Function(np.clip, arg_units=[1, 1, 1], return_unit=1)
    function.implementations.add_implementation("cython", _CYTHON, name="bounded")
    function.implementations.add_implementation("cpp", _CPP, name="bounded")
    return function


def _modulators(program: ModulatorProgram, clock: Any, batch: int) -> Any:
    """One element an instance, and a last one that counts the spikes of all other neurons."""
    model = _model(program.variables, program.constants)
    group = NeuronGroup(batch + 1, model, namespace=program.constants.shared, clock=clock, name=MODULATORS)
    group.run_regularly("\n".join(program.before), when="start", clock=clock, name="modulators_before")
    if program.after:
        group.run_regularly("\n".join(program.after), when="end", order=3, clock=clock, name="modulators_after")
    return group


def _group(program: GroupProgram, clock: Any, layout: Layout, modulators: Any) -> Any:
    linked = [f"count_{modulator}" for modulator, _ in program.counted]
    group = NeuronGroup(
        layout.total,
        _model(program.variables, program.constants) + "".join(f"\n{name} : 1 (linked)" for name in linked),
        threshold=program.threshold,
        reset="\n".join(program.reset),
        namespace=program.constants.shared,
        clock=clock,
        name=program.name,
    )
    for modulator, population in program.counted:
        instances = np.full(layout.total, layout.batch)
        instances[layout.place(population)] = np.repeat(np.arange(layout.batch), layout.sizes[population])
        setattr(group, f"count_{modulator}", linked_var(modulators, f"count_{modulator}", index=instances))
    if program.update:
        name = f"{program.name}_update"
        group.run_regularly("\n".join(program.update), when="groups", clock=clock, name=name)
    for name, values in program.constants.varying.items():
        setattr(group, name, layout.repeat(values))
    return group


def _synapses(
    program: SynapseProgram,
    plan: Plan,
    clock: Any,
    objects: dict[str, Any],
    layouts: dict[str, Layout],
    modulators: Any,
) -> Any:
    layout = layouts[program.name]
    model = _model(program.variables, program.constants)
    by_instance = bool(program.modulators) and layout.batch > 1
    projections = [plan.projections[name] for name in program.projections]
    delays = np.concatenate([np.tile(p.delay - 1, layout.batch) for p in projections]) * plan.dt
    uniform = delays.min() == delays.max()
    code: dict[str, dict[str, str]] = {"pre": {}, "post": {}}
    scalar = {}
    for pathway in program.pathways:
        code[pathway.side][pathway.name] = "\n".join(pathway.code)
        if uniform or not pathway.delayed:
            scalar[pathway.name] = (float(delays[0]) if pathway.delayed else 0.0) * second
    synapses = Synapses(
        objects[program.source],
        objects[program.target],
        model + ("\ninstance : integer (constant)" if by_instance else ""),
        on_pre=code["pre"] or None,
        on_post=code["post"] or None,
        delay=scalar or None,
        namespace=program.constants.shared | {"bounded": _bounded()},
        clock=clock,
        name=program.name,
    )
    with _interpreted():
        synapses.connect(
            i=_ends(plan, program, layouts[program.source], "pre"),
            j=_ends(plan, program, layouts[program.target], "post"),
        )
    if by_instance:
        counts = [layout.sizes[name] for name in program.projections]
        synapses.instance = np.concatenate([np.repeat(np.arange(layout.batch), count) for count in counts])
    for name in program.modulators:
        index = "instance" if by_instance else "0"
        synapses.variables.add_reference(f"modulator_{name}", modulators, f"modulator_{name}", index=index)
    for pathway in program.pathways:
        runner = getattr(synapses, pathway.name)
        runner.when, runner.order = "end", pathway.order
        if pathway.delayed and not uniform:
            runner.delay = delays * second
    if program.every_step:
        name = f"{program.name}_every_step"
        synapses.run_regularly("\n".join(program.every_step), when="after_resets", clock=clock, name=name)
    for name, values in program.constants.varying.items():
        setattr(synapses, name, layout.repeat(values))
    return synapses


@contextmanager
def _interpreted() -> Iterator[None]:
    """Let Brian2 make its next code in NumPy: for what runs once, compiling costs more than it saves."""
    target = prefs.codegen.target
    prefs.codegen.target = "numpy"
    try:
        yield
    finally:
        prefs.codegen.target = target


def _ends(plan: Plan, program: SynapseProgram, layout: Layout, side: str) -> NDArray[np.int64]:
    """Return the index of each synapse's neuron at `side`, projection after projection, instance after instance."""
    projections = [plan.projections[name] for name in program.projections]
    members = [(p.pre, p.pre_index) if side == "pre" else (p.post, p.post_index) for p in projections]
    return np.concatenate([layout.at(population, index).ravel() for population, index in members])


def _model(variables: tuple[str, ...], constants: Constants) -> str:
    return "\n".join([f"{name} : 1" for name in variables] + [f"{name} : 1 (constant)" for name in constants.varying])
