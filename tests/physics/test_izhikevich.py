"""The neuron of Izhikevich against what is known of it: fixed points, convergence, rheobase, the published kinds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

import spikerl as sp
from spikerl.errors import DescriptionError, UnitError
from spikerl.izhikevich import CHATTERING, FAST_SPIKING, INTRINSICALLY_BURSTING, REGULAR_SPIKING

VOLTAGES = sp.Record(voltages=None)


def driven(neuron: sp.Izhikevich, currents: list[float], length: float, dt: float = 1.0, backend: str = "reference"):
    """Return what is seen of one neuron for each of `currents`, constant from the first step on, and the state."""
    cells, steps = sp.Population("cells", len(currents), neuron), round(length / dt)
    drive = sp.Population("drive", 1, sp.SpikeSource())
    onto = sp.Projection(drive, cells, sp.Values(tuple(currents)), delay=f"{dt} ms")
    with sp.open(sp.Network(onto), backend, dt=f"{dt} ms", record=VOLTAGES) as session:
        seen = session.step(f"{length} ms", spikes={"drive": np.ones((steps, 1))})
        return seen, session.state()


def trains(neuron: sp.Izhikevich, currents: list[float], length: float, dt: float = 1.0) -> list[NDArray[np.int64]]:
    """Return the steps of the spikes at each of `currents`."""
    spikes = driven(neuron, currents, length, dt)[0].spikes["cells"][:, 0]
    return [np.flatnonzero(train) for train in spikes.T]


def test_without_input_it_rests_where_both_derivatives_are_zero(backend: str) -> None:
    """``0.04 v^2 + (5 - b) v + 140 = 0`` has its stable root at -70 for b = 0.2, with recovery -14."""
    seen, state = driven(REGULAR_SPIKING, [0.0], 600, backend=backend)
    assert seen.voltages["cells"][-1, 0, 0] == pytest.approx(-70.0, abs=1e-6)
    assert state["recovery/cells"][0, 0] == pytest.approx(-14.0, abs=1e-6)


def test_it_fires_beyond_the_current_at_which_the_fixed_point_ends_or_loses_its_hold() -> None:
    """The two fixed points of v meet at ``I = (5 - b)^2 / 0.16 - 140 = 4``: below it silence, above it firing."""
    steady = trains(REGULAR_SPIKING, [3.7, 4.3], 3000)
    assert steady[0].size == 0 or steady[0].max() < 100  # its onset may fire it once
    assert steady[1].size > 5 and steady[1].max() > 2500


def test_the_voltage_converges_with_the_first_order_of_the_step() -> None:
    """Below threshold against an integrator of high order; the slope of log error over log dt is 1."""
    current, after = 2.0, 5.0

    def law(_: float, y: NDArray[np.float64]) -> list[float]:
        v, recovery = y
        return [0.04 * v * v + 5 * v + 140 - recovery + current, 0.02 * (0.2 * v - recovery)]

    widths, errors = [0.125, 0.0625, 0.03125, 0.015625], []
    for dt in widths:
        # The current arrives with the second step: what the first leaves is where the integrator begins.
        seen, _ = driven(REGULAR_SPIKING, [current], after + dt, dt)
        begun, recovery = driven(REGULAR_SPIKING, [current], dt, dt)
        start = [begun.voltages["cells"][-1, 0, 0], recovery["recovery/cells"][0, 0]]
        exact = solve_ivp(law, (0.0, after), start, rtol=1e-11, atol=1e-11).y[0, -1]
        errors.append(abs(seen.voltages["cells"][-1, 0, 0] - exact))
    slope = np.polyfit(np.log(widths), np.log(errors), 1)[0]
    assert 0.8 < slope < 1.2


def test_the_published_kinds_fire_as_they_are_named() -> None:
    """Regular spiking slows down, fast spiking hardly, and is faster; bursting begins with a burst, chattering goes on.

    At the current of the published figure, 10 (Izhikevich 2003, figure 2). Catches parameters of another kind,
    and a reset of the wrong variable.
    """
    regular, fast, bursting, chattering = (
        np.diff(trains(kind, [10.0], 1000)[0])
        for kind in (REGULAR_SPIKING, FAST_SPIKING, INTRINSICALLY_BURSTING, CHATTERING)
    )
    assert regular[1:].mean() > 1.3 * regular[0] and regular.min() > 30
    assert fast[5:].mean() < 1.35 * fast[:5].mean() and fast.mean() < regular.mean() / 2
    assert bursting[0] < 8 and bursting[1:].min() > 30
    assert (chattering < 8).sum() > 15 and (chattering > 40).sum() > 15
    assert ((chattering < 8) | (chattering > 40)).all()


def test_the_step_is_that_of_the_published_program() -> None:
    """Two half steps of v with the old recovery, a step of the recovery with the new v, both before the reset."""
    current, v, recovery, expected = 7.3, -65.0, -13.0, []
    for step in range(200):
        if v >= 30:
            v, recovery = -65.0, recovery + 8
        heard = current if step else 0.0
        v = v + 0.5 * ((0.04 * v + 5) * v + 140 - recovery + heard)
        v = v + 0.5 * ((0.04 * v + 5) * v + 140 - recovery + heard)
        recovery = recovery + 0.02 * (0.2 * v - recovery)
        expected.append(-65.0 if v >= 30 else v)
    seen = driven(REGULAR_SPIKING, [current], 200)[0]
    assert seen.spikes["cells"].sum() > 2
    np.testing.assert_allclose(seen.voltages["cells"][:, 0, 0], expected, rtol=1e-9)


def test_a_current_with_a_time_constant_decays_with_it(backend: str) -> None:
    """``u = w exp(-k dt/tau)``; without one the current is that of its step alone."""
    source = sp.Population("source", 1, sp.SpikeSource((0,), ("1 ms",)))
    lasting = sp.Population("lasting", 1, sp.Izhikevich(tau_syn="4 ms"))
    brief = sp.Population("brief", 1, sp.Izhikevich())
    network = sp.Network(sp.Projection(source, lasting, 2.0), sp.Projection(source, brief, 2.0))
    with sp.open(network, backend) as session:
        for step in range(8):
            session.step("1 ms")
            state = session.state()
            later = 2.0 * math.exp(-(step - 2) / 4) if step >= 2 else 0.0
            assert state["u/lasting"][0, 0] == pytest.approx(later, rel=1e-12)
            assert state["u/brief"][0, 0] == (2.0 if step == 2 else 0.0)


@pytest.mark.parametrize(
    ("wrong", "error", "told"),
    [
        ({"a": math.nan}, DescriptionError, r"Izhikevich\.a"),
        ({"threshold": -70}, UnitError, r"Izhikevich\.threshold.*above c"),
        ({"tau_syn": "-1 ms"}, UnitError, r"Izhikevich\.tau_syn"),
        ({"c": "-65 mV"}, DescriptionError, r"Izhikevich\.c"),
    ],
)
def test_wrong_parameters_are_refused_by_name(wrong: dict, error: type[Exception], told: str) -> None:
    """Catches units that are stripped, and a neuron that fires for ever."""
    with pytest.raises(error, match=told):
        sp.Izhikevich(**wrong)
