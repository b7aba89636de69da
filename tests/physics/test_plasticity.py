"""Learning rules measured as in the laboratory: pairs of spikes at all lags, and dopamine that comes late."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import spikerl as sp

LAGS = np.arange(-60, 61)
FIRST = 80  # step of the pre-synaptic spike


def paired(rule: sp.Rule) -> sp.Network:
    """Return one pair of neurons a lag: a pre-synaptic spike, and a teacher that makes the post-synaptic one.

    The measured synapse begins at 0 and has no part in the spike; a long refractory period keeps that a single one.
    """
    pairs = LAGS.size
    every = tuple(range(pairs))
    neuron = sp.LIF(tau_mem="1 ms", tau_syn="1 ms", refractory="1 s")
    pre = sp.Population("pre", pairs, sp.SpikeSource(every, (f"{FIRST} ms",) * pairs))
    times = tuple(f"{FIRST + lag - 1} ms" for lag in LAGS.tolist())
    teacher = sp.Population("teacher", pairs, sp.SpikeSource(every, times))
    post = sp.Population("post", pairs, neuron)
    return sp.Network(
        sp.Projection(teacher, post, weight=10.0, connectivity=sp.OneToOne()),
        sp.Projection(pre, post, weight=0.0, connectivity=sp.OneToOne(), rule=rule),
    )


def time_constant(lags: NDArray[np.int64], changes: NDArray[np.float64]) -> float:
    """Fit an exponential to changes over lags (ms); return its time constant in ms."""
    slope = np.polyfit(np.abs(lags), np.log(np.abs(changes)), 1)[0]
    return float(-1 / slope)


SETTINGS = [(20.0, 20.0, 0.01, 0.012), (10.0, 30.0, 0.02, 0.005), (35.0, 15.0, 0.004, 0.01), (50.0, 8.0, 0.01, 0.02)]


@pytest.mark.parametrize(("tau_plus", "tau_minus", "a_plus", "a_minus"), SETTINGS)
def test_the_stdp_window_has_the_time_constants_of_its_rule(
    backend: str, tau_plus: float, tau_minus: float, a_plus: float, a_minus: float
) -> None:
    """Post after pre potentiates, pre after post depresses, each with its own time constant; both at lag 0.

    Catches traces swapped, read before they decay, or read without the spike of their own step.
    """
    rule = sp.pair_stdp(f"{tau_plus} ms", f"{tau_minus} ms", a_plus, a_minus, bounds=(-1, 1))
    with sp.open(paired(rule), backend) as session:
        spikes = session.step("160 ms").spikes["post"][:, 0]
        changes = session.weights("pre_to_post")[0]
    assert (spikes.sum(axis=0) == 1).all() and (np.argmax(spikes, axis=0) == FIRST + LAGS).all()
    later, earlier = LAGS > 0, LAGS < 0
    assert (changes[later] > 0).all() and (changes[earlier] < 0).all()
    assert abs(time_constant(LAGS[later], changes[later]) / tau_plus - 1) < 0.1
    assert abs(time_constant(LAGS[earlier], changes[earlier]) / tau_minus - 1) < 0.1
    assert changes[LAGS == 0] == pytest.approx(a_plus - a_minus, rel=1e-9)
    assert changes[LAGS == 1] == pytest.approx(a_plus * math.exp(-1 / tau_plus), rel=1e-9)
    assert changes[LAGS == -1] == pytest.approx(-a_minus * math.exp(-1 / tau_minus), rel=1e-9)


@pytest.mark.parametrize("receptor", ["D1", "D2"])
@pytest.mark.parametrize("dopamine", [0.5, -0.5])
def test_dopamine_moves_d1_and_d2_synapses_in_opposite_ways(backend: str, receptor: str, dopamine: float) -> None:
    """A burst after causal pairs potentiates D1 and depresses D2; a dip does the reverse; none does nothing."""
    modulator = sp.Modulator("dopamine")
    rule = sp.dopamine_stdp(modulator, a_plus=0.1, a_minus=0.1, rate=0.01, receptor=receptor, bounds=(-1, 1))
    with sp.open(paired(rule), backend) as session:
        session.step("160 ms", modulators={"dopamine": 0.0})
        assert not session.weights("pre_to_post").any()
        session.step("50 ms", modulators={"dopamine": dopamine})
        changes = session.weights("pre_to_post")[0]
    causal = np.sign(dopamine) * (1 if receptor == "D1" else -1)
    assert (np.sign(changes[LAGS > 0]) == causal).all()
    assert (np.sign(changes[LAGS < 0]) == -causal).all()


@pytest.mark.parametrize("receptor", ["D1", "D2"])
def test_errors_count_from_a_tonic_level_where_there_is_one(backend: str, receptor: str) -> None:
    """Catches a tonic level that is not heard, has the wrong sign, or is counted twice."""
    dopamine, tonic = sp.Modulator("dopamine"), sp.Modulator("tonic")
    numbers: dict[str, Any] = {"a_plus": 0.1, "a_minus": 0.1, "rate": 0.01, "receptor": receptor, "bounds": (-1, 1)}

    def changed(rule: sp.Rule, held: dict[str, float]) -> np.ndarray:
        with sp.open(paired(rule), backend) as session:
            session.step("210 ms", modulators=held)
            return session.weights("pre_to_post")[0]

    both = sp.dopamine_stdp(dopamine, tonic=tonic, **numbers)
    plain = changed(sp.dopamine_stdp(dopamine, **numbers), {"dopamine": 0.25})
    assert plain.any()
    np.testing.assert_allclose(changed(both, {"dopamine": 0.75, "tonic": 0.5}), plain, rtol=1e-9)
    np.testing.assert_allclose(changed(both, {"dopamine": 0.0, "tonic": -0.25}), plain, rtol=1e-9)
    assert np.abs(changed(both, {"dopamine": 0.5, "tonic": 0.5})).max() < 1e-12


@pytest.mark.parametrize("tau", [200.0, 1000.0])
def test_the_eligibility_waits_for_dopamine_as_long_as_its_time_constant(backend: str, tau: float) -> None:
    """A pulse of dopamine k steps after the pair: the change falls with k as the eligibility decays.

    Each instance of the batch gets its pulse at another time.
    """
    rule = sp.dopamine_stdp(sp.Modulator("dopamine"), f"{tau} ms", a_plus=0.1, rate=1.0, bounds=(-1, 1))
    waits = np.array([20, 50, 100, 200, 400])
    pulses = np.zeros((600, waits.size))
    pulses[FIRST + 60 + waits, np.arange(waits.size)] = 1.0
    with sp.open(paired(rule), backend, batch=waits.size) as session:
        session.step("600 ms", modulators={"dopamine": pulses})
        changes = session.weights("pre_to_post")
    causal = changes[:, LAGS > 0]
    assert (causal > 0).all()
    for synapse in (0, 30, 59):
        assert abs(time_constant(waits, causal[:, synapse]) / tau - 1) < 0.1
    elapsed = 60 + waits - 10  # from the pair of lag 10 to the pulse
    expected = 0.1 * math.exp(-10 / 20) * np.exp(-elapsed / tau)
    assert np.allclose(changes[:, LAGS == 10][:, 0], expected, rtol=1e-9)


def test_a_weight_stops_at_its_bounds(backend: str) -> None:
    """And is there exactly, not a rounding beyond; catches a clip before the change or of one side only."""
    up = sp.Rule(sp.every_step(0.3), bounds=(-0.5, 0.7))
    down = sp.Rule(sp.every_step(-0.3), bounds=(-0.5, 0.7))
    cells = sp.Population("cells", 2, sp.LIF(threshold=100))
    network = sp.Network(
        sp.Projection(cells, cells, 0.0, rule=up, name="up"), sp.Projection(cells, cells, 0.0, rule=down, name="down")
    )
    with sp.open(network, backend) as session:
        session.step("1 ms")
        assert np.allclose(session.weights("up"), 0.3, rtol=1e-12)
        session.step("4 ms")
        assert (session.weights("up") == 0.7).all() and (session.weights("down") == -0.5).all()
