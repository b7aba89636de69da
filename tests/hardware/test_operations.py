"""Operations: counted spike by spike and synapse by synapse, in plain Python, they are the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikerl.errors import DescriptionError
from spikerl.hardware.emulation.emulator import Emulator
from spikerl.hardware.operations import Counter, Operations
from spikerl.hardware.program import Connection, Factor, Input, Neurons, Product, Program, Rule
from tests.hardware.circuits import heard, recurrent, spikes

LEARNING = {"weight_updates": "w", "tag_updates": "t", "synapse_updates": "wt"}


def drawn(seed: int) -> tuple[Program, dict[str, np.ndarray]]:
    """A sparse learning program, and messages and spikes, all drawn at random."""
    rng = np.random.default_rng(seed)
    sizes = {"in": int(rng.integers(1, 6)), "a": int(rng.integers(1, 6)), "b": int(rng.integers(1, 6))}
    connections = {}
    for name, pre, post in (("one", "in", "a"), ("two", "a", "b"), ("three", "b", "b")):
        at = np.nonzero(rng.random((sizes[pre], sizes[post])) < 0.7)
        products = tuple(
            Product(str(rng.choice(["w", "t"])), due, 1, -3, (Factor("x1"),))
            for due in ("x0", "y0", "u")
            if rng.random() < 0.6
        )
        rule = Rule(products, epoch=int(rng.integers(1, 5)), decimate=int(rng.integers(0, 3)))
        zeros = np.zeros(at[0].size, np.int64)
        learns = rule if rng.random() < 0.8 else None
        connections[name] = Connection(name, pre, post, *at, rng.integers(-3, 3, at[0].size), zeros, rule=learns)
    neurons = {name: Neurons(name, sizes[name], 100, 100, 10) for name in ("a", "b")}
    program = Program({"in": Input("in", sizes["in"], 8)}, neurons, {}, connections)
    steps, batch = int(rng.integers(0, 20)), int(rng.integers(1, 4))
    messages = rng.integers(0, 4, (steps, batch, sizes["in"])) * (rng.random((steps, batch, sizes["in"])) < 0.4)
    return program, {"in": messages} | {name: rng.random((steps, batch, sizes[name])) < 0.3 for name in neurons}


def one_by_one(program: Program, happened: dict[str, np.ndarray]) -> dict[str, object]:
    """Count everything one at a time."""
    steps, batch = happened["in"].shape[:2]
    times = [(t, b) for t in range(steps) for b in range(batch)]
    found: dict[str, dict[str, int]] = {name: {} for name in ("spikes", "synaptic", "neuron_updates", *LEARNING)}
    for name, array in happened.items():
        found["spikes"][name] = sum(1 for value in array.ravel().tolist() if value)
    for name, neurons in program.neurons.items():
        found["neuron_updates"][name] = len(times) * neurons.size
    load = dict.fromkeys(times, 0)
    for name, connection in program.connections.items():
        pairs = list(zip(connection.pre_index.tolist(), connection.post_index.tolist(), strict=True))
        pre, post = happened[connection.pre], happened[connection.post]
        read = {(t, b): sum(1 for i, _ in pairs if pre[t, b, i]) for t, b in times}
        found["synaptic"][name] = sum(read.values())
        load = {time: load[time] + read[time] for time in times}
        rule = connection.rule
        if rule is None:
            continue
        for count, targets in LEARNING.items():
            visits = 0
            for t, b in times:
                if (t + 1) % rule.epoch:
                    continue
                for i, j in pairs:
                    within = range(t - rule.epoch + 1, t + 1)
                    now = {
                        "x0": any(pre[s, b, i] for s in within),
                        "y0": any(post[s, b, j] for s in within),
                        "u": (t + 1) // rule.epoch % 2**rule.decimate == 0,
                    }
                    visits += any(now[product.dependency] for product in rule.products if product.target in targets)
            found[count][name] = visits
    return {**found, "peak": max(load.values(), default=0)}


def summed(operations: Operations) -> dict[str, object]:
    """The same form, of what was counted at once."""
    names = ("synaptic", "neuron_updates", *LEARNING, "peak")
    return {
        "spikes": {name: int(each.sum()) for name, each in operations.spikes.items()},
        **{name: getattr(operations, name) for name in names},
    }


@given(st.integers(0, 10**6), st.lists(st.integers(0, 20), max_size=3))
def test_counted_in_windows_and_one_by_one(seed, cuts):
    """Catches a product counted twice, epochs out of step or lost between windows, a connection read backwards."""
    program, happened = drawn(seed)
    steps, batch = happened["in"].shape[:2]
    counter = Counter(program, batch)
    bounds = [0, *sorted(min(cut, steps) for cut in cuts), steps]
    for begin, end in zip(bounds, bounds[1:], strict=False):
        counter.add({name: array[begin:end] for name, array in happened.items()})
    operations = counter.total()
    assert summed(operations) == one_by_one(program, happened)
    assert (operations.steps, operations.batch) == (steps, batch)
    above = (happened["in"] > 1).any(axis=2)
    assert operations.graded["in"].sum() == np.count_nonzero(happened["in"][above])


def test_the_operations_of_a_run():
    """Catches counts that fit arrays made for the test alone, and totals that leave a part out."""
    program = recurrent()
    emulator, counter = Emulator(program, batch=2), Counter(program, 2)
    messages, ran = spikes(41, 2, 12), []
    for begin, end in ((0, 13), (13, 41)):
        ran.append(emulator.run(heard(messages[begin:end])).spikes)
        counter.add({"in": messages[begin:end], **ran[-1]})
    whole = {name: np.concatenate([part[name] for part in ran]) for name in program.neurons}
    found = counter.total()
    assert summed(found) == one_by_one(program, {"in": messages, **whole})
    totals = found.totals()
    assert totals["neuron_updates"] == 41 * 2 * 14 and totals["spikes"] == sum(map(np.sum, found.spikes.values()))
    assert 0 < totals["synaptic"] == sum(found.synaptic.values()) and 0 < totals["weight_updates"]


def test_what_was_returned_does_not_change():
    """Catches counts that share their arrays with the counter."""
    program, counter = recurrent(), Counter(recurrent())
    run = Emulator(program).run(heard(spikes(8, 1, 12, rate=0.9)))
    first = counter.total()
    counter.add({"in": spikes(8, 1, 12, rate=0.9), **run.spikes})
    assert first.totals()["spikes"] == 0 < counter.total().totals()["spikes"]


def test_spikes_of_another_shape_are_refused_and_not_counted():
    """Catches counts over arrays that do not belong together."""
    program = recurrent()
    run = Emulator(program).run(heard(spikes(8, 1, 12)))
    counter = Counter(program)
    for wrong, where in (
        ({"in": spikes(9, 1, 12), **run.spikes}, "'cells'"),
        ({**run.spikes}, "'in'"),
        ({"in": spikes(8, 2, 12), **run.spikes}, "'in'"),
    ):
        with pytest.raises(DescriptionError, match=f"population {where}: got .*allowed: spikes of shape"):
            counter.add(wrong)
    assert counter.total().steps == 0 and counter.total().totals()["spikes"] == 0
    with pytest.raises(DescriptionError, match="Counter: batch: got 0"):
        Counter(program, 0)
