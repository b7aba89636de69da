"""Two machines that part are told apart by the first number that differs: where, when, what, and both values.

Catches: a comparison that looks at spikes alone, at the last step alone, at one instance, or at nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spikerl.errors import DivergenceError
from spikerl.hardware.comparison import Pair
from spikerl.hardware.emulation.emulator import Emulator
from spikerl.hardware.machine import FixedWindow
from spikerl.hardware.program import Program
from tests.hardware.circuits import recurrent, spikes

BATCH = 2


def windows() -> list[FixedWindow]:
    messages = spikes(90, BATCH, 12, rate=0.3)
    return [FixedWindow(30, {"in": messages[first : first + 30]}) for first in (0, 30, 60)]


def parted(other: Program) -> DivergenceError:
    """Return what a pair says whose second machine runs another program."""
    program = recurrent()
    pair = Pair(program, ("ours", "theirs"), Emulator(program, BATCH), Emulator(other, BATCH))
    with pytest.raises(DivergenceError) as told:
        for window in windows():
            pair.run(window)
    return told.value


def test_machines_that_agree_are_counted() -> None:
    """Every window, step, spike and integer is counted once."""
    program = recurrent()
    pair = Pair(program, ("ours", "theirs"), Emulator(program, BATCH), Emulator(program, BATCH))
    alone = Emulator(program, BATCH)
    for window in windows():
        seen, expected = pair.run(window, ("cells",)), alone.run(window, ("cells",))
        np.testing.assert_array_equal(seen.v["cells"], expected.v["cells"])
        assert list(seen.u) == ["cells"]
    found = pair.compared
    assert (found.windows, found.steps) == (3, 90)
    each_step = 2 * (9 + 5) + 1  # u and v of all neurons, and a signal
    each_window = 2 * 108 + 2 * 12 + 3 * 9  # weights and tags, traces of both sides
    assert found.integers == BATCH * (90 * each_step + 3 * each_window)
    assert found.spikes > 50


def _neurons(name: str, **changes: int) -> Program:
    program = recurrent()
    neurons = program.neurons | {name: replace(program.neurons[name], **changes)}
    return replace(program, neurons=neurons)


def test_a_current_is_named_before_the_voltage_that_follows_from_it() -> None:
    error = parted(_neurons("others", du=901))
    assert error.facts["variable"] == "u" and error.facts["population"] == "others"
    assert "theirs parts from ours" in str(error) and "population 'others', neuron" in str(error)


def test_the_first_step_is_named_and_both_values() -> None:
    error = parted(_neurons("cells", bias_mant=301))
    assert error.facts["step"] == 0 and error.facts["variable"] == "v"
    first = Emulator(recurrent(), BATCH).run(windows()[0], ("cells",)).v["cells"][0, 0, 0]
    assert error.facts["values"] == {"ours": int(first), "theirs": int(first) + 8}


def test_a_refractory_period_parts_in_the_step_after_it() -> None:
    error = parted(_neurons("cells", refractory=3))
    assert error.facts["variable"] == "v" and error.facts["population"] == "cells"
    step, instance, neuron = (int(str(error.facts[key])) for key in ("step", "instance", "neuron"))
    emulator = Emulator(recurrent(), BATCH)
    fired = np.concatenate([emulator.run(window).spikes["cells"] for window in windows()])[:, instance, neuron]
    assert fired[step - 3] and not fired[step - 2 : step].any()


def test_a_signal_is_named() -> None:
    program = recurrent()
    louder = replace(program.signals["dopamine"], mantissa=4)
    error = parted(replace(program, signals={"dopamine": louder}))
    assert error.facts["variable"] == "signal" and error.facts["signal"] == "dopamine"


@pytest.mark.parametrize(("field", "value", "variable"), [("x_impulse", (17, 0), "tag"), ("seed", 9, "trace")])
def test_what_is_learned_is_compared_at_the_end_of_a_window(
    field: str, value: object, variable: str
) -> None:
    """A rule that differs moves neither voltage nor spike at first; its tags and traces tell."""
    program = recurrent()
    rule = replace(program.connections["learned"].rule, **{field: value})
    learned = replace(program.connections["learned"], rule=rule)
    other = replace(program, connections=program.connections | {"learned": learned})
    quiet = np.zeros((30, BATCH, 12), np.int64)
    quiet[5, 1, 3] = 1
    pair = Pair(program, ("ours", "theirs"), Emulator(program, BATCH), Emulator(other, BATCH))
    with pytest.raises(DivergenceError) as told:
        pair.run(FixedWindow(8, {"in": quiet[:8]}))
        pair.run(FixedWindow(22, {"in": quiet[8:]}))
    facts = told.value.facts
    assert facts["projection"] == "learned" and facts["instance"] == 1
    assert str(facts["variable"]).startswith(variable) or str(facts["variable"]).startswith("trace x")
    assert facts["step"] in (7, 29)
