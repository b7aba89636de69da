"""Lava and the emulator agree to the last bit, on programs that Hypothesis draws and on those that have parted them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from spikerl.errors import DescriptionError
from spikerl.hardware.emulation.emulator import Emulator
from spikerl.hardware.lava.machine import LavaMachine
from spikerl.hardware.machine import FixedRun, FixedWindow, Learned, Machine
from spikerl.hardware.program import Factor, Heard, Input, Neurons, Product, Program, Rule, Signal
from tests.hardware.circuits import connection, dopaminergic, one_to_one, recurrent, spikes
from tests.hardware.drawn import learning_programs, static_programs, windows

pytestmark = pytest.mark.xdist_group("lava")
NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
STEPS = 200 if NIGHTLY else 60
CUTS = st.lists(st.integers(1, STEPS - 1), max_size=2)


def _same(where: str, here: np.ndarray, there: np.ndarray) -> None:
    """Name the first number that differs, in the order of its axes."""
    assert here.shape == there.shape, where
    parted = np.argwhere(here != there)
    if parted.size:
        at = tuple(parted[0].tolist())
        pytest.fail(f"{where} {at}: the emulator has {here[at]}, Lava {there[at]}; {len(parted)} of {here.size} differ")


def _same_run(here: FixedRun, there: FixedRun, begin: int) -> None:
    for what in ("spikes", "u", "v", "offsets", "signals"):
        ours, theirs = getattr(here, what), getattr(there, what)
        assert list(ours) == list(theirs), what
        for name in ours:
            _same(f"{what} of {name!r}, [step - {begin}, instance, neuron]", ours[name], theirs[name])


def _same_learned(name: str, here: Learned, there: Learned) -> None:
    for what in ("weight", "tag", "x", "y"):
        _same(f"{what} of {name!r}", getattr(here, what), getattr(there, what))


def _cut(window: FixedWindow, at: list[int]) -> list[FixedWindow]:
    edges = sorted({0, *at, window.steps})
    return [
        FixedWindow(
            last - first,
            {name: given[first:last] for name, given in window.messages.items()},
            {name: given[first:last] for name, given in window.held.items()},
        )
        for first, last in zip(edges, edges[1:], strict=False)
    ]


def _compare(program: Program, pieces: list[FixedWindow], interpreter: Path, batch: int = 1) -> Machine:
    """Run both through the windows and compare all that either says after each; return the emulator."""
    emulator, begin, watched = Emulator(program, batch=batch), 0, tuple(program.neurons)
    with LavaMachine(program, batch=batch, python=interpreter) as lava:
        for piece in pieces:
            _same_run(emulator.run(piece, watched), lava.run(piece, watched), begin)
            begin += piece.steps
            for name in program.connections:
                _same_learned(f"{name}, after {begin} steps", emulator.learned(name), lava.learned(name))
    return emulator


def _counted(program: Program, window: FixedWindow, after: Machine) -> None:
    """Let `--hypothesis-show-statistics` say in how many programs something happened that could have differed."""
    run = Emulator(program).run(window, tuple(program.neurons))
    event(f"neurons fired: {any(spikes.any() for spikes in run.spikes.values())}")
    event(f"offsets moved: {any(offset.any() for offset in run.offsets.values())}")
    learned = [(made, after.learned(name)) for name, made in program.connections.items() if made.rule is not None]
    if learned:
        event(f"weights moved: {any((now.weight != made.cut()).any() for made, now in learned)}")
        event(f"tags moved: {any(now.tag.any() for _, now in learned)}")


@settings(max_examples=300 if NIGHTLY else 20)
@given(st.data())
def test_drawn_programs_without_learning_agree(interpreter: Path, data: st.DataObject) -> None:
    """Catches whatever of neurons, synapses, delays, exponents or messages is computed otherwise than by Lava."""
    program = data.draw(static_programs())
    window = data.draw(windows(program, steps=STEPS))
    emulator = _compare(program, _cut(window, data.draw(CUTS)), interpreter)
    _counted(program, window, emulator)


@settings(max_examples=150 if NIGHTLY else 10)
@given(st.data())
def test_drawn_programs_that_learn_agree(interpreter: Path, data: st.DataObject) -> None:
    """Catches any trace, product, rounding, signal or order of the learning engine that is not Lava's."""
    program = data.draw(learning_programs())
    window = data.draw(windows(program, steps=STEPS))
    emulator = _compare(program, _cut(window, data.draw(CUTS)), interpreter)
    _counted(program, window, emulator)


@pytest.mark.parametrize("seed", range(2))
def test_a_recurrent_circuit_that_learns_agrees_in_each_of_two_instances(interpreter: Path, seed: int) -> None:
    """Catches instances that are swapped or share a worker, and a weight that learning does not move."""
    program, steps = recurrent(seed), 300
    rng = np.random.default_rng(seed)
    held = {"dopamine": rng.integers(-128, 128, (steps, 2))} if seed else {}
    window = FixedWindow(steps, {"in": spikes(steps, 2, 12, rate=0.2, seed=seed)}, held)
    emulator = _compare(program, _cut(window, [1, 50, 51, 170]), interpreter, batch=2)
    learned = emulator.learned("learned")
    assert (learned.weight != program.connections["learned"].cut()).any() and learned.tag.any()
    assert (learned.weight[0] != learned.weight[1]).any()


@pytest.mark.parametrize("epoch", [1, 3])
@pytest.mark.parametrize("dependency", ["x0", "y0", "u"])
def test_a_negative_third_factor_agrees(interpreter: Path, dependency: str, epoch: int) -> None:
    """Catches a negative signal that reaches neurons which spiked in one of the two, and is cut to 0 in the other."""
    rule = Rule(
        (Product("w", dependency, 1, -2, (Factor("x1"), Factor("y2"))),),  # type: ignore[arg-type]
        x_tau=(20, 0),
        x_impulse=(30, 0),
        heard=(
            Heard("trace", decay=100, impulse=20),
            Heard("signal", signal="dopamine"),
            Heard("constant", value=-3),
        ),
        epoch=epoch,
        seed=1,
    )
    program = Program(
        {"in": Input("in", 4)},
        {"out": Neurons("out", 3, 1000, 1000, 20)},
        {"dopamine": Signal("dopamine", None, 0, 0, 0, 1, 0, 0)},
        {"c": connection("c", "in", "out", np.full((4, 3), 128), rule=rule)},
    )
    held = {"dopamine": np.random.default_rng(0).integers(-90, 60, (60, 1))}
    emulator = _compare(program, [FixedWindow(60, {"in": spikes(60, 1, 4, 0.3)}, held)], interpreter)
    assert (emulator.learned("c").weight != 128).any()


@pytest.mark.parametrize("rule", [None, dopaminergic(1)], ids=["static", "learning"])
def test_graded_messages_agree(interpreter: Path, rule: Rule | None) -> None:
    """Catches messages that Lava takes for spikes, or whose product with a weight is cut."""
    weights = np.random.default_rng(2).integers(0, 256, (12, 5))
    program = Program(
        {"in": Input("in", 12, message_bits=8)},
        {"out": Neurons("out", 5, 500, 300, 8000, refractory=1)},
        {"dopamine": Signal("dopamine", "out", 80, 1000, 5000, 3, 10, 7000)},
        {"c": connection("c", "in", "out", weights, exponent=-2, rule=rule)},
    )
    messages = spikes(80, 1, 12, 0.3) * np.random.default_rng(4).integers(1, 256, (80, 1, 12))
    assert _compare(program, [FixedWindow(80, {"in": messages})], interpreter).learned("c").weight.any()


@pytest.mark.parametrize("bits", [0, 24])
@pytest.mark.parametrize("exponent", [-7, 3, 20])
def test_sums_that_overflow_agree(interpreter: Path, bits: int, exponent: int) -> None:
    """Catches sums that have more than 32 bits, or are kept within them, and a u that is wrapped twice, or clipped."""
    weights = np.full((3, 2), 255)
    program = Program(
        {"in": Input("in", 3, message_bits=bits)},
        {"out": Neurons("out", 2, 0, 0, 131071)},
        {},
        {"c": connection("c", "in", "out", weights, exponent=exponent)},
    )
    rng = np.random.default_rng(bits)
    messages = rng.integers(0, 2 ** max(1, bits), (60, 1, 3)) * (rng.random((60, 1, 3)) < 0.4)
    _compare(program, [FixedWindow(60, {"in": messages})], interpreter)
    if exponent == 20:
        u = Emulator(program).run(FixedWindow(60, {"in": messages}), ("out",)).u["out"]
        assert (abs(u) > 2**23).any(), "no u was so large that one wrap does not bring it back"


@pytest.mark.parametrize(
    ("spiking", "low", "high"), [((1, 4), 101, 103), ((4,), 100, 100), ((2, 3), 37, 39), ((1, 2, 4), 102, 104)]
)
def test_an_earlier_spike_of_an_epoch_adds_to_what_its_trace_was_at_the_beginning(
    interpreter: Path, spiking: tuple[int, ...], low: int, high: int
) -> None:
    """Catches an impulse that is added in the step of each spike: 100 in step 1 of 4 would leave 5, not 2."""
    rule = Rule((Product("w", "x0", 1, 0, (Factor("x1"),)),), x_tau=(1, 0), x_impulse=(100, 0), epoch=4)
    messages = np.zeros((4, 1, 1), np.int64)
    messages[np.array(spiking) - 1] = 1
    emulator = _compare(one_to_one(100, rule=rule), [FixedWindow(4, {"in": messages})], interpreter)
    assert low <= emulator.learned("c").x[0, 0, 0] <= high


@pytest.mark.nightly
def test_a_window_longer_than_the_shared_memory_agrees(interpreter: Path) -> None:
    """Catches rows that are written over before they are read."""
    steps = 4200
    _compare(recurrent(), [FixedWindow(steps, {"in": spikes(steps, 1, 12)})], interpreter)


def test_before_the_first_step_a_machine_has_its_first_weights(interpreter: Path) -> None:
    """Catches weights that are asked for too early, and come uncut or as zeros."""
    program, emulator = recurrent(), Emulator(recurrent())
    with LavaMachine(program, python=interpreter) as lava:
        for name in program.connections:
            _same_learned(name, emulator.learned(name), lava.learned(name))
        with pytest.raises(DescriptionError, match="a connection"):
            lava.learned("nothing")
