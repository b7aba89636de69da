"""Every quantised integer survives the way into Lava: what it computes with is read back and compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spikerl.errors import RunError
from spikerl.hardware.lava.machine import LavaMachine
from spikerl.hardware.machine import FixedWindow
from spikerl.hardware.program import SIGN_MODES, WEIGHT_RANGE, Connection, Input, Neurons, Program
from tests.hardware.circuits import connection, dopaminergic, one_to_one, recurrent, spikes

pytestmark = pytest.mark.xdist_group("lava")
PRE, POST = 64, 66


def _drawn(name: str, sign: str, bits: int, share: float) -> Connection:
    rng = np.random.default_rng(bits)
    low, high = WEIGHT_RANGE[sign]
    chosen = None if share == 1 else rng.random((PRE, POST)) < share
    return connection(
        name, "in", "out", rng.integers(low, high + 1, (PRE, POST)), bits=bits, sign=sign, chosen=chosen, exponent=-7
    )


def test_a_hundred_thousand_weights_arrive(lava_python: Path) -> None:
    """Catches a weight that is clipped, cut otherwise, moved to another synapse, or lost, on its way into Lava."""
    drawn = [
        _drawn(f"{sign}{bits}{share}", sign, bits, share)
        for sign in SIGN_MODES
        for bits in range(1, 9)
        for share in (1, 0.5)
    ]
    static = {made.name: made for made in drawn}
    learns = replace(_drawn("learns", "mixed", 8, 0.5), rule=dopaminergic())
    signals = recurrent().signals | {"dopamine": replace(recurrent().signals["dopamine"], source=None)}
    neurons = Neurons("out", POST, 400, 200, vth=131071, bias_mant=-4096, bias_exp=7)
    program = Program({"in": Input("in", PRE)}, {"out": neurons}, signals, static | {"learns": learns})
    assert sum(len(made.weight) for made in drawn) >= 100_000
    with LavaMachine(program, python=lava_python) as machine:
        machine.run(FixedWindow(1, {"in": np.zeros((1, 1, PRE), np.int64)}))
        for made in program.connections.values():
            differences = int((machine.learned(made.name).weight[0] != made.cut()).sum())
            assert differences == 0, made.name


@pytest.mark.parametrize("number", ["bias_mant", "weight"])
def test_an_integer_that_does_not_arrive_is_an_error(
    lava_python: Path, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches a machine that computes on with another number than the program's."""
    monkeypatch.setattr("spikerl.hardware.lava.machine.check_program", lambda program: None)
    program = one_to_one(300) if number == "weight" else one_to_one(100, bias_mant=20000, bias_exp=40)
    with LavaMachine(program, python=lava_python) as machine, pytest.raises(RunError, match="Lava computes with"):
        machine.run(FixedWindow(1, {"in": np.zeros((1, 1, 1), np.int64)}))


def test_windows_may_be_cut_anywhere(lava_python: Path) -> None:
    """Catches a first step, a delay, an epoch or a trace that begins anew with a window."""
    program = recurrent(4)
    messages = {"in": spikes(90, 1, 12, rate=0.3)}
    held = {"dopamine": np.arange(90)[:, None] - 40}
    with LavaMachine(program, python=lava_python) as whole, LavaMachine(program, python=lava_python) as cut:
        once = whole.run(FixedWindow(90, messages, held), ("cells", "others"))
        pieces, first = [], 0
        for steps in (1, 2, 40, 3, 44):
            rows = slice(first, first + steps)
            given = {name: array[rows] for name, array in messages.items()}
            pieces.append(cut.run(FixedWindow(steps, given, {"dopamine": held["dopamine"][rows]}), ("cells", "others")))
            first += steps
        assert once.spikes["others"].any()
        for part in ("spikes", "u", "v", "signals"):
            for name, expected in getattr(once, part).items():
                joined = np.concatenate([getattr(piece, part)[name] for piece in pieces])
                np.testing.assert_array_equal(joined, expected)
        for name in program.connections:
            for part in ("weight", "tag", "x", "y"):
                found, expected = (getattr(machine.learned(name), part) for machine in (cut, whole))
                np.testing.assert_array_equal(found, expected)
