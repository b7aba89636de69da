"""One suite over every back end: on drawn circuits, each does what the reference does.

Every registered back end but those in fixed point is held against the reference; one whose simulator is not installed
is skipped with the reason. Catches: a law derived wrongly, a wrong order where spikes coincide, delays and refractory
periods off by one, weights outside their bounds, modulators a step late, instances of a batch that touch, a state that
is not complete.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings

from spikerl.discretise import discretise
from tests.contract.networks import Case, cases, cut
from tests.contract.running import able, conditioned, exact, interpreted, opened, play, require, run, same_run

BACKENDS = exact()
OTHERS = [name for name in BACKENDS if name != "reference"]


def few() -> settings:
    """A fifth of the profile's examples, for what opens many sessions or repeats what the first test holds."""
    return settings(max_examples=max(1, settings().max_examples // 5))


@pytest.mark.parametrize("backend", OTHERS)
@given(case=cases())
def test_same_spikes_and_values_as_the_reference(backend: str, case: Case) -> None:
    """The back end hears the windows cut, the reference whole; and the reference can go on from its state."""
    require(backend)
    assume(able(backend, case) and conditioned(case))
    plan = discretise(case.network, case.dt)
    head, tail = case.windows[:-1], case.windows[-1:]
    with opened(case, "reference") as session:
        expected = play(session, head), play(session, tail)
    with interpreted(backend), opened(case, backend) as session:
        found = play(session, cut(head)), play(session, cut(tail))
    same_run(plan, found[0], expected[0])
    same_run(plan, found[1], expected[1])
    same_run(plan, run(case, "reference", tail, start=found[0].state), expected[1])


@pytest.mark.parametrize("taker", BACKENDS)
@pytest.mark.parametrize("giver", BACKENDS)
@few()
@given(case=cases())
def test_a_fresh_session_goes_on_from_the_state_of_another(giver: str, taker: str, case: Case) -> None:
    """Catches a state that lacks something (history, refractory counts, filters, step) or is restored in part."""
    require(giver)
    require(taker)
    assume(able(giver, case) and able(taker, case) and conditioned(case))
    plan = discretise(case.network, case.dt)
    head, tail = case.windows[:-1], case.windows[-1:]
    with opened(case, "reference") as session:
        play(session, head)
        expected = play(session, tail)
    given_state = run(case, giver, head).state
    kept = {name: array.copy() for name, array in given_state.items()}
    same_run(plan, run(case, taker, tail, start=given_state), expected)
    for name, array in kept.items():
        assert np.array_equal(given_state[name], array), f"running on changed {name} of the state that was given"


@pytest.mark.parametrize("backend", BACKENDS)
@few()
@given(case=cases())
def test_an_instance_alone_is_the_same_instance_of_a_batch(backend: str, case: Case) -> None:
    """Catches instances that share state, and random input that depends on the place in the batch."""
    require(backend)
    assume(able(backend, case) and conditioned(case))
    plan = discretise(case.network, case.dt)
    expected = run(case, "reference", case.windows)
    alone = run(case.alone(1), backend, case.alone(1).windows)
    for name, spikes in expected.spikes.items():
        assert np.array_equal(alone.spikes[name][:, 0], spikes[:, 1]), name
    with opened(case.alone(1), "reference") as session:
        same_run(plan, alone, play(session, case.alone(1).windows))


@given(case=cases())
def test_the_reference_does_not_feel_where_windows_are_split(case: Case) -> None:
    """Catches work done once a window instead of once a step; here to the last bit."""
    assume(conditioned(case))
    whole, parts = run(case, "reference", case.windows), run(case, "reference", cut(case.windows))
    for name, array in whole.state.items():
        assert np.array_equal(array, parts.state[name]), name
    for name, spikes in whole.spikes.items():
        assert np.array_equal(spikes, parts.spikes[name]), name
