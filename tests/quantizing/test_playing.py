"""A comparison of a circuit: cells side by side are what each is alone, and floating point is what `run` plays."""

from dataclasses import replace

import numpy as np
import pytest

import spikerl as sp
from spikerl.errors import DescriptionError, UnsupportedError
from spikerl.experiment import build, read
from spikerl.loop import ClosedLoop
from spikerl.quantizing import parts
from spikerl.quantizing.cells import FLOATING
from spikerl.quantizing.cells import cells as cells_of
from spikerl.results.quantizing import Comparison, Row
from tests.quantizing.small import compared, small


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Comparison:
    """Many cells in one batch."""
    folder = tmp_path_factory.mktemp("whole")
    methods = ("plain", "hidden", "metaplastic+scaled", "dither")
    return compared(folder, method=methods, rounding=("nearest", "stochastic"))


def rows(found: Comparison, **wanted: object) -> list[Row]:
    return [row for row in found.rows if all(getattr(row, key) == value for key, value in wanted.items())]


def bars(found: Comparison, **wanted: object) -> list[int]:
    return [bar.weights for bar in found.bars if all(getattr(bar, key) == value for key, value in wanted.items())]


@pytest.mark.parametrize(
    "cell",
    [
        {"bits": 2, "rounding": "stochastic", "when": "during", "method": "plain"},
        {"bits": 6, "rounding": "nearest", "when": "during", "method": "hidden"},
        {"bits": 2, "rounding": "stochastic", "when": "during", "method": "metaplastic+scaled"},
        {"bits": 2, "rounding": "stochastic", "when": "after", "method": "plain"},
    ],
    ids=lambda cell: "-".join(str(value) for value in cell.values()),
)
def test_a_cell_among_others_is_the_cell_alone(whole, tmp_path, cell):
    """Catches random numbers, states or tasks that a cell takes from the one beside it in the batch."""
    alone = compared(tmp_path, **cell)
    assert rows(alone, **cell) == rows(whole, **cell) and len(rows(alone, **cell)) == 3
    assert bars(alone, **cell) == bars(whole, **cell)
    assert rows(alone, bits=32) == rows(whole, bits=32)


def test_floating_point_is_ideal_and_the_others_are_on_the_device(whole, tmp_path):
    """Catches a device that floating point learns on, and cells that leave it out."""
    wanted = {"bits": 6, "rounding": "nearest"}
    silent = compared(tmp_path, **wanted, settings={"device.dead": 1.0})
    assert rows(silent, bits=32) == rows(whole, bits=32)
    for when in ("after", "during"):
        mine, ideal = (rows(found, **wanted, when=when, method="plain") for found in (silent, whole))
        assert [row.test for row in mine] != [row.test for row in ideal]
        # Nothing is heard of the cues, so that choices are luck: the same luck, whatever was learned.
    first, second = (rows(silent, **wanted, when=when) for when in ("after", "during"))
    assert [row.test for row in first] == [row.test for row in second]


def test_groups_of_instances_are_the_whole(whole, tmp_path, monkeypatch):
    """Catches instances that hear or draw by their place in a group, and histograms of the last group alone."""
    monkeypatch.setattr(parts, "MEMORY", 1)
    alone = compared(tmp_path, method="hidden", rounding="nearest", when="during")
    for row in rows(alone):
        assert row in whole.rows
    wanted = {"bits": 6, "rounding": "nearest", "method": "hidden"}
    assert bars(alone, **wanted) == bars(whole, **wanted)


@pytest.mark.parametrize("backend", ["reference", "native"])
def test_floating_point_is_what_run_plays(whole, tmp_path, backend):
    """Catches a float cell that is not the experiment: other luck, other input, a grid of its own."""
    done = sp.run(small(tmp_path), backend=backend, out=tmp_path / backend)
    better = done.trials["better"].reshape(4, 3).mean(axis=0)
    floating = rows(whole, bits=32)
    assert [row.learning for row in floating] == better.tolist()
    assert [row.instance for row in floating] == [0, 1, 2] and len({row.learning for row in floating}) > 1


def test_native_is_the_reference(whole, tmp_path):
    """Catches a back end on which few bits learn something else."""
    found = compared(tmp_path, backend="native", method="hidden", rounding=("nearest", "stochastic"), when="during")
    assert len(found.rows) == 15
    for row in found.rows:
        assert row in whole.rows


def test_what_is_quantised_after_learning_lies_on_the_grid(whole, tmp_path):
    """Catches weights that are those before learning, or that go on learning in the test."""
    done = sp.run(small(tmp_path), backend="reference", out=tmp_path / "run")
    for bits in (2, 6):
        for name in ("cortex_to_d1", "cortex_to_d2"):
            learned = done.weights[name].value[-1]
            edges = np.linspace(0, 8, 65)
            laid = sp.Quantizer(bits)(learned, 8.0)
            wanted = {"bits": bits, "rounding": "nearest", "when": "after", "projection": name}
            assert bars(whole, **wanted, moment="after") == np.histogram(laid, edges)[0].tolist()
            assert bars(whole, **wanted, moment="before") == np.histogram(learned, edges)[0].tolist()
            assert bars(whole, bits=32, projection=name, moment="after") == np.histogram(learned, edges)[0].tolist()
    for row in rows(whole, when="after"):
        assert np.isnan(row.learning) and 0 <= row.test <= 1 and (row.updates, row.below, row.stored) == (0, 0, 0)


@pytest.mark.parametrize("bits", [32, 2])
def test_the_test_goes_on_with_weights_held(tmp_path, bits):
    """Catches a test that learns, that starts anew, or that is played in another block than the last."""
    longer = read(small(tmp_path), {"run.backend": "reference", "task.trials_per_block": 14})
    built = build(longer)
    asked = sp.Quantization(bits=bits, rounding="nearest" if bits == 32 else "stochastic")
    state, weights, better = {}, [], []
    for trials, one in ((4, asked), (10, replace(asked, device=sp.Device(update_probability=0.0)))):
        with sp.open(built.circuit.network, "reference", seed=5, batch=3, quantization=one) as session:
            loop = ClosedLoop(session, built.circuit, longer.trial_protocol, built.tasks, 5, range(3))
            if state:
                loop.restore(state)
            better.append(np.mean([loop.trial().columns["better"] for _ in range(trials)], axis=0))
            state = loop.state()
            weights.append(session.weights("cortex_to_d1"))
    assert (weights[0] == weights[1]).all()
    found = rows(compared(tmp_path, test=10), bits=bits, rounding=asked.rounding, when="during", method="plain")
    assert [row.learning for row in found] == better[0].tolist()
    assert [row.test for row in found] == better[1].tolist()


def test_counts_are_of_learning_alone(whole):
    """Catches updates of the test, in which nothing is stored, among those that were lost."""
    for row in rows(whole, when="during"):
        assert 0 < row.updates and row.below <= row.updates
    floating = rows(whole, bits=32)[0]
    assert floating.updates == floating.stored  # none is lost in floating point
    assert rows(whole, bits=2, rounding="nearest", when="during", method="plain")[0].stored == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"backend": "brian2"}, "back end of quantize: got 'brian2'.*'native' can"),
        ({"test": 0}, "test: got 0; allowed: 1 trial or more"),
        ({"test": -1}, "test: got -1"),
        ({"seeds": 0}, "run.instances: got 0"),
        ({"settings": {"quantization.bits": 4}}, "quantization.bits: got 4; allowed: 32"),
        ({"settings": {"circuit.plasticity": False}}, "weights that learn"),
        ({"settings": {"quantization.scale": "neuron", "quantization.headroom": -1.0}}, "quantization.headroom"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path, given, said):
    """Catches a mistake that is found out after the first hours, or a directory that is left of it."""
    with pytest.raises((DescriptionError, UnsupportedError), match=said):
        compared(tmp_path, **given)
    assert [path.name for path in tmp_path.iterdir()] == ["small.toml"]


def test_a_part_is_a_function_of_its_text(whole, tmp_path):
    """Catches what a worker of a cluster would not know: cells, group, name, or the length of the test."""
    experiment = read(small(tmp_path), {"run.backend": "reference"})
    (cell,) = [one for one in cells_of(2, "nearest", "during", "hidden") if not one.floating]
    asked = parts.Asked(experiment, [FLOATING, cell], parts.Group(1, 2), 3)
    seen: list[float] = []
    parts.perform(parts.text_of(asked), tmp_path / "part", seen.append)
    found = parts.read(tmp_path / "part")
    wanted = [row for row in whole.rows if row[:4] in (FLOATING.key, cell.key) and row.instance in (1, 2)]
    assert found.rows == wanted and len(seen) == 7 and seen[-1] == 1
