"""Small circuits whose rules take each way of the native back end, with weights that meet their bounds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import spikerl as sp
from spikerl.backends.base import Engine, Options
from spikerl.backends.native.engine import NativeEngine
from spikerl.backends.native.lowering import lower
from spikerl.backends.native.program import Program
from spikerl.backends.reference import backend as reference
from spikerl.discretise import Plan, discretise
from spikerl.inputs import Hearing
from spikerl.plasticity.algebra import Rule

MakeRule = Callable[[sp.Modulator, sp.Modulator], Rule]


def fading(dopamine: sp.Modulator, other: sp.Modulator) -> Rule:
    """One eligibility, one modulator: a single integral, which turns where dopamine changes its sign."""
    return sp.dopamine_stdp(dopamine, "30 ms", 0.3, 0.36, 0.2, bounds=(0.1, 0.6))


def forgetting(dopamine: sp.Modulator, other: sp.Modulator) -> Rule:
    """The weight is drawn to a rest within its bounds."""
    return sp.dopamine_stdp(dopamine, "40 ms", 0.3, 0.36, 0.2, "D2", forgetting=0.02, rest=0.3, bounds=(0.1, 0.6))


def drifting(dopamine: sp.Modulator, other: sp.Modulator) -> Rule:
    """Two eligibilities and a drift: three integrals, each with a way of its own."""
    x, y = sp.pre_trace("20 ms"), sp.post_trace("12 ms")
    slow = sp.eligibility("60 ms", sp.on_post(0.2 * x), sp.on_pre(-0.15 * y))
    quick = sp.eligibility("20 ms", sp.on_pre(0.3 * y * other))
    gated = sp.every_step(0.1 * dopamine * slow), sp.every_step(0.05 * other * quick), sp.every_step(0.002 * dopamine)
    return sp.Rule(*gated, bounds=(0.0, 0.5))


def leaking(dopamine: sp.Modulator, other: sp.Modulator) -> Rule:
    """A drift that dopamine gates, beside a leak: the weight rests at 0."""
    elig = sp.eligibility("40 ms", sp.on_post(0.3 * sp.pre_trace("20 ms")))
    return sp.Rule(
        sp.every_step(0.1 * dopamine * elig), sp.every_step(0.03 * other - 0.02 * sp.weight), bounds=(-0.2, 0.5)
    )


def drift_alone(dopamine: sp.Modulator, other: sp.Modulator) -> Rule:
    """No eligibility: all synapses move alike until they meet a bound."""
    return sp.Rule(sp.every_step(0.02 * dopamine), sp.on_pre(0.05 * sp.post_trace("10 ms")), bounds=(0.0, 0.5))


def coupled(dopamine: sp.Modulator, other: sp.Modulator) -> Rule:
    """Changes at spikes read weight and eligibility, and change the weight: two that coincide must read the old."""
    x, y = sp.pre_trace("20 ms"), sp.post_trace("20 ms")
    elig = sp.eligibility("50 ms", sp.on_post(0.3 * x * (1 - sp.weight)), sp.on_pre(-0.3 * y * sp.weight))
    return sp.Rule(
        sp.on_pre(-0.1 * sp.weight * y + 0.05 * elig),
        sp.on_post(0.1 * x + 0.05 * other),
        sp.every_step(0.05 * dopamine * elig),
        bounds=(0.05, 0.6),
    )


def falling(dopamine: sp.Modulator, other: sp.Modulator) -> Rule:
    """No upper bound, and dopamine that drives most weights to 0."""
    return sp.dopamine_stdp(dopamine, "30 ms", 0.1, 0.3, 0.01, bounds=(0.0, np.inf))


def pairs(dopamine: sp.Modulator, other: sp.Modulator) -> Rule:
    """Nothing happens between spikes."""
    return sp.pair_stdp(a_plus=0.1, a_minus=0.12, bounds=(0.0, 0.5))


def traced(dopamine: sp.Modulator, other: sp.Modulator) -> Rule:
    """Traces at every step: no closed form."""
    return sp.Rule(
        sp.every_step(0.01 * dopamine * sp.pre_trace("20 ms") * sp.post_trace("20 ms")),
        sp.on_pre(-0.02),
        bounds=(0.0, 0.5),
    )


def squared(dopamine: sp.Modulator, other: sp.Modulator) -> Rule:
    """An eligibility that is fed at every step, and a weight that feeds on its square: no closed form."""
    elig = sp.eligibility("30 ms", sp.every_step(0.1 * other), sp.on_post(0.3))
    return sp.Rule(
        sp.every_step(0.02 * elig * sp.weight), sp.every_step(-0.02 * sp.weight * sp.weight), bounds=(0, 0.5)
    )


LAZY: dict[str, MakeRule] = {
    rule.__name__: rule for rule in (fading, forgetting, drifting, leaking, drift_alone, coupled, falling, pairs)
}
CLOCKED: dict[str, MakeRule] = {rule.__name__: rule for rule in (traced, squared)}
STEPS, BATCH = 400, 2


def circuit(make: MakeRule, delays: bool = False) -> sp.Network:
    """Fifteen plain neurons, recurrent, their weights of order 1; with `delays`, of 1 to 4 ms."""
    dopamine, other = sp.Modulator("dopamine", "50 ms"), sp.Modulator("other", "20 ms")
    drive = sp.Population("drive", 30, sp.Poisson("80 Hz"))
    cells = sp.Population("cells", 15, sp.LIF("10 ms", "3 ms", refractory="2 ms"))
    delay = sp.Values(tuple(float(1 + k % 4) for k in range(15 * 14)), "ms") if delays else "1 ms"
    return sp.Network(
        sp.Projection(drive, cells, 0.9, sp.Probability(0.5, seed=1)),
        sp.Projection(
            cells,
            cells,
            sp.Uniform(0.1, 0.5, seed=2),
            sp.AllToAll(self_connections=False),
            delay=delay,
            rule=make(dopamine, other),
        ),
        modulators=(dopamine, other),
    )


def modulation(steps: int = STEPS, batch: int = BATCH) -> dict[str, np.ndarray]:
    """Values that change their sign many times, other ones in each instance."""
    t = np.arange(steps)[:, None]
    phase = np.arange(batch)
    return {"dopamine": np.sin(t / 9.0 + phase) + 0.2 * np.sin(t / 2.1), "other": np.cos(t / 13.0 - phase)}


def opened(
    plan: Plan, precision: str = "float64", lazy: bool = True, batch: int = BATCH, threads: int = 1
) -> NativeEngine:
    """Open the native back end, recording all neurons."""
    options = Options(
        batch, precision=precision, threads=threads, spikes=tuple(plan.sizes), voltages=tuple(plan.neurons)
    )
    return NativeEngine(plan, lower(plan, precision, lazy), options)


def oracle(plan: Plan, batch: int = BATCH) -> Engine:
    """Open the reference."""
    return reference.open(plan, Options(batch, voltages=tuple(plan.neurons)))


def hearing(plan: Plan, batch: int = BATCH) -> Hearing:
    """Return the input of all tests here."""
    return Hearing(plan, 5, range(batch))


def form(program: Program) -> str:
    """Return how the plastic projection of `program` is computed."""
    return program.synapses["cells_to_cells"].form


def planned(make: MakeRule, delays: bool = False) -> Plan:
    """Return the plan of the circuit."""
    return discretise(circuit(make, delays))
