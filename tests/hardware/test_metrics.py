"""NeuroBench's metrics, held against full matrices in torch, counted as NeuroBench counts layers."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikerl.hardware.emulation.emulator import Emulator
from spikerl.hardware.metrics import footprint, neurobench
from spikerl.hardware.operations import Counter
from spikerl.hardware.program import Connection, Input, Neurons, Program
from tests.hardware.circuits import heard, one_to_one, recurrent, spikes

torch = pytest.importorskip("torch")


def as_layers(program: Program, happened: dict[str, np.ndarray]) -> dict[str, float]:
    """Compute the metrics as NeuroBench does: a linear layer a connection, called with one sample at a time."""
    outputs = {name: torch.as_tensor(array, dtype=torch.float64) for name, array in happened.items()}
    zeros = weights = accumulates = multiplies = dense = samples = 0
    for connection in program.connections.values():
        layer = torch.zeros(program.size(connection.post), program.size(connection.pre), dtype=torch.float64)
        layer[connection.post_index, connection.pre_index] = torch.as_tensor(connection.cut(), dtype=torch.float64)
        zeros += int((layer == 0).sum())
        weights += layer.numel()
        calls = outputs[connection.pre].flatten(0, 1)
        samples = len(calls)
        for inputs in calls:
            spiking = len(inputs[(inputs != 0) & (inputs != 1) & (inputs != -1)]) == 0
            operations = int(((layer != 0).double() @ (inputs != 0).double()).sum())
            dense += int((torch.ones_like(layer) @ torch.ones_like(inputs)).sum())
            accumulates += operations if spiking else 0
            multiplies += 0 if spiking else operations
    activations = [outputs[name] for name in program.neurons]
    total = sum(each.numel() for each in activations)
    spiked = sum(int(each.count_nonzero()) for each in activations)
    return {
        "ConnectionSparsity": zeros / weights,
        "ActivationSparsity": (total - spiked) / total,
        "Effective_ACs": accumulates / samples,
        "Effective_MACs": multiplies / samples,
        "Dense": dense / samples,
    }


@given(st.integers(0, 10**6))
def test_the_metrics_are_those_of_full_matrices(seed):
    """Catches a weight of 0 that counts, a missing pair that does not, MACs for plain spikes, a sum for a mean."""
    rng = np.random.default_rng(seed)
    sizes = {"in": int(rng.integers(1, 6)), "a": int(rng.integers(1, 6)), "b": int(rng.integers(1, 6))}
    connections = {}
    for name, pre, post in (("one", "in", "a"), ("two", "a", "b"), ("three", "b", "b")):
        at = np.nonzero(rng.random((sizes[pre], sizes[post])) < 0.6)
        weight = rng.integers(-6, 6, at[0].size)
        connections[name] = Connection(name, pre, post, *at, weight, np.zeros(at[0].size, np.int64))
    neurons = {name: Neurons(name, sizes[name], 100, 100, 10) for name in ("a", "b")}
    program = Program({"in": Input("in", sizes["in"], 8)}, neurons, {}, connections)
    steps, batch = int(rng.integers(1, 12)), int(rng.integers(1, 4))
    graded = 2 + (rng.random((steps, batch, 1)) < 0.5)
    happened = {"in": rng.integers(0, graded, (steps, batch, sizes["in"]))}
    happened |= {name: rng.random((steps, batch, sizes[name])) < 0.3 for name in neurons}
    counter = Counter(program, batch)
    counter.add(happened)
    found = neurobench(program, counter.total())
    for name, value in as_layers(program, happened).items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-12), name


def test_the_metrics_of_a_run():
    """Catches a metric that holds for arrays made for the test alone."""
    program, messages = recurrent(), spikes(40, 2, 12)
    happened = {"in": messages, **Emulator(program, batch=2).run(heard(messages)).spikes}
    counter = Counter(program, 2)
    counter.add(happened)
    found = neurobench(program, counter.total())
    for name, value in as_layers(program, happened).items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-12), name
    assert found.Effective_MACs == 0 < found.Effective_ACs < found.Dense == 12 * 9 + 9 * 9 + 9 * 5


def test_nothing_was_counted():
    """Catches a division by no steps."""
    found = neurobench(recurrent(), Counter(recurrent()).total())
    assert (found.ActivationSparsity, found.Effective_ACs, found.Effective_MACs, found.Dense) == (0, 0, 0, 0)


def test_the_footprint_of_one_synapse_and_of_a_circuit():
    """Catches a number that is counted with another's width, or left out."""
    neuron = 12 + 12 + 17 + 13 + 3 + 24 + 24
    assert footprint(one_to_one(100)) == (neuron + 8) / 8
    assert footprint(one_to_one(100, refractory=3, delay=2)) == (neuron + 2 * 6 + 8 + 6) / 8
    moving = replace(one_to_one(100).neurons["out"], model="spike_response")
    assert footprint(replace(one_to_one(100), neurons={"out": moving})) == (neuron + 13 + 24 + 24 + 8) / 8
    program = recurrent()
    cells, others = 57 + 6 + 9 * (48 + 6), 57 + 5 * 48
    learned = 12 * 9 * (8 + 9) + 7 * (2 * 12 + 3 * 9)
    lateral, sparse = 9 * 9 * 5, program.connections["sparse"].weight.size * (8 + 6)
    assert footprint(program) == (cells + others + learned + lateral + sparse) / 8
