"""Weights in few bits on the reference, held against the words of the definition in plain Python."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spikerl as sp
from spikerl.discretise import discretise
from spikerl.errors import DescriptionError, UnsupportedError
from spikerl.quantized import Synapses

STEPS = 40


def network(bounds=(0.0, 4.0), tau_elig="20 ms", rule=None, size=5):
    pre = sp.Population("pre", size, sp.SpikeSource())
    post = sp.Population("post", 3, sp.LIF(tau_mem="10 ms", tau_syn="5 ms", rest="-60 mV", threshold="-50 mV"))
    dopamine = sp.Modulator("dopamine")
    x, y = sp.pre_trace("20 ms"), sp.post_trace("20 ms")
    c = sp.eligibility(tau_elig, sp.on_pre(1.0 * x), sp.on_post(-0.5 * y))
    rule = rule or sp.Rule(sp.every_step(dopamine * c - 0.001 * sp.weight), sp.on_pre(0.01 * x), bounds=bounds)
    weight = sp.Uniform(f"{max(bounds[0], -4):g} mV", f"{min(bounds[1], 4):g} mV", seed=3)
    return sp.Network(sp.Projection(pre, post, weight, rule=rule))


def play(quantization, seed=5, steps=STEPS, batch=2, **described):
    """Return the session's state after `steps`, and its spikes, with input and dopamine that change."""
    draw = np.random.default_rng(seed)
    net = network(**described)
    with sp.open(net, "reference", seed=seed, batch=batch, quantization=quantization) as session:
        seen = session.step(
            f"{steps} ms",
            spikes={"pre": draw.random((steps, net.population("pre").size)) < 0.2},
            modulators={"dopamine": draw.normal(0.0, 0.05, steps)},
        )
        return session.state(), seen.spikes["post"], session.weights("pre_to_post")


def stored(value, change, bits, hidden, rounding, signed, top, stickiness, rate, u):
    """Return what a synapse stores that held `value`, after `change`, by the words of the definition."""
    ratio = 2**hidden
    levels = 2**bits - 1 if not signed else (1 if bits == 1 else 2 ** (bits - 1) - 1)
    origin, lowest = (-top, 0) if signed and bits == 1 else (0.0, -levels if signed else 0)
    step = (2 * top if signed and bits == 1 else top / levels) / ratio
    code = round((value - origin) / step)
    level = math.floor((code + ratio / 2) / ratio)
    # Hidden states of this level, from its lower to its upper edge; the ends have one edge each.
    below = code - (level * ratio - ratio / 2) if level > lowest else math.inf
    above = level * ratio + ratio / 2 - 1 - code if level < levels else math.inf
    t = code + rate * stickiness ** max(min(below, above), 0) * change / step
    t = round(t) if abs(t - round(t)) < 1e-9 else t
    whole = {"nearest": round, "floor": math.floor, "zero": math.trunc, "stochastic": lambda t: math.floor(t + u)}
    return origin + step * min(max(whole[rounding](t), lowest * ratio), levels * ratio)


@given(
    bits=st.integers(1, 8),
    hidden=st.integers(0, 5),
    rounding=st.sampled_from(["nearest", "floor", "zero", "stochastic"]),
    signed=st.booleans(),
    stickiness=st.sampled_from([1.0, 0.7]),
    rate=st.sampled_from([1.0, 3.0]),
    seed=st.integers(0, 2**20),
)
def test_an_update_is_stored_as_the_definition_says(bits, hidden, rounding, signed, stickiness, rate, seed):
    """Catches hidden states that are lost, a depth counted from the wrong edge, a rate that is forgotten."""
    quantization = sp.Quantization(bits, rounding, hidden_bits=hidden, stickiness=stickiness, rate=rate)
    bounds = (-4.0, 4.0) if signed else (0.0, 4.0)
    plan = discretise(network(bounds)).projections["pre_to_post"]
    synapses = Synapses(plan, (quantization,), seed, (3,))
    draw = np.random.default_rng(seed)
    old = synapses.laid(draw.uniform(*bounds, (1, plan.weight.size)))
    new = np.clip(old + draw.normal(0, 0.3, old.shape) * (draw.random(old.shape) < 0.8), *bounds)
    writes = np.zeros(old.shape, dtype=np.int64)
    found = synapses.store(old, new, None, 7, writes)
    u = synapses.uniforms(0, 0, 7)
    wanted = [
        stored(a, b - a, bits, hidden, rounding, signed, 4.0, stickiness, rate, c) if b != a else a
        for a, b, c in zip(old[0], new[0], u, strict=True)
    ]
    assert np.allclose(found.weight[0], wanted, rtol=0, atol=1e-12)
    assert found.updates[0, 0] == (old != new).sum()
    assert found.updates[0, 2] == (found.weight != old).sum() == found.writes.sum()


def test_thirty_two_bits_are_no_quantisation():
    """Catches a grid, a stream or a device that touches what is to stay in floating point."""
    plain = play(())
    asked = play((sp.Quantization(),))
    assert (plain[1] == asked[1]).all() and (plain[2] == asked[2]).all()
    assert plain[1].any()


def test_a_condition_in_a_batch_is_the_condition_alone():
    """Catches conditions that share random numbers of the batch's places, or hear other input than alone."""
    asked = (
        sp.Quantization(3, "stochastic", hidden_bits=2),
        sp.Quantization(),
        sp.Quantization(5, "nearest", rate=20.0, device=sp.Device(weight_mismatch=0.3, dead=0.1, read_noise=0.1)),
    )
    together = play(asked)
    for number, one in enumerate(asked):
        alone = play((one,))
        part = slice(2 * number, 2 * number + 2)
        assert (together[2][part] == alone[2]).all() and (together[1][:, part] == alone[1]).all()
        assert (together[0]["writes/pre_to_post"][part] == alone[0]["writes/pre_to_post"]).all()


def test_nearest_rounding_stalls_where_stochastic_rounding_moves():
    """Nearest rounding loses every update below half a step, which nearly all are; the counts say so."""
    near, drawn = (
        play((sp.Quantization(1, r),))[0]["updates/pre_to_post"].sum(axis=0) for r in ("nearest", "stochastic")
    )
    assert near[0] > 500 and near[1] > 0.99 * near[0]
    assert near[2] <= near[0] - near[1] and drawn[2] > 20


def test_what_is_transmitted_is_the_visible_level():
    """Catches hidden bits that reach the neuron."""
    plan = discretise(network()).projections["pre_to_post"]
    synapses = Synapses(plan, (sp.Quantization(2, hidden_bits=6),), 1, (0,))
    held = synapses.laid(np.linspace(0, 4, plan.weight.size)[None])
    seen = synapses.transmitted(held, 0)
    assert set(np.round(seen[0] * 3 / 4, 9)) == {0.0, 1.0, 2.0, 3.0}
    assert len(np.unique(held)) == plan.weight.size
    assert np.abs(seen - held).max() <= 4 / 3 / 2 + 1e-9


def test_endurance_and_update_probability():
    """Catches synapses that are written after they are worn out, and updates that are always permitted."""
    writes = play((sp.Quantization(6, "stochastic", rate=20.0, device=sp.Device(endurance=2)),))[0][
        "writes/pre_to_post"
    ]
    assert writes.max() == 2
    frozen = play((sp.Quantization(6, "stochastic", rate=20.0, device=sp.Device(update_probability=0)),))
    assert frozen[0]["writes/pre_to_post"].max() == 0 and frozen[0]["updates/pre_to_post"][:, 2].max() == 0
    counts = [
        play((sp.Quantization(8, "stochastic", device=sp.Device(update_probability=p)),), steps=200)[0][
            "updates/pre_to_post"
        ][:, 2].sum()
        for p in (1.0, 0.5)
    ]
    assert 0.3 < counts[1] / counts[0] < 0.7


def test_mismatch_has_the_asked_spread_and_dead_synapses_are_silent():
    """Catches a normal for a log-normal, a mean other than 1, a share of dead synapses of the wrong size."""
    plan = discretise(network(size=2000)).projections["pre_to_post"]
    factor = Synapses(plan, (sp.Quantization(device=sp.Device(weight_mismatch=0.4)),), 1, (0,)).factor[0]
    n = factor.size
    assert abs(factor.mean() - 1) < 4 * 0.4 / math.sqrt(n) and abs(factor.std() / factor.mean() - 0.4) < 0.03
    dead = Synapses(plan, (sp.Quantization(device=sp.Device(dead=0.2)),), 1, (0,)).factor[0] == 0
    assert abs(dead.mean() - 0.2) < 4 * math.sqrt(0.16 / n)


def test_read_noise_has_the_asked_spread():
    """Catches noise of the wrong variance, or that repeats from step to step."""
    plan = discretise(network(size=2000)).projections["pre_to_post"]
    synapses = Synapses(plan, (sp.Quantization(device=sp.Device(read_noise=0.1)),), 1, (0,))
    held = np.full((1, plan.weight.size), 2.0)
    first, second = synapses.transmitted(held, 0), synapses.transmitted(held, 1)
    assert abs(first.std() / 2 - 0.1) < 0.004 and abs(first.mean() / 2 - 1) < 0.006
    assert abs(np.corrcoef(first[0], second[0])[0, 1]) < 0.06


def test_thresholds_differ_with_their_mismatch():
    """Catches a mismatch of thresholds that no neuron feels."""
    device = sp.Device(threshold_mismatch=0.4)
    same, other = play((sp.Quantization(),), steps=200), play((sp.Quantization(device=device),), steps=200)
    assert same[1].any() and (same[1] != other[1]).any()


@pytest.mark.parametrize("kind", ["trace", "eligibility", "membrane"])
def test_states_are_kept_on_their_grids(kind):
    """Catches a state that leaves its levels."""
    top = {"trace": 4.0, "eligibility": 3.0, "membrane": 0.02}[kind]
    levels = sp.Levels(5, top, "stochastic")
    state, spikes, _ = play((sp.Quantization(**{kind: levels}),))
    values = {"trace": state["trace/pre_0"], "eligibility": state["eligibility/pre_to_post/0"]}.get(kind)
    values = state["v/post"] + 0.06 if values is None else values
    step = top / (31 if kind == "trace" else 15)
    assert np.allclose(values / step, np.rint(values / step), atol=1e-6) and len(np.unique(values)) > 2


def test_a_restored_session_goes_on_to_the_same_state():
    """Catches streams that count from the window's beginning, and counts that are not part of the state."""
    quantization = sp.Quantization(4, "stochastic", hidden_bits=3, device=sp.Device(endurance=100))
    draw = np.random.default_rng(1).random((60, 5)) < 0.2
    held = {"dopamine": 0.05}
    with sp.open(network(), "reference", seed=2, batch=2, quantization=quantization) as session:
        session.step("30 ms", spikes={"pre": draw[:30]}, modulators=held)
        middle = session.state()
        session.step("30 ms", spikes={"pre": draw[30:]}, modulators=held)
        end = session.state()
    with sp.open(network(), "reference", seed=2, batch=2, quantization=quantization) as session:
        session.restore(middle)
        session.step("30 ms", spikes={"pre": draw[30:]}, modulators=held)
        assert all((end[name] == values).all() for name, values in session.state().items())
    assert end["writes/pre_to_post"].sum() > middle["writes/pre_to_post"].sum()


def test_what_cannot_be_quantised_is_refused():
    """Catches a grid without an end, a dither without an eligibility, a back end that ignores what is asked."""
    open_ended = network((0.0, math.inf))
    with pytest.raises(DescriptionError, match="give top"):
        sp.open(open_ended, "reference", quantization=sp.Quantization(4))
    sp.open(open_ended, "reference", quantization=sp.Quantization(4, top=4.0)).close()
    bare = network(rule=sp.Rule(sp.on_pre(0.1 * sp.pre_trace("10 ms")), bounds=(0, 4)))
    with pytest.raises(DescriptionError, match="a rule with an eligibility"):
        sp.open(bare, "reference", quantization=sp.Quantization(4, "dither"))
    with pytest.raises(DescriptionError, match="the same in all conditions"):
        sp.open(network(), "reference", quantization=(sp.Quantization(4), sp.Quantization(4, top=3.0)))
    with pytest.raises(DescriptionError, match="an sp.Quantization"):
        sp.open(network(), "reference", quantization=4)
    with pytest.raises(UnsupportedError, match="quantization of back end 'brian2'"):
        sp.open(network(), "brian2", quantization=sp.Quantization(4))


def test_a_scale_for_each_neuron():
    """Catches a scale taken over the inputs of another neuron."""
    plan = discretise(network()).projections["pre_to_post"]
    synapses = Synapses(plan, (sp.Quantization(4, scale="neuron", headroom=1.5),), 1, (0,))
    for neuron in range(3):
        onto = plan.post_index == neuron
        assert np.allclose(synapses.scale[onto], min(1.5 * plan.weight[onto].max(), 4.0))
