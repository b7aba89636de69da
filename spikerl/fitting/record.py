"""The directory of a fit: ``fit.json``, ``evaluations.csv``, ``held_out.csv`` and the fitted experiment."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spikerl.behaviour.link import Link
from spikerl.errors import FileError, message
from spikerl.files import read_whole, replace_whole
from spikerl.fitting.evaluating import Evaluation
from spikerl.fitting.ranges import Range

SUMMARY, TABLE, HELD_OUT = "fit.json", "evaluations.csv", "held_out.csv"
_LARGEST = 2**26
_BEFORE, _AFTER = ("number",), ("blocks", "first", "nll", "beta", "kappa")
_ELSE = "fit in another directory (--out)"


def begin(directory: Path, search: Mapping[str, Any]) -> None:
    """Make `directory` that of the fit that `search` defines, or go on with it where it is that already.

    Raises `FileError` where something else is there.
    """
    path = directory / SUMMARY
    if path.is_file():
        try:
            before = json.loads(read_whole(path, _LARGEST, "fit"))["search"]
        except (ValueError, KeyError, TypeError) as error:
            raise FileError(message(f"fit {path}", str(error), "what spikerl fit writes", _ELSE)) from error
        now = json.loads(json.dumps(search))
        for key in now:
            if not isinstance(before, dict) or before.get(key) != now[key]:
                got = before.get(key) if isinstance(before, dict) else before
                raise FileError(message(f"fit {path}, {key}", got, f"{now[key]!r}, as asked for now", _ELSE))
        return
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        allowed = "a new or empty directory, or that of the same fit"
        raise FileError(message("directory of the fit", str(directory), allowed, "give another one (--out)"))
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(message("directory of the fit", str(directory), "a place to write", str(error))) from error
    write_summary(directory, {"search": search, "status": "searching"})


def write_summary(directory: Path, facts: Mapping[str, Any]) -> None:
    """Replace ``fit.json``; a number that is none (NaN) is null there."""
    text = json.dumps({"format": 1, **_without_nan(facts)}, indent=1, allow_nan=False)
    replace_whole(directory / SUMMARY, text.encode() + b"\n")


def write_evaluations(directory: Path, ranges: Sequence[Range], done: Sequence[Evaluation]) -> None:
    """Replace ``evaluations.csv``: a row an evaluation, numbers in the units of the ranges, empty where none is."""
    keys = [one.key for one in ranges]
    rows = [[*_BEFORE, *(f"{one.key} [{one.unit}]" if one.unit else one.key for one in ranges), *_AFTER]]
    for one in done:
        numbers = [each.number(one.settings[key]) for each, key in zip(ranges, keys, strict=True)]
        tail = [one.first, one.nll, one.link.beta, one.link.kappa]
        rows.append([str(one.number), *map(_text, numbers), str(one.blocks), *map(_text, tail)])
    _write(directory / TABLE, rows)


def read_evaluations(directory: Path, ranges: Sequence[Range]) -> list[Evaluation]:
    """Return what ``evaluations.csv`` holds, none where there is no such file; raises `FileError` for a damaged one."""
    path = directory / TABLE
    if not path.is_file():
        return []
    text = read_whole(path, _LARGEST, "evaluations").decode(errors="replace")
    found: list[Evaluation] = []
    for line, cells in enumerate(list(csv.reader(io.StringIO(text)))[1:], 2):
        try:
            number, *numbers, blocks, first, nll, beta, kappa = cells
            if len(numbers) != len(ranges) or int(number) != len(found):
                raise ValueError(f"{len(cells)} cells, number {number}")
            settings = {one.key: one.setting(float(cell)) for one, cell in zip(ranges, numbers, strict=True)}
            link = Link(float(beta), float(kappa))
            found.append(Evaluation(len(found), settings, int(blocks), _number(first), _number(nll), link))
        except ValueError as error:
            remedy = "remove this line and those below it, or fit in another directory (--out)"
            raise FileError(message(f"{path}, line {line}", str(error), "what spikerl fit writes", remedy)) from error
    return found


def write_held_out(directory: Path, blocks: Sequence[int], columns: Mapping[str, Sequence[float]]) -> None:
    """Replace ``held_out.csv``: a row a block, by its number in the data, and the nats per trial of each model."""
    rows = [["block", *columns]]
    rows += [[str(block), *(_text(column[k]) for column in columns.values())] for k, block in enumerate(blocks)]
    _write(directory / HELD_OUT, rows)


def _write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    replace_whole(path, out.getvalue().encode())


def _text(number: float | None) -> str:
    return "" if number is None else repr(float(number))


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def _without_nan(facts: Any) -> Any:
    if isinstance(facts, Mapping):
        return {key: _without_nan(value) for key, value in facts.items()}
    if isinstance(facts, (list, tuple)):
        return [_without_nan(value) for value in facts]
    return None if isinstance(facts, float) and not math.isfinite(facts) else facts
