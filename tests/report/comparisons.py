"""Directories of comparisons of bit widths, written by hand: what a run of `spikerl quantize` would leave."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy import stats

CIRCUIT = '[circuit]\nname = "striatum"\n\n[task]\nname = "reversal"\nschedule = "80/20"\n\n[run]\nseed = 7\n'
LAYERS = '[data]\nname = "digits"\n\n[network]\nlayers = []\n'
CELL_COLUMNS = "bits,rounding,when,method,hidden_bits,memory_bits,instance,learning,test,updates,below,stored"
BAR_COLUMNS = "bits,rounding,when,method,projection,moment,low,high,count"
TABLE_COLUMNS = (
    "bits,rounding,when,method,hidden_bits,memory_bits,n,measure,low,high,difference,difference_low,difference_high,lost"
)

Row = tuple[int, str, str, str, int, int, int, float, float, int, int, int]


def made_up(
    bits: Sequence[int] = (1, 2, 4, 8, 16),
    ways: Sequence[tuple[str, str, int]] = (("nearest", "plain", 0), ("stochastic", "plain", 0)),
    whens: Sequence[str] = ("after", "during"),
    instances: int = 6,
    learning: bool = True,
    seed: int = 1,
) -> list[Row]:
    """Return rows of cells that lose the more the fewer the bits, floating point first; made up, not measured."""
    draws = np.random.default_rng(seed)
    luck = draws.normal(0.0, 0.02, instances)
    rows: list[Row] = []
    for k in range(instances):
        score = round(float(0.82 + luck[k]), 4)
        first = score if learning else np.nan
        rows.append((32, "nearest", "during", "plain", 0, 32, k, first, score, 9000, 0, 9000))
    for when in whens:
        for rounding, method, hidden in ways:
            for width in bits:
                worse = {"nearest": 0.30, "stochastic": 0.14}.get(rounding, 0.2) * (0.4 if hidden else 1.0)
                loss = worse * 2.0 ** (-0.8 * (width - 1)) * (0.7 if when == "after" else 1.0)
                below = int(9000 * min(1.0, 1.4 * 2.0 ** (-(width + hidden) / 4.0)))
                counts = (9000, below, 9000 - below) if when == "during" else (0, 0, 0)
                for k in range(instances):
                    score = round(float(0.82 + luck[k] - loss + draws.normal(0.0, 0.006)), 4)
                    learned = score if learning and when == "during" else np.nan
                    rows.append((width, rounding, when, method, hidden, width + hidden, k, learned, score, *counts))
    return rows


def bars(rows: Sequence[Row], projections: Sequence[str] = ("cortex_d1", "cortex_d2")) -> list[tuple[object, ...]]:
    """Return histograms of the cells of `rows` that learn in few bits: a narrow one before, levels after."""
    found: list[tuple[object, ...]] = []
    edges = np.linspace(0.0, 1.0, 41)
    for cell in dict.fromkeys(row[:4] for row in rows):
        bits, _, when, _ = cell
        if when != "during":
            continue
        for number, projection in enumerate(projections):
            draws = np.random.default_rng((bits, number))
            for moment, values in (("before", draws.normal(0.5, 0.04, 2000)), ("after", draws.beta(1.2, 2.0, 2000))):
                most = 2 ** min(bits, 16) - 1
                shown = np.round(np.clip(values, 0.0, 1.0) * most) / most
                counts = np.histogram(shown, edges)[0]
                drawn = zip(edges[:-1], edges[1:], counts, strict=True)
                found += [(*cell, projection, moment, float(a), float(b), int(n)) for a, b, n in drawn]
    return found


def write(
    folder: Path,
    rows: Sequence[Row] | None = None,
    experiment: str = CIRCUIT,
    histograms: Sequence[tuple[object, ...]] | None = None,
    facts: Mapping[str, object] | None = None,
) -> Path:
    """Write the directory of a comparison and return it; `facts` replace keys of the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = made_up() if rows is None else rows
    histograms = bars(rows) if histograms is None else histograms
    cells = dict.fromkeys(row[:4] for row in rows)
    text = {
        "experiment.toml": experiment,
        "cells.csv": _csv(CELL_COLUMNS, rows),
        "histograms.csv": _csv(BAR_COLUMNS, histograms),
        "table.csv": _csv(TABLE_COLUMNS, [_line([row for row in rows if row[:4] == cell], rows) for cell in cells]),
    }
    for name, content in text.items():
        (folder / name).write_bytes(content.encode())
    seal(folder, facts or {})
    return folder


def seal(folder: Path, facts: Mapping[str, object] | None = None) -> None:
    """Write the manifest, with the digests of what the folder's files now hold."""
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.*")}
    digests.pop("manifest.json", None)
    manifest = {
        "format": 1,
        "experiment": "reversal",
        "backend": "native",
        "seed": 7,
        "instances": 6,
        "test": 40,
        "started": "2026-01-01T10:00:00+00:00",
        "ended": "2026-01-01T10:02:05+00:00",
        "python": "3.12.0",
        "versions": {"spikerl": "0.1.0", "numpy": "2.0.0"},
        "sha256": digests,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest | dict(facts or {})), encoding="utf-8")


def _line(mine: Sequence[Row], rows: Sequence[Row]) -> tuple[object, ...]:
    """Return a row of the table, computed as the page is not: with SciPy, and for one float cell alone."""
    which = 7 if mine[0][2] == "during" and np.isfinite([row[7] for row in mine]).any() else 8
    floats = {row[6]: row[which] for row in rows if row[0] == 32}
    scores = np.array([row[which] for row in mine])
    gaps = scores - np.array([floats.get(row[6], np.nan) for row in mine])
    bounds = []
    for values in (scores, gaps):
        half = stats.sem(values) * stats.t.ppf(0.975, len(values) - 1) if len(values) > 1 else np.nan
        bounds += [float(values.mean()), float(values.mean() - half), float(values.mean() + half)]
    asked = sum(row[9] for row in mine)
    lost = (asked - sum(row[11] for row in mine)) / asked if asked else np.nan
    return (*mine[0][:6], len(mine), *bounds, lost)


def _csv(header: str, rows: Sequence[Sequence[object]]) -> str:
    lines = [",".join(_quoted(value) for value in row) for row in rows]
    return "\n".join([header, *lines]) + "\n"


def _quoted(value: object) -> str:
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n\r') else text
