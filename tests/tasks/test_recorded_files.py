"""A file of recorded blocks is hostile: it gives one `FileError`, or the very numbers that stand in it."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikerl.errors import FileError
from spikerl.tasks import Reversal, ReversalParameters
from spikerl.tasks.recorded import OPTIONS, read_recording
from tests.tasks.recorded_blocks import HEADER, small_rows, write

COLUMNS = HEADER.split(",")


def test_a_valid_file_is_read_as_it_stands(tmp_path):
    """Catches swapped columns, lost rows and arrays that a reader could change."""
    shuffled = ["reward", "note", "p_square", "block", "trial", "choice", "schedule", "p_circle"]
    rows = [dict(zip(COLUMNS, row.split(","), strict=True), note="x,y") for row in small_rows()]
    lines = [",".join(f'"{row[column]}"' for column in shuffled) for row in rows]
    path = tmp_path / "blocks.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([",".join(shuffled), *lines]).encode())
    recording = read_recording(path)
    assert recording.numbers.tolist() == [0, 2, 4] and recording.schedules == ("80/20",) * 3
    assert recording.probabilities.shape == (3, 6, 2)
    assert recording.probabilities[1, :, 0].tolist() == [0.8, 0.8, 0.8, 0.2, 0.2, 0.2]
    assert recording.choices.tolist() == [[0, 0, 0, 0, 1, 1]] * 3
    assert recording.rewards[1].tolist() == [1, 0, 1, 0, 1, 0]
    assert recording.better()[0].tolist() == [0, 0, 0, 1, 1, 1]
    with pytest.raises(ValueError, match="read-only"):
        recording.probabilities[0, 0, 0] = 0.5


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_or_doubled_column_is_named(tmp_path, column):
    """Catches a column read from another's place."""
    for header in (HEADER.replace(column, "other", 1), f"{HEADER},{column}"):
        path = write(tmp_path / "blocks.csv", small_rows(), header)
        with pytest.raises(FileError, match=r"line 1, columns: .*allowed: block, schedule"):
            read_recording(path)


@pytest.mark.parametrize(
    ("column", "value", "allowed"),
    [
        ("block", "-1", "whole number"),
        ("block", "0.5", "whole number"),
        ("block", "", "whole number"),
        ("block", "9" * 5000, "whole number"),
        ("trial", "x", "whole number"),
        ("trial", "1_0", "whole number"),
        ("trial", "٣", "whole number"),
        ("trial", "5", "2, for the trials of block 0"),
        ("schedule", "", "printable"),
        ("schedule", "70/30", "one a block"),
        ("schedule", "8" * 100, "printable"),
        ("p_circle", "nan", "0 to 1"),
        ("p_circle", "inf", "0 to 1"),
        ("p_circle", "1.0001", "0 to 1"),
        ("p_circle", "-0.1", "0 to 1"),
        ("p_circle", "1e999", "0 to 1"),
        ("p_square", "0,2", "7 values"),
        ("p_square", "0.8", "one is better"),
        ("p_square", "", "0 to 1"),
        ("choice", "Circle", "circle or square"),
        ("choice", "", "circle or square"),
        ("reward", "2", "0 or 1"),
        ("reward", "1.0", "0 or 1"),
    ],
)
def test_a_bad_value_is_named_with_its_line(tmp_path, column, value, allowed):
    """Catches a value that is read as something near it; the fault is in the third row, line 4."""
    rows = small_rows()
    cells = rows[2].split(",")
    cells[COLUMNS.index(column)] = value
    rows[2] = ",".join(cells)
    path = write(tmp_path / "blocks.csv", rows)
    with pytest.raises(FileError) as raised:
        read_recording(path)
    text = str(raised.value)
    assert str(path) in text and "line 4" in text and allowed in text and "\n" not in text
    assert allowed == "7 values" or f"column {column}" in text


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([], "at least one recorded block"),
        (small_rows(2)[:-1], "trials of block 2: got 5; allowed: 6"),
        (small_rows(3)[:11] + small_rows(3)[12:], "trials of block 2: got 5; allowed: 6"),
        (small_rows(2) + small_rows(1), "rows stand together"),
        (small_rows(1)[1:], "allowed: 0, for the trials"),
        ([*small_rows(1)[:3], *small_rows(1)[2:]], "allowed: 3, for the trials"),
        ([*small_rows(1), ""], "allowed: 7 values"),
        (['0,"80/20,0,0.8,0.2,circle,1'], "comma-separated values"),
        (["0,80/20,0,0.8,0.2,circle,1\0"], "comma-separated values|0 or 1"),
        (["x" * 200_000 + small_rows(1)[0]], "comma-separated values|whole number"),
    ],
)
def test_a_bad_arrangement_of_rows_is_refused(tmp_path, rows, fault):
    """Catches blocks of unequal length, with a gap, torn apart or damaged, that would give a ragged array."""
    with pytest.raises(FileError, match=fault):
        read_recording(write(tmp_path / "blocks.csv", rows))


def test_what_is_no_readable_file_is_refused(tmp_path):
    """Catches a wait for ever on a pipe, and a folder or a missing file with a bare traceback."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "bytes.csv").write_bytes(HEADER.encode() + b"\n0,80/20,0,\xff\n")
    with (tmp_path / "huge.csv").open("wb") as file:
        file.truncate(64 * 2**20 + 1)
    for name, allowed in [
        ("pipe", "regular file"),
        (".", "regular file"),
        ("absent.csv", "can be read"),
        ("nul\0", "can be read"),
        ("empty.csv", "each once"),
        ("bytes.csv", "line 2: got b'.xff'; allowed: UTF-8"),
        ("huge.csv", "at most"),
    ]:
        with pytest.raises(FileError, match=allowed):
            read_recording(tmp_path / name)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_damaged_file_gives_one_error_or_numbers_in_range(tmp_path_factory, data):
    """Catches any other exception, and a damaged file that passes with numbers no task could use."""
    content = bytearray("\n".join([HEADER, *small_rows(2, 4)]).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        span = data.draw(st.integers(0, 4))
        content[place : place + span] = data.draw(
            st.one_of(st.binary(max_size=4), st.text(max_size=4).map(str.encode))
        )
        if not content:
            break
    path = tmp_path_factory.mktemp("damaged") / "blocks.csv"
    path.write_bytes(content)
    try:
        recording = read_recording(path)
    except FileError as error:
        assert str(path) in str(error)
        return
    p = recording.probabilities
    assert np.all((p >= 0) & (p <= 1)) and np.all(p[..., 0] != p[..., 1])
    assert (
        p.shape == (*recording.choices.shape, len(OPTIONS))
        and recording.rewards.shape == recording.choices.shape
    )
    assert len(set(recording.numbers.tolist())) == len(recording.schedules) == p.shape[0] > 0


def test_a_bad_file_is_refused_when_the_task_is_made(tmp_path):
    """Catches a fault that shows itself only when the first block begins."""
    path = write(tmp_path / "blocks.csv", small_rows())
    with pytest.raises(FileError):
        Reversal(ReversalParameters(blocks=str(tmp_path / "absent.csv")))
    with pytest.raises(ValueError, match="set task.trials_per_block = 6"):
        Reversal(ReversalParameters(blocks=str(path)))
    with pytest.raises(ValueError, match="did you mean '80/20'"):
        Reversal(ReversalParameters(blocks=str(path), schedule="80/21", trials_per_block=6))
