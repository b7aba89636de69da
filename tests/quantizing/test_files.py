"""The directory of a comparison: its table is the arithmetic of its cells, and damage is refused."""

import csv
import json

import numpy as np
import pytest
from scipy import stats

from spikerl.analysis.quantizing import summarise
from spikerl.errors import FileError
from spikerl.files import sha256
from spikerl.quantizing.playing import Played
from spikerl.quantizing.record import FILES, Began, write
from spikerl.results.quantizing import Bar, Comparison, Row

NAN = float("nan")
FLOATING = (32, "nearest", "during", "plain", 0, 32)
FEW = (4, "stochastic", "during", "hidden", 8, 12)
LATER = (2, "nearest", "after", "plain", 0, 2)
LEARNED, TESTED = [0.9, 0.8, 0.7], [1.0, 0.9, 0.6]
ROWS = [
    *(Row(*FLOATING, k, LEARNED[k], TESTED[k], 100, 0, 100) for k in range(3)),
    *(Row(*FEW, k, score, 0.5, 200, 150, 40 + k) for k, score in enumerate([0.8, 0.8, 0.5])),
    *(Row(*LATER, k, NAN, score, 0, 0, 0) for k, score in enumerate([0.4, 0.9, 0.5])),
]
BARS = [
    Bar(*key[:4], "cortex", moment, k / 4, (k + 1) / 4, k)
    for key in (FLOATING, FEW, LATER)
    for moment in ("before", "after")
    for k in range(4)
]
FACTS = Began("small", "native", 7, 3, 40, "2026-01-01T00:00:00+00:00")


def written(folder):
    folder.mkdir()
    write(folder, '[circuit]\nname = "striatum"\n', FACTS, Played(ROWS, BARS))
    return folder


def table(folder, name="table.csv"):
    with (folder / name).open(newline="") as file:
        return list(csv.DictReader(file))


def interval(values):
    values = np.array(values)
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return values.mean(), values.mean() - half, values.mean() + half


def test_the_table_is_what_a_hand_computes(tmp_path):
    """Catches unpaired differences, a score of the wrong time, and lost updates that count those of other cells."""
    folder = written(tmp_path / "out")
    floating, few, later = table(folder)
    gaps = [0.8 - 0.9, 0.8 - 0.8, 0.5 - 0.7]
    late = [0.4 - 1.0, 0.9 - 0.9, 0.5 - 0.6]  # of the test, as what was rounded after learning has no other
    for line, scores, differences in (
        (floating, LEARNED, [0.0, 0.0, 0.0]),
        (few, [0.8, 0.8, 0.5], gaps),
        (later, [0.4, 0.9, 0.5], late),
    ):
        found = [float(line[name]) for name in ("measure", "low", "high")]
        assert found == pytest.approx(interval(scores), rel=1e-12)
        found = [float(line[name]) for name in ("difference", "difference_low", "difference_high")]
        assert found == pytest.approx(interval(differences), rel=1e-12, abs=1e-15)
        assert line["n"] == "3"
    assert float(few["lost"]) == pytest.approx(1 - (40 + 41 + 42) / 600)
    assert (few["hidden_bits"], few["memory_bits"], later["memory_bits"]) == ("8", "12", "2")
    assert float(floating["lost"]) == 0 and later["lost"] == "nan"
    limits = {(line["when"], line["points"]): line["bits"] for line in table(folder, "limits.csv")}
    assert limits == {("during", "1"): "4", ("during", "5"): "4", ("after", "1"): "2", ("after", "5"): "2"}


def test_what_is_written_is_read_back(tmp_path):
    """Catches digits that are lost on the way, and a column that trades places."""
    found = Comparison.open(written(tmp_path / "out"))
    assert list(found.bars) == BARS and str(found.rows) == str(tuple(ROWS))
    assert [str(line) for line in summarise(found.rows)] == [str(line) for line in summarise(ROWS)]
    assert (found.facts.seed, found.facts.instances, found.facts.test) == (7, 3, 40)
    assert sorted(path.name for path in found.path.iterdir()) == sorted(FILES)
    digests = json.loads((found.path / "manifest.json").read_text())["sha256"]
    assert digests == {name: sha256((found.path / name).read_bytes()) for name in FILES if name != "manifest.json"}


@pytest.mark.parametrize("name", ["experiment.toml", "cells.csv", "histograms.csv", "table.csv"])
def test_a_damaged_file_is_refused(tmp_path, name):
    """Catches a file that is believed though a byte of it has changed, or though it is gone."""
    folder = written(tmp_path / "out")
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(FileError, match=f"{name}, SHA-256"):
        Comparison.open(folder)
    (folder / name).unlink()
    with pytest.raises(FileError, match=name):
        Comparison.open(folder)
