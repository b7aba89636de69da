"""From real numbers to integers: what is lost is said, what is too much is refused, and the rest computes the same.

The reference back end is the measure. Catches: a scale that is off by a power of two, a right shift that is not put
back, a decay without its offset, delays and refractory periods off by one, overflow, losses that nobody is told of.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import spikerl as sp
from spikerl.discretise import discretise
from spikerl.errors import UnsupportedError
from spikerl.hardware.emulation.emulator import Emulator
from spikerl.hardware.lowering.coefficients import ENOUGH, coefficient
from spikerl.hardware.lowering.lowering import Lowered, lower
from spikerl.hardware.machine import FixedWindow
from spikerl.hardware.program import WIDTHS, Factor, right_shift
from spikerl.hardware.target import load_target

HERE = sp.Record(voltages=None)
FACTORS = st.lists(st.sampled_from(["x1", "y1", "y2", "w", "t"]), max_size=3).map(
    lambda names: tuple(Factor(name) for name in names)
)


def lowered(network: sp.Network, bits: int = 8) -> Lowered:
    """Return the network for the second Loihi."""
    return lower(discretise(network), load_target("loihi2"), bits)


def worst(found: Lowered) -> float:
    """Return the largest relative error of any loss."""
    return max(loss.error for loss in found.losses if loss.error is not None)


@given(
    tau_mem=st.floats(2, 200),
    tau_syn=st.floats(1, 50),
    weight=st.floats(-5, 5).filter(lambda w: abs(w) > 1e-3),
    bias=st.floats(-10, 10),
    resistance=st.floats(0.1, 10),
    seed=st.integers(0, 2**32),
)
def test_voltages_below_threshold_are_those_of_the_reference(
    tau_mem: float, tau_syn: float, weight: float, bias: float, resistance: float, seed: int
) -> None:
    """Within what the losses say, and the cut of 1/4096 a step; catches every wrong scale, sign or decay."""
    spikes = np.random.default_rng(seed).random((300, 5)) < 0.1
    source = sp.Population("source", 5, sp.SpikeSource())
    threshold = 3 * resistance * abs(weight) * 5 * 10 + abs(bias) * 2 + 1
    cell = sp.LIF(
        tau_mem=f"{tau_mem} ms", tau_syn=f"{tau_syn} ms", threshold=threshold, bias=bias, resistance=resistance
    )
    net = sp.Network(sp.Projection(source, sp.Population("cell", 3, cell), weight, delay="2 ms"))
    seen = []
    for backend in ("reference", "loihi"):
        with sp.open(net, backend, record=HERE) as session:
            seen.append(session.step("300 ms", spikes={"source": spikes}).voltages["cell"])
    expected, found = seen
    size = float(np.abs(expected).max())
    # Integers are cut in each step: by as many units as a variable forgets steps, of which a threshold has 65,536.
    cut = 4 * threshold / (64 * 1024) * (1 + tau_mem) * (1 + tau_syn)
    assert np.abs(found - expected).max() <= 3 * worst(lowered(net)) * size + cut


@given(tau_syn=st.floats(1, 400), tau_mem=st.floats(1, 400))
def test_decays_are_the_nearest_that_there_are(tau_syn: float, tau_mem: float) -> None:
    """The current leaks 1/4096 a step by itself, the voltage does not; catches an offset that is forgotten."""
    source = sp.Population("source", 1, sp.SpikeSource())
    cell = sp.LIF(tau_mem=f"{tau_mem} ms", tau_syn=f"{tau_syn} ms")
    neurons = lowered(sp.Network(sp.Projection(source, sp.Population("cell", 1, cell), 0.1))).program.neurons["cell"]
    for left, tau in ((4095 - neurons.du, tau_syn), (4096 - neurons.dv, tau_mem)):
        assert abs(left - 4096 * np.exp(-1 / tau)) <= 0.5 + 1e-9 or left == 4095


def test_a_reset_that_is_not_rest_is_left_again() -> None:
    """v begins at the reset and goes to rest, with the bias; catches a way to rest that is left out."""
    source = sp.Population("source", 1, sp.SpikeSource())
    cell = sp.Population("cell", 1, sp.LIF(rest=0.4, reset=-0.3, bias=0.2))
    with sp.open(sp.Network(sp.Projection(source, cell, 0.1)), "loihi", record=HERE) as session:
        voltage = session.step("300 ms").voltages["cell"][:, 0, 0]
    assert voltage[-1] == pytest.approx(0.6, abs=2e-3)
    assert voltage[0] == pytest.approx(-0.3 + 0.9 * (1 - np.exp(-1 / 20)), abs=2e-3)


def test_spikes_come_in_the_step_of_the_reference() -> None:
    """Delays and refractory periods off by one would show in every spike."""
    source = sp.Population("source", 6, sp.SpikeSource())
    cell = sp.LIF(tau_mem="5 ms", tau_syn="2 ms", refractory="3 ms")
    first, second = sp.Population("first", 6, cell), sp.Population("second", 6, cell)
    delays = sp.Values((1, 2, 3, 4, 20, 63), "ms")
    net = sp.Network(
        sp.Projection(source, first, 15.0, sp.OneToOne(), delay=delays),
        sp.Projection(first, second, 15.0, sp.OneToOne(), delay="1 ms"),
    )
    spikes = np.random.default_rng(0).random((400, 6)) < 0.15
    seen = {}
    for backend in ("reference", "loihi"):
        with sp.open(net, backend) as session:
            seen[backend] = session.step("400 ms", spikes={"source": spikes}).spikes
    for name in ("first", "second"):
        assert seen["reference"][name].sum() > 100
        np.testing.assert_array_equal(seen["loihi"][name], seen["reference"][name])


@given(inputs=st.integers(1, 300), weight=st.floats(0.01, 10), tau_syn=st.floats(1, 30))
@example(inputs=289, weight=3.0, tau_syn=1.5)
def test_the_current_cannot_wrap(inputs: int, weight: float, tau_syn: float) -> None:
    """Even where all inputs spike in every step; catches a threshold that leaves too little room."""
    source = sp.Population("source", inputs, sp.SpikeSource())
    cell = sp.Population("cell", 1, sp.LIF(tau_syn=f"{tau_syn} ms", threshold=1.0))
    program = lowered(sp.Network(sp.Projection(source, cell, weight))).program
    assume(program.neurons["cell"].vth > 1024)  # at the least threshold, resolution goes before room
    seen = Emulator(program).run(FixedWindow(200, {"source": np.ones((200, 1, inputs), np.int64)}), ("cell",))
    assert (np.diff(seen.u["cell"][:, 0, 0]) >= 0).all()


@given(
    wanted=st.floats(-20, 20).filter(lambda k: abs(k) > 1e-9),
    scale=st.integers(-30, 0),
    factors=FACTORS,
    free=st.booleans(),
)
def test_coefficients_come_to_what_they_say(wanted: float, scale: int, factors: tuple[Factor, ...], free: bool) -> None:
    """The right shift is put back; no product leaves 32 bits; within reach, errors are below what is enough."""
    wanted *= 2.0**scale
    found = coefficient(wanted, factors, free)
    constants = tuple(Factor("x2", constant) for constant in found.constants)
    shift = right_shift((*factors, *constants))
    product = float(np.prod([1.0, *found.constants]))
    assert found.value == found.mantissa * product * 2.0 ** (found.exponent - shift)
    assert -7 <= found.mantissa <= 7 and -7 <= found.exponent <= 8 and (free or not constants)
    largest = product * abs(found.mantissa) * np.prod([1.0, *(2.0 ** WIDTHS[f.variable] for f in factors)])
    assert largest < 2**31
    bits = sum(WIDTHS[factor.variable] for factor in factors)
    finest = abs(wanted) * 2.0 ** (7 + right_shift((*factors, *(Factor("x2"),) * (2 if factors else 1))))
    if free and bits <= 16 and 50 <= finest <= 800:
        assert abs(found.value - wanted) <= ENOUGH * abs(wanted)
    assert abs(found.value - wanted) <= abs(wanted)


def learned(net: sp.Network, backend: str, held: dict[str, float], seconds: int = 8) -> np.ndarray:
    """Return the change of all weights in 16 instances."""
    hardware = sp.Hardware(streams="per-synapse") if backend == "loihi" else None
    with sp.open(net, backend, seed=5, batch=16, hardware=hardware) as session:
        (name,) = session.plan.projections
        before = session.weights(name)
        for _ in range(seconds):
            session.step("1 s", modulators=held)
        return session.weights(name) - before


def pair(rule: sp.Rule, weight: float = 4.0) -> sp.Network:
    """Return inputs onto cells that fire of themselves, with a rule between."""
    source = sp.Population("source", 30, sp.Poisson("20 Hz"))
    cells = sp.Population("cells", 20, sp.LIF(bias=1.3, tau_mem="15 ms", refractory="2 ms", threshold=20.0))
    return sp.Network(sp.Projection(source, cells, weight, rule=rule))


@pytest.mark.parametrize(("receptor", "value"), [("D1", 0.5), ("D1", -0.4), ("D2", 1.0)])
def test_dopamine_moves_weights_as_in_real_numbers(receptor: str, value: float) -> None:
    """A missing right shift would be a factor of 32, a missing epoch one of 16, a wrong offset a constant."""
    dopamine = sp.Modulator("dopamine")
    rule = sp.dopamine_stdp(
        dopamine, "500 ms", a_plus=1.0, a_minus=0.0, rate=2e-4, receptor=receptor, bounds=(0.0, 10.0)
    )
    found, expected = (learned(pair(rule), name, {"dopamine": value}).mean() for name in ("loihi", "native"))
    assert abs(expected) > 0.05
    assert found == pytest.approx(expected, rel=0.06)


def test_without_dopamine_weights_forget_as_in_real_numbers() -> None:
    """The resting weight must not drift by what is cut off below 1/128."""
    rule = sp.dopamine_stdp(
        sp.Modulator("dopamine"), a_plus=1.0, a_minus=0.0, forgetting=5e-4, rest=6.0, bounds=(0.0, 10.0)
    )
    found, expected = (learned(pair(rule), name, {"dopamine": 0.0}, 6).mean() for name in ("loihi", "native"))
    assert expected == pytest.approx(6.0 - 4.0, rel=0.06)
    assert found == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize("forgetting", [3e-6, 1e-5, 1e-4, 1e-3])
def test_forgetting_is_even_around_its_rest(forgetting: float) -> None:
    """As much up from below as down from above; what is cut off below 1/128 would draw all weights down."""
    dopamine, bounds = sp.Modulator("dopamine"), (0.0, 10.0)
    rule = sp.dopamine_stdp(dopamine, a_minus=0.0, forgetting=forgetting, rest=5.0, bounds=bounds)
    connection = lowered(pair(rule)).program.connections["source_to_cells"]
    assert connection.rule is not None
    (product,) = (p for p in connection.rule.products if p.target == "w" and p.factors[0].variable == "w")
    rest, changes = round(5.0 / connection.unit), []
    for weight in range(rest - 60, rest + 61):
        value = product.mantissa * (weight + product.factors[0].constant)
        for factor in product.factors[1:]:
            value *= factor.constant
        changes.append((value >> right_shift(product.factors)) << (product.exponent + 7))
    slope = (changes[0] - changes[-1]) / 120
    # The resting weight is a whole number, and so may lie half a weight off.
    assert changes[0] > 0 > changes[-1] and abs(np.mean(changes)) / slope < 0.55


def test_pairs_move_weights_as_in_real_numbers() -> None:
    """Two-factor rules have stochastic traces of both sides; both halves of the window count."""
    for a_plus, a_minus in ((0.03, 0.0), (0.0, 0.03)):
        rule = sp.pair_stdp(a_plus=a_plus, a_minus=a_minus, bounds=(0.0, 10.0))
        found, expected = (learned(pair(rule), name, {}, 2).mean() for name in ("loihi", "native"))
        assert abs(expected) > 0.03
        assert found == pytest.approx(expected, rel=0.08)


def test_what_is_lost_is_said() -> None:
    """Few bits, an end that is not the chip's, a first voltage that is not the reset: each has its line."""
    source = sp.Population("source", 4, sp.SpikeSource())
    cell = sp.Population("cell", 4, sp.LIF(rest=0.1, reset=0.0))
    rule = sp.pair_stdp(a_plus=0.03, a_minus=0.03, bounds=(0.2, 1.0))
    learning = sp.Projection(source, cell, 0.5, rule=rule, name="learning")
    fixed = sp.Projection(source, cell, sp.Uniform("0.1", "1", seed=1), name="fixed")
    losses = {(loss.object, loss.quantity): loss for loss in lowered(sp.Network(learning, fixed), bits=3).losses}
    assert losses["projection 'learning'", "lowest weight"].got == 0.0
    assert losses["projection 'learning'", "lowest weight"].error == pytest.approx(0.2)
    assert losses["population 'cell'", "first voltage"].kind == "approximation"
    assert 0.02 < losses["projection 'fixed'", "weight"].error < 0.15


def test_the_drift_of_a_weight_is_said_and_is_no_larger() -> None:
    """With a steady signal and tags that never rest, each visit cuts off about a half of 1/128."""
    dopamine = sp.Modulator("dopamine")
    rule = sp.dopamine_stdp(dopamine, "300 ms", a_plus=1.0, a_minus=0.0, rate=1e-4, bounds=(0.0, 10.0))
    losses = {loss.quantity: loss for loss in lowered(pair(rule)).losses}
    drift = losses["drift of the weight, at most"].got
    found, expected = (learned(pair(rule), name, {"dopamine": 0.5}).mean() / 8 for name in ("loihi", "native"))
    assert drift < 0 and 1.2 * drift <= found - expected <= 0.4 * drift


def test_a_weight_beyond_the_range_is_refused() -> None:
    """So large beside the threshold that no exponent holds it: said by name, with what it would become."""
    source = sp.Population("source", 2, sp.SpikeSource())
    net = sp.Network(sp.Projection(source, sp.Population("cell", 2, sp.LIF()), sp.Values((1, 2, 3, 3000))))
    told = r"projection 'source_to_cell': weight 3000 becomes .* error .*; 1 lie beyond \d+"
    with pytest.raises(UnsupportedError, match=told):
        sp.open(net, "loihi")


def test_too_much_loss_is_refused_and_can_be_allowed() -> None:
    """The refusal names object, quantity and error, before anything runs."""
    source = sp.Population("source", 4, sp.SpikeSource())
    net = sp.Network(sp.Projection(source, sp.Population("cell", 4, sp.LIF()), sp.Uniform("0.1", "1", seed=1)))
    few = {"weight_bits": 2}
    with pytest.raises(UnsupportedError, match=r"projection 'source_to_cell': weight .* error \d+\.\d+%"):
        sp.open(net, "loihi", hardware=sp.Hardware(**few))
    sp.open(net, "loihi", hardware=sp.Hardware(**few, saturate=True)).close()
    sp.open(net, "loihi", hardware=sp.Hardware(**few, tolerance=0.4)).close()


def test_one_bit_holds_a_sign_and_says_what_it_loses() -> None:
    """Of weights of both signs, one bit has the negative ones alone; catches a grid without a largest weight."""
    source = sp.Population("source", 2, sp.SpikeSource())
    net = sp.Network(sp.Projection(source, sp.Population("cell", 1, sp.LIF()), sp.Values((0.5, -0.5))))
    found = lowered(net, bits=1)
    assert found.program.connections["source_to_cell"].cut().tolist() == [0, -256]
    (loss,) = (loss for loss in found.losses if loss.quantity == "weight")
    assert loss.error == pytest.approx(1.0)


def _adaptive() -> sp.Network:
    return sp.Network(
        sp.Projection(sp.Population("a", 2, sp.Poisson()), sp.Population("b", 2, sp.AdaptiveLIF()), 0.1)
    )


def _ruled(rule: sp.Rule, delay: str = "1 ms") -> sp.Network:
    source, cell = sp.Population("a", 2, sp.Poisson()), sp.Population("b", 2, sp.LIF())
    return sp.Network(sp.Projection(source, cell, 0.1, rule=rule, delay=delay))


def _shaped() -> sp.Network:
    source, cell = sp.Population("a", 2, sp.Poisson()), sp.Population("b", 2, sp.LIF())
    error = sp.Modulator("error", tau="20 ms", target=cell)
    rule = sp.Rule(sp.on_pre(error * sp.pre_trace("20 ms")), bounds=(0, 1))
    return sp.Network(sp.Projection(source, cell, 0.1, rule=rule))


def _bent() -> sp.Network:
    source, cell = sp.Population("a", 2, sp.Poisson()), sp.Population("b", 2, sp.LIF())
    receptor = sp.Modulator("receptor", tau="20 ms", source=cell, gain_below=0.2)
    rule = sp.Rule(sp.on_pre(receptor * sp.pre_trace("20 ms")), bounds=(0, 1))
    return sp.Network(sp.Projection(source, cell, 0.1, rule=rule))


def _many(count: int) -> sp.Rule:
    change = sum((0.01 * sp.pre_trace(f"{10 * k} ms") for k in range(2, count + 1)), 0.01 * sp.pre_trace("10 ms"))
    return sp.Rule(sp.on_post(change), bounds=(0, 1))


def _eligibilities() -> sp.Rule:
    first, second = (sp.eligibility(tau, sp.on_post(0.1 * sp.pre_trace("20 ms"))) for tau in ("1 s", "2 s"))
    return sp.Rule(sp.every_step(1e-3 * first + 1e-3 * second), bounds=(0, 1))


@pytest.mark.parametrize(
    ("network", "told"),
    [
        (_adaptive(), r"neurons of 'b': .*LIF neurons.*use sp\.LIF"),
        (_shaped(), r"modulator 'error': .*each neuron of 'b'.*'native' or 'norse'"),
        (_bent(), r"modulator 'receptor': .*gain_below = 0\.2.*'native' or 'norse'"),
        (_ruled(_many(3)), r"rule of 'a_to_b': pre-synaptic traces: .*at most 2"),
        (_ruled(_eligibilities()), r"rule of 'a_to_b': .*2 eligibilities.*one tag"),
        (_ruled(sp.pair_stdp(), delay="2 ms"), r"projection 'a_to_b': delay of synapses that learn.*2 steps.*one step"),
        (_ruled(sp.Rule(sp.on_pre(1e-12 * sp.weight), bounds=(0, 1))), r"below the finest step"),
    ],
)
def test_what_a_chip_does_not_have_is_refused_by_name(network: sp.Network, told: str) -> None:
    """One clear message, before anything runs."""
    with pytest.raises(UnsupportedError, match=told):
        sp.open(network, "loihi")


@pytest.mark.parametrize(("a_plus", "a_minus"), [(1.0, 0.0), (0.0, 1.0)])
def test_a_trace_that_neurons_keep_is_that_of_real_numbers(a_plus: float, a_minus: float) -> None:
    """Both halves of the window of a three-factor rule; traces cut to whole numbers would lose more than a half."""
    dopamine = sp.Modulator("dopamine")
    rule = sp.dopamine_stdp(dopamine, "300 ms", a_plus=a_plus, a_minus=a_minus, rate=1e-3, bounds=(0.0, 10.0))
    found, expected = (learned(pair(rule), name, {"dopamine": 0.5}, 4).mean() for name in ("loihi", "native"))
    assert abs(expected) > 0.05
    assert found == pytest.approx(expected, rel=0.06)
