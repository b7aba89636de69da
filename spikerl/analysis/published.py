"""The figures that runs are held against: rows of ``spikerl.data``, each with its unit and its source."""

from __future__ import annotations

import csv
import io
import json
from importlib import resources
from typing import Literal, NamedTuple, cast

from spikerl.errors import FileError, message
from spikerl.files import sha256

FILES = ("expectations.csv", "published_figures.csv")
RELATIONS = ("equal", "at least", "below", "between")
Relation = Literal["equal", "at least", "below", "between"]


class Figure(NamedTuple):
    """One published figure, or expectation, of the measure `key`.

    `value` is the figure where `relation` is ``"equal"``; `low` and `high` are the bounds where it is another; what
    is not there is NaN. `group` (of animals), `task` and `schedule` are empty where it is of all.
    """

    key: str
    value: float
    low: float
    high: float
    unit: str
    relation: Relation
    group: str
    task: str
    schedule: str
    source: str
    note: str


def figures() -> tuple[Figure, ...]:
    """Return all figures, expectations first; raises `FileError` for a file that is not the one that was shipped."""
    folder = resources.files("spikerl.data")
    sums = json.loads(folder.joinpath("checksums.json").read_text(encoding="utf-8"))
    found: list[Figure] = []
    for name in FILES:
        content = folder.joinpath(name).read_bytes()
        if sha256(content) != sums.get(name):
            allowed = f"{sums.get(name)}, as in checksums.json"
            raise FileError(message(f"spikerl.data, SHA-256 of {name}", sha256(content), allowed, "install again"))
        found += parse(content.decode("utf-8"), name)
    return tuple(found)


def parse(text: str, where: str) -> list[Figure]:
    """Read rows of figures from CSV text; raises `FileError` naming the row that is wrong."""
    rows = []
    for number, cells in enumerate(csv.DictReader(io.StringIO(text, newline="")), 2):
        try:
            texts = {name: cells[name] for name in Figure._fields}
            value, low, high = (float(texts[name] or "nan") for name in ("value", "low", "high"))
        except (KeyError, TypeError, ValueError) as error:
            raise FileError(message(f"{where}, line {number}", cells, ", ".join(Figure._fields))) from error
        if texts["relation"] not in RELATIONS:
            raise FileError(message(f"{where}, line {number}, relation", texts["relation"], ", ".join(RELATIONS)))
        if not texts["source"]:
            raise FileError(message(f"{where}, line {number}, source", "", "author and year"))
        rows.append(
            Figure(
                texts["key"],
                value,
                low,
                high,
                texts["unit"],
                cast(Relation, texts["relation"]),
                texts["group"],
                texts["task"],
                texts["schedule"],
                texts["source"],
                texts["note"],
            )
        )
    return rows
