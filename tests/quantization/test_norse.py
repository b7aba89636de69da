"""Weights in few bits on norse, held against the reference, which is held against the definition."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import spikerl as sp
from spikerl.backends import base
from spikerl.discretise import Plan, discretise
from spikerl.errors import UnsupportedError
from spikerl.hardware.quantize import ROUNDINGS
from spikerl.inputs import Hearing
from spikerl.quantized import Synapses, of_projections
from tests.contract.comparison import same
from tests.contract.networks import Case, Draw, Input, cases, cut
from tests.contract.running import Run, conditioned, play, same_run

torch = pytest.importorskip("torch")
pytest.importorskip("norse")

from spikerl.backends.norse import Program, backend, lower, pack, step, unroll  # noqa: E402
from spikerl.backends.norse.grids import _AT_ONCE  # noqa: E402
from spikerl.backends.norse.quantising import quantised  # noqa: E402
from spikerl.backends.norse.stepping import listen  # noqa: E402
from spikerl.backends.norse.synapses import Dense, Listed  # noqa: E402

BITS = (1, 2, 3, 4, 6, 8, 12, 16, 32)


@st.composite
def devices(draw: Draw) -> sp.Device:
    """Draw a device: half of the time a perfect one."""
    if draw(st.booleans()):
        return sp.Device()
    return sp.Device(
        weight_mismatch=draw(st.sampled_from([0.0, 0.3])),
        threshold_mismatch=draw(st.sampled_from([0.0, 0.1])),
        read_noise=draw(st.sampled_from([0.0, 0.2])),
        dead=draw(st.sampled_from([0.0, 0.2])),
        update_probability=draw(st.sampled_from([1.0, 0.0, 0.6])),
        endurance=draw(st.sampled_from([None, 0, 3])),
    )


@st.composite
def conditions(draw: Draw, dithered: bool, most: int = 4, states: bool = True) -> tuple[sp.Quantization, ...]:
    """Draw conditions that share their scale; `dithered`: whether there is an eligibility for the dither."""
    roundings = [rounding for rounding in ROUNDINGS if dithered or rounding != "dither"]
    found = []
    for _ in range(draw(st.integers(1, most))):
        bits = draw(st.sampled_from(BITS))
        few = bits < 32
        levels = {}
        if states:
            for name, top in (("trace", 6.0), ("eligibility", 5.0), ("membrane", 2.0)):
                if draw(st.integers(0, 3)) == 0:
                    rounding = draw(st.sampled_from(["nearest", "floor", "stochastic"]))
                    levels[name] = sp.Levels(draw(st.integers(6, 16)), top, rounding)
        found.append(
            sp.Quantization(
                bits,
                draw(st.sampled_from(roundings)),
                hidden_bits=draw(st.sampled_from([0, 0, 2, 7])) if few else 0,
                stickiness=draw(st.sampled_from([1.0, 0.8])) if few else 1.0,
                rate=draw(st.sampled_from([1.0, 2.5])),
                device=draw(devices()),
                **levels,
            )
        )
    return tuple(found)


def few_bits(draw: Draw, plan: Plan) -> tuple[sp.Quantization, ...]:
    """Draw conditions for `plan`, with an end of the grid where a rule has none."""
    rules = [projection for projection in plan.projections.values() if projection.rule]
    asked = draw(conditions(all(projection.rule.eligibilities for projection in rules)))
    scale = draw(st.sampled_from(["projection", "neuron"]))
    endless = any(not np.isfinite(projection.rule.bounds).all() for projection in rules)
    top = 2.0 * max((np.abs(p.weight).max(initial=0.0) for p in rules), default=0.0)
    return tuple(replace(one, scale=scale, top=top if endless and top else None) for one in asked)


def tiled(window: Input, times: int) -> Input:
    """Return the input of a batch `times` after one another."""
    return replace(
        window,
        spikes={n: np.tile(s, (1, times, 1)) if s.ndim == 3 else s for n, s in window.spikes.items()},
        rates={n: np.tile(r, (times, 1)) if r.ndim == 2 else r for n, r in window.rates.items()},
        modulators={n: np.tile(m, (1, times, *[1] * (m.ndim - 2))) for n, m in window.modulators.items()},
    )


def opened(case: Case, name: str, asked: tuple[sp.Quantization, ...]) -> sp.Session:
    everything = sp.Record(voltages=None, weights=None)
    return sp.open(
        case.network, name, seed=case.seed, batch=case.batch, dt=case.dt, record=everything, quantization=asked
    )


def same_codes(found: Run, expected: Run, plan: Plan, asked: tuple[sp.Quantization, ...]) -> None:
    """Refuse weights in few bits that differ in a bit."""
    for name in (name for name, projection in plan.projections.items() if projection.rule):
        for k, one in enumerate(asked):
            if not one.floating:
                rows = slice(2 * k, 2 * k + 2)
                theirs = expected.state[f"weight/{name}"][rows]
                same(f"stored {name} of {one}", found.state[f"weight/{name}"][rows], theirs)


@settings(max_examples=max(1, settings().max_examples // 2))  # the reference takes half a second for each condition
@given(case=cases(), data=st.data())
def test_drawn_networks_learn_in_few_bits_as_on_the_reference(case: Case, data: st.DataObject) -> None:
    """Catches a law, an order, a stream or a place of synapses that is another; a state that lacks what is stored.

    The last window is played by a fresh session from the state of the first, and by the reference from it.
    """
    plan = discretise(case.network, case.dt)
    assume(any(projection.rule for projection in plan.projections.values()) and conditioned(case))
    asked = few_bits(data.draw, plan)
    windows = [tiled(window, len(asked)) for window in case.windows]
    with opened(case, "reference", asked) as session:
        expected = play(session, windows[:-1]), play(session, windows[-1:])
    with opened(case, "norse", asked) as session:
        found = play(session, cut(windows[:-1]))
    same_codes(found, expected[0], plan, asked)
    same_run(plan, found, expected[0])
    for name in ("norse", "reference"):
        with opened(case, name, asked) as session:
            session.restore(found.state)
            last = play(session, cut(windows[-1:]))
        same_codes(last, expected[1], plan, asked)
        same_run(plan, last, expected[1])


def projected(connectivity: object, signed: bool, sizes: tuple[int, int] = (7, 5)) -> sp.Network:
    pre = sp.Population("pre", sizes[0], sp.SpikeSource())
    post = sp.Population("post", sizes[1], sp.LIF())
    c = sp.eligibility("20 ms", sp.on_pre(1.0))
    bounds = (-3.0, 3.0) if signed else (0.0, 3.0)
    rule = sp.Rule(sp.every_step(0.1 * c), bounds=bounds)
    weight = sp.Uniform(bounds[0] or 0.1, 3.0, seed=1)
    return sp.Network(sp.Projection(pre, post, weight, connectivity, rule=rule, name="q"))


PLACES = {
    "dense": (sp.AllToAll(), Dense),
    "gaps": (sp.Probability(0.6, seed=2), Dense),
    "listed": (sp.Explicit((0, 3, 3, 6, 1, 0), (4, 1, 1, 0, 2, 4)), Listed),
}


@pytest.mark.parametrize("place", PLACES)
@given(asked=conditions(True, 5, states=False), data=st.data(), instances=st.integers(1, 3), seed=st.integers(0, 999))
def test_a_step_stores_and_transmits_what_the_numpy_laws_do(
    place: str, asked: tuple[sp.Quantization, ...], data: st.DataObject, instances: int, seed: int
) -> None:
    """Bit for bit, with ties, with updates of nothing, and beyond the ends; catches a text put together otherwise."""
    connectivity, kind = PLACES[place]
    scale = data.draw(st.sampled_from(["projection", "neuron"]))
    asked = tuple(replace(one, scale=scale) for one in asked)
    plan = discretise(projected(connectivity, data.draw(st.booleans())))
    options = base.Options(batch=instances * len(asked), seed=seed, quantization=asked)
    oracle = of_projections(plan, asked, seed, options.instances)["q"]
    program = quantised(lower(plan), options)
    (synapses,) = program.synapses
    assert isinstance(synapses.place, kind)
    number = data.draw(st.integers(0, 10**6))
    draw = np.random.default_rng(seed)
    shape = (options.batch, plan.projections["q"].weight.size)
    old = oracle.laid(draw.uniform(*oracle.bounds, shape))
    change = draw.normal(0, 0.4, shape) * draw.choice([0.0, 1.0, 1e-3], shape)
    ties = oracle.scale * (oracle.unit / oracle.rate)[:, None] * draw.integers(-3, 4, shape) / 2
    new = np.clip(old + np.where(draw.random(shape) < 0.3, ties, change), *oracle.bounds)
    c = draw.normal(0, 1, shape) * draw.choice([0.0, 1.0], shape)
    state = base.initial_state(plan, options.batch, ["q"]) | {"weight/q": old}
    state["writes/q"] = draw.integers(0, 5, shape)
    with torch.inference_mode():
        tensors = pack(program, state, options.batch)
        drawn = tuple(next(one.each(number, 1, torch.float64, torch.device("cpu"))) for one in program.streams)
        packed = [synapses.place.pack(torch.tensor(values)) for values in (new, c)]
        sent = synapses.stored.transmitted(tensors.weights[0], tensors.stocks[0], drawn)
        stock = synapses.stored.store(
            tensors.stocks[0], tensors.weights[0], packed[0], lambda: packed[1], drawn, donate=False
        )
    if kind is Dense:
        gaps = torch.ones(synapses.place.shape, dtype=torch.bool)
        gaps[synapses.place.pre, synapses.place.post] = False
        assert not packed[0][:, gaps].any() and not sent[:, gaps].any()
    writes = state["writes/q"].copy()
    same("transmitted", synapses.place.unpack(sent).numpy(), oracle.transmitted(old, number))
    expected = oracle.store(old, new, c, number, writes)
    same("stored", synapses.place.unpack(packed[0]).numpy(), expected.weight)
    same("writes", synapses.place.unpack(stock.writes).numpy(), expected.writes.astype(np.float64))
    same("updates", stock.updates.numpy(), expected.updates)


@given(first=st.integers(0, 10**9), steps=st.integers(1, 40), seed=st.integers(0, 999))
@settings(max_examples=10)
def test_random_numbers_are_those_of_the_reference(first: int, steps: int, seed: int) -> None:
    """Catches streams that are swapped, a count that holds gaps, and blocks of steps that do not meet."""
    asked = (sp.Quantization(4, "stochastic", device=sp.Device(read_noise=0.1, update_probability=0.5)),) * 2
    plan = discretise(projected(PLACES["gaps"][0], False, (40, 30)))
    options = base.Options(batch=4, seed=seed, first_instance=3, quantization=asked)
    oracle: Synapses = of_projections(plan, asked, seed, options.instances)["q"]
    program = quantised(lower(plan), options)
    place = program.synapses[0].place
    assert len(program.streams) == 3
    for number, one in enumerate(program.streams):
        for now, drawn in enumerate(one.each(first, steps, torch.float64, torch.device("cpu"))):
            for b in range(options.batch):
                u = place.unpack(drawn)[b % 2].numpy()
                assert np.array_equal(u, oracle.uniforms(b, number, first + now))


def wide() -> sp.Network:
    """A projection of which one condition alone is more than is computed at once."""
    pre = sp.Population("pre", 90, sp.Poisson("80 Hz"))
    post = sp.Population("post", 70, sp.LIF())
    rule = sp.pair_stdp("20 ms", "20 ms", 0.03, 0.02, bounds=(0.0, 0.5))
    return sp.Network(sp.Projection(pre, post, sp.Uniform(0.0, 0.3, seed=4), rule=rule, name="q"))


def test_large_batches_are_cut_without_a_change() -> None:
    """Catches parts of a condition that take the random numbers or the devices of other instances."""
    device = sp.Device(weight_mismatch=0.2, read_noise=0.1, update_probability=0.7)
    asked = (sp.Quantization(3, "stochastic", device=device), sp.Quantization(5, "stochastic", device=device))
    assert 4 * 90 * 70 > _AT_ONCE > 90 * 70
    found = []
    for name in ("reference", "norse"):
        with sp.open(wide(), name, seed=2, batch=4, quantization=asked) as session:
            seen = session.step("60 ms")
            found.append((seen.spikes["post"], session.state()))
    assert found[0][0].any() and np.array_equal(found[0][0], found[1][0])
    assert (found[0][1]["updates/q"][:, 2] > 0).all()
    for key in ("weight/q", "updates/q", "writes/q"):
        assert np.array_equal(found[0][1][key], found[1][1][key]), key


def test_a_condition_alone_is_the_same_among_others() -> None:
    """Catches conditions of one batch that touch, and numbers of one condition used for its neighbour."""
    asked = [sp.Quantization(bits, rounding) for bits in (2, 5) for rounding in ("nearest", "stochastic", "floor")]
    asked += [sp.Quantization(), sp.Quantization(3, "stochastic", hidden_bits=4, stickiness=0.7)]

    def learned(*some: sp.Quantization) -> base.State:
        with sp.open(wide(), "norse", seed=2, batch=2, quantization=some) as session:
            session.step("40 ms")
            return session.state()

    together = learned(*asked)
    for k, one in enumerate(asked):
        alone = learned(one)
        for key in ("weight/q", "updates/q", "writes/q", "v/post"):
            assert np.array_equal(alone[key], together[key][2 * k : 2 * k + 2]), (one, key)


def program_of(*asked: sp.Quantization, dtype: torch.dtype = torch.float64) -> tuple[Plan, Program, base.Options]:
    plan = discretise(wide())
    options = base.Options(batch=2 * max(1, len(asked)), quantization=asked)
    return plan, quantised(lower(plan, "cpu", dtype), options), options


def test_without_quantization_the_program_is_the_same() -> None:
    """Catches a session in floating point that pays for what it does not use."""
    program = lower(discretise(wide()))
    assert quantised(program, base.Options(batch=2)) is program
    assert not program.quantised and program.synapses[0].stored is None and program.streams == ()


def test_step_is_pure_unless_it_may_write_over_its_state() -> None:
    """Catches codes and counts written over that a caller still holds."""
    noisy = sp.Quantization(4, "stochastic", device=sp.Device(endurance=2, update_probability=0.8))
    plan, program, options = program_of(sp.Quantization(3, hidden_bits=2, stickiness=0.5), noisy, sp.Quantization())
    start = base.initial_state(plan, options.batch, ["q"])
    pure, donated = (pack(program, start, options.batch) for _ in range(2))
    window = Hearing(plan, 5, options.instances).window(0, 30, {}, {}, {})
    for inputs in listen(program, window, options.batch):
        before = (*pure.weights, *pure.stocks[0])
        kept = [array.clone() for array in before]
        pure, _ = step(program, pure, inputs)
        donated, _ = step(program, donated, inputs, donate=True)
        assert all(map(torch.equal, before, kept))
    assert pure.stocks[0].writes.any()
    pairs = zip((*pure.weights, *pure.stocks[0]), (*donated.weights, *donated.stocks[0]), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_what_asks_for_nothing_stays_whatever_is_drawn() -> None:
    """Catches a code that rises because its sum with a u just below 1 is rounded to the next whole number."""
    plan, program, options = program_of(sp.Quantization(8, "stochastic"))
    tensors = pack(program, base.initial_state(plan, options.batch, ["q"]), options.batch)
    (weight,), (stock,) = tensors.weights, tensors.stocks
    u = torch.full((2, *weight.shape[1:]), np.nextafter(1.0, 0.0), dtype=torch.float64)
    new = weight.clone()
    after = program.synapses[0].stored.store(stock, weight, new, lambda: weight, (u,), donate=False)
    assert stock.code.max() > 100 and torch.equal(new, weight)
    assert torch.equal(after.code, stock.code) and not after.updates.any()


def test_gradients_through_rounding_are_refused() -> None:
    """Catches gradients of zero that are handed out as if rounding had a slope."""
    plan, program, options = program_of(sp.Quantization(4))
    state = pack(program, base.initial_state(plan, options.batch, ["q"]), options.batch)
    window = Hearing(plan, 5, options.instances).window(0, 3, {}, {}, {})
    with pytest.raises(UnsupportedError, match="unroll: got 'a quantised program'"):
        unroll(program, state, window)


def test_single_precision_stores_the_same_levels() -> None:
    """Catches weights of float64's grid in float32, which would seem to change in each step; or a grid too fine."""
    asked = (sp.Quantization(2), sp.Quantization(6, "floor"), sp.Quantization(8, "stochastic", hidden_bits=4))
    found = []
    for precision in ("float64", "float32"):
        with sp.open(wide(), "norse", seed=2, batch=2, precision=precision, quantization=asked) as session:
            session.step("10 ms")
            found.append((session.state(), session.weights("q")))
    for key in ("updates/q", "writes/q"):
        assert np.array_equal(found[0][0][key], found[1][0][key]), key
    assert np.allclose(found[0][1], found[1][1], rtol=1e-6)
    assert backend.capabilities.quantization
    with pytest.raises(UnsupportedError, match="at most 22 in float32"):
        sp.open(wide(), "norse", precision="float32", quantization=sp.Quantization(16, hidden_bits=8))


def test_visible_weights_hide_what_is_finer() -> None:
    """Catches hidden bits in what a session shows, and levels in what its state stores."""
    asked = sp.Quantization(2, "stochastic", hidden_bits=6)
    with sp.open(wide(), "norse", seed=2, batch=2, quantization=asked) as session:
        session.step("40 ms")
        seen, stored = session.weights("q"), session.state()["weight/q"]
    levels = np.unique(seen)
    assert len(levels) <= 4 and len(np.unique(stored)) > 20
    assert all(np.isclose(high - low, 0.5 / 3) for low, high in pairwise(levels))
