"""The emulator's own properties: closed forms of its arithmetic, instances, windows, threads, streams."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikerl.errors import DescriptionError
from spikerl.hardware.emulation.emulator import Emulator
from spikerl.hardware.program import Connection, Factor, Product, Program, Rule
from tests.hardware.circuits import heard, one_to_one, recurrent, spikes

RUN = spikes(300, 4, 12)


def _once(steps: int, at: tuple[int, ...] = (0,)) -> np.ndarray:
    messages = np.zeros((steps, 1, 1), np.int64)
    messages[list(at)] = 1
    return messages


@pytest.mark.parametrize(("du", "dv"), [(0, 0), (409, 1000), (4095, 4095), (4095, 0)])
def test_current_and_voltage_follow_their_equations(du: int, dv: int) -> None:
    """Catches a decay that is off by one, the old u in v, or rounding toward another side."""
    program = one_to_one(-200, du=du, dv=dv, bias_mant=-3, bias_exp=4, vth=131071)
    run = Emulator(program).run(heard(_once(60, (0, 7, 30))), ("out",))
    u = v = 0
    for step in range(60):
        arriving = -200 if step - 1 in (0, 7, 30) else 0
        u = -((abs(u) * (4096 - du - 1)) // 4096) + arriving * 64  # never positive here
        v = -((abs(v) * (4096 - dv)) // 4096) + u - 48
        assert (run.u["out"][step, 0, 0], run.v["out"][step, 0, 0]) == (u, max(v, -(2**23) + 1)), step


@pytest.mark.parametrize(("weight", "exponent", "delay"), [(255, 0, 0), (255, 5, 3), (200, -3, 2), (7, -3, 0)])
def test_a_spike_arrives_after_one_step_and_its_delay(weight: int, exponent: int, delay: int) -> None:
    """Catches a delay that is off by one, and a right shift that rounds."""
    run = Emulator(one_to_one(weight, delay=delay, exponent=exponent, vth=131071)).run(heard(_once(10)), ("out",))
    amount = (weight << exponent if exponent >= 0 else weight >> -exponent) << 6
    assert run.u["out"][:, 0, 0].tolist() == [amount if step == 1 + delay else 0 for step in range(10)]


def test_current_wraps_at_24_bits_and_voltage_is_clipped() -> None:
    """Catches a current that saturates, or wraps where it is just 2**23."""
    messages = np.ones((7, 1, 1), np.int64)
    program = one_to_one(255, exponent=8, du=0, dv=0, vth=131071)
    run = Emulator(program).run(heard(messages), ("out",))
    u = 0
    for step in range(7):
        u = (np.sign(u) * ((abs(u) * 4095) // 4096)) + (255 * 256 * 64 if step else 0)
        u = u - 2**24 if u > 2**23 else u
        assert run.u["out"][step, 0, 0] == u, step
    assert (run.u["out"] < 0).any()
    low = Emulator(one_to_one(-255, exponent=7, dv=0)).run(heard(messages), ("out",))
    assert low.v["out"].min() == -(2**23) + 1
    exact = one_to_one(128, exponent=8, du=0, dv=4095, vth=131071)
    for number, expected in ((4, 2**23), (5, -(2**23) + 128 * 256 * 64)):
        c = exact.connections["c"]
        many = replace(
            exact,
            inputs={"in": replace(exact.inputs["in"], size=number)},
            connections={"c": _repeated(c, number)},
        )
        run = Emulator(many).run(heard(np.ones((2, 1, number))), ("out",))
        assert run.u["out"][1, 0, 0] == expected


def _repeated(one: Connection, number: int) -> Connection:
    """Return the synapse of `one` from each of `number` neurons."""
    arrays = {"pre_index": np.arange(number)} | {
        name: np.repeat(getattr(one, name), number) for name in ("post_index", "weight", "delay")
    }
    return replace(one, **arrays)


def test_the_threshold_is_strict_and_refractory_neurons_stay_at_rest() -> None:
    """Catches >=, a period that is off by one, and a current that stops with the voltage."""
    at = Emulator(one_to_one(0, bias_mant=100, bias_exp=0, dv=4095, vth=1)).run(heard(_once(40)), ("out",))
    assert at.spikes["out"].all()
    below = Emulator(one_to_one(0, bias_mant=64, bias_exp=0, dv=4095, vth=1)).run(heard(_once(40)), ("out",))
    assert not below.spikes["out"].any()
    resting = Emulator(one_to_one(50, bias_mant=100, dv=4095, du=0, vth=1, refractory=3))
    run = resting.run(heard(np.ones((41, 1, 1))), ("out",))
    assert np.nonzero(run.spikes["out"][:, 0, 0])[0].tolist() == list(range(0, 41, 4))
    assert (run.v["out"] == 0).all()
    assert (np.diff(run.u["out"][:, 0, 0]) > 0).all()


def test_graded_messages_multiply_the_weight() -> None:
    """Catches messages that are taken for spikes, and spikes that are taken for messages."""
    program = one_to_one(3, du=4095, vth=131071)
    messages = _once(6) * 41
    graded = replace(program, inputs={"in": replace(program.inputs["in"], message_bits=8)})
    for network, amount in ((program, 3), (graded, 123)):
        assert Emulator(network).run(heard(messages), ("out",)).u["out"][1, 0, 0] == amount * 64


@pytest.mark.parametrize("streams", ["lava", "per-synapse"])
def test_windows_may_be_cut_and_states_restored_to_the_last_bit(streams: str) -> None:
    """Catches work done once a window, streams that begin anew, and a state that lacks something."""
    assert streams in ("lava", "per-synapse")
    whole = Emulator(recurrent(), 4, streams, seed=5)
    run = whole.run(heard(RUN))
    assert 0.02 < run.spikes["cells"].mean() < 0.5
    assert run.signals["dopamine"].min() < 0 < run.signals["dopamine"].max()
    parts = Emulator(recurrent(), 4, streams, seed=5)
    seen = []
    for first, last in ((0, 1), (1, 58), (58, 199), (199, 300)):
        other = Emulator(recurrent(), 4, streams, seed=5)
        other.restore(parts.state())
        seen.append(other.run(heard(RUN[first:last])).spikes["cells"])
        parts = other
    assert np.array_equal(np.concatenate(seen), run.spikes["cells"])
    start = recurrent().connections["learned"].weight
    for found, expected in zip(_everything(parts), _everything(whole), strict=True):
        assert np.array_equal(found, expected)
    assert not np.array_equal(whole.learned("learned").weight[0], start)


@pytest.mark.parametrize("streams", ["lava", "per-synapse"])
def test_threads_batch_and_instance_numbers_change_no_bit(streams: str) -> None:
    """Catches instances that touch one another, and random numbers that depend on the place in the batch."""
    assert streams in ("lava", "per-synapse")
    whole = Emulator(recurrent(), 4, streams, seed=5)
    whole.run(heard(RUN))
    threaded = Emulator(recurrent(), 4, streams, seed=5, threads=2)
    threaded.run(heard(RUN))
    threaded.close()
    alone = Emulator(recurrent(), 1, streams, seed=5, first_instance=2)
    alone.run(heard(RUN[:, 2:3]))
    for found, expected, one in zip(_everything(threaded), _everything(whole), _everything(alone), strict=True):
        assert np.array_equal(found, expected)
        axis = expected.ndim - 2
        assert np.array_equal(one, expected.take([2], axis=axis))


def _everything(emulator: Emulator) -> list[np.ndarray]:
    learned = emulator.learned("learned")
    return [learned.weight, learned.tag, learned.x, learned.y]


def test_programs_of_one_batch_may_differ_in_numbers_alone() -> None:
    """Catches one program's weights or rule used for another, and programs that do not fit together."""
    coarse = _with_bits(recurrent(), 3)
    both = Emulator((recurrent(), coarse), 4)
    both.run(heard(RUN))
    for k, program in enumerate((recurrent(), coarse)):
        alone = Emulator(program, 2)
        alone.run(heard(RUN[:, k::2]))
        assert np.array_equal(alone.learned("learned").weight, both.learned("learned").weight[k::2])
    assert not np.array_equal(both.learned("learned").weight[0], both.learned("learned").weight[1])
    larger = replace(coarse, neurons=coarse.neurons | {"others": replace(coarse.neurons["others"], size=6)})
    with pytest.raises(DescriptionError, match="first_neuron.*differ in numbers alone"):
        Emulator((recurrent(), larger), 2)
    with pytest.raises(DescriptionError, match="batch.*3.*multiple of 2"):
        Emulator((recurrent(), coarse), 3)


def _with_bits(program: Program, bits: int) -> Program:
    return replace(program, connections={k: replace(c, bits=bits) for k, c in program.connections.items()})


@given(
    sign=st.sampled_from(["mixed", "excitatory", "inhibitory"]),
    bits=st.integers(1, 8),
    weight=st.integers(-256, 255),
)
def test_cut_weights_lie_on_the_grid_and_are_cut_once(sign: str, bits: int, weight: int) -> None:
    """Catches a cut that rounds, or goes the wrong way for inhibitory weights."""
    assert sign in ("mixed", "excitatory", "inhibitory")
    weight = {"mixed": weight, "excitatory": abs(weight) & 255, "inhibitory": -(abs(weight) & 255)}[sign]
    zero = np.zeros(1, np.int64)
    one = Connection("c", "a", "b", zero, zero, np.array([weight]), zero, bits=bits, sign=sign)
    step = 2 ** (8 - bits + (sign == "mixed"))
    cut = int(one.cut()[0])
    assert cut % step == 0
    assert 0 <= (cut - weight if sign == "inhibitory" else weight - cut) < step
    assert int(replace(one, weight=one.cut()).cut()[0]) == cut


@pytest.mark.parametrize(
    ("product", "expected"),
    [
        (Product("w", "y0", 1, 0, (Factor("x1"), Factor("y2"))), 20 * 20 / 8),  # LOIHI: 8 times smaller
        (Product("w", "y0", 1, 2, (Factor("x1"),)), 20 * 4),
        (Product("w", "y0", -1, 1, (Factor("x1", 5),)), -50),
        (Product("w", "y0", 7, -7, (Factor("w"), Factor("y2"))), ((100 * 20 * 7) >> 5) / 128),
        (Product("w", "y0", 3, 2, (Factor("w", -120, sign=True),)), -12),
    ],
    ids=["unmade shift", "one trace", "a constant", "a weight", "a sign"],
)
def test_one_product_is_what_the_learning_engine_makes_of_it(product: Product, expected: float) -> None:
    """Catches a right shift that is made good or missing, a constant or sign left out; the rounding is shared."""
    rule = Rule((product,), x_tau=(10**9, 0), x_impulse=(20, 0), y_tau=(0, 10**9, 0), y_impulse=(0, 20, 0))
    program = one_to_one(100, rule=rule, bias_mant=4000, bias_exp=0, vth=10)
    emulator = Emulator(program)
    emulator.run(heard(_once(1)))  # both spike in the first step
    change = emulator.learned("c").weight[0, 0] - 100
    assert np.floor(expected) <= change <= np.ceil(expected)


def test_streams_of_their_own_round_without_bias() -> None:
    """Catches rounding whose mean is not the value: 4 standard errors, n = 40,000 synapses."""
    n = 200
    quarter = Product("w", "x0", 5, -4, ())  # 5/16 at each spike
    base = one_to_one(100, rule=Rule((quarter,), x_tau=(1, 0)))
    c = base.connections["c"]
    pre, post = (index.ravel() for index in np.indices((n, n)))
    many = replace(
        base,
        inputs={"in": replace(base.inputs["in"], size=n)},
        neurons={"out": replace(base.neurons["out"], size=n)},
        connections={
            "c": replace(c, pre_index=pre, post_index=post, weight=np.full(n * n, 100), delay=np.zeros(n * n, int))
        },
    )
    emulator = Emulator(many, streams="per-synapse", seed=2)
    emulator.run(heard(np.ones((1, 1, n))))
    change = emulator.learned("c").weight[0] - 100
    assert set(np.unique(change)) == {0, 1}
    assert abs(change.mean() - 5 / 16) < 4 * np.sqrt(5 / 16 * 11 / 16 / change.size)
    shared = Emulator(many)
    shared.run(heard(np.ones((1, 1, n))))
    assert np.unique(shared.learned("c").weight).size == 1


def test_shared_streams_are_those_of_numpy() -> None:
    """Catches a stream with another seed, or drawn once too often: Lava seeds 2 for synapses and draws one first."""
    third = Product("w", "u", 3, -3, ())  # 3/8 at each epoch
    emulator = Emulator(one_to_one(0, rule=Rule((third,), epoch=3, x_tau=(1, 0))))
    emulator.run(heard(_once(150)))
    random = np.random.default_rng(2).random(51)[1:]
    assert emulator.learned("c").weight[0, 0] == (random < 3 / 8).sum()
