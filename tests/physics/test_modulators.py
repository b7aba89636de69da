"""Modulators against closed forms: impulse response, decay, clamping, and one number for each neuron."""

from __future__ import annotations

import math

import numpy as np
import pytest

import spikerl as sp


def test_a_sourced_modulator_filters_the_spikes_of_its_population(backend: str) -> None:
    """The rate begins at the baseline and falls without spikes; one spike of N neurons adds ``(1 - a) / (N dt)``.

    The value of a step does not know the spikes of that step: the jump shows in the next.
    """
    source = sp.Population("source", 4, sp.SpikeSource((2,), ("5 ms",)))
    modulator = sp.Modulator("dopamine", tau="30 ms", source=source, baseline="20 Hz", gain=0.1)
    cells = sp.Population("cells", 1, sp.LIF())
    with sp.open(sp.Network(populations=(source, cells), modulators=(modulator,)), backend) as session:
        value = session.step("60 ms").modulators["dopamine"][:, 0]
    steps = np.arange(60)
    falling = 20 * np.exp(-steps / 30)
    impulse = np.where(steps > 5, (1 - math.exp(-1 / 30)) * 250 * np.exp(-(steps - 6) / 30), 0.0)
    assert np.allclose(value, 0.1 * (falling + impulse - 20), rtol=1e-9, atol=1e-12)


def test_a_steady_source_brings_the_modulator_to_gain_times_rate_above_baseline(backend: str) -> None:
    """One spike a neuron every 10 steps is 100 Hz: the mean value is ``gain (100 - baseline)``."""
    spikes = tuple(f"{step} ms" for step in range(0, 400, 10))
    source = sp.Population("source", 1, sp.SpikeSource((0,) * len(spikes), spikes))
    modulator = sp.Modulator("dopamine", tau="20 ms", source=source, baseline="30 Hz", gain=0.02)
    cells = sp.Population("cells", 1, sp.LIF())
    with sp.open(sp.Network(populations=(source, cells), modulators=(modulator,)), backend) as session:
        value = session.step("400 ms").modulators["dopamine"][:, 0]
    assert value[300:].mean() == pytest.approx(0.02 * 70, rel=1e-3)


def test_a_set_value_is_held_for_its_window_and_then_decays(backend: str) -> None:
    """With its time constant; without one it stays, until another is set. Other instances are not touched."""
    fades, stays = sp.Modulator("fades", tau="25 ms"), sp.Modulator("stays")
    network = sp.Network(populations=(sp.Population("cells", 1, sp.LIF()),), modulators=(fades, stays))
    with sp.open(network, backend, batch=2) as session:
        before = session.step("3 ms").modulators
        held = session.step("10 ms", modulators={"fades": np.tile([0.8, 0.0], (10, 1)), "stays": -0.4}).modulators
        after = session.step("50 ms").modulators
    assert not before["fades"].any() and not before["stays"].any()
    assert (held["fades"] == [0.8, 0.0]).all() and (held["stays"] == -0.4).all()
    assert np.allclose(after["fades"][:, 0], 0.8 * np.exp(-np.arange(1, 51) / 25), rtol=1e-12)
    assert not after["fades"][:, 1].any()
    assert (after["stays"] == -0.4).all()


def test_clamping_a_sourced_modulator_holds_it_and_lets_it_go(backend: str) -> None:
    """In the window it has the set value whatever its source does; after it the filter goes on from there."""
    source = sp.Population("source", 2, sp.SpikeSource((0, 1, 0), ("2 ms", "12 ms", "13 ms")))
    modulator = sp.Modulator("dopamine", tau="40 ms", source=source, baseline="10 Hz", gain=0.05)
    cells = sp.Population("cells", 1, sp.LIF())
    with sp.open(sp.Network(populations=(source, cells), modulators=(modulator,)), backend) as session:
        session.step("10 ms")
        clamped = session.step("10 ms", modulators={"dopamine": 0.7}).modulators["dopamine"]
        after = session.step("30 ms").modulators["dopamine"][:, 0]
    assert (clamped == 0.7).all()
    rate = 10 + 0.7 / 0.05
    expected = 0.05 * (rate * np.exp(-np.arange(1, 31) / 40) - 10)
    assert np.allclose(after, expected, rtol=1e-9, atol=1e-12)


def test_a_post_shaped_modulator_moves_the_synapses_of_each_neuron_by_its_own_value(backend: str) -> None:
    """Catches a value that is read at the pre-synaptic neuron, or the first one for all."""
    cue, cells = sp.Population("cue", 2, sp.SpikeSource()), sp.Population("cells", 3, sp.LIF(threshold=100))
    error = sp.Modulator("error", tau="10 ms", target=cells)
    rule = sp.Rule(sp.every_step(0.01 * error), bounds=(-1, 1))
    with sp.open(sp.Network(sp.Projection(cue, cells, 0.0, rule=rule)), backend, batch=2) as session:
        session.step("1 ms", modulators={"error": [1.0, -2.0, 3.0]})
        held = session.weights("cue_to_cells")
        session.step("1 ms")
        after = session.weights("cue_to_cells")
    expected = np.tile(0.01 * np.array([1.0, -2.0, 3.0]), (2, 2))
    assert np.allclose(held, expected, rtol=1e-12)
    assert np.allclose(after, expected * (1 + math.exp(-1 / 10)), rtol=1e-12)


def test_receptors_of_one_dopamine_weigh_rises_and_dips_each_in_its_own_way(backend: str) -> None:
    """``gain (r - baseline)`` above the baseline, ``gain_below (r - baseline)`` below it, of the same r.

    Catches a gain taken by the sign of the value where gains are negative, and modulators that share their source's
    count.
    """
    source = sp.Population("source", 4, sp.SpikeSource((2, 1), ("5 ms", "12 ms")))
    gains = {"plain": (0.1, None), "rises": (0.1, 0.01), "dips": (0.01, 0.1), "turned": (-0.2, -0.05)}
    read = tuple(
        sp.Modulator(name, "30 ms", source, "20 Hz", gain, gain_below=below) for name, (gain, below) in gains.items()
    )
    slow = sp.Modulator("slow", "60 ms", source, "20 Hz", 0.1, gain_below=0.02)
    cells = sp.Population("cells", 1, sp.LIF())
    with sp.open(sp.Network(populations=(source, cells), modulators=(*read, slow)), backend) as session:
        values = {name: value[:, 0] for name, value in session.step("60 ms").modulators.items()}
    above = values["plain"] / 0.1
    assert (above > 1).any() and (above < -1).any()
    for name, (gain, below) in gains.items():
        factor = np.where(above < 0, gain if below is None else below, gain)
        assert np.allclose(values[name], factor * above, rtol=1e-9, atol=1e-12), name
    steps = np.arange(60)
    jumps = sum(np.where(steps > k, (1 - math.exp(-1 / 60)) * 250 * np.exp(-(steps - k - 1) / 60), 0) for k in (5, 12))
    above = 20 * np.exp(-steps / 60) + jumps - 20
    assert np.allclose(values["slow"], np.where(above < 0, 0.02, 0.1) * above, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("value", [0.7, -0.3])
@pytest.mark.parametrize("way", [1.0, -1.0])
def test_a_value_set_on_either_side_of_the_baseline_decays_from_there(backend: str, value: float, way: float) -> None:
    """The filter is put where the value belongs on its side, and passes the baseline with the other gain."""
    source = sp.Population("source", 2, sp.SpikeSource())
    gain, below = way * 0.05, way * 0.2
    modulator = sp.Modulator("dopamine", "40 ms", source, "10 Hz", gain, gain_below=below)
    cells = sp.Population("cells", 1, sp.LIF())
    with sp.open(sp.Network(populations=(source, cells), modulators=(modulator,)), backend) as session:
        session.step("10 ms", modulators={"dopamine": value})
        after = session.step("100 ms").modulators["dopamine"][:, 0]
    rate = 10 + value / (gain if value * way > 0 else below)
    above = rate * np.exp(-np.arange(1, 101) / 40) - 10
    assert np.allclose(after, np.where(above < 0, below, gain) * above, rtol=1e-9, atol=1e-12)
