"""A trained network as a description has the spikes of the network in torch, layer by layer, on every back end.

Catches: a kernel that is turned, a map or a pixel that slips, padding that is forgotten, a bias that is left out or
comes late, a relay that remembers, or is a step early or late, for the layer after it too.
"""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("norse", reason="norse is not installed")

import spikerl as sp  # noqa: E402
from spikerl.dcll import Convolution, Dense, Description, Filters, Network  # noqa: E402
from spikerl.dcll.description import described  # noqa: E402

STEPS = 60
FILTERS = Filters("9 ms", "4 ms", "2.5 ms")
STACKS = {
    "dense": ((7,), (Dense(9), Dense(5)), FILTERS),
    "convolution": ((2, 5, 4), (Convolution(3, 3),), FILTERS),
    "even kernel, no padding": ((2, 5, 6), (Convolution(3, 2, padding=0), Dense(4)), FILTERS),
    "pooling twice": ((1, 7, 8), (Convolution(4, 3, pool=2), Convolution(3, 3, pool=3), Dense(6)), FILTERS),
    "another step": ((7,), (Dense(9),), Filters("9 ms", "4 ms", "2.5 ms", dt="0.5 ms")),
}


def network(stack: str) -> Network:
    """Return layers that fire, with biases of both signs."""
    inputs, layers, filters = STACKS[stack]
    made = Network(Description(inputs, layers, 3, filters, gain=3.0), seed=4, dtype=torch.float64)
    for own in made.parameters:
        own.bias.mul_(0.5)
    return made


def told(made: Network, given: np.ndarray) -> list[list[np.ndarray]]:
    """Return the spikes of all layers, and those that they say on, flat, [time, neuron]."""
    states, all_of, out_of = made.silent(1), [], []
    for now in given:
        seen = made.advance(states, torch.tensor(now[None], dtype=torch.float64))
        all_of.append([each.s.flatten().bool().numpy().copy() for each in seen])
        out_of.append([each.out.flatten().bool().numpy().copy() for each in seen])
    return [[np.array(layer) for layer in zip(*steps, strict=True)] for steps in (all_of, out_of)]


@pytest.mark.parametrize("backend", ["reference", "native", "norse"])
@pytest.mark.parametrize("stack", STACKS)
def test_spikes_are_those_of_the_network(stack: str, backend: str) -> None:
    """Of all neurons and of all relays, in every step, the later ones by the lags that are said."""
    made = network(stack)
    given = np.random.default_rng(5).random((STEPS, *made.description.inputs)) < 0.25
    neurons, outs = told(made, given)
    made_so = described(made)
    late = made_so.layers[-1].out_lag
    heard = np.zeros((STEPS + late, int(np.prod(made.description.inputs))), bool)
    heard[1 : STEPS + 1] = given.reshape(STEPS, -1)
    with sp.open(made_so.network, backend, dt=made_so.dt) as session:
        seconds = session.plan.dt * len(heard)
        seen = session.step(f"{seconds!r} s", spikes={made_so.source: heard}).spikes
    for place, expected, pooled in zip(made_so.layers, neurons, outs, strict=True):
        assert 0.02 < expected.mean() < 0.98
        np.testing.assert_array_equal(seen[place.neurons][place.lag : place.lag + STEPS, 0], expected)
        np.testing.assert_array_equal(seen[place.out][place.out_lag : place.out_lag + STEPS, 0], pooled)
        assert not seen[place.neurons][: place.lag].any()


def test_nothing_is_described_for_biases_that_are_not_there() -> None:
    """Catches sources and synapses that a chip would have to hold for zeros."""
    made = network("dense")
    assert {"on", "onset"} <= {p.name for p in described(made).network.populations}
    for own in made.parameters:
        own.bias.zero_()
    assert [p.name for p in described(made).network.populations] == ["in", "layer_1", "layer_2"]
