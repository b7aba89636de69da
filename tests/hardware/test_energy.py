"""Energy: events counted again by hand, times the published numbers, and what has no number is named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spikerl.errors import DescriptionError, FileError
from spikerl.hardware.energy import Events, costs_of, estimates, events, load_costs, shipped_costs
from spikerl.hardware.fit import fit
from spikerl.hardware.mapping import Placement
from spikerl.hardware.operations import Counter, Operations
from spikerl.hardware.program import Program
from spikerl.hardware.target import Target, load_target
from tests.hardware.circuits import recurrent
from tests.hardware.test_fit import limited


def counted(target: Target) -> tuple[Program, Operations, Placement, dict[str, np.ndarray]]:
    """Return a program, spikes drawn at random, their operations, and where the program lies on `target`."""
    program, rng = recurrent(), np.random.default_rng(4)
    happened = {name: rng.random((50, 3, program.size(name))) < 0.2 for name in (*program.inputs, *program.neurons)}
    counter = Counter(program, 3)
    counter.add(happened)
    return program, counter.total(), fit(program, target).placement, happened


@pytest.mark.parametrize("compartments", [1, 4, 1024])
def test_events_are_what_counting_spike_by_spike_gives(compartments):
    """Catches a spike sent twice to a core, a hop along the wrong side of the mesh, an input's spike on the mesh."""
    target = limited(core__compartments=compartments, chip__mesh=[2, 4], chip__tile_cores=2)
    program, operations, placement, happened = counted(target)
    where = {
        (piece.population, neuron): core.number
        for core in placement.cores
        for piece in core.pieces
        for neuron in range(piece.first, piece.stop)
    }
    expected = dict.fromkeys(Events.model_fields, 0)
    for name, connection in program.connections.items():
        pairs = list(zip(connection.pre_index.tolist(), connection.post_index.tolist(), strict=True))
        kind = "dense" if len(pairs) == program.size(connection.pre) * program.size(connection.post) else "sparse"
        for pre in range(program.size(connection.pre)):
            sent = int(happened[connection.pre][:, :, pre].sum())
            expected[f"synaptic_operation_{kind}"] += sent * sum(source == pre for source, _ in pairs)
            if connection.pre in program.inputs:
                continue
            for core in {where[connection.post, post] for source, post in pairs if source == pre}:
                here, there = where[connection.pre, pre] // 2, core // 2
                expected["message"] += sent
                expected["hop_east_west"] += sent * abs(here % 2 - there % 2)
                expected["hop_north_south"] += sent * abs(here // 2 - there // 2)
        assert name in operations.synaptic
    expected["spike"] = sum(int(happened[name].sum()) for name in program.neurons)
    expected["neuron_update"] = 50 * 3 * 14
    expected["synapse_update"] = sum(operations.synapse_updates.values())
    assert events(program, operations, placement, target) == expected
    assert (compartments == 1024) == (expected["hop_east_west"] + expected["hop_north_south"] == 0)
    assert expected["synapse_update"] > 0


def test_an_estimate_is_counts_times_published_energies():
    """Catches a unit that is off by a power of ten, and an unknown energy that counts as one."""
    target = load_target("loihi1")
    program, operations, placement, _ = counted(target)
    davies, sanafe = estimates(program, operations, placement, target, costs_of(target))
    counts = events(program, operations, placement, target)
    synaptic = counts["synaptic_operation_dense"] + counts["synaptic_operation_sparse"]
    expected = (23.6 * synaptic + 81 * counts["neuron_update"] + 120 * counts["synapse_update"]) * 1e-12
    assert davies.joules == pytest.approx(expected, rel=1e-12) and counts["hop_east_west"] == 0
    assert davies.left_out == ("spike", "message") and sanafe.left_out == ("synapse_update",)
    item = next(item for item in sanafe.items if item.event == "message")
    assert item.joules == pytest.approx(counts["message"] * 111e-12) and "SANA-FE" in item.source


def test_a_chip_without_published_energies_has_no_estimate():
    """Catches a chip that is given another's energies."""
    for name in ("loihi2", "generic8"):
        assert costs_of(load_target(name)) == []
    program, operations, placement, _ = counted(load_target("loihi2"))
    assert events(program, operations, placement, load_target("loihi2"))["hop_east_west"] is None
    found = estimates(program, operations, placement, load_target("loihi2"), [load_costs("davies2018")])[0]
    assert {"hop_east_west", "hop_north_south"} <= set(found.left_out)


@pytest.mark.parametrize("name", shipped_costs())
def test_every_energy_is_written_with_its_source(name):
    """Catches an event that a shipped file leaves out."""
    costs = load_costs(name)
    assert costs.name == name and all(len(getattr(costs.events, key).source) >= 8 for key in Events.model_fields)


def test_energies_of_ones_own_lie_beside_the_chip(tmp_path, monkeypatch):
    """Catches a path that begins at the folder of the program instead of that of the file."""
    monkeypatch.chdir(Path("/"))
    (tmp_path / "mine.toml").write_text('name = "mine"\nenergy = ["costs/mine.toml", "sanafe"]')
    (tmp_path / "costs").mkdir()
    text = 'name = "mine"\n[events]\nspike = { value = 5, source = "my desk" }'
    (tmp_path / "costs" / "mine.toml").write_text(text)
    mine, sanafe = costs_of(load_target(tmp_path / "mine.toml"))
    assert mine.events.spike.value == 5.0 and mine.events.message.value is None and sanafe.name == "sanafe"


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("value = 81.0", "value = -1", ["events.neuron_update.value", "got -1", "0 to", "'unknown'"]),
        ("value = 81.0", "value = inf", ["events.neuron_update.value", "got inf"]),
        ("value = 81.0", 'value = "81"', ["events.neuron_update.value", "got '81'"]),
        ("neuron_update =", "neuron_updates =", ["[events]", "'neuron_updates'", "did you mean 'neuron_update'?"]),
        ("[events]", "[event]", ["'event'", "did you mean 'events'?"]),
        ('name = "davies2018"', "name = 3", ["name", "got 3"]),
    ],
)
def test_a_fault_is_one_message(tmp_path, old, new, parts):
    """Catches a message that leaves out where, what, or what is allowed."""
    path = tmp_path / "mine.toml"
    path.write_text(shipped_costs()["davies2018"].read_text().replace(old, new))
    with pytest.raises(DescriptionError) as caught:
        load_costs(path)
    assert all(part in str(caught.value) for part in (str(path), "allowed: ", *parts)), str(caught.value)


def test_energies_that_are_not_there_are_refused(tmp_path):
    """Catches a chip whose energies are left aside without a word."""
    (tmp_path / "mine.toml").write_text('name = "mine"\nenergy = ["davis2018"]')
    with pytest.raises(DescriptionError, match="did you mean 'davies2018'"):
        costs_of(load_target(tmp_path / "mine.toml"))
    with pytest.raises(FileError, match="nowhere.toml"):
        costs_of(replace(load_target("loihi1"), energy=("nowhere.toml",)))
