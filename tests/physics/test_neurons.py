"""Neurons against closed forms: membrane, synapse, delay, refractory period, f-I curve, adaptation, convergence."""

from __future__ import annotations

import math

import numpy as np
import pytest

import spikerl as sp

VOLTAGES = sp.Record(voltages=None)


def source(*steps: int, dt: float = 1.0) -> sp.Population:
    """Return one source neuron that spikes at the given steps of `dt` milliseconds."""
    return sp.Population("source", 1, sp.SpikeSource((0,) * len(steps), tuple(f"{step * dt!r} ms" for step in steps)))


def test_a_constant_drive_charges_the_membrane_exactly(backend: str) -> None:
    """``v_n = rest + bias (1 - exp(-n dt/tau))`` to rounding; catches an Euler step in place of the exact one."""
    cells = sp.LIF(tau_mem="17 ms", rest="-70 mV", threshold="-40 mV", bias="20 mV")
    network = sp.Network(populations=(sp.Population("cells", 2, cells),))
    with sp.open(network, backend, dt="0.5 ms", record=VOLTAGES) as session:
        v = session.step("100 ms").voltages["cells"][:, 0]
    expected = -0.070 + 0.020 * (1 - np.exp(-np.arange(1, 201) * 0.5 / 17))
    assert np.allclose(v, expected[:, None], rtol=1e-12, atol=0)


def test_the_synaptic_current_jumps_by_the_weight_and_decays(backend: str) -> None:
    """``u = w exp(-k dt/tau_syn)`` k steps after the arrival, in amperes where the neuron has a resistance."""
    cells = sp.Population("cells", 1, sp.LIF(tau_syn="7 ms", rest="-70 mV", threshold="0 mV", resistance="50 Mohm"))
    network = sp.Network(sp.Projection(source(3), cells, weight="0.2 nA", delay="4 ms"))
    with sp.open(network, backend) as session:
        for step in range(30):
            session.step("1 ms")
            expected = 0.2e-9 * math.exp(-(step - 7) / 7) if step >= 7 else 0.0
            assert session.state()["u/cells"][0, 0] == pytest.approx(expected, rel=1e-12, abs=1e-24)


def test_each_synapse_has_its_own_delay(backend: str) -> None:
    """A spike at step n makes its first mark on v in step n + d, for d from 1 to 8."""
    cells = sp.Population("cells", 8, sp.LIF())
    delays = sp.Values(tuple(range(1, 9)), "ms")
    network = sp.Network(sp.Projection(source(5), cells, weight=0.5, delay=delays))
    with sp.open(network, backend, record=VOLTAGES) as session:
        v = session.step("20 ms").voltages["cells"][:, 0]
    assert (np.argmax(v > 0, axis=0) == 5 + np.arange(1, 9)).all()


@pytest.mark.parametrize("refractory", [0, 1, 4])
def test_a_neuron_waits_its_refractory_period_at_the_reset(backend: str, refractory: int) -> None:
    """A drive that fires it in every free step gives intervals of 1 + refractory steps, and `u` goes on meanwhile."""
    cells = sp.LIF(tau_mem="5 ms", rest=0, threshold=1, reset=-0.5, refractory=f"{refractory} ms", bias=50)
    pair = sp.Population("cells", 1, cells)
    network = sp.Network(sp.Projection(source(0), pair, weight=1.0, delay="1 ms"))
    with sp.open(network, backend, record=VOLTAGES) as session:
        seen = session.step("40 ms")
        u = session.state()["u/cells"][0, 0]
    assert (np.flatnonzero(seen.spikes["cells"][:, 0, 0]) == np.arange(0, 40, 1 + refractory)).all()
    assert (seen.voltages["cells"] == -0.5).all()
    assert u == pytest.approx(math.exp(-38 / 5), rel=1e-12)


def test_firing_needs_more_than_the_threshold(backend: str) -> None:
    """Strictly more: a neuron that rests at its threshold exactly is silent."""
    cells = sp.LIF(rest=1.0, threshold=1.0, reset=0.0)
    above = sp.LIF(rest=1.0, threshold=math.nextafter(1.0, 0.0), reset=0.0)
    network = sp.Network(populations=(sp.Population("at", 1, cells), sp.Population("above", 1, above)))
    with sp.open(network, backend) as session:
        spikes = session.step("1 ms").spikes
    assert not spikes["at"].any() and spikes["above"].all()


@pytest.mark.parametrize("reset", [-70.0, -62.0])
@pytest.mark.parametrize("refractory", [0.0, 2.0])
def test_the_rate_follows_the_f_i_curve(refractory: float, reset: float) -> None:
    """``f = 1 / (t_ref + tau ln((R I + rest - reset) / (R I + rest - threshold)))`` within 0.5 % at steps of 20 us.

    The drive is a current: a source that spikes in every step holds `u` at ``w / (1 - a_s)``. The interval is exact
    on the grid as well: the first step at which the closed form has passed the threshold.
    """
    dt, tau, rest, threshold, resistance = 0.02, 20.0, -70.0, -50.0, 100.0
    drives = np.array([21.0, 23.0, 27.0, 35.0, 50.0, 80.0])  # R I in mV
    decay = math.exp(-dt / 1.0)
    weights = sp.Values(tuple(drives / resistance * (1 - decay)), "nA")
    neuron = sp.LIF(
        f"{tau} ms", "1 ms", f"{rest} mV", f"{threshold} mV", f"{reset} mV", f"{refractory} ms", f"{resistance} Mohm"
    )
    cells, current = sp.Population("cells", drives.size, neuron), sp.Population("current", 1, sp.SpikeSource())
    network = sp.Network(sp.Projection(current, cells, weights, delay=f"{dt} ms"))
    with sp.open(network, "reference", dt=f"{dt} ms") as session:
        spikes = session.step("300 ms", spikes={"current": np.ones((15_000, 1))}).spikes["cells"][:, 0]
    for drive, train in zip(drives, spikes.T, strict=True):
        intervals = np.diff(np.flatnonzero(train[2_500:]))
        assert intervals.size >= 2 and (intervals == intervals[0]).all()
        charging = tau * math.log((drive + rest - reset) / (drive + rest - threshold))
        assert abs(intervals[0] * dt / (refractory + charging) - 1) < 0.005
        assert intervals[0] == round(refractory / dt) + math.floor(charging / dt) + 1


def test_a_postsynaptic_potential_converges_with_the_first_order_of_the_step() -> None:
    """Against the difference of exponentials of continuous time; the slope of log error over log dt is 1."""
    tau_mem, tau_syn, after = 20.0, 5.0, 16.0
    exact = 5.0 / 15.0 * (math.exp(-after / tau_mem) - math.exp(-after / tau_syn))
    widths, errors = [2.0, 1.0, 0.5, 0.25, 0.125], []
    for dt in widths:
        cells = sp.Population("cells", 1, sp.LIF(f"{tau_mem} ms", f"{tau_syn} ms", threshold=10))
        network = sp.Network(sp.Projection(source(0), cells, weight=1.0, delay=f"{dt} ms"))
        with sp.open(network, "reference", dt=f"{dt} ms", record=VOLTAGES) as session:
            v = session.step(f"{after + dt} ms").voltages["cells"][:, 0, 0]
        errors.append(abs(v[-1] - exact))
    slope = np.polyfit(np.log(widths), np.log(errors), 1)[0]
    assert 0.9 < slope < 1.1


def test_adaptation_jumps_at_a_spike_and_decays_with_its_time_constant(backend: str) -> None:
    """``b = adapt exp(-k dt/tau_adapt)`` k steps after one spike, whatever the membrane does."""
    membrane = sp.LIF(tau_mem="2 ms", tau_syn="1 ms", refractory="50 ms")
    cells = sp.Population("cells", 1, sp.AdaptiveLIF(membrane, tau_adapt="80 ms", adapt=0.3))
    network = sp.Network(sp.Projection(source(0), cells, weight=20.0))
    with sp.open(network, backend) as session:
        for step in range(40):
            fired = session.step("1 ms").spikes["cells"].any()
            assert fired == (step == 1)
            expected = 0.3 * math.exp(-(step - 1) / 80) if step >= 1 else 0.0
            assert session.state()["b/cells"][0, 0] == pytest.approx(expected, rel=1e-12)


def test_adaptation_slows_firing_to_the_interval_at_which_threshold_and_membrane_meet() -> None:
    """The last interval T solves ``threshold + adapt / (exp(T/tau_adapt) - 1) = drive (1 - exp(-T/tau_mem))``."""
    tau_mem, tau_adapt, adapt, drive, dt = 20.0, 100.0, 0.4, 3.0, 0.05
    neuron = sp.AdaptiveLIF(sp.LIF(f"{tau_mem} ms", bias=drive), f"{tau_adapt} ms", adapt)
    with sp.open(sp.Network(populations=(sp.Population("cells", 1, neuron),)), "reference", dt=f"{dt} ms") as session:
        intervals = np.diff(np.flatnonzero(session.step("800 ms").spikes["cells"][:, 0, 0])) * dt
    low, high = 1.0, 200.0
    for _ in range(60):
        middle = (low + high) / 2
        reached = drive * (1 - math.exp(-middle / tau_mem)) > 1 + adapt / (math.exp(middle / tau_adapt) - 1)
        low, high = (low, middle) if reached else (middle, high)
    assert intervals[0] < 0.8 * intervals[-1]
    assert (np.diff(intervals[:10]) > -2 * dt).all()
    assert abs(intervals[-5:].mean() / high - 1) < 0.005
