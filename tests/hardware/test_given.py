"""Third factors with a number for each neuron, given from outside: what the engine makes of them; layers that learn.

Catches: numbers of another neuron, instance or step, that are forgotten between windows, or begin as another value than
the description's 0; a rule whose sign, scale or epoch is off; a chip that is given what it does not have.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import spikerl as sp
from spikerl.discretise import discretise
from spikerl.errors import DescriptionError, UnsupportedError
from spikerl.hardware.comparison import Pair
from spikerl.hardware.emulation.emulator import Emulator
from spikerl.hardware.lava.checking import check_window
from spikerl.hardware.lava.machine import LavaMachine
from spikerl.hardware.lowering.lowering import lower
from spikerl.hardware.machine import FixedWindow
from spikerl.hardware.program import Factor, Given, Heard, Input, Neurons, Product, Program, Rule
from spikerl.hardware.target import load_target
from spikerl.seeding import generator
from tests.hardware.circuits import connection

INPUTS, UNITS, CLASSES, STEPS = 24, 30, 3, 40
TAUS = "12 ms", "5 ms", "3 ms"
OWN = sp.Hardware(streams="per-synapse")


def test_every_neuron_hears_its_own_number() -> None:
    """In each step of each instance; the last stays, through a state too, until another is held."""
    nothing = Heard("constant")
    rule = Rule((Product("w", "u", 1, 0, (Factor("y1"),)),), heard=(Heard("given", signal="own"), nothing, nothing))
    program = Program(
        {"in": Input("in", 1)},
        {"others": Neurons("others", 3, 4095, 4095, 1000), "cells": Neurons("cells", 2, 4095, 4095, 1000)},
        {},
        {"c": connection("c", "in", "cells", np.zeros((1, 2), int), sign="mixed", rule=rule)},
        given={"another": Given("another", "others", 90), "own": Given("own", "cells", 3)},
    )
    silent = {"in": np.zeros((4, 2, 1), np.int64)}
    emulator = Emulator(program, 2)
    emulator.run(FixedWindow(4, silent))
    expected = np.full((2, 2), 4 * 3)
    np.testing.assert_allclose(emulator.learned("c").weight, expected, atol=1)  # a trace of 65535 steps may lose 1
    own = np.array([[[5, -7], [11, 13]], [[17, 19], [-23, 2]], [[0, 0], [1, 1]], [[9, -9], [30, 4]]])
    emulator.run(FixedWindow(4, silent, {"own": own}))
    np.testing.assert_allclose(emulator.learned("c").weight, expected + own.sum(axis=0), atol=3)
    other = Emulator(program, 2)
    other.restore(emulator.state())
    before = other.learned("c").weight
    other.run(FixedWindow(4, silent))
    np.testing.assert_allclose(other.learned("c").weight, before + 4 * own[-1], atol=3)


def layer(rate: float, size: float = 0.25) -> sp.Network:
    """Return a layer that learns by deep continuous local learning; its local errors are given."""
    decay, left = np.exp(-1 / 5), np.exp(-1 / 3)
    source = sp.Population("in", INPUTS, sp.SpikeSource())
    cells = sp.Population("layer", UNITS, sp.SpikeResponse(*TAUS, adapt=float((1 - left) / left)))
    rule = sp.dcll(sp.Modulator("local", target=cells), *TAUS[:2], rate=rate * (1 - decay), bounds=(-0.6, 0.6))
    weights = generator(0, "weights").uniform(-size, size, INPUTS * UNITS)
    return sp.Network(sp.Projection(source, cells, sp.Values(tuple(weights.tolist())), rule=rule))


def test_the_rule_moves_weights_as_in_real_numbers() -> None:
    """Errors of their own for all neurons; a missing shift would be a factor of 1024, a wrong offset a constant."""
    errors = generator(1, "errors").uniform(-1.5, 1.5, UNITS)
    spikes = generator(1, "spikes").random((400, INPUTS)) < np.linspace(0.01, 0.06, INPUTS)
    moved = {}
    for backend, batch in (("loihi", 12), ("reference", 1)):
        hardware = OWN if backend == "loihi" else None
        with sp.open(layer(0.04), backend, batch=batch, seed=1, hardware=hardware) as session:
            before = session.weights("in_to_layer")
            session.step("100 ms", spikes={"in": spikes[:100]})  # nothing is held: the error is 0
            still = session.weights("in_to_layer") - before
            seen = session.step("300 ms", spikes={"in": spikes[100:]}, modulators={"local": errors})
            moved[backend] = (session.weights("in_to_layer") - before).mean(axis=0)
            later = session.step("1 ms")
        assert np.abs(still.mean(axis=0)).max() < 0.02 * np.abs(moved[backend]).max()
        np.testing.assert_allclose(seen.modulators["local"][-1], np.broadcast_to(errors, (batch, UNITS)), atol=0.02)
        np.testing.assert_array_equal(later.modulators["local"][0], seen.modulators["local"][-1])
    found, expected = moved["loihi"], moved["reference"]
    assert np.abs(expected).max() > 0.1
    assert np.polyfit(expected, found, 1)[0] == pytest.approx(1, abs=0.08)
    assert np.corrcoef(expected, found)[0, 1] > 0.98


def taught(backend: str, hardware: sp.Hardware | None, learns: bool) -> tuple[float, float, float]:
    """Show patterns of three classes; return the loss of the first and of the last dozen, and who was right there.

    The host has the readout, and tells each neuron its error as it was a step ago, from its spikes and its voltage.
    """
    readout = generator(7, "readout").uniform(-4, 4, (CLASSES, UNITS)) / np.sqrt(UNITS)
    rates = generator(7, "patterns").choice([0.02, 0.4], (CLASSES, INPUTS))
    left = np.exp(-1 / 3)
    jump = (1 - left) / left
    losses, right = [], []
    with sp.open(layer(0.1), backend, hardware=hardware, seed=1, record=sp.Record(voltages=None)) as session:
        moved, local = np.zeros(UNITS), np.zeros(UNITS)
        for show in range(48):
            label, votes, loss = show % CLASSES, np.zeros(CLASSES), 0.0
            spikes = generator(7, "spikes", show).random((STEPS, INPUTS)) < rates[label]
            for step in range(STEPS):
                seen = session.step("1 ms", spikes={"in": spikes[step : step + 1]}, modulators={"local": local})
                fired, voltage = seen.spikes["layer"][0, 0], seen.voltages["layer"][0, 0]
                moved = moved * left
                membrane, moved = voltage - moved, moved + jump * fired
                error = readout @ fired - np.eye(CLASSES)[label]
                counts = step >= 8
                votes, loss = votes + counts * (readout @ fired), loss + counts * float(np.abs(error).sum())
                local = (readout.T @ np.clip(error, -1, 1)) / (1 + 10 * np.abs(membrane)) ** 2 * counts * learns
                local = np.clip(local, -1.9, 1.9)
            losses.append(loss / (STEPS - 8))
            right.append(votes.argmax() == label)
    return float(np.mean(losses[:12])), float(np.mean(losses[-12:])), float(np.mean(right[-12:]))


def test_a_layer_learns_on_the_chip() -> None:
    """As far as in real numbers, with a host that says the errors; without them nothing is learned."""
    first, last, right = taught("loihi", OWN, learns=True)
    _, real, _ = taught("native", None, learns=True)
    assert last < 0.65 * first and right == 1.0
    assert last < real * 1.25
    first, last, right = taught("loihi", OWN, learns=False)
    assert last > 0.9 * first and right < 0.6


@pytest.mark.xdist_group("lava")
def test_lava_learns_the_same_to_the_last_bit(interpreter: Path) -> None:
    """The lowered layer, with errors of all signs in windows of any length; in some, the first too, none are held."""
    program = lower(discretise(layer(0.4)), load_target("loihi2")).program
    rng = np.random.default_rng(3)
    pair = Pair(program, ("loihi", "lava"), Emulator(program), LavaMachine(program, python=interpreter))
    try:
        for steps, held in ((9, False), (1, True), (17, False), (40, True)):
            messages = (rng.random((steps, 1, INPUTS)) < 0.3).astype(np.int64)
            given = {"local": rng.integers(0, 128, (steps, 1, UNITS))} if held else {}
            pair.run(FixedWindow(steps, {"in": messages}, given))
        assert (pair.learned("in_to_layer").weight != program.connections["in_to_layer"].cut()).mean() > 0.5
    finally:
        pair.close()
    wrong = FixedWindow(1, {"in": messages[:1]}, {"local": np.zeros((1, 1, 2), np.int64)})
    with pytest.raises(DescriptionError, match="held values of 'local'"):
        check_window(program, wrong, 1, ())


def test_a_chip_whose_third_factor_is_one_for_all_is_refused() -> None:
    """By the name of the third factor, with a chip that has it."""
    cells = sp.Population("cells", 2, sp.LIF())
    rule = sp.Rule(sp.every_step(sp.Modulator("own", target=cells) * sp.pre_trace("20 ms")), bounds=(0, 1))
    net = sp.Network(sp.Projection(sp.Population("in", 2, sp.SpikeSource()), cells, 0.1, rule=rule))
    told = r"third factor 'own' of 'in_to_cells' \(learning.own_signals\).*one for all synapses.*'loihi2'"
    with pytest.raises(UnsupportedError, match=told):
        sp.open(net, "loihi", hardware=sp.Hardware("loihi1", saturate=True))
    sp.open(net, "loihi", hardware=sp.Hardware("loihi2", saturate=True)).close()


def test_what_neurons_are_given_is_heard_in_every_step() -> None:
    """With traces that last, which alone would be heard at every fourth; catches an epoch of several steps."""
    cells = sp.Population("cells", 2, sp.SpikeResponse("200 ms", "100 ms"))
    rule = sp.dcll(sp.Modulator("local", target=cells), "200 ms", "100 ms", rate=1.0, bounds=(-1, 1))
    net = sp.Network(sp.Projection(sp.Population("in", 2, sp.SpikeSource()), cells, 0.1, rule=rule))
    lowered = lower(discretise(net), load_target("loihi2")).program.connections["in_to_cells"].rule
    assert lowered is not None and (lowered.epoch, lowered.decimate) == (1, 0)
    assert [heard.kind for heard in lowered.heard or ()] == ["given", "constant", "constant"]
