"""The directory of a comparison comes back as it was written; damage and hostile files are refused with their place.

Catches: a file that is not held against its digest, a number that is none, an instance counted twice, and files that
would never end or fill the memory.
"""

import json
import math
import os

import pytest

from spikerl.errors import FileError
from spikerl.results.quantizing import Comparison, holds_comparison
from tests.report.comparisons import BAR_COLUMNS, CELL_COLUMNS, bars, made_up, seal, write

ROW = ["4", "nearest", "during", "plain", "0", "4", "0", "0.5", "nan", "10", "5", "5"]
BAR = ["4", "nearest", "during", "plain", "d1", "after", "0.0", "0.5", "10"]


@pytest.fixture
def folder(tmp_path):
    """A small directory that a test may damage."""
    return write(tmp_path / "compared", made_up((2,), instances=2))


def test_what_was_written_comes_back(tmp_path):
    rows = made_up((2, 4), ways=(("stochastic", "hidden", 8),), instances=3)
    found = Comparison.open(write(tmp_path / "d", rows))
    for back, row in zip(found.rows, rows, strict=True):
        assert [str(value) for value in back] == [str(value) for value in row]
    assert [tuple(bar) for bar in found.bars] == bars(rows)
    assert found.experiment["circuit"]["name"] == "striatum"
    assert found.text.startswith("[circuit]")
    assert found.facts.test == 40
    assert len(found.table) == len({row[:4] for row in rows})
    assert holds_comparison(tmp_path / "d") and not holds_comparison(tmp_path)


def test_columns_may_stand_in_any_order_and_lines_end_as_on_any_system(folder):
    names = CELL_COLUMNS.split(",")
    lines = [",".join(names[::-1]), ",".join(ROW[::-1])]
    (folder / "cells.csv").write_bytes("\r\n".join([*lines, ""]).encode())
    seal(folder)
    row = Comparison.open(folder).rows[0]
    assert (row.bits, row.method, row.learning, row.stored) == (4, "plain", 0.5, 5)
    assert math.isnan(row.test)


@pytest.mark.parametrize("name", ["experiment.toml", "cells.csv", "histograms.csv", "table.csv"])
def test_every_file_is_held_against_its_digest(folder, name):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content.replace(b"a", b"b", 1))
    with pytest.raises(FileError, match="SHA-256"):
        Comparison.open(folder)


@pytest.mark.parametrize("name", ["experiment.toml", "cells.csv", "histograms.csv", "table.csv", "manifest.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileError, match=name):
        Comparison.open(folder)


@pytest.mark.parametrize("name", ["cells.csv", "manifest.json"])
def test_a_pipe_in_place_of_a_file_is_refused(folder, name):
    """Catches a reader that waits for ever."""
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(FileError, match="regular file"):
        Comparison.open(folder)


def test_a_file_that_no_comparison_needs_is_not_read(folder):
    """Catches names of the manifest that lead out of the directory."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"]["../../etc/passwd"] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert Comparison.open(folder).rows


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("bits", "0"),
        ("bits", "17"),
        ("bits", "-4"),
        ("bits", "4.0"),
        ("bits", "٤"),
        ("bits", "9" * 30),
        ("rounding", ""),
        ("rounding", "a\nb"),
        ("method", "x" * 201),
        ("when", "later"),
        ("memory_bits", "5"),
        ("instance", "1_000"),
        ("learning", "1.5"),
        ("learning", "inf"),
        ("learning", "0x1"),
        ("learning", " 0.5"),
        ("test", "-2"),
        ("test", "1e999"),
        ("updates", "nan"),
        ("below", "11"),
        ("stored", "11"),
    ],
)
def test_a_row_that_no_run_can_give_is_refused_with_its_line(folder, column, value):
    row = [*ROW]
    row[CELL_COLUMNS.split(",").index(column)] = f'"{value}"'
    (folder / "cells.csv").write_text(f"{CELL_COLUMNS}\n{','.join(row)}\n", encoding="utf-8")
    seal(folder)
    with pytest.raises(FileError, match=rf"line [23], {column}"):
        Comparison.open(folder)


@pytest.mark.parametrize(
    ("column", "value"),
    [("moment", "between"), ("low", "nan"), ("low", "0.5"), ("high", "1e400"), ("count", "-1"), ("projection", "")],
)
def test_a_bar_that_is_none_is_refused(folder, column, value):
    row = [*BAR]
    row[BAR_COLUMNS.split(",").index(column)] = value
    (folder / "histograms.csv").write_text(f"{BAR_COLUMNS}\n{','.join(row)}\n", encoding="utf-8")
    seal(folder)
    with pytest.raises(FileError, match=r"histograms\.csv, line 2"):
        Comparison.open(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        CELL_COLUMNS.encode() + b"\n",
        CELL_COLUMNS.removesuffix(",stored").encode() + b"\n" + ",".join(ROW[:-1]).encode() + b"\n",
        (CELL_COLUMNS + ",bits").encode() + b"\n" + ",".join([*ROW, "5"]).encode() + b"\n",
        CELL_COLUMNS.encode() + b"\n" + ",".join(ROW[:-1]).encode() + b"\n",
        CELL_COLUMNS.encode() + b"\n" + ",".join([*ROW, "1"]).encode() + b"\n",
        CELL_COLUMNS.encode() + b"\n\xff\xfe" + ",".join(ROW).encode() + b"\n",
        CELL_COLUMNS.encode() + b"\n\x00" + ",".join(ROW).encode() + b"\n",
        CELL_COLUMNS.encode() + b'\n"4' + ",".join(ROW).encode() + b"\n",
        CELL_COLUMNS.encode() + b"\n" + b"4" * 200_000 + b"\n",
        2 * (CELL_COLUMNS.encode() + b"\n" + ",".join(ROW).encode() + b"\n"),
        CELL_COLUMNS.encode() + 2 * (b"\n" + ",".join(ROW).encode()) + b"\n",
    ],
)
def test_what_is_no_table_is_refused(folder, content):
    (folder / "cells.csv").write_bytes(content)
    seal(folder)
    with pytest.raises(FileError, match=r"cells\.csv"):
        Comparison.open(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 2),
        ("instances", 0),
        ("instances", "6"),
        ("seed", -1),
        ("started", "yesterday"),
        ("versions", ["numpy"]),
        ("sha256", {"cells.csv": "short"}),
        ("unknown", 1),
        ("backend", ""),
    ],
)
def test_a_manifest_that_says_something_else_is_refused_with_its_key(folder, key, value):
    seal(folder, {key: value})
    with pytest.raises(FileError, match=rf"manifest\.json, {key}"):
        Comparison.open(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_manifest_that_is_none_is_refused(folder, content):
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(FileError, match="manifest"):
        Comparison.open(folder)


def test_no_directory_is_refused(tmp_path):
    with pytest.raises(FileError, match="no directory"):
        Comparison.open(tmp_path / "nowhere")
