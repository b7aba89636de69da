"""The page of a comparison of bit widths: limits in words, figures, and every cell with its paired difference."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from spikerl.analysis.intervals import Interval
from spikerl.analysis.quantizing import Cell, Limit, compared, floating, limits, points_lost
from spikerl.files import replace_whole
from spikerl.report import numbers
from spikerl.report.document import styled, template
from spikerl.report.quantizing_sections import (
    WHEN,
    clipped,
    line_label,
    lowest,
    measure_name,
    quantizing_panels,
    ways,
)
from spikerl.report.sections import Panel
from spikerl.results.quantizing import FLOAT, Comparison

PAGE = "report.html"
_METHODS = {
    "hidden": "hidden: bits that are stored and not transmitted gather small updates",
    "metaplastic": "metaplastic: hidden states that are the less likely to be left the deeper they lie",
    "dither": "dither: the random number of rounding is made of digits of the eligibility",
    "scaled": "scaled: updates grow as the step does",
}
_OWN_ROUNDING = {"dither", "metaplastic"}


class TableRow(NamedTuple):
    """A cell as the table shows it."""

    bits: str
    memory: str
    measure: Interval
    difference: Interval
    lost: str
    below: str


class Group(NamedTuple):
    """The cells of one way of storing, before or while learning."""

    title: str
    rows: tuple[TableRow, ...]


class ComparedRun(NamedTuple):
    """What the page says of a comparison; the frame of pages takes `lead`, `note`, `facts` and `toml`."""

    lead: str
    note: str
    facts: tuple[tuple[str, str], ...]
    toml: str
    measure: str
    limits: tuple[str, ...]
    limits_note: str
    panels: list[Panel]
    groups: tuple[Group, ...]
    table_note: str
    command: str


def quantizing_report(directory: str | Path, out: str | Path | None = None) -> Path:
    """Write the page of the comparison in `directory`, atomically, to `out` or its ``report.html``; return its path.

    Equal files give equal bytes. Raises `FileError` where the directory is damaged or none of a comparison, has no
    cell in floating point, or `out` cannot be written.
    """
    path = Path(out) if out is not None else Path(directory) / PAGE
    replace_whole(path, quantizing_page(Comparison.open(directory)).encode("utf-8"))
    return path


def quantizing_page(comparison: Comparison) -> str:
    """Return the page as text; raises `FileError` where there is no cell in floating point."""
    cells = compared(comparison)
    run = ComparedRun(
        lead=_lead(comparison, cells),
        note="",
        facts=_facts(comparison, cells),
        toml=comparison.text,
        measure=measure_name(comparison),
        limits=_limits(cells),
        limits_note=_limits_note(cells),
        panels=quantizing_panels(comparison, cells),
        groups=_groups(comparison, cells),
        table_note=_table_note(cells),
        command=_command(comparison, cells),
    )
    return template("quantizing.html.j2").render(
        title=f"{subject(comparison)} · few bits", runs=[run], **styled("style.css", "quantizing.css")
    )


def subject(comparison: Comparison) -> str:
    """Return what learned, in short: task and circuit, or the data of layers."""
    data = _name(comparison, "data")
    return f"{data} · DCLL" if data else f"{_name(comparison, 'task') or 'run'} · {_name(comparison, 'circuit')}"


def _name(comparison: Comparison, table: str) -> str:
    part = comparison.experiment.get(table)
    return str(part.get("name", "")) if isinstance(part, dict) else ""


def _lead(comparison: Comparison, cells: Sequence[Cell]) -> str:
    """Return, for each `when`, floating point's score and how far down the mean loss stays within a point."""
    said = []
    name = measure_name(comparison)
    within = name if name.startswith("P(") else name.lower()
    for when, words in (("after", "Rounded after learning"), ("during", "Learning in few bits")):
        mine = [cell for cell in cells if cell.when == when and not cell.floating]
        if mine:
            score = f"{within} is {_level(comparison, when)} in floating point"
            said.append(f"{words}: {score}; {_farthest(mine)}.")
    alone = f"{name} is {_level(comparison, 'during')} in floating point."
    return " ".join(said) or f"{alone} There is no cell in few bits to hold against it."


def _level(comparison: Comparison, when: str) -> str:
    level = clipped(floating(comparison.rows, when), lowest(comparison))
    return f"{numbers.number(level.value, 3)}{f' {numbers.bounds(level, 3)}' if level.known() else ''}"


def _farthest(cells: Sequence[Cell]) -> str:
    """Return which way keeps the mean loss within 1 point down to the fewest bits, at all greater widths too."""
    broken = {(one.rounding, one.method): one.bits or 0 for one in limits(cells, (1,))}
    good = [cell for cell in cells if cell.bits > broken[cell.rounding, cell.method]]
    if not good:
        return f"more than 1 point of a hundred is lost from {numbers.count(max(c.bits for c in cells), 'bit')} down"
    best = min(good, key=lambda cell: (cell.bits, cell.memory_bits, points_lost(cell).value))
    method = "" if best.method in ("plain", best.rounding) else f" ({best.method})"
    return (
        f"the mean loss stays within 1 point of a hundred down to {numbers.count(best.bits, 'bit')}{_memory(best)},"
        f" with {best.rounding} rounding{method}: {_points(points_lost(best))}"
    )


def _limits(cells: Sequence[Cell]) -> tuple[str, ...]:
    """Return a sentence for each way of storing and each `when`."""
    found = limits(cells)
    sentences = []
    for key in dict.fromkeys((one.rounding, one.when, one.method) for one in found):
        mine = [one for one in found if (one.rounding, one.when, one.method) == key]
        rounding, when, method = key
        tried = [cell for cell in cells if (cell.rounding, cell.when, cell.method) == key and not cell.floating]
        text = "; ".join(_limit(one, tried) for one in mine)
        label = line_label(rounding, method)
        sentences.append(f"{label[:1].upper()}{label[1:]}, {when} learning: {text}.")
    return tuple(sentences)


def _limit(one: Limit, tried: Sequence[Cell]) -> str:
    most = numbers.count(int(one.points), "point")
    if one.bits is None:
        return f"more than {most} never, down to {numbers.count(min(cell.bits for cell in tried), 'bit')}"
    return f"more than {most} first at {numbers.count(one.bits, 'bit')}, {_points(one.loss)}"


def _limits_note(cells: Sequence[Cell]) -> str:
    if all(cell.floating for cell in cells):
        return "There is no cell in few bits to state a limit for."
    text = (
        "Limits go down from 16 bits, over the widths that were tried: the first at which the mean loss to floating"
        " point is larger than so many points of a hundred. Losses are paired by instance, with 95 % t intervals."
    )
    methods = {part for cell in cells for part in cell.method.split("+")}
    return " ".join([text, *(f"{words.capitalize()}." for name, words in _METHODS.items() if name in methods)])


def _groups(comparison: Comparison, cells: Sequence[Cell]) -> tuple[Group, ...]:
    """Return floating point first, then every way of storing, after and during learning, the most bits first."""
    least = lowest(comparison)
    groups = []
    for when, title in WHEN.items():
        if any(cell.when == when for cell in cells):
            level = floating(comparison.rows, when)
            none = level._replace(value=0.0, low=0.0, high=0.0) if level.known() else level._replace(value=0.0)
            row = TableRow(f"{FLOAT}", f"{FLOAT}", clipped(level, least), none, numbers.UNDEFINED, numbers.UNDEFINED)
            groups.append(Group(f"{title}: floating point", (row,)))
        for rounding, method in ways(cells):
            mine = [c for c in cells if (c.when, c.rounding, c.method) == (when, rounding, method) and not c.floating]
            if mine:
                rows = tuple(_row(cell, least) for cell in sorted(mine, key=lambda cell: -cell.bits))
                groups.append(Group(f"{title}: {line_label(rounding, method)}", rows))
    return tuple(groups)


def _row(cell: Cell, least: float) -> TableRow:
    value, low, high, n = cell.difference
    points = Interval(100.0 * value, 100.0 * low, 100.0 * high, n)
    return TableRow(
        bits=str(cell.bits),
        memory=str(cell.memory_bits),
        measure=clipped(cell.measure, least),
        difference=points,
        lost=_share(cell.lost),
        below=_share(cell.below),
    )


def _table_note(cells: Sequence[Cell]) -> str:
    text = (
        "Differences are the score in few bits minus that in floating point, paired by instance: both had the same"
        " weights at first, the same input and the same luck. Intervals are over instances (Student)."
    )
    if any(cell.hidden_bits for cell in cells):
        text += " Memory of a synapse: the bits of its weight and the hidden ones."
    return text


def _facts(comparison: Comparison, cells: Sequence[Cell]) -> tuple[tuple[str, str], ...]:
    """Return what was run, as pairs for the header; the last two are wide."""
    facts = comparison.facts
    few = [cell for cell in cells if not cell.floating]
    seconds = (datetime.fromisoformat(facts.ended) - datetime.fromisoformat(facts.started)).total_seconds()
    minutes, rest = divmod(max(round(seconds), 0), 60)
    pairs = [
        ("Circuit", _name(comparison, "circuit")),
        ("Task", _name(comparison, "task")),
        ("Data", _name(comparison, "data")),
        ("Back end", facts.backend),
        ("Instances of a cell", f"{facts.instances:,}"),
        ("Cells", f"{len(few):,} and floating point"),
        ("Bits", ", ".join(map(str, sorted({cell.bits for cell in few})))),
        ("Rounding", ", ".join(dict.fromkeys(cell.rounding for cell in few))),
        ("Quantised", ", ".join(f"{when} learning" for when in WHEN if any(cell.when == when for cell in few))),
        ("Methods", ", ".join(dict.fromkeys(cell.method for cell in few))),
        ("Trials of the test", f"{facts.test:,}" if _tested(comparison) else ""),
        ("Seed", str(facts.seed)),
        ("Begun", facts.started.replace("T", " ").replace("+00:00", " UTC")),
        ("Took", f"{minutes} min {rest} s" if minutes else f"{rest} s"),
        ("Python", facts.python),
        ("Versions", ", ".join(f"{name} {version}" for name, version in sorted(facts.versions.items()))),
        ("SHA-256 of the cells", facts.sha256["cells.csv"]),
    ]
    return tuple((name, value) for name, value in pairs if value)


def _command(comparison: Comparison, cells: Sequence[Cell]) -> str:
    """Return the command that makes the comparison again, safe to paste into a shell.

    Roundings are those that were asked for: some methods round in a way of their own.
    """
    own = {cell for cell in cells if _OWN_ROUNDING & set(cell.method.split("+"))}
    lists = {
        "--bits": sorted({str(cell.bits) for cell in cells} | {str(FLOAT)}, key=int),
        "--rounding": list(dict.fromkeys(cell.rounding for cell in cells if not cell.floating and cell not in own)),
        "--when": list(dict.fromkeys(cell.when for cell in cells if not cell.floating)),
        "--method": list(dict.fromkeys(cell.method for cell in cells if not cell.floating)),
    }
    facts = comparison.facts
    words = ["spikerl", "quantize", "experiment.toml"]
    for option, values in lists.items():
        words += [option, ",".join(values)] if values else []
    words += ["--seeds", str(facts.instances), *(["--test", str(facts.test)] if _tested(comparison) else [])]
    return shlex.join([*words, "--backend", facts.backend, "--out", "again"])


def _tested(comparison: Comparison) -> bool:
    """Say whether a circuit played trials of a test; layers are tested with the samples that their data has."""
    return bool(comparison.facts.test) and not _name(comparison, "data")


def _share(share: float) -> str:
    return numbers.UNDEFINED if math.isnan(share) else numbers.percent(share)


def _memory(cell: Cell) -> str:
    return f" ({numbers.count(cell.memory_bits, 'bit')} of memory a synapse)" if cell.hidden_bits else ""


def _points(loss: Interval) -> str:
    bounds = f" {numbers.bounds(loss, 1)}" if loss.known() else ""
    return f"{numbers.number(loss.value, 1)}{bounds} points"
