"""DCLL in the algebra, on back ends, is DCLL in torch: the same membranes and spikes, and the same updates.

Catches: a filter a step late, a refractory term of another size, a scale of the double exponential, a wrong sign.
"""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("norse", reason="norse is not installed")

import spikerl as sp  # noqa: E402
from spikerl.dcll import Dense, Description, Filters, Loss, Network  # noqa: E402
from spikerl.dcll.dynamics import said  # noqa: E402
from spikerl.dcll.gradients import by_hand  # noqa: E402
from spikerl.dcll.losses import error  # noqa: E402
from spikerl.plasticity.surrogate import fast_sigmoid  # noqa: E402

INPUTS, UNITS, OUTPUTS, RATE, STEPS = 6, 5, 3, 0.05, 80
LAYER, LOSS = Dense(UNITS), Loss.SMOOTH_L1
TAUS = "12 ms", "5 ms", "3 ms"


def network() -> Network:
    """Return a layer with weights large enough to fire, and no bias."""
    made = Network(Description((INPUTS,), (LAYER,), OUTPUTS, Filters(*TAUS)), seed=3, dtype=torch.float64)
    made.parameters[0].bias.zero_()
    made.parameters[0].weight.mul_(4)
    return made


def described(made: Network) -> sp.Network:
    """Return the same layer in the description; a jump of its current is (1 - beta) of a weight."""
    _, beta, alpha_refractory = made.constants
    source = sp.Population("in", INPUTS, sp.SpikeSource())
    layer = sp.Population("layer", UNITS, sp.SpikeResponse(*TAUS, adapt=(1 - alpha_refractory) / alpha_refractory))
    rule = sp.dcll(sp.Modulator("local", target=layer), *TAUS[:2], rate=RATE * (1 - beta))
    weight = (1 - beta) * made.parameters[0].weight.numpy().T.ravel()
    return sp.Network(sp.Projection(source, layer, sp.Values(tuple(weight)), rule=rule))


def heard() -> np.ndarray:
    return np.random.default_rng(2).random((STEPS, INPUTS)) < 0.3


@pytest.mark.parametrize("backend", ["reference", "native", "norse"])
def test_the_neuron_of_the_description_is_the_layer(backend: str) -> None:
    """Without learning: membrane, refractory term apart, and spikes of every step."""
    made = network()
    states, spikes = made.silent(1), heard()
    seen, membranes = [], []
    for now in spikes:
        response = made.advance(states, torch.tensor(now[None], dtype=torch.float64))[0]
        seen.append(response.s.bool().numpy().copy())
        membranes.append((response.u - states[0].r).numpy())
    with sp.open(described(made), backend, record=sp.Record(voltages=None)) as session:
        observed = session.step(f"{STEPS} ms", spikes={"in": spikes})
    np.testing.assert_allclose(observed.voltages["layer"], np.array(membranes), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(observed.spikes["layer"], np.array(seen))
    assert 30 < np.sum(seen) < STEPS * UNITS


@pytest.mark.parametrize("backend", ["reference", "native"])
def test_the_rule_of_the_algebra_is_the_update_in_torch(backend: str) -> None:
    """Online for 80 steps: the back end is told each step's local errors, and has the same weights after it."""
    made = network()
    (own,), states = made.parameters, made.silent(1)
    _, beta, _ = made.constants
    net, before = described(made), own.weight.clone()
    target = torch.tensor(np.random.default_rng(1).random((1, OUTPUTS)))
    with sp.open(net, backend) as session:
        for now in heard():
            seen = made.advance(states, torch.tensor(now[None], dtype=torch.float64))[0]
            local = (error(LOSS, said(own, seen.out), target) @ own.readout) * fast_sigmoid(seen.u)
            session.step("1 ms", spikes={"in": now[None]}, modulators={"local": local.numpy()[None]})
            own.weight.sub_(by_hand(LAYER, own, states[0], seen, target, LOSS).weight, alpha=RATE)
            found = session.weights("in_to_layer")[0].reshape(INPUTS, UNITS).T / (1 - beta)
            np.testing.assert_allclose(found, own.weight.numpy(), rtol=1e-9, atol=1e-12)
    assert float((own.weight - before).abs().max()) > 0.01
