"""Lazy where that is exact, clocked where it is not, and either does what the reference does."""

from __future__ import annotations

import numpy as np
import pytest

from spikerl.backends.native.lowering import lower
from tests.contract.comparison import close, same, same_state
from tests.native.circuits import CLOCKED, LAZY, STEPS, form, hearing, modulation, opened, oracle, planned

RULES = LAZY | CLOCKED


@pytest.mark.parametrize("delays", [False, True], ids=["at once", "delayed"])
@pytest.mark.parametrize("name", RULES)
def test_each_form_does_what_the_reference_does(name: str, delays: bool) -> None:
    """Catches a closed form that is wrong, a bound that is passed unseen, an epoch begun with what belongs to the last.

    The run is longer than every epoch but those of rules without eligibility, and weights are read on the way.
    """
    plan = planned(RULES[name], delays)
    assert form(lower(plan)) == ("lazy" if name in LAZY else "clocked")
    native, reference = opened(plan), oracle(plan)
    low, high = plan.projections["cells_to_cells"].rule.bounds
    bounded = 0
    for number in range(8):
        steps = STEPS // 8
        values = {key: value[number * steps : (number + 1) * steps] for key, value in modulation().items()}
        window = hearing(plan).window(number * steps, steps, {}, {}, values)
        found, expected = native.advance(window), reference.advance(window)
        for population in plan.neurons:
            same(f"spikes of {population}", found.spikes[population], expected.spikes[population])
        for population in plan.sources:
            same(f"spikes of {population}", found.spikes[population], window.spikes[population])
        weights = reference.weights("cells_to_cells")
        moved = native.weights("cells_to_cells")
        close("weights", moved, weights, min(high - low, 1.0))
        same("weights at a bound", (moved == low) | (moved == high), (weights == low) | (weights == high))
        bounded += int(((weights == low) | (weights == high)).sum())
    same_state(plan, native.state(), reference.state())
    assert found.spikes["cells"].any()
    assert bounded > 10, "the test asks for weights at their bounds"


@pytest.mark.parametrize("name", LAZY)
def test_a_lazy_rule_can_be_clocked(name: str) -> None:
    """Catches a difference between the two kernels of one rule."""
    plan = planned(LAZY[name])
    assert form(lower(plan, lazy=False)) == "clocked"
    window = hearing(plan).window(0, STEPS, {}, {}, modulation())
    states = []
    for lazy in (True, False):
        engine = opened(plan, lazy=lazy)
        engine.advance(window)
        states.append(engine.state())
    same_state(plan, *states)


@pytest.mark.parametrize("name", LAZY)
def test_reading_weights_changes_no_bit(name: str) -> None:
    """Catches a reader that brings synapses up to date, so that observing a run would change it."""
    plan = planned(LAZY[name])
    states = []
    for watched in (False, True):
        engine = opened(plan)
        for first in range(0, STEPS, 50):
            values = {key: value[first : first + 50] for key, value in modulation().items()}
            engine.advance(hearing(plan).window(first, 50, {}, {}, values))
            if watched:
                engine.weights("cells_to_cells")
        states.append(engine.state())
    for key, array in states[0].items():
        assert np.array_equal(array, states[1][key]), key


@pytest.mark.parametrize("name", RULES)
def test_going_on_from_a_state_is_going_on(name: str) -> None:
    """Catches a checkpoint after which a resumed run has other bytes than the one that took it."""
    plan = planned(RULES[name], delays=True)
    half = STEPS // 2
    windows = [
        hearing(plan).window(first, half, {}, {}, {k: v[first : first + half] for k, v in modulation().items()})
        for first in (0, half)
    ]
    one = opened(plan)
    one.advance(windows[0])
    state = one.state()
    other = opened(plan)
    other.restore({key: array.copy() for key, array in state.items()})
    ends = []
    for engine in (one, other):
        engine.advance(windows[1])
        ends.append(engine.state())
    for key, array in ends[0].items():
        assert np.array_equal(array, ends[1][key]), key
