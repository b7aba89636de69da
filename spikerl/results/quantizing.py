"""The directory of a comparison of bit widths: cells, histograms of weights, and what belongs to it, read with checks.

``manifest.json`` names the SHA-256 of every other file. ``cells.csv`` has a row for each cell (bits, rounding, when,
method) and instance, ``histograms.csv`` one for each bar of the weights before and after, ``table.csv`` the cells'
summary. A number that is none, or that no run can give, is refused with its line.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spikerl.errors import FileError, message
from spikerl.files import read_whole, sha256
from spikerl.results import experiment_text
from spikerl.results.manifest import NAME, first_fault

CELLS = "cells.csv"
HISTOGRAMS = "histograms.csv"
TABLE = "table.csv"
FLOAT = 32
LARGEST = 256 * 2**20
_LARGEST_MANIFEST = 2**20
_REMEDY = "restore the file, or quantize again"
_WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)
_LONGEST_NAME = 200

_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Name = Annotated[str, Field(min_length=1, max_length=_LONGEST_NAME)]
_Time = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")]


class Row(NamedTuple):
    """One instance of a cell, as a row of ``cells.csv``.

    `bits` (1 to 16, or 32 for floating point), `rounding`, `when` ("during" learning or "after" it) and `method` name
    the cell; `memory_bits` of a synapse have the `hidden_bits` in them. `learning` and `test`: the scores while it
    learned and in the test with weights held, NaN where there is none. `updates` asked for a change, `below` of them
    were smaller than half a step, `stored` of them changed what is stored.
    """

    bits: int
    rounding: str
    when: str
    method: str
    hidden_bits: int
    memory_bits: int
    instance: int
    learning: float
    test: float
    updates: int
    below: int
    stored: int


class Bar(NamedTuple):
    """One bar of a histogram of weights, as a row of ``histograms.csv``, whose column `count` is `weights` here.

    So many weights of all instances of a cell lie from `low` to `high`, "before" or "after" (`moment`).
    """

    bits: int
    rounding: str
    when: str
    method: str
    projection: str
    moment: str
    low: float
    high: float
    weights: int


BAR_COLUMNS = (*Bar._fields[:-1], "count")


class Facts(BaseModel):
    """Who made a comparison, with what, when, and the SHA-256 of each of its files."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    format: Literal[1] = 1
    experiment: _Name
    backend: _Name
    seed: int = Field(ge=0, lt=2**63)
    instances: int = Field(ge=1, lt=2**31)
    test: int = Field(ge=0, lt=2**31)
    started: _Time
    ended: _Time
    python: _Name
    versions: dict[_Name, _Name]
    sha256: dict[_Name, _Digest]


@dataclass(frozen=True, eq=False)
class Comparison:
    """A comparison of bit widths, read-only.

    `path`: its directory. `facts`: who, when, with what. `experiment`: the tables of ``experiment.toml``, whose text is
    `text`. `rows` and `bars` in the order of the files; `table`: the rows of ``table.csv`` by column, as text.
    """

    path: Path
    facts: Facts
    experiment: Mapping[str, Any]
    text: str
    rows: tuple[Row, ...]
    bars: tuple[Bar, ...]
    table: tuple[Mapping[str, str], ...]

    @classmethod
    def open(cls, directory: str | Path) -> Comparison:
        """Read the directory of a comparison.

        The SHA-256 of each file is held against the manifest before the file is parsed. Raises `FileError`, with the
        reason, for what is missing, damaged, too large, or no comparison.
        """
        path = Path(directory)
        if not path.is_dir():
            raise FileError(message(f"comparison {path}", "no directory", "the directory of a comparison"))
        facts = _facts(path)
        _verified(path, experiment_text.NAME, facts)
        text, experiment = experiment_text.read_toml(path / experiment_text.NAME)
        rows = tuple(_row(path / CELLS, line, found) for line, found in _lines(path, CELLS, facts, Row._fields))
        if not rows:
            raise FileError(message(f"{path / CELLS}", "no row", "a row for each cell and instance", _REMEDY))
        _once(path / CELLS, [(*row[:4], row.instance) for row in rows])
        drawn = _lines(path, HISTOGRAMS, facts, BAR_COLUMNS)
        bars = tuple(_bar(path / HISTOGRAMS, line, found) for line, found in drawn)
        table = tuple(dict(found) for _, found in _lines(path, TABLE, facts, Row._fields[:4]))
        return cls(path, facts, experiment, text, rows, bars, table)


def holds_comparison(directory: Path) -> bool:
    """Say whether a directory is one of a comparison of bit widths."""
    return (directory / CELLS).is_file()


def _facts(directory: Path) -> Facts:
    content = read_whole(directory / NAME, _LARGEST_MANIFEST, "manifest")
    try:
        return Facts.model_validate_json(content)
    except ValidationError as error:
        raise first_fault(directory / NAME, error, _REMEDY) from error


def _verified(directory: Path, name: str, facts: Facts) -> bytes:
    content = read_whole(directory / name, LARGEST, name)
    wanted = facts.sha256.get(name)
    if sha256(content) != wanted:
        allowed = f"{wanted}, as in {NAME}" if wanted else f"none: {NAME} does not name it"
        remedy = "the file was damaged or changed; restore it, or quantize again"
        raise FileError(message(f"{directory / name}, SHA-256", sha256(content), allowed, remedy))
    return content


def _lines(
    directory: Path, name: str, facts: Facts, columns: Sequence[str]
) -> list[tuple[int, Mapping[str, str]]]:
    """Return the rows of a file by column, each with its line; `columns` must be there, in any order."""
    path = directory / name
    content = _verified(directory, name, facts)
    try:
        reader = csv.reader(io.StringIO(content.decode(), newline=""), strict=True)
        lines = [(reader.line_num, row) for row in reader]
    except UnicodeDecodeError as error:
        raise FileError(message(f"{path}", content[error.start : error.end], "UTF-8 text", _REMEDY)) from error
    except csv.Error as error:
        raise FileError(message(f"{path}", str(error), "comma-separated values", _REMEDY)) from error
    header = lines[0][1] if lines else []
    missing = [column for column in columns if header.count(column) != 1]
    if missing:
        allowed = f"the column {missing[0]!r}, once"
        raise FileError(message(f"{path}, header", ",".join(header), allowed, _REMEDY))
    for line, row in lines[1:]:
        if len(row) != len(header):
            allowed = f"{len(header)}, as in the header"
            raise FileError(message(f"{path}, line {line}, values", len(row), allowed, _REMEDY))
    return [(line, dict(zip(header, row, strict=True))) for line, row in lines[1:]]


def _row(path: Path, line: int, found: Mapping[str, str]) -> Row:
    where = f"{path}, line {line}"
    values = _cell(where, found)
    score = "a number from -1 to 1, or nan"
    row = Row(
        *values,
        hidden_bits=_whole(where, found, "hidden_bits"),
        memory_bits=_whole(where, found, "memory_bits"),
        instance=_whole(where, found, "instance"),
        learning=_real(where, found, "learning", score, lambda value: math.isnan(value) or abs(value) <= 1.0),
        test=_real(where, found, "test", score, lambda value: math.isnan(value) or abs(value) <= 1.0),
        updates=_whole(where, found, "updates"),
        below=_whole(where, found, "below"),
        stored=_whole(where, found, "stored"),
    )
    if row.memory_bits != row.bits + row.hidden_bits:
        allowed = f"{row.bits + row.hidden_bits}, bits and hidden bits"
        raise FileError(message(f"{where}, memory_bits", row.memory_bits, allowed, _REMEDY))
    for name in ("below", "stored"):
        if getattr(row, name) > row.updates:
            allowed = f"at most the {row.updates} updates"
            raise FileError(message(f"{where}, {name}", getattr(row, name), allowed, _REMEDY))
    return row


def _bar(path: Path, line: int, found: Mapping[str, str]) -> Bar:
    where = f"{path}, line {line}"
    low = _real(where, found, "low", "a finite number", math.isfinite)
    high = _real(where, found, "high", f"a finite number above {low:g}", lambda value: low < value < math.inf)
    moment = _choice(where, found, "moment", ("before", "after"))
    named = _named(where, found, "projection")
    return Bar(*_cell(where, found), named, moment, low, high, _whole(where, found, "count"))


def _cell(where: str, found: Mapping[str, str]) -> tuple[int, str, str, str]:
    bits = _whole(where, found, "bits")
    if not 1 <= bits <= 16 and bits != FLOAT:
        raise FileError(message(f"{where}, bits", bits, f"1 to 16, or {FLOAT} for floating point", _REMEDY))
    when = _choice(where, found, "when", ("after", "during"))
    return bits, _named(where, found, "rounding"), when, _named(where, found, "method")


def _whole(where: str, found: Mapping[str, str], column: str) -> int:
    text = found[column]
    if not _WHOLE.fullmatch(text):
        raise FileError(message(f"{where}, {column}", text, "a whole number, 0 or above", _REMEDY))
    return int(text)


def _real(where: str, found: Mapping[str, str], column: str, allowed: str, valid: Callable[[float], bool]) -> float:
    text = found[column]
    value = float(text) if _REAL.fullmatch(text) else math.nan
    if not (value == value or text.lower() in ("", "nan")) or not valid(value):
        raise FileError(message(f"{where}, {column}", text, allowed, _REMEDY))
    return value


def _choice(where: str, found: Mapping[str, str], column: str, allowed: tuple[str, ...]) -> str:
    if found[column] not in allowed:
        raise FileError(message(f"{where}, {column}", found[column], " or ".join(allowed), _REMEDY))
    return found[column]


def _named(where: str, found: Mapping[str, str], column: str) -> str:
    text = found[column]
    if not 0 < len(text) <= _LONGEST_NAME or not text.isprintable():
        allowed = f"a name of 1 to {_LONGEST_NAME} printable characters"
        raise FileError(message(f"{where}, {column}", text, allowed, _REMEDY))
    return text


def _once(path: Path, keys: Sequence[tuple[object, ...]]) -> None:
    """Raise `FileError` where an instance of a cell has two rows."""
    seen = set()
    for key in keys:
        if key in seen:
            bits, rounding, when, method, instance = key
            where = f"{path}, cell of {bits} bits, {rounding}, {when}, {method}"
            raise FileError(message(where, f"instance {instance} twice", "every instance once", _REMEDY))
        seen.add(key)
