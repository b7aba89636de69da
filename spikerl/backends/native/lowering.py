"""From a plan to the native program: its arrays, and the kernels that run over them in the order of a step."""

from __future__ import annotations

import numpy as np

from spikerl.backends.native.cells import cell_kernel
from spikerl.backends.native.compiling import FIXED
from spikerl.backends.native.few_bits import FewBits
from spikerl.backends.native.levels import TRACE, keeping
from spikerl.backends.native.plastic import plastic, quantized
from spikerl.backends.native.program import QUANTIZED, Array, Operation, Program, Synapses
from spikerl.backends.native.sorting import Sorted, sort
from spikerl.backends.native.static import static
from spikerl.discretise import ModulatorPlan, NeuronPlan, Plan, ProjectionPlan, SourcePlan, TracePlan
from spikerl.poisson import Thresholds

_SMALLEST_SHARE = {"float64": 1e-100, "float32": 1e-15}
_WORD = 64


def lower(plan: Plan, precision: str = "float64", lazy: bool = True, few: FewBits | None = None) -> Program:
    """Return the program of `plan`; without `lazy`, all rules are computed at every synapse in every step.

    So they are with `few`, what the session keeps in few bits.
    """
    build = _Lowering(plan, precision, few)
    for source in plan.sources.values():
        build.source(source)
    for neurons in plan.neurons.values():
        build.neurons(neurons)
    for modulator in plan.modulators.values():
        build.modulator(modulator)
    for trace in plan.traces.values():
        build.trace(trace)
    for projection in plan.projections.values():
        build.projection(projection, lazy)
    for modulator in plan.modulators.values():
        build.following(modulator)
    return Program(build.arrays, tuple(build.step), build.read, build.synapses)


class _Lowering:
    """Gathers arrays and operations."""

    def __init__(self, plan: Plan, precision: str, few: FewBits | None) -> None:
        self.plan, self.precision, self.few = plan, precision, few
        self.arrays: dict[str, Array] = {}
        self.step: list[Operation] = []
        self.read: dict[str, Operation] = {}
        self.synapses: dict[str, Synapses] = {}

    def rows(self, population: str) -> int:
        """For how many steps the spikes of `population` are kept."""
        return self.plan.history.get(population, 1)

    def slots(self, population: str) -> int:
        """For how many steps ahead spikes onto `population` are added up."""
        onto = (p.delay for p in self.plan.projections.values() if p.post == population)
        return max((int(delay.max()) for delay in onto if delay.size), default=1)

    def run(
        self,
        name: str,
        arrays: tuple[str, ...],
        integers: tuple[int, ...],
        reals: tuple[float, ...] = (),
        module: str = FIXED,
    ) -> None:
        self.step.append(Operation(module, name, arrays, integers, reals))

    def spikes(self, population: str) -> None:
        size = self.plan.size(population)
        self.arrays[f"fired/{population}"] = Array("uint32", (1 + size) * self.rows(population))
        self.arrays[f"spiked/{population}"] = Array("uint8", -(-size // _WORD) * _WORD)

    def source(self, source: SourcePlan) -> None:
        name, size, rows = source.name, source.size, self.rows(source.name)
        self.spikes(name)
        if source.poisson:
            heard = tuple(f"{part}/{name}" for part in (*Thresholds._fields, "limit", "key", "draws"))
        else:
            heard = (f"given/{name}",)
        kernel = "poisson" if source.poisson else "given"
        self.run(kernel, (f"fired/{name}", f"spiked/{name}", *heard), (size, rows))
        self.run("record_spikes", (f"fired/{name}", f"spikes/{name}"), (size, rows))

    def neurons(self, neurons: NeuronPlan) -> None:
        name, size, rows, slots = neurons.name, neurons.size, self.rows(neurons.name), self.slots(neurons.name)
        self.spikes(name)
        mismatched = self.few is not None and name in self.few.thresholds
        kernel = cell_kernel(neurons, mismatched)
        own = [f"{variable}/{name}" for variable in kernel.variables]
        self.arrays[f"arriving/{name}"] = Array("real", slots * size)
        self.arrays[f"refractory/{name}"] = Array("int64", size)
        self.arrays |= {array: Array("real", size) for array in own}
        waiting = [f"refractory/{name}"] if kernel.waits else []
        own += [f"threshold/{name}"] if mismatched else []
        arrays = (f"fired/{name}", f"spiked/{name}", f"arriving/{name}", *waiting, *own)
        if neurons.noise is not None:
            ends = neurons.noise.low, neurons.noise.width
            self.run("noise", (f"arriving/{name}", f"noise/{name}"), (size, slots), ends)
        self.run("integrate", arrays, (size, rows, slots, neurons.refractory), kernel.reals, kernel.text)
        self.run("record_spikes", (f"fired/{name}", f"spikes/{name}"), (size, rows))
        self.keep(f"v/{name}", (f"v/{name}",), (size, 0), neurons.constants.get("rest", 0.0))
        self.run("record_voltages", (f"v/{name}", f"voltages/{name}"), (size,))

    def modulator(self, modulator: ModulatorPlan) -> None:
        name, size = modulator.name, modulator.size or 1
        self.arrays |= {f"{part}/{name}": Array("float64", size) for part in ("filter", "value")}
        arrays = tuple(f"{part}/{name}" for part in ("filter", "value", "held", "modulators"))
        self.run("modulate", arrays, (size,), (modulator.baseline, modulator.gain, modulator.gain_below))

    def following(self, modulator: ModulatorPlan) -> None:
        name = modulator.name
        if modulator.source is None:
            self.run("decay", (f"filter/{name}",), (modulator.size or 1,), (modulator.decay,))
        else:
            arrays = (f"filter/{name}", f"fired/{modulator.source}")
            integers = (self.plan.size(modulator.source), self.rows(modulator.source))
            self.run("follow", arrays, integers, (modulator.decay, self.plan.dt))

    def trace(self, trace: TracePlan) -> None:
        size, rows = self.plan.size(trace.population), self.rows(trace.population)
        self.arrays[f"trace/{trace.name}"] = Array("real", size)
        self.arrays[f"share/{trace.name}"] = Array("float64", 1)
        if self.few is not None:  # one by one, as the reference has it: no share
            self.run("remember", (f"trace/{trace.name}", f"spiked/{trace.population}"), (size,), (trace.decay,), TRACE)
            self.keep(f"trace/{trace.name}", (f"trace/{trace.name}",), (size, 0), 0.0)
            return
        arrays = (f"fired/{trace.population}", f"trace/{trace.name}", f"share/{trace.name}")
        self.run("trace", arrays, (size, rows), (trace.decay, _SMALLEST_SHARE[self.precision]))

    def keep(self, state: str, arrays: tuple[str, ...], integers: tuple[int, int], rest: float) -> None:
        """Round a state that is kept in few bits; `arrays`: where it is, and perhaps the order of its numbers."""
        if self.few is not None and state in self.few.kept:
            heard = (arrays[0], f"levels/{state}", f"level_keys/{state}", *arrays[1:])
            self.run("keep", heard, integers, (rest,), keeping(len(arrays) > 1))

    def projection(self, projection: ProjectionPlan, lazy: bool) -> None:
        if not projection.weight.size:
            self.synapses[projection.name] = Synapses(np.zeros(0, dtype=np.int64), "static", 0, 0.0)
            return
        plan, name = self.plan, projection.name
        table = sort(projection, plan.size(projection.pre), plan.size(projection.post))
        if projection.rule is None:
            sizes = plan.size(projection.pre), self.rows(projection.pre), plan.size(projection.post)
            operation, arrays = static(projection, table, *sizes, self.slots(projection.post))
            self.arrays |= arrays
            self.step.append(operation)
            self.synapses[name] = Synapses(table.order, "static", 0, 0.0)
            return
        if self.few is not None:
            self.quantized(projection, table)
            return
        found = plastic(plan, projection, table, self.precision, lazy)
        integers = (
            *(plan.size(projection.pre), self.rows(projection.pre), plan.size(projection.post)),
            *(self.rows(projection.post), self.slots(projection.post), int(projection.delay.max())),
            *(projection.weight.size, found.longest, table.delays.size),
        )
        self.arrays |= found.arrays
        for kernel in found.step:
            self.run(kernel, found.reads, integers, found.reals, found.module)
        self.read[name] = Operation(found.module, "read", found.reads, integers, found.reals)
        self.synapses[name] = Synapses(table.order, found.form, found.eligibilities, found.rest)

    def quantized(self, projection: ProjectionPlan, table: Sorted) -> None:
        """Store the weights of `projection` in few bits."""
        assert projection.rule is not None and self.few is not None
        plan, name = self.plan, projection.name
        sizes = plan.size(projection.pre), self.rows(projection.pre), plan.size(projection.post)
        integers = (*sizes, self.rows(projection.post), self.slots(projection.post))
        found = quantized(plan, projection, table, self.few.synapses[name])
        self.arrays |= found.arrays
        count = projection.weight.size
        for module, kernel, way in found.step:
            self.run(kernel, found.reads, (*integers, count, table.delays.size, way), found.reals, module)
        for number in range(len(projection.rule.eligibilities)):
            places = f"synapse/{name}", f"order/{name}"
            self.keep(f"eligibility/{name}/{number}", places, (count, (1 + number) * count), 0.0)
        self.synapses[name] = Synapses(table.order, QUANTIZED, len(projection.rule.eligibilities), 0.0)
