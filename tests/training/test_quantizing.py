"""Experiments of layers in few bits: their table, their runs, their way onto a chip, and cells side by side.

Catches: a table that does not reach the network, a checkpoint that forgets what is stored, weights in the results that
are not those that were tested, a cell that depends on others, a float cell that is not the run.
"""

import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("norse", reason="norse is not installed")

import spikerl as sp  # noqa: E402
from spikerl.analysis.accuracy import scores  # noqa: E402
from spikerl.errors import DescriptionError, RunError, UnsupportedError  # noqa: E402
from spikerl.experiment import read  # noqa: E402
from spikerl.quantization import Quantization  # noqa: E402
from spikerl.training.networks import made  # noqa: E402
from spikerl.training.preparing import prepare  # noqa: E402
from spikerl.training.quantizing import Storing, base, quantized_cells  # noqa: E402
from tests.training.small import CURVES, written  # noqa: E402

FEW = {"training.epochs": 3, "training.rate": 0.04, "quantization.bits": 4, "quantization.rounding": "stochastic"}
RUN = {"record.spikes": ()}


def levels(path: Path, settings: dict[str, object], results: sp.Results) -> None:
    """Hold all weights to the levels of 4 bits, and biases not."""
    experiment = read(path, settings)
    prepared = prepare(experiment)
    for instance in range(2):
        first = made(prepared.description, experiment.run, experiment.run.seed + instance)
        for name, own in zip(prepared.layers, first.parameters, strict=True):
            step = 8.0 * float(own.weight.abs().max()) / 7
            weights = np.array(results.weights[name].value[-1, instance]) / step
            np.testing.assert_allclose(weights, np.rint(weights), atol=1e-4)
            assert 2 < len(np.unique(np.rint(weights))) <= 15
            assert len(np.unique(np.array(results.weights[f"{name}.bias"].value[-1, instance]))) > 5


@pytest.mark.parametrize("when", ["during", "after"])
def test_a_run_keeps_the_levels_that_it_tested(tmp_path, when):
    path, settings = written(tmp_path), FEW | RUN | {"quantization.when": when}
    results = sp.run(path, settings=settings, out=tmp_path / "run")
    levels(path, settings, results)
    log = (tmp_path / "run" / "log.txt").read_text()
    assert "at an end of the grid" in log and ("below half a step" in log) == (when == "during")
    cells = [Storing(Quantization(bits=4, rounding="stochastic", headroom=8.0), when)]
    rows = quantized_cells(read(path, FEW | RUN), cells, [0, 1]).rows
    np.testing.assert_allclose([row.test for row in rows], scores(results).value[-1][-1])


def halt(at):
    if at.done == 3:
        raise RuntimeError("power is out")


@pytest.mark.parametrize("when", ["during", "after"])
def test_a_run_goes_on_from_its_checkpoint_to_the_same_bytes(tmp_path, when):
    path, settings = written(tmp_path), {"quantization.bits": 3, "quantization.rounding": "stochastic"}
    settings |= {"quantization.hidden_bits": 2, "quantization.when": when}
    whole = sp.run(path, settings=settings, out=tmp_path / "whole")
    with pytest.raises(RunError, match="--resume"):
        sp.run(path, settings=settings, out=tmp_path / "parts", progress=halt)
    sp.run(path, settings=settings, out=tmp_path / "parts", resume=True)
    assert (tmp_path / "parts" / "results.h5").read_bytes() == (whole.path / "results.h5").read_bytes()


def test_an_8_bit_network_goes_onto_a_chip(tmp_path, monkeypatch):
    pytest.importorskip("numba", reason="numba is not installed")
    monkeypatch.chdir(tmp_path)
    settings = FEW | {"training.epochs": 8, "quantization.bits": 8, "hardware.tolerance": 0.5}
    done = sp.deploy(written(tmp_path), settings=settings)
    real, eight = done.deployment.widths[:2]
    assert (real.bits, eight.bits) == (None, 8)
    np.testing.assert_allclose(real.layers, scores(done.results).value[-1])
    assert np.abs(np.array(eight.layers) - np.array(real.layers)).max() < 0.2


def test_a_cell_is_the_same_alone_and_floating_point_is_the_run(tmp_path):
    path = written(tmp_path)
    settings = FEW | RUN | {"quantization.bits": 32, "training.epochs": 8}
    experiment = read(path, settings)
    asked = base(experiment)
    assert asked.headroom == 8.0
    cells = [
        Storing(asked),
        Storing(Quantization(bits=3, headroom=8.0), "after"),
        Storing(Quantization(bits=3, headroom=8.0), "during"),
        Storing(Quantization(bits=3, rounding="stochastic", headroom=8.0, hidden_bits=4), "during", "hidden"),
    ]
    seen = []
    found = quantized_cells(experiment, cells, [0, 1], lambda *done: seen.append(done))
    assert seen == [(k, 8) for k in range(1, 9)]
    assert [row.bits for row in found.rows] == [32, 32, 3, 3, 3, 3, 3, 3]
    assert [row.instance for row in found.rows] == [0, 1] * 4 and found.rows[-1].memory_bits == 7
    assert all(math.isnan(row.learning) for row in found.rows)
    for number, cell in enumerate(cells):
        alone = quantized_cells(experiment, [cell], [1])
        assert alone.rows[0][:7] == found.rows[2 * number + 1][:7]
        assert alone.rows[0][8:] == found.rows[2 * number + 1][8:]
    run = sp.run(path, settings=settings, out=tmp_path / "run")
    np.testing.assert_allclose([row.test for row in found.rows[:2]], scores(run).value[-1][-1])
    plain, lost, stored = found.rows[2], found.rows[4], found.rows[6]
    assert plain.updates == 0 and lost.updates == lost.below > 0 == lost.stored
    assert stored.updates >= stored.below > 0 and stored.updates > stored.stored > 0
    assert len({row.test for row in found.rows}) > 3
    sizes = {"layer_1": 12 * 16, "layer_2": 16 * 12}
    for layer, size in sizes.items():
        for moment in ("before", "after"):
            bars = [bar for bar in found.bars if bar[:6] == (3, "nearest", "during", "plain", layer, moment)]
            assert sum(bar.weights for bar in bars) == 2 * size and len(bars) == 64
            assert sum(bar.weights > 0 for bar in bars) <= 7


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"quantization.rounding": "dither"}, "quantization.rounding: got 'dither'"),
        ({"quantization.bits": 17}, "quantization.bits: got 17; allowed: a whole number from 1 to 16, or 32"),
        ({"quantization.rate": 2.0}, "quantization.rate: got 2.0; allowed: 1 at 32 bits"),
        ({"quantization.hidden_bits": 3}, "quantization.hidden_bits: got 3; allowed: 0 at 32 bits"),
        ({"quantization.when": "later"}, "quantization.when: got 'later'"),
    ],
    ids=str,
)
def test_a_wrong_table_is_refused(tmp_path, settings, said):
    with pytest.raises(DescriptionError, match=said):
        read(written(tmp_path), settings)


def test_curves_have_no_share_that_is_right(tmp_path):
    with pytest.raises(UnsupportedError, match="classes"):
        quantized_cells(read(written(tmp_path, CURVES)), [Storing(Quantization())], [0])
