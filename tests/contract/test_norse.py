"""What is the norse back end's own: its cells, its places for synapses, its gradients, its devices.

That it does what the reference does on drawn networks is held by the suite over every back end; the networks here are
those that the suite does not draw: large, sparse, long, in single precision.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import spikerl as sp
from spikerl.backends import base
from spikerl.backends.reference import backend as reference
from spikerl.discretise import Plan, discretise
from spikerl.errors import DescriptionError, UnsupportedError
from spikerl.inputs import Hearing, Window
from spikerl.neurons import Equations

torch = pytest.importorskip("torch")
pytest.importorskip("norse")

from torch import Tensor  # noqa: E402

from spikerl.backends.norse import NetworkState, Program, Surrogate, backend, lower, pack, step, unroll  # noqa: E402
from spikerl.backends.norse.cells import NORSE_CELLS, make_cell  # noqa: E402
from spikerl.backends.norse.engine import NorseEngine  # noqa: E402
from spikerl.backends.norse.stepping import listen  # noqa: E402
from spikerl.backends.norse.synapses import Dense, Listed  # noqa: E402


def recurrent(unit: str, rest: float, gap: float) -> sp.Network:
    """Fifty neurons of two kinds that drive and inhibit one another, tonic, at irregular times."""

    def written(value: float) -> str | float:
        return f"{value!r} {unit}" if unit else value

    def neuron(refractory: str) -> sp.LIF:
        top, low = written(rest + gap), written(rest - gap / 7)
        return sp.LIF("17 ms", "4.3 ms", written(rest), top, low, refractory, bias=written(1.13 * gap))

    strong = sp.Population("strong", 30, neuron("3 ms"))
    quick = sp.Population("quick", 20, neuron("0 ms"))
    drive = sp.Population("drive", 40, sp.Poisson("30 Hz"))
    weight = sp.Uniform(written(-0.4 * gap), written(0.5 * gap), seed=3)
    return sp.Network(
        sp.Projection(drive, strong, weight, sp.Probability(0.5, seed=1)),
        sp.Projection(strong, quick, weight, sp.Probability(0.5, seed=2), delay="2 ms"),
        sp.Projection(quick, strong, weight, sp.Probability(0.5, seed=3), delay="5 ms"),
        sp.Projection(strong, strong, weight, sp.Probability(0.3, seed=4)),
    )


def derived(program: Program) -> Program:
    """Return `program` with every Norse cell replaced by the code derived from its equations."""
    cells = tuple(replace(cell, kind="derived", box=None) for cell in program.cells)
    return replace(program, cells=cells)


def heard(plan: Plan, steps: int, batch: int, **held: float) -> Window:
    return Hearing(plan, 5, range(batch)).window(0, steps, {}, {}, held)


@pytest.mark.parametrize(("unit", "rest", "gap"), [("mV", -80.0, 30.0), ("", 0.0, 1.0), ("", 0.3, 1.7)])
def test_norse_cell_derived_code_and_reference_agree(unit: str, rest: float, gap: float) -> None:
    """Catches a wrong inverse time constant, units that Norse reads otherwise, and a refractory mask off by one."""
    plan = discretise(recurrent(unit, rest, gap))
    options = base.Options(batch=2, voltages=("strong", "quick"))
    window = heard(plan, 1000, 2)
    program = lower(plan)
    assert [cell.kind for cell in program.cells] == ["lif_box"]
    expected = reference.open(plan, options).advance(window)
    assert expected.spikes["strong"].sum() > 1000 and expected.spikes["quick"].sum() > 1000
    scale = 1e-3 * gap if unit else gap
    for found in (NorseEngine(one, options).advance(window) for one in (program, derived(program))):
        for name, spikes in expected.spikes.items():
            assert np.array_equal(found.spikes[name], spikes)
            assert np.abs(found.voltages[name] - expected.voltages[name]).max() < 1e-11 * scale


def test_translation_table_and_derived_equations() -> None:
    """Catches a table that no shipped neuron meets, and a threshold that is not turned into its margin."""
    assert NORSE_CELLS == {sp.LIF().equations: "lif_box"}
    assert hash(sp.AdaptiveLIF().equations) and sp.AdaptiveLIF().equations not in NORSE_CELLS
    population = sp.Population("p", 3, sp.AdaptiveLIF())
    cell = lower(discretise(sp.Network(populations=(population,)))).cells[0]
    assert (cell.kind, cell.box) == ("derived", None)
    assert cell.margin.text == "v - (threshold + b)"
    assert cell.reset["b"].text == "b + adapt"


@pytest.mark.parametrize("threshold", ["v >= threshold", "v > threshold > u", "v > cosine(u)", "v > u[0]", "v > w"])
def test_equations_that_torch_cannot_take_are_refused(threshold: str) -> None:
    """Catches a condition translated to something else, and code in an equation that would run."""
    plan = discretise(sp.Network(populations=(sp.Population("p", 3, sp.LIF()),))).neurons["p"]
    other = replace(plan, equations=Equations(plan.equations.relaxations, threshold, plan.equations.reset))
    with pytest.raises(UnsupportedError, match="back end 'norse'"):
        make_cell([other], 1e-3, Surrogate(), torch.float64, torch.device("cpu"))


def large() -> sp.Network:
    """Every place that synapses can have: bundled, listed, dense with and without gaps; and both kinds of neuron."""
    membrane = sp.LIF(rest="-70 mV", threshold="-50 mV", refractory="2 ms", bias="22 mV")
    source = sp.Population("source", 300, sp.Poisson("20 Hz"))
    wide = sp.Population("wide", 400, membrane)
    slow = sp.Population("slow", 60, sp.AdaptiveLIF(membrane, adapt="1 mV"))
    signal = sp.Modulator("signal", "50 ms", source=slow, baseline="10 Hz", gain=0.1)
    shaped = sp.Modulator("shaped", "100 ms", target=wide)
    x, y = sp.pre_trace("20 ms"), sp.post_trace("15 ms")
    tag = sp.eligibility("300 ms", sp.on_post(0.3 * x * shaped), sp.on_pre(-0.2 * y * sp.weight), sp.every_step(1e-3))
    rule = sp.Rule(
        sp.every_step(0.02 * signal * tag), sp.on_pre(0.01 * sp.weight - 0.02 * sp.weight * y), bounds=(0.0, 2.0)
    )
    weight = sp.Uniform("0.2 mV", "1 mV", seed=7)
    sparse = sp.Probability(0.1, seed=3)
    synapses = len(sparse.edges(source.size, wide.size, "Projection('listed')").pre)
    delays = sp.Values(tuple(1 + k % 3 for k in range(synapses)), "ms")
    return sp.Network(
        sp.Projection(source, wide, weight, sp.Probability(0.02, seed=1), name="listed_fixed"),
        sp.Projection(wide, slow, weight, sp.Probability(0.3, seed=2), delay="3 ms", name="bundled"),
        sp.Projection(slow, slow, "-0.2 mV", name="bundled_too"),
        sp.Projection(source, wide, weight, sparse, delays, rule=rule, name="listed"),
        sp.Projection(slow, wide, weight, sp.Probability(0.5, seed=4), delay="2 ms", rule=rule, name="gaps"),
        sp.Projection(slow, wide, weight, rule=rule, name="full"),
        modulators=(signal, shaped),
    )


def test_every_place_of_synapses_agrees_with_the_reference() -> None:
    """Catches a fault of one place only: rows, transposition, gaps that carry weight, two that overwrite each other."""
    plan = discretise(large())
    program = lower(plan)
    places = {synapses.projection: type(synapses.place) for synapses in program.synapses}
    assert places == {"listed_fixed": Listed, "listed": Listed, "gaps": Dense, "full": Dense}
    assert [[entry.projection for entry in bundle.entries] for bundle in program.bundles] == [
        ["bundled", "bundled_too"]
    ]
    window = heard(plan, 60, 2, shaped=0.7)
    engines = [one.open(plan, base.Options(batch=2)) for one in (reference, backend)]
    expected, found = [engine.advance(window) for engine in engines]
    for name, spikes in expected.spikes.items():
        assert spikes.any() and np.array_equal(found.spikes[name], spikes), name
    states = [engine.state() for engine in engines]
    assert states[0].keys() == states[1].keys()
    for name, array in states[0].items():
        assert states[1][name].dtype == array.dtype
        assert np.allclose(states[1][name], array, rtol=1e-9, atol=1e-12 * np.abs(array).max()), name
    for name in ("listed", "gaps", "full"):
        assert np.abs(states[0][f"weight/{name}"] - plan.projections[name].weight).max() > 0.1, name


def test_fixed_weights_of_a_state_may_differ_between_instances() -> None:
    """Catches fixed weights that the program keeps to itself when a state (say, a quantised one) brings others."""
    plan = discretise(large())
    state = base.initial_state(plan, 2)
    for name in ("listed_fixed", "bundled", "bundled_too", "full"):
        state[f"weight/{name}"][1] *= 0.5
    engines = [one.open(plan, base.Options(batch=2)) for one in (reference, backend)]
    for engine in engines:
        engine.restore(state)
    expected, found = [engine.advance(heard(plan, 40, 2)) for engine in engines]
    for name, spikes in expected.spikes.items():
        assert np.array_equal(found.spikes[name], spikes), name
    assert np.array_equal(engines[1].weights("bundled"), state["weight/bundled"])


def test_step_is_pure_unless_it_may_write_over_its_state() -> None:
    """Catches an update in place that would break gradients, and a donated array that is read after it was written."""
    plan = discretise(large())
    program = lower(plan)
    pure, donated = (pack(program, base.initial_state(plan, 2), 2) for _ in range(2))
    for inputs in listen(program, heard(plan, 30, 2, shaped=0.7), 2):
        before = synaptic(pure)
        kept = [array.clone() for array in before]
        pure, _ = step(program, pure, inputs)
        donated, _ = step(program, donated, inputs, donate=True)
        assert all(map(torch.equal, before, kept))
    assert all(map(torch.equal, synaptic(pure), synaptic(donated)))


def synaptic(state: NetworkState) -> list[Tensor]:
    return [*state.weights, *(one for several in state.eligibilities for one in several)]


def trained(rule: sp.Rule | None = None) -> Plan:
    cue = sp.Population("cue", 12, sp.Poisson("150 Hz"))
    first = sp.Population("first", 8, sp.LIF(refractory="2 ms"))
    second = sp.Population("second", 4, sp.AdaptiveLIF(adapt=0.2))
    return discretise(
        sp.Network(
            sp.Projection(cue, first, sp.Uniform(0.2, 0.8, seed=1), rule=rule),
            sp.Projection(first, second, sp.Uniform(0.2, 0.9, seed=2)),
        )
    )


def packed_with(plan: Plan, program: Program, weight: Tensor, batch: int = 2) -> NetworkState:
    return pack(program, base.initial_state(plan, batch), batch, {"cue_to_first": weight})


def test_gradient_of_a_voltage_is_its_difference_quotient() -> None:
    """Without spikes and surrogate the gradient is exact; catches a graph that is cut or scaled on its way."""
    plan = trained()
    program, window = lower(plan), heard(plan, 30, 2)

    def loss(weight: Tensor) -> Tensor:
        done = unroll(program, packed_with(plan, program, weight), window)
        assert not done.spikes["first"].any()
        return done.voltages["first"].pow(2).sum()

    start = torch.tensor(0.01 * plan.projections["cue_to_first"].weight)[None]
    weight = start.clone().requires_grad_()
    loss(weight).backward()
    small = 1e-6
    for synapse in (0, 7, 95):
        shift = torch.zeros_like(start)
        shift[0, synapse] = small
        quotient = (loss(start + shift) - loss(start - shift)) / (2 * small)
        assert weight.grad[0, synapse].item() == pytest.approx(quotient.item(), rel=1e-6)


@pytest.mark.parametrize("method", ["super", "triangle", "tanh", "circ", "heavi_erfc"])
def test_gradients_flow_through_spikes(method: str) -> None:
    """Catches spikes without a surrogate: the weights act on the second population only through spikes of the first."""
    plan = trained()
    program = lower(plan, surrogate=Surrogate(method))
    weight = torch.tensor(plan.projections["cue_to_first"].weight)[None].requires_grad_()
    done = unroll(program, packed_with(plan, program, weight), heard(plan, 60, 2))
    assert done.spikes["first"].any() and done.spikes["second"].any()
    done.spikes["second"].sum().backward()
    assert weight.grad.isfinite().all()
    assert (weight.grad != 0).double().mean() > 0.9


def test_without_a_surrogate_no_gradient_is_promised() -> None:
    """Catches a default that hands out zero gradients as if they were true."""
    plan = trained()
    program = lower(plan)
    weight = torch.tensor(plan.projections["cue_to_first"].weight)[None].requires_grad_()
    assert not unroll(program, packed_with(plan, program, weight), heard(plan, 60, 2)).spikes["first"].requires_grad


def test_gradients_reach_weights_that_learn_meanwhile() -> None:
    """``w(n) = w(0) + changes``, so with changes that do not depend on w the derivative of the last w is one."""
    rule = sp.Rule(sp.on_pre(0.01), bounds=(-np.inf, np.inf))
    plan = trained(rule)
    program = lower(plan)
    weight = torch.tensor(plan.projections["cue_to_first"].weight)[None].requires_grad_()
    last = unroll(program, packed_with(plan, program, weight), heard(plan, 20, 2)).state.weights[0]
    assert last.detach().mean() > weight.detach().mean() + 0.01
    last.sum().backward()
    assert torch.equal(weight.grad, torch.full_like(weight, 2.0))  # two instances


def test_descent_along_the_gradient_brings_the_rate_to_its_target() -> None:
    """Catches a gradient of the wrong sign; the target is a mean of 4 spikes a neuron in 100 steps."""
    plan = trained()
    program, window = lower(plan, surrogate=Surrogate("super")), heard(plan, 100, 2)
    weight = torch.tensor(plan.projections["cue_to_first"].weight)[None].requires_grad_()
    losses = []
    for _ in range(12):
        weight.grad = None
        counts = unroll(program, packed_with(plan, program, weight), window).spikes["first"].sum(0)
        loss = (counts - 4).pow(2).mean()
        loss.backward()
        losses.append(loss.item())
        with torch.no_grad():
            weight -= 0.05 * weight.grad / weight.grad.abs().max()
    assert min(losses[-3:]) < 0.3 * losses[0]


def test_single_precision_deviates_by_its_rounding_alone() -> None:
    """Catches a constant or an array left in the wrong precision, whose deviation would be far larger or exactly none.

    Each step rounds `v` by at most 2^-24 of its magnitude (80 mV) and the membrane forgets with a = exp(-1/17), so the
    voltage parts by at most 80 mV 2^-24 / (1 - a), about 0.1 uV, times the few roundings of a step. The run is short
    enough that no spike moves (which a longer chaotic one need not be).
    """
    plan = discretise(recurrent("mV", -80.0, 30.0))
    found: list[base.Trajectory] = []
    for precision in ("float64", "float32"):
        options = base.Options(batch=2, precision=precision, voltages=("strong",))
        found.append(backend.open(plan, options).advance(heard(plan, 60, 2)))
    assert found[0].spikes["strong"].sum() >= 100
    assert np.array_equal(found[0].spikes["strong"], found[1].spikes["strong"])
    deviation: NDArray[np.float64] = np.abs(found[0].voltages["strong"] - found[1].voltages["strong"])
    assert 0 < deviation.max() < 1e-6
    assert found[1].voltages["strong"].dtype == np.float64


@pytest.mark.parametrize("device", ["cuda:99", "cuda:nine", "tpu"])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    """Catches a run that falls back to the CPU, and torch's own error let through."""
    with pytest.raises(UnsupportedError, match="device of back end 'norse'"):
        sp.open(recurrent("", 0.0, 1.0), "norse", device=device)


def test_an_unknown_surrogate_is_refused_by_name() -> None:
    """Catches Norse's own error at the first spike instead of ours at the door."""
    with pytest.raises(DescriptionError, match="did you mean 'super'"):
        Surrogate("supper")


def test_threads_are_given_back() -> None:
    """Catches a session that leaves torch with fewer threads than it found."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        cells = sp.Population("cells", 2, sp.LIF(bias=2.0))
        with sp.open(sp.Network(populations=(cells,)), "norse") as session:
            session.step("5 ms")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
