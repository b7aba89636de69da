"""Spike response neurons on a chip: the law in integers, and how near it comes to the one in real numbers.

Catches: an offset of the wrong sign, that decays late or by another share, or that is not strict; a reset that is still
there; a scale that is off; a current that wraps; a chip that is given a neuron it does not have.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spikerl as sp
from spikerl.discretise import discretise
from spikerl.errors import DescriptionError, UnsupportedError
from spikerl.hardware.emulation.emulator import Emulator
from spikerl.hardware.emulation.restoring import check_state
from spikerl.hardware.lava.checking import check_program
from spikerl.hardware.lowering.lowering import Lowered, lower
from spikerl.hardware.machine import FixedWindow
from spikerl.hardware.program import Program
from spikerl.hardware.target import load_target
from tests.hardware.circuits import heard, one_to_one

LIMIT = 2**23 - 1


def responding(weight: int, **numbers: int) -> Program:
    """Return one input onto one spike response neuron."""
    program = one_to_one(weight, **({"du": 900, "dv": 400, "vth": 5} | numbers))
    return replace(program, neurons={"out": replace(program.neurons["out"], model="spike_response")})


@pytest.mark.parametrize("vth", [5, 0, -40])
@pytest.mark.parametrize(
    ("db", "jump"), [(1350, 30_000), (1350, -9_000), (0, 400), (4096, 900_000), (300, LIMIT), (300, -LIMIT)]
)
@pytest.mark.parametrize("weight", [200, -200])
def test_the_offset_moves_at_spikes_and_decays_and_nothing_is_reset(weight: int, db: int, jump: int, vth: int) -> None:
    """The law of the program, step by step; v in between is that of neurons that never spike."""
    messages = (np.random.default_rng(3).random((200, 1, 1)) < 0.2).astype(np.int64)
    run = Emulator(responding(weight, db=db, jump=jump, vth=vth)).run(heard(messages), ("out",))
    silent = Emulator(one_to_one(weight, du=900, dv=400, vth=131071)).run(heard(messages), ("out",))
    assert np.array_equal(run.v["out"], silent.v["out"]) and np.array_equal(run.u["out"], silent.u["out"])
    b = 0
    for step, v in enumerate(run.v["out"][:, 0, 0].tolist()):
        b = (1 if b > 0 else -1) * (abs(b) * (4096 - db) // 4096)
        spike = v > vth * 64 + b
        b = min(max(b + jump * spike, -LIMIT), LIMIT)
        assert (run.spikes["out"][step, 0, 0], run.offsets["out"][step, 0, 0]) == (spike, b), step
    if abs(jump) < LIMIT and weight > 0 and vth > 0:
        assert 0 < run.spikes["out"].sum() < 200


def test_the_moved_threshold_is_strict() -> None:
    """A bias brings v to 64 and 128: the threshold of 1 is 64, and moved by 64 it is 128."""
    program = responding(0, bias_mant=64, dv=0, du=4095, vth=1, db=0, jump=64)
    run = Emulator(program).run(heard(np.zeros((4, 1, 1))), ("out",))
    assert run.v["out"][:, 0, 0].tolist() == [64, 128, 192, 256]
    assert run.spikes["out"][:, 0, 0].tolist() == [False, True, True, True]
    assert run.offsets["out"][:, 0, 0].tolist() == [0, 64, 128, 192]


def test_instances_windows_and_states_keep_the_offset() -> None:
    """Catches an offset that is shared, forgotten between windows, or missing from the state."""
    program = responding(200, db=1350, jump=30_000)
    messages = (np.random.default_rng(3).random((120, 3, 1)) < 0.3).astype(np.int64)
    whole = Emulator(program, 3).run(heard(messages), ("out",))
    first = Emulator(program, 3)
    seen = first.run(heard(messages[:50]), ("out",)).offsets["out"]
    second = Emulator(program, 3)
    second.restore(first.state())
    joined = np.concatenate([seen, second.run(heard(messages[50:]), ("out",)).offsets["out"]])
    assert np.array_equal(joined, whole.offsets["out"])
    assert (whole.offsets["out"][:, 0] != whole.offsets["out"][:, 1]).any()
    state = first.state()
    check_state(program, state)
    state["offset"][0, 0] = 2**24
    with pytest.raises(DescriptionError, match="state: offset"):
        check_state(program, state)


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ({"db": 4097}, "db.*4096"),
        ({"jump": 2**23}, "jump"),
        ({"vth": -131073}, "vth"),
        ({"refractory": 1}, "refractory.*0"),
        ({"model": "izhikevich"}, "model.*lif, spike_response"),
    ],
)
def test_numbers_beyond_their_bits_are_refused(numbers: dict[str, int], told: str) -> None:
    """Catches what Lava and the emulator would compute otherwise, or not at all."""
    program = responding(10)
    check_program(program)
    with pytest.raises(DescriptionError, match=told):
        check_program(replace(program, neurons={"out": replace(program.neurons["out"], **numbers)}))


def lowered(network: sp.Network, bits: int = 8, target: str = "loihi2") -> Lowered:
    return lower(discretise(network), load_target(target), bits)


@given(
    tau_mem=st.floats(4, 60),
    tau_syn=st.floats(2, 20),
    tau_ref=st.floats(1, 10),
    size=st.floats(0.01, 10),
    rest=st.floats(-2, 2),
    threshold=st.floats(-2, 2),
    seed=st.integers(0, 2**32),
)
def test_voltages_and_offsets_are_those_of_the_reference(
    tau_mem: float, tau_syn: float, tau_ref: float, size: float, rest: float, threshold: float, seed: int
) -> None:
    """Within a percent of the room, spikes until a neuron is that near; catches every wrong scale, sign or decay."""
    rng = np.random.default_rng(seed)
    spikes = rng.random((200, 6)) < 0.3
    weights = sp.Values(tuple((rng.uniform(-1, 1, 18) * size).tolist()))
    cell = sp.SpikeResponse(
        f"{tau_mem} ms", f"{tau_syn} ms", f"{tau_ref} ms", rest=rest * size, threshold=threshold * size, adapt=size
    )
    source = sp.Population("source", 6, sp.SpikeSource())
    net = sp.Network(sp.Projection(source, sp.Population("cell", 3, cell), weights))
    program = lowered(net).program
    seen = Emulator(program).run(FixedWindow(200, {"source": spikes[:, None].astype(np.int64)}), ("cell",))
    with sp.open(net, "reference", record=sp.Record(voltages=None)) as session:
        expected = session.step("200 ms", spikes={"source": spikes})
    made = program.neurons["cell"]
    found = seen.v["cell"] * made.volts + made.rest
    room = (2**23 - 1) * made.volts
    assert np.abs(found - expected.voltages["cell"]).max() <= 0.01 * room
    assert np.abs(found - made.rest).max() < room
    b, same = np.zeros((1, 3)), np.ones((1, 3), bool)
    for step, fired in enumerate(expected.spikes["cell"]):
        b = b * np.exp(-1 / tau_ref)
        parted = same & (seen.spikes["cell"][step] != fired)
        margin = expected.voltages["cell"][step] - (threshold * size + b)
        assert (np.abs(margin[parted]) <= 0.01 * room + 0.02 * size).all(), "a neuron parted that was not near"
        same &= ~parted
        b = b + size * fired
        assert (np.abs(seen.offsets["cell"][step] * made.volts - b)[same] <= 0.02 * size).all()


@given(
    inputs=st.one_of(st.integers(1, 300), st.integers(500, 2000)),
    sign=st.sampled_from([-1, 1]),
    both=st.booleans(),
    tau_mem=st.floats(1, 20),
    tau_syn=st.floats(1, 30),
    bits=st.integers(2, 8),
    seed=st.integers(0, 2**32),
)
def test_no_input_makes_the_current_wrap(
    inputs: int, sign: int, both: bool, tau_mem: float, tau_syn: float, bits: int, seed: int
) -> None:
    """All inputs of one sign in every step; catches room that is counted for v alone, or without the rounding."""
    rng = np.random.default_rng(seed)
    weights = rng.uniform(-1, 1, inputs) if both else rng.uniform(0.8, 1, inputs) * sign
    weights[0] = sign
    source = sp.Population("source", inputs, sp.SpikeSource())
    cell = sp.Population("cell", 1, sp.SpikeResponse(f"{tau_mem} ms", f"{tau_syn} ms", adapt=0.0))
    net = sp.Network(sp.Projection(source, cell, sp.Values(tuple(weights.tolist()))))
    messages = np.broadcast_to((sign * weights > 0).astype(np.int64), (300, 1, inputs))
    seen = Emulator(lowered(net, bits).program).run(FixedWindow(300, {"source": messages}), ("cell",))
    assert (sign * np.diff(seen.u["cell"][:, 0, 0]) >= 0).all()
    assert (sign * np.diff(seen.v["cell"][:, 0, 0]) >= 0).all()
    if inputs <= 8:
        assert np.abs(seen.v["cell"]).max() < LIMIT


def test_a_chip_without_programs_is_refused_and_one_with_them_named() -> None:
    """Catches a neuron that the first Loihi does not have, taken in silence."""
    cell = sp.Population("cell", 2, sp.SpikeResponse())
    net = sp.Network(sp.Projection(sp.Population("source", 2, sp.SpikeSource()), cell, 0.5))
    with pytest.raises(UnsupportedError, match=r"model of 'cell' \(neurons.models\).*spike_response.*lif.*'loihi2'"):
        sp.open(net, "loihi", hardware=sp.Hardware("loihi1"))
    for target in ("loihi2", "generic8"):
        sp.open(net, "loihi", hardware=sp.Hardware(target)).close()


def test_losses_of_every_number_are_said() -> None:
    """Time constants, threshold, jump, weights; where v ends; and what a right shift cuts off sums."""
    rng = np.random.default_rng(1)
    source = sp.Population("source", 900, sp.SpikeSource())
    cell = sp.Population("cell", 2, sp.SpikeResponse("200 ms", "40 ms", "2.5 ms", threshold=0.3))
    net = sp.Network(sp.Projection(source, cell, sp.Values(tuple(rng.uniform(-1, 1, 1800).tolist()))))
    losses = {loss.quantity: loss for loss in lowered(net).losses}
    assert {"tau_mem", "tau_syn", "tau_ref", "adapt", "threshold", "range", "weight", "sum"} <= set(losses)
    assert losses["sum"].got < 0 and losses["tau_ref"].error is not None and losses["tau_ref"].error < 1e-3


def test_few_bits_clip_the_few_largest_weights_where_the_rest_gain() -> None:
    """One outlier among many; catches a grid that the outlier alone decides, and clipping that is not said."""
    weights = np.append(np.random.default_rng(2).normal(0, 0.1, 199), 0.8)
    source, cell = sp.Population("source", 200, sp.SpikeSource()), sp.Population("cell", 1, sp.SpikeResponse())
    net = sp.Network(sp.Projection(source, cell, sp.Values(tuple(weights.tolist()))))
    for bits, clipped in ((8, False), (3, True)):
        found = lowered(net, bits)
        (loss,) = (loss for loss in found.losses if loss.quantity == "weight")
        assert (loss.kind == "clipping") is clipped
        made = found.program.connections["source_to_cell"]
        assert made.bits == bits
        error = np.square(made.cut() * made.unit - weights)[:-1].sum() / np.square(weights[:-1]).sum()
        assert error < (0.01 if bits == 8 else 0.6)
