"""The outstar: weights follow the activity of their target while their source is active."""

import numpy as np

import spikerl as sp

RATE, GAIN, REST, TAU, BOUNDS = 0.1, 0.5, 1.0, 0.05, (0.0, 3.0)


def _driven(source_steps: list[int], target_steps: list[int], first: float) -> float:
    """Return the weight after 400 ms in which source and target spike in the given steps."""
    source, driver = (sp.Population(name, 1, sp.SpikeSource()) for name in ("source", "driver"))
    target = sp.Population("target", 1, sp.LIF(tau_mem="1 ms", tau_syn="1 ms", threshold=4.5, refractory="3 ms"))
    rule = sp.outstar("50 ms", gain=GAIN, rate=RATE, rest=REST, forgetting=1e-3, bounds=BOUNDS)
    net = sp.Network(sp.Projection(source, target, first, rule=rule), sp.Projection(driver, target, 8.0))
    spikes = {name: np.zeros((400, 1, 1), dtype=bool) for name in ("source", "driver")}
    spikes["source"][source_steps] = True
    spikes["driver"][[step - 1 for step in target_steps]] = True
    with sp.open(net, "reference", seed=1) as session:
        seen = session.step("400 ms", spikes=spikes)
        assert np.flatnonzero(seen.spikes["target"]).tolist() == target_steps
        return float(session.weights("source_to_target")[0, 0])


def _expected(source_steps: list[int], target_steps: list[int], first: float) -> float:
    """Return the same from the difference equation, step by step."""
    w, y = first, 0.0
    for step in range(400):
        y = y * np.exp(-0.001 / TAU) + (step in target_steps)
        change = RATE * (REST + GAIN * y - w) if step in source_steps else 0.0
        w = min(max(w + change + 1e-3 * (REST - w), BOUNDS[0]), BOUNDS[1])
    return w


def test_weight_is_that_of_the_difference_equation() -> None:
    """Catches a wrong sign, a lost gain or rest, and learning at spikes of the target."""
    source, target = list(range(5, 400, 10)), [40, 50, 54, 120, 200, 204, 208, 212]
    for first in (0.2, REST, 2.5):
        assert np.isclose(_driven(source, target, first), _expected(source, target, first), rtol=1e-9)


def test_acquisition_and_extinction() -> None:
    """Catches a weight that stays up when its target falls silent, or moves while its source is silent."""
    busy, cue = list(range(10, 390, 8)), list(range(5, 400, 10))
    learned = _driven(cue, busy, REST)
    assert learned > REST + 0.5 * GAIN * TAU / 0.008
    assert abs(_driven(cue, [], learned) - REST) < 0.05
    assert abs(_driven([], busy, REST) - REST) < 1e-12
