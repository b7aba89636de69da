"""Recorded blocks: what each option paid and what an animal chose, from a CSV file that may be hostile.

Columns ``block,schedule,trial,p_circle,p_square,choice,reward`` in any order, further ones are left aside;
one row a trial, a block's rows together, its trials 0, 1, 2, ...; all blocks of one length.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from spikerl.errors import FileError, message
from spikerl.files import read_whole

OPTIONS = ("circle", "square")
_COLUMNS = ("block", "schedule", "trial", "p_circle", "p_square", "choice", "reward")
_LARGEST_FILE = 64 * 2**20
_WHOLE = re.compile(r"[0-9]{1,9}\Z")
_PROBABILITY = re.compile(r"(?:[0-9]{1,3}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE][+-]?[0-9]{1,3})?\Z")
_SCHEDULE = re.compile(r"[!-~]{1,32}\Z")

Cell = TypeVar("Cell")


@dataclass(frozen=True)
class Recording:
    """All blocks of a file, in its order.

    `numbers` [blocks] are their numbers in the file and `schedules` their names; `probabilities` [blocks,
    trials, options] are what each option paid, `choices` and `rewards` [blocks, trials] what the animal chose
    and got. Options are ordered as in `OPTIONS`. The arrays are read-only.
    """

    numbers: NDArray[np.int64]
    schedules: tuple[str, ...]
    probabilities: NDArray[np.float64]
    choices: NDArray[np.int64]
    rewards: NDArray[np.int64]

    def better(self) -> NDArray[np.int64]:
        """Return the option that pays most often, shape [blocks, trials]."""
        return self.probabilities.argmax(axis=2)


class _Row(NamedTuple):
    line: int
    block: int
    schedule: str
    trial: int
    probabilities: tuple[float, float]
    choice: int
    reward: int


def read_recording(path: str | Path) -> Recording:
    """Return the recorded blocks of a CSV file of at most 64 MB.

    Raises `FileError` naming file, line, column, value and what is allowed.
    """
    blocks: list[list[_Row]] = []
    seen: set[int] = set()
    for row in _rows(path):
        if not blocks or row.block != blocks[-1][0].block:
            if row.block in seen:
                raise _error(path, row.line, "block", row.block, "a block whose rows stand together")
            if blocks:
                _check_length(path, row.line - 1, blocks)
            seen.add(row.block)
            blocks.append([])
        if row.trial != len(blocks[-1]):
            allowed = f"{len(blocks[-1])}, for the trials of block {row.block} go 0, 1, 2, ..."
            raise _error(path, row.line, "trial", row.trial, allowed)
        if blocks[-1] and row.schedule != blocks[-1][0].schedule:
            raise _error(path, row.line, "schedule", row.schedule, f"{blocks[-1][0].schedule!r}, one a block")
        blocks[-1].append(row)
    if not blocks:
        raise FileError(message(f"{path}, rows below the header", 0, "at least one recorded block"))
    _check_length(path, blocks[-1][-1].line, blocks)
    return Recording(
        _frozen(np.array([block[0].block for block in blocks], dtype=np.int64)),
        tuple(block[0].schedule for block in blocks),
        _frozen(np.array([[row.probabilities for row in block] for block in blocks], dtype=np.float64)),
        _frozen(np.array([[row.choice for row in block] for block in blocks], dtype=np.int64)),
        _frozen(np.array([[row.reward for row in block] for block in blocks], dtype=np.int64)),
    )


def _rows(path: str | Path) -> Iterator[_Row]:
    content = read_whole(Path(path), _LARGEST_FILE, "recorded blocks")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        value = content[error.start : error.end]
        raise FileError(message(f"{path}, line {line}", value, "UTF-8 text")) from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        for column in _COLUMNS:
            if header.count(column) != 1:
                raise FileError(
                    message(f"{path}, line 1, columns", header, f"{', '.join(_COLUMNS)}, each once")
                )
        position = {column: header.index(column) for column in _COLUMNS}
        for cells in reader:
            if len(cells) != len(header):
                raise FileError(message(f"{path}, line {reader.line_num}", cells, f"{len(header)} values"))
            yield _row(path, reader.line_num, {column: cells[position[column]] for column in _COLUMNS})
    except csv.Error as error:
        raise FileError(
            message(f"{path}, line {reader.line_num}", str(error), "comma-separated values")
        ) from error


def _row(path: str | Path, line: int, cells: dict[str, str]) -> _Row:
    def read(column: str, pattern: re.Pattern[str], kind: Callable[[str], Cell], allowed: str) -> Cell:
        if not pattern.match(cells[column]):
            raise _error(path, line, column, cells[column], allowed)
        return kind(cells[column])

    def probability(column: str) -> float:
        value = read(column, _PROBABILITY, float, "a number from 0 to 1")
        if not 0.0 <= value <= 1.0:
            raise _error(path, line, column, cells[column], "a number from 0 to 1")
        return value

    whole = "a whole number from 0 to 999999999"
    if cells["choice"] not in OPTIONS:
        raise _error(path, line, "choice", cells["choice"], " or ".join(OPTIONS))
    if cells["reward"] not in ("0", "1"):
        raise _error(path, line, "reward", cells["reward"], "0 or 1")
    circle, square = probability("p_circle"), probability("p_square")
    if circle == square:
        raise _error(path, line, "p_square", cells["p_square"], "not p_circle, so that one is better")
    return _Row(
        line,
        read("block", _WHOLE, int, whole),
        read("schedule", _SCHEDULE, str, "1 to 32 printable characters without blanks, such as 80/20"),
        read("trial", _WHOLE, int, whole),
        (circle, square),
        OPTIONS.index(cells["choice"]),
        int(cells["reward"]),
    )


def _check_length(path: str | Path, line: int, blocks: list[list[_Row]]) -> None:
    """Refuse a last block that is not as long as the first."""
    if len(blocks[-1]) != len(blocks[0]):
        where = f"{path}, line {line}, trials of block {blocks[-1][0].block}"
        raise FileError(
            message(where, len(blocks[-1]), f"{len(blocks[0])}, as in block {blocks[0][0].block}")
        )


def _error(path: str | Path, line: int, column: str, value: object, allowed: str) -> FileError:
    return FileError(message(f"{path}, line {line}, column {column}", value, allowed))


def _frozen(array: NDArray[np.generic]) -> NDArray:
    array.setflags(write=False)
    return array
