"""Weights in few bits on the native back end, held bit for bit against the reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import spikerl as sp
from spikerl.backends.base import State
from spikerl.discretise import Plan, discretise
from spikerl.errors import UnsupportedError
from spikerl.hardware.quantize import ROUNDINGS
from spikerl.models.striatum import StriatumParameters, build
from tests.contract.comparison import same
from tests.contract.networks import Case, Draw, Input, cases, cut
from tests.contract.running import Run, conditioned, play, same_run

pytest.importorskip("numba")

from spikerl.backends.native import ordered  # noqa: E402
from spikerl.backends.native.lowering import lower  # noqa: E402
from spikerl.backends.native.products import changes  # noqa: E402

WORN = sp.Device(0.2, threshold_mismatch=0.1, read_noise=0.1, dead=0.05, update_probability=0.5, endurance=4)
STATES = {"trace": sp.Levels(6, 8.0, "stochastic"), "eligibility": sp.Levels(8, 20.0, "stochastic")}
EVERY = (
    sp.Quantization(),
    sp.Quantization(rate=2.0, device=sp.Device(update_probability=0.3, endurance=20)),
    sp.Quantization(4, rate=50.0),
    sp.Quantization(16),
    sp.Quantization(16, "floor"),
    sp.Quantization(12, "zero"),
    sp.Quantization(4, "stochastic"),
    sp.Quantization(16, "stochastic", hidden_bits=16),
    sp.Quantization(2, "stochastic", hidden_bits=6, stickiness=0.8),
    sp.Quantization(8, "stochastic", device=sp.Device(update_probability=0)),
    sp.Quantization(10, "dither"),
    sp.Quantization(8, "dither", device=WORN),
    sp.Quantization(8, membrane=sp.Levels(16, 5.0, "floor"), **STATES),
)


@st.composite
def devices(draw: Draw) -> sp.Device:
    """Draw a device, often a perfect one."""
    if draw(st.booleans()):
        return sp.Device()
    return sp.Device(
        weight_mismatch=draw(st.sampled_from([0.0, 0.4])),
        threshold_mismatch=draw(st.sampled_from([0.0, 0.1])),
        read_noise=draw(st.sampled_from([0.0, 0.2])),
        dead=draw(st.sampled_from([0.0, 0.2])),
        update_probability=draw(st.sampled_from([0.0, 0.6, 1.0])),
        endurance=draw(st.sampled_from([None, 0, 3])),
    )


@st.composite
def conditions(draw: Draw, plan: Plan) -> tuple[sp.Quantization, ...]:
    """Draw one to three conditions for `plan`, of one scale, which ends where a rule has no end."""
    rules = [projection for projection in plan.projections.values() if projection.rule]
    dithered = all(projection.rule.eligibilities for projection in rules)
    roundings = [rounding for rounding in ROUNDINGS if dithered or rounding != "dither"]
    scale = draw(st.sampled_from(["projection", "neuron"]))
    greatest = max((np.abs(projection.weight).max(initial=0.0) for projection in rules), default=0.0)
    endless = any(not np.isfinite(projection.rule.bounds).all() for projection in rules)
    found = []
    for _ in range(draw(st.integers(1, 3))):
        bits = draw(st.sampled_from([1, 2, 3, 4, 6, 8, 12, 16, 32]))
        levels = {
            name: sp.Levels(
                draw(st.integers(5, 16)), top, draw(st.sampled_from(["nearest", "floor", "zero", "stochastic"]))
            )
            for name, top in (("trace", 6.0), ("eligibility", 5.0), ("membrane", 2.0))
            if draw(st.integers(0, 3)) == 0
        }
        found.append(
            sp.Quantization(
                bits,
                draw(st.sampled_from(roundings)),
                scale,
                top=2.0 * greatest if endless and greatest else None,
                hidden_bits=draw(st.sampled_from([0, 0, 2, 9])) if bits < 32 else 0,
                stickiness=draw(st.sampled_from([1.0, 0.8])) if bits < 32 else 1.0,
                rate=draw(st.sampled_from([1.0, 3.0])),
                device=draw(devices()),
                **levels,
            )
        )
    return tuple(found)


def repeated(window: Input, times: int) -> Input:
    """Return the input of a batch, `times` over."""
    return replace(
        window,
        spikes={n: np.tile(s, (1, times, 1)) if s.ndim == 3 else s for n, s in window.spikes.items()},
        rates={n: np.tile(r, (times, 1)) if r.ndim == 2 else r for n, r in window.rates.items()},
        modulators={n: np.tile(m, (1, times, *[1] * (m.ndim - 2))) for n, m in window.modulators.items()},
    )


def opened(case: Case, name: str, asked: tuple[sp.Quantization, ...], threads: int = 1) -> sp.Session:
    return sp.open(
        case.network,
        name,
        seed=case.seed,
        batch=case.batch,
        dt=case.dt,
        record=sp.Record(voltages=None, weights=None),
        quantization=asked,
        threads=threads,
    )


def same_bits(found: State, expected: State) -> None:
    """Refuse anything of synapses and traces that differs in a bit."""
    assert set(found) == set(expected)
    for name, array in expected.items():
        if name.partition("/")[0] in ("weight", "writes", "updates", "eligibility", "trace"):
            same(name, found[name], array)


@settings(max_examples=max(1, settings().max_examples // 5))  # each compiles a dozen kernels
@given(case=cases(max_size=6, steps=60), data=st.data())
def test_drawn_networks_learn_in_few_bits_as_on_the_reference(case: Case, data: st.DataObject) -> None:
    """Catches a law, an order, a stream or a place of synapses that is another; a state that lacks what is stored.

    The native windows are cut; the last one is played by fresh sessions from the state at its beginning, by two threads
    too.
    """
    plan = discretise(case.network, case.dt)
    assume(any(projection.rule for projection in plan.projections.values()) and conditioned(case))
    asked = data.draw(conditions(plan))
    windows = [repeated(window, len(asked)) for window in case.windows]
    with opened(case, "reference", asked) as session:
        expected = play(session, windows[:-1]), play(session, windows[-1:])
    with opened(case, "native", asked) as session:
        found = play(session, cut(windows[:-1])), play(session, cut(windows[-1:]))
    for ours, theirs in zip(found, expected, strict=True):
        same_bits(ours.state, theirs.state)
        same_run(plan, ours, theirs)
    for name, threads in (("native", 1), ("native", 2), ("reference", 1)):
        with opened(case, name, asked, threads) as session:
            session.restore(found[0].state)
            last = play(session, windows[-1:])
        same_bits(last.state, expected[1].state)
        same_run(plan, last, expected[1])
        if name == "native":
            assert all(np.array_equal(last.state[key], array) for key, array in found[1].state.items())


def learnt(name: str, asked: tuple[sp.Quantization, ...], network: sp.Network, steps: int, threads: int = 1) -> Run:
    """Return the second of two windows of loud input."""
    windows = [Input(steps, {}, {"pre": np.full(network.population("pre").size, 70.0)}, {}) for _ in range(2)]
    with opened(Case(network, "1 ms", 3, 2, ()), name, asked, threads) as session:
        play(session, windows[:1])  # asks for the state, from which the native engine goes on
        return play(session, windows[1:])


def striatal(size: int = 40) -> sp.Network:
    """Return synapses with the rule of the striatum: several blocks of them, and one that is not full."""
    pre = sp.Population("pre", size, sp.Poisson("50 Hz"))
    post = sp.Population("post", 9, sp.LIF("20 ms", "5 ms", threshold=4.0))
    signal = sp.Modulator("dopamine", "50 ms", post, "60 Hz", 0.02)
    rule = sp.dopamine_stdp(signal, "100 ms", 1.0, 0.0, 2e-3, "D1", "20 ms", "20 ms", forgetting=1e-3, bounds=(0, 1))
    return sp.Network(sp.Projection(pre, post, sp.Uniform(0.1, 0.9, seed=4), rule=rule, name="q"))


def paired() -> sp.Network:
    """Return synapses whose weights change at spikes."""
    pre = sp.Population("pre", 40, sp.Poisson("50 Hz"))
    post = sp.Population("post", 9, sp.LIF("20 ms", "5 ms", threshold=4.0))
    rule = sp.pair_stdp("20 ms", "20 ms", 0.03, 0.02, bounds=(0.0, 1.0))
    return sp.Network(sp.Projection(pre, post, sp.Uniform(0.1, 0.9, seed=4), rule=rule, name="q"))


@pytest.mark.parametrize("network", [striatal, paired])
def test_every_way_of_rounding_in_one_batch_is_the_reference(network) -> None:
    """Catches an update that is passed over though it changes its weight, in whatever block and way of rounding."""
    described = network()
    rule = discretise(described).projections["q"].rule
    assert ordered.apart(changes(rule)) == (network is striatal)
    asked = tuple(one for one in EVERY if one.rounding != "dither" or rule.eligibilities)
    expected, found = (learnt(name, asked, described, 120) for name in ("reference", "native"))
    same_bits(found.state, expected.state)
    same_run(discretise(described), found, expected)
    counts = expected.state["updates/q"].reshape(len(asked), 2, 3).sum(axis=1)
    frozen = [one.device.update_probability == 0 for one in asked]
    assert (counts[:, 0] > 0).all() and ((counts[:, 2] == 0) == frozen).all()


def test_the_striatum_learns_in_few_bits_as_on_the_reference() -> None:
    """Catches what drawn networks are too small for: circuits of several populations, and their blocks of synapses."""
    network, found = build(StriatumParameters()).network, []
    for name in ("reference", "native"):
        with sp.open(network, name, seed=3, quantization=EVERY) as session:
            seen = session.step("80 ms", rates={"cortex": 60.0})
            found.append((seen, session.state(), session.weights("cortex_to_d1")))
    (expected, theirs, seen), (ours, state, visible) = found
    for name, spikes in expected.spikes.items():
        same(name, ours.spikes[name], spikes)
    assert expected.spikes["d1"].any() and (theirs["updates/cortex_to_d1"][:, 0] > 0).all()
    same_bits(state, theirs)
    same("visible", visible, seen)


def test_a_condition_alone_is_the_same_among_others() -> None:
    """Catches instances that run the kernel of another way of rounding, or count for one another."""
    together = learnt("native", EVERY, striatal(), 60, threads=2).state
    for k, one in enumerate(EVERY):
        alone = learnt("native", (one,), striatal(), 60).state
        for name in ("weight/q", "updates/q", "writes/q", "eligibility/q/0", "v/post"):
            assert np.array_equal(alone[name], together[name][2 * k : 2 * k + 2]), (one, name)


def placed(tops: NDArray[np.float64]) -> sp.Network:
    """Return synapses that move by what a modulator says, up to `tops` for each post-synaptic neuron."""
    pre = sp.Population("pre", 30, sp.SpikeSource())
    post = sp.Population("post", tops.size, sp.LIF())
    rule = sp.Rule(sp.every_step(sp.Modulator("m")), bounds=(-100.0, 100.0))
    weights = np.random.default_rng(5).uniform(-0.5, 0.5, (30, tops.size)) * tops
    weights[0] = tops / 2  # the greatest: the grid ends at twice that
    weight = sp.Values(tuple(weights.ravel().tolist()))
    return sp.Network(sp.Projection(pre, post, weight, rule=rule, name="q"))


@pytest.mark.parametrize("even", [True, False])
@given(
    bits=st.sampled_from([2, 5, 9, 16]),
    hidden=st.sampled_from([0, 3, 16]),
    halves=st.lists(st.integers(-5, 5), min_size=12, max_size=12),
    nudge=st.sampled_from([0.0, 2e-10, -2e-10, 5e-10, -5e-10, 2e-9, -2e-9, 1e-3, -1e-3]),
)
@settings(max_examples=15)
def test_updates_at_the_edges_of_rounding(even: bool, bits: int, hidden: int, halves: list[int], nudge: float) -> None:
    """Catches a test for updates that are too small which is not careful enough: half steps, whole ones, nearly so."""
    tops = np.full(3, 50.0) if even else np.array([20.0, 50.0, 33.3])
    rest = {"hidden_bits": hidden, "scale": "neuron", "top": 50.0}
    asked = tuple(sp.Quantization(bits, r, **rest) for r in ("nearest", "floor", "zero", "stochastic"))
    step = 50.0 / (2 ** (bits - 1) - 1) / 2**hidden
    moves = np.array([(half / 2 + nudge) * step for half in halves])
    states = []
    for name in ("reference", "native"):
        with sp.open(placed(tops), name, seed=bits, quantization=asked) as session:
            session.step("12 ms", modulators={"m": moves})
            states.append(session.state())
    same_bits(states[1], states[0])


def test_without_quantization_the_kernels_are_as_before() -> None:
    """Catches a session in floating point that pays for what it does not use."""
    plan = discretise(striatal())
    names = {operation.name for operation in lower(plan).step}
    assert {"rows", "columns", "trace", "integrate"} <= names
    assert not names & {"learn", "jump", "transmit", "remember", "keep"}
    assert lower(plan).read and not any("own_threshold" in operation.module for operation in lower(plan).step)


def test_visible_weights_hide_what_is_finer() -> None:
    """Catches hidden bits in what a session shows, and levels in what its state stores."""
    with sp.open(striatal(), "native", seed=2, quantization=sp.Quantization(2, "stochastic", hidden_bits=8)) as session:
        session.step("200 ms")
        seen, stored = session.weights("q"), session.state()["weight/q"]
    assert len(np.unique(seen)) <= 4 and len(np.unique(stored)) > 40
    assert np.abs(seen - stored).max() < 0.51 / 3


def test_single_precision_keeps_to_the_grid() -> None:
    """Catches codes that single precision rounds, and updates in single precision that part from those in double."""
    asked = (sp.Quantization(2), sp.Quantization(6, "floor"), sp.Quantization(12, "stochastic", hidden_bits=12))
    found = []
    for precision in ("float64", "float32"):
        with sp.open(striatal(), "native", seed=2, precision=precision, quantization=asked) as session:
            session.step("20 ms")
            found.append((session.state(), session.weights("q")))
    assert np.allclose(found[0][1], found[1][1], rtol=1e-12)
    assert np.allclose(found[0][0]["weight/q"], found[1][0]["weight/q"], atol=3 * 2.0**-23)
    with pytest.raises(UnsupportedError, match="at most 24 in float32"):
        sp.open(striatal(), "native", precision="float32", quantization=sp.Quantization(16, hidden_bits=9))
