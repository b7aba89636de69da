"""The reference against an independent simulation in plain Python, written from the definition of the step.

Catches an error in the reference's own order of operations, gates, decays, delays, refractory periods, clipping or
modulators, which the agreement of the back ends with the reference could not show.
"""

from __future__ import annotations

import numpy as np
from hypothesis import assume, event, given
from numpy.typing import NDArray

import spikerl as sp
from spikerl.backends.base import State
from spikerl.discretise import Plan
from tests.contract.comparison import close, gap, largest, same
from tests.contract.networks import Case, cases
from tests.contract.oracle import play
from tests.contract.running import conditioned


@given(cases(max_size=4, steps=60))
def test_reference_equals_the_plain_python_simulation(case: Case) -> None:
    assume(conditioned(case))
    record = sp.Record(voltages=None, weights=None)
    with sp.open(case.network, "reference", seed=case.seed, batch=case.batch, dt=case.dt, record=record) as session:
        plan = session.plan
        seen = [
            session.step(
                f"{window.steps * plan.dt * 1e3!r} ms",
                spikes=window.spikes,
                rates=window.rates,
                modulators=window.modulators,
            )
            for window in case.windows
        ]
        state = session.state()
    spikes = {name: np.concatenate([s.spikes[name] for s in seen]) for name in plan.sizes}
    sources = {name: spikes[name] for name in plan.sources}
    _count(spikes, state, plan)
    for instance in range(case.batch):
        oracle = play(case, case.windows, sources, instance)
        for name in plan.sizes:
            same(f"spikes of {name}", spikes[name][:, instance], np.array(oracle.fired[name]))
        for name, cells in oracle.cells.items():
            for variable in plan.neurons[name].equations.variables:
                found = state[f"{variable}/{name}"][instance]
                expected = np.array([getattr(cell, variable) for cell in cells])
                close(f"{variable}/{name}", found, expected, gap(plan, name) if variable != "u" else largest(expected))
            same(f"refractory/{name}", state[f"refractory/{name}"][instance], np.array([c.waits for c in cells]))
        for name, synapses in oracle.synapses.items():
            expected = np.array([s.weight for s in synapses], dtype=float)
            close(f"weight/{name}", state[f"weight/{name}"][instance], expected, largest(expected))
            for number in range(len(synapses[0].eligibilities) if synapses else 0):
                expected = np.array([list(s.eligibilities.values())[number] for s in synapses])
                found = state[f"eligibility/{name}/{number}"][instance]
                close(f"eligibility/{name}/{number}", found, expected, largest(expected))
        for name, values in oracle.filters.items():
            found = np.atleast_1d(state[f"modulator/{name}"][instance])
            close(f"modulator/{name}", found, np.array(values), largest(np.array(values)))


def _count(spikes: dict[str, NDArray[np.bool_]], state: State, plan: Plan) -> None:
    """Put into Hypothesis' statistics how much happened, so that a suite of silent networks would show."""
    fired = sum(int(spikes[name].sum()) for name in plan.neurons)
    event(f"neurons fire: {'never' if not fired else '< 20 spikes' if fired < 20 else '20 spikes or more'}")
    moved = [
        bool((state[f"weight/{name}"] != p.weight).any())
        for name, p in plan.projections.items()
        if p.rule is not None and p.weight.size
    ]
    event(f"plastic weights move: {'no plastic projection' if not moved else any(moved)}")
