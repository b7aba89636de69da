"""Noise against its theorem: uniform currents, independent of one another, the same for all back ends and windows.

Every bound is five standard errors of the estimate.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

import spikerl as sp
from spikerl.discretise import discretise
from spikerl.errors import DescriptionError, UnitError, UnsupportedError
from spikerl.hardware.lowering.lowering import lower
from spikerl.hardware.target import load_target
from spikerl.neurons import Equations, Relaxation, SpikingNeuron, Update
from spikerl.units import Dimension

VOLTAGES = sp.Record(voltages=None)


class Listener(SpikingNeuron):
    """A neuron whose v is the current of its step, and which never fires."""

    equations = Equations((Relaxation("u", "none", "0"),), "v > threshold", (("v", "rest"),), (Update("v", "u"),))
    weight_dimension = Dimension.NUMBER

    def constants(self) -> dict[str, float]:
        """Return the constants, of which none matters."""
        return {"none": 0.0, "rest": 0.0, "threshold": 1e9, "refractory": 0.0}


def heard(low: float, high: float, steps: int, size: int = 6, batch: int = 1, **opened: int) -> NDArray[np.float64]:
    """Return the noise of a population, [time, batch, neuron]."""
    cells = sp.Population("cells", size, Listener(), noise=sp.UniformNoise(low, high))
    with sp.open(sp.Network(populations=(cells,)), "native", batch=batch, record=VOLTAGES, **opened) as session:
        return session.step(f"{steps} ms").voltages["cells"]


def test_currents_are_uniform_and_independent_of_neuron_step_and_instance() -> None:
    """Mean, variance, ends, twenty classes by chi-square; correlations between neurons, instances, and steps."""
    low, high, steps = -2.0, 3.0, 40_000
    drawn = heard(low, high, steps, batch=2)
    n = drawn.size
    assert low <= drawn.min() < low + 1e-3 and high - 1e-3 < drawn.max() < high
    assert abs(drawn.mean() - 0.5) < 5 * (high - low) / math.sqrt(12 * n)
    assert abs(drawn.var() / ((high - low) ** 2 / 12) - 1) < 5 * math.sqrt(0.8 / n)
    counts, _ = np.histogram(drawn, bins=20, range=(low, high))
    assert ((counts - n / 20) ** 2 / (n / 20)).sum() < 19 + 5 * math.sqrt(2 * 19)
    columns = drawn.reshape(steps, -1)
    pairs = np.corrcoef(columns, rowvar=False)[np.triu_indices(columns.shape[1], 1)]
    assert abs(pairs).max() * math.sqrt(steps) < 5
    later = [np.corrcoef(columns[:-lag].ravel(), columns[lag:].ravel())[0, 1] for lag in (1, 2, 3)]
    assert max(map(abs, later)) * math.sqrt(n) < 5


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 11])
def test_all_back_ends_hear_the_same_noise_whole_or_cut(backend: str, size: int) -> None:
    """To the last bit; catches a counter that starts with the window, and neurons of the last block in other places."""
    cells = sp.Population("cells", size, Listener(), noise=sp.UniformNoise(-6.5, 6.5))
    network = sp.Network(populations=(cells, sp.Population("quiet", 3, Listener())))
    seen = []
    for name, lengths in (("reference", [150]), (backend, [1, 70, 79])):
        with sp.open(network, name, seed=9, batch=2, first_instance=3, record=VOLTAGES) as session:
            parts = [session.step(f"{length} ms").voltages for length in lengths]
        seen.append({key: np.concatenate([part[key] for part in parts]) for key in parts[0]})
    assert np.array_equal(seen[0]["cells"], seen[1]["cells"])
    assert np.ptp(seen[0]["cells"]) > 5 and not seen[0]["quiet"].any()


def test_noise_is_that_of_its_seed_population_and_instance() -> None:
    """Another seed, population or instance hears something else; instance 1 of a batch, what it hears alone."""
    both = heard(0, 1, 20, batch=2, seed=4)
    assert np.array_equal(both[:, 1], heard(0, 1, 20, seed=4, first_instance=1)[:, 0])
    assert not (both[:, 0] == both[:, 1]).any() and not (both[:, 0] == heard(0, 1, 20, seed=5)[:, 0]).any()
    others = sp.Population("others", 6, Listener(), noise=sp.UniformNoise(0, 1))
    with sp.open(sp.Network(populations=(others,)), "reference", seed=4, record=VOLTAGES) as session:
        assert not (session.step("20 ms").voltages["others"][:, 0] == both[:, 0]).any()


def test_a_current_with_memory_keeps_what_its_time_constant_leaves(backend: str) -> None:
    """``u <- a u + x``: the stationary variance is that of x over ``1 - a^2``, in volts where weights are volts."""
    a = math.exp(-1 / 5)
    neuron = sp.LIF(tau_syn="5 ms", rest="-70 mV", threshold="0 mV")
    cells = sp.Population("cells", 200, neuron, noise=sp.UniformNoise("-2 mV", "2 mV"))
    with sp.open(sp.Network(populations=(cells,)), backend, seed=2) as session:
        found = []
        for _ in range(8):
            session.step("40 ms")
            found.append(session.state()["u/cells"][0])
    variance = np.concatenate(found).var()
    assert abs(variance / (4e-3**2 / 12 / (1 - a * a)) - 1) < 5 * math.sqrt(2 / 1600)


@pytest.mark.parametrize(
    ("make", "error", "told"),
    [
        (lambda: sp.Population("a", 2, sp.LIF(), noise=sp.UniformNoise(1, 1)), DescriptionError, "noise.high"),
        (lambda: sp.Population("a", 2, sp.LIF(), noise=sp.UniformNoise("1 mV", "2 mV")), UnitError, "noise.low"),
        (lambda: sp.Population("a", 2, sp.LIF(), noise=0.5), DescriptionError, "sp.UniformNoise"),
        (lambda: sp.Population("a", 2, sp.Poisson(), noise=sp.UniformNoise(0, 1)), DescriptionError, "a source"),
    ],
)
def test_noise_that_cannot_be_heard_is_refused_where_it_is_written(make, error, told: str) -> None:
    """Catches a unit that is taken for another, and noise that nobody hears."""
    with pytest.raises(error, match=told):
        make()


def test_a_network_with_noise_is_not_lowered_to_fixed_point() -> None:
    """Catches a way to a chip that passes by the back ends, as deployment does."""
    noisy = sp.Population("noisy", 2, sp.LIF(), noise=sp.UniformNoise(0, 1))
    with pytest.raises(UnsupportedError, match="'noisy'.*noise.*'native'"):
        lower(discretise(sp.Network(populations=(noisy,))), load_target("loihi2"))


@pytest.mark.parametrize("name", ["loihi", "lava"])
def test_a_chip_refuses_noise_and_laws_with_updates_by_name(name: str) -> None:
    """Catches noise that is left out in silence."""
    noisy = sp.Population("noisy", 2, sp.LIF(), noise=sp.UniformNoise(0, 1))
    with pytest.raises(UnsupportedError, match="'noisy'.*noise.*'native' can"):
        sp.open(sp.Network(populations=(noisy,)), name)
    with pytest.raises(UnsupportedError, match="'cells'.*updates.*'native' can"):
        sp.open(sp.Network(populations=(sp.Population("cells", 2, sp.Izhikevich()),)), name)
