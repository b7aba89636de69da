"""The program is plain data, and what it holds of texts depends on laws and rules alone."""

from __future__ import annotations

import numpy as np
import pytest

import spikerl as sp
from spikerl.backends.native import backend
from spikerl.backends.native.program import Program
from spikerl.circuit import load_circuit
from spikerl.discretise import discretise


def striatum(**parameters: object) -> Program:
    """Return the program of the striatum with these parameters."""
    factory = load_circuit("striatum")
    return backend.lower(discretise(factory.build(factory.parameters(**parameters)).network))


def texts(program: Program) -> set[str]:
    """Return the texts of all kernels."""
    return {operation.module for operation in program.step}


def test_other_numbers_need_no_other_kernels() -> None:
    """Catches a constant that is written into a kernel, so that a sweep would compile every point of it anew."""
    other = striatum(cortex=40, medium_spiny=30, weight="3 mV", tau_elig="200 ms", learning_rate=1e-3, tonic="5 Hz")
    assert texts(other) == texts(striatum())


def test_projections_with_one_rule_share_its_kernels() -> None:
    """Catches names of populations, or the sign of a receptor, in the text of a kernel."""
    program = striatum()
    rows = {operation.module for operation in program.step if operation.name == "rows"}
    assert len(rows) == 1
    assert {stored.form for stored in program.synapses.values()} == {"lazy", "static"}


def test_operations_are_in_the_order_of_the_step() -> None:
    """Catches a rule that reads traces before they have jumped, or a modulator that follows spikes in their step."""
    names = [operation.name for operation in striatum().step]
    last = {name: max(k for k, other in enumerate(names) if other == name) for name in set(names)}
    first = {name: names.index(name) for name in set(names)}
    order = ["poisson", "integrate", "modulate", "trace", "clock"]
    assert all(last[a] < first[b] for a, b in zip(order, order[1:], strict=False))
    assert first["rows"] < first["columns"] and last["columns"] < first["follow"] == len(names) - 1


def test_every_array_of_a_kernel_is_described_or_belongs_to_a_window() -> None:
    """Catches a misspelt name, which would be handed to a kernel as address 0."""
    program = striatum()
    of_windows = {"given", "held", "spikes", "voltages", "modulators", "weights", "limit", "key", "draws"}
    of_windows |= {"group_top", "group_rest", "cumulative", "top", "rest"}
    for operation in (*program.step, *program.read.values()):
        for name in operation.arrays:
            assert name in program.arrays or name.partition("/")[0] in of_windows, name


@pytest.mark.parametrize("backend_name", ["native", "reference"])
def test_an_empty_projection_and_a_population_nobody_hears(backend_name: str) -> None:
    """Catches arrays of size 0 that a kernel is given, and populations without a ring."""
    lonely, cells = sp.Population("lonely", 3, sp.LIF(bias=2.0)), sp.Population("cells", 2, sp.LIF())
    none = sp.Projection(lonely, cells, 0.5, sp.Probability(0.0, seed=1), rule=sp.pair_stdp(bounds=(0, 1)))
    with sp.open(sp.Network(none), backend_name, batch=2) as session:
        seen = session.step("50 ms")
        assert seen.spikes["lonely"].any() and not seen.spikes["cells"].any()
        assert session.weights("lonely_to_cells").shape == (2, 0)
        state = session.state()
        session.restore(state)
    assert all(np.isfinite(array).all() for array in state.values())
