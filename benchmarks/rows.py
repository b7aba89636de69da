"""Rows of evidence: a name, a value with its interval, a target and whether it holds, as a table and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

PACKAGES = ("spikerl", "numpy", "numba", "brian2", "norse", "torch", "nest-simulator")


class Row(NamedTuple):
    """One figure: `value` with bounds `low` and `high`, the `target` in words, whether it `holds`, and its `source`."""

    name: str
    value: float
    low: float
    high: float
    target: str
    holds: bool
    source: str


def machine() -> dict[str, object]:
    """Return what the figures were measured on: processor, cores, Python, package versions, date."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": versions,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def table(rows: Sequence[Row]) -> str:
    """Return the rows as aligned text."""
    texts: list[tuple[str, ...]] = [("", "value", "low", "high", "target", "")]
    for row in rows:
        numbers = tuple(f"{number:.3g}" for number in (row.value, row.low, row.high))
        texts.append((row.name, *numbers, row.target, "holds" if row.holds else "MISSED"))
    widths = [max(len(text[column]) for text in texts) for column in range(6)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(t, widths, strict=True)).rstrip() for t in texts
    )


def printed(rows: Sequence[Row]) -> None:
    """Print the table, and where its figures come from."""
    print(table(rows))
    for row in rows:
        print(f"{row.name}: {row.source}")


def write(path: Path, rows: Sequence[Row], keep: bool = False) -> None:
    """Write the rows to `path` as a JSON list, each with what it was measured on, replacing the file at once.

    With `keep`, a row takes the place of one with its name, and what else the file has stays.
    """
    measured = machine()
    found = {row.name: row._asdict() | {"measured": measured} for row in rows}
    before = json.loads(path.read_text(encoding="utf-8")) if keep and path.is_file() else []
    document = [found.pop(row["name"], row) for row in before] + list(found.values())
    part = path.with_suffix(".part")
    part.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    part.replace(path)
