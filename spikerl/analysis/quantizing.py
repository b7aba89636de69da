"""What do few bits cost? Scores of every cell, paired differences to floating point, updates lost, limits.

An instance has the same luck in every cell: differences are taken within instances, and intervals are over them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from spikerl.analysis.intervals import Interval, mean_over_blocks
from spikerl.errors import FileError, message
from spikerl.results.quantizing import FLOAT, TABLE, Comparison, Row


class Cell(NamedTuple):
    """One cell over its `n` instances.

    `measure`: the score that `measured` chooses, and `difference`: that minus floating point's, paired by instance,
    with 95 % t intervals; the difference of floating point from itself is 0. `lost`: the share of updates that changed
    nothing, and `below` that of updates smaller than half a step, NaN where there were none; `stored`: changes of what
    is stored in an instance, their mean.
    """

    bits: int
    rounding: str
    when: str
    method: str
    hidden_bits: int
    memory_bits: int
    n: int
    measure: Interval
    difference: Interval
    lost: float
    stored: float
    below: float

    @property
    def floating(self) -> bool:
        """Whether weights were in floating point."""
        return self.bits == FLOAT


class Limit(NamedTuple):
    """The greatest number of `bits`, at most 16, at which a way of rounding loses more than `points` of a hundred.

    None where no width that was tried does. `loss` is that cell's, in points, with its interval; NaN where none is.
    """

    rounding: str
    when: str
    method: str
    points: float
    bits: int | None
    loss: Interval


class _Key(NamedTuple):
    bits: int
    rounding: str
    when: str
    method: str


def measured(when: str, rows: Iterable[Row]) -> str:
    """Return which score counts: "learning" for cells that learn in few bits and have one, else "test"."""
    return "learning" if when == "during" and any(math.isfinite(row.learning) for row in rows) else "test"


def summarise(cells: Iterable[Sequence[object]]) -> list[Cell]:
    """Return the cells in the order in which their rows first come; `cells` are rows as `Row` has them.

    The float of a cell is the one with 32 bits that is most like it: of its method, its `when`, its rounding, in this
    order. Raises `FileError` where there is no cell in floating point, or an instance has no score in it.
    """
    rows = [row if isinstance(row, Row) else Row(*row) for row in cells]  # type: ignore[arg-type]
    grouped = _grouped(rows)
    floats = {key: found for key, found in grouped.items() if key.bits == FLOAT}
    if not floats:
        remedy = f"quantize again with {FLOAT} among the bits"
        allowed = f"a cell in floating point, of {FLOAT} bits, to compare with"
        raise FileError(message("cells", f"bits of {sorted({key.bits for key in grouped})}", allowed, remedy))
    return [_cell(key, found, floats) for key, found in grouped.items()]


def floating(rows: Sequence[Row], when: str) -> Interval:
    """Return the score of floating point that cells of `when` are compared with: its mean over instances."""
    which = measured(when, [row for row in rows if row.when == when])
    grouped = _grouped(rows)
    key = _Key(FLOAT, "", when, "")
    chosen = _float_of(key, attrgetter(which), {one: found for one, found in grouped.items() if one.bits == FLOAT})
    return mean_over_blocks([getattr(row, which) for row in chosen])


def compared(comparison: Comparison) -> list[Cell]:
    """Return `summarise` of the rows of a comparison, held against the numbers of its table.

    Raises `FileError` where the table has other cells or other numbers than the rows give.
    """
    cells = summarise(comparison.rows)
    where, remedy = f"{comparison.path / TABLE}", "restore the file, or quantize again"
    if len(comparison.table) != len(cells):
        allowed = f"one for each of the {len(cells)} cells"
        raise FileError(message(f"{where}, rows", len(comparison.table), allowed, remedy))
    for cell, line in zip(cells, comparison.table, strict=True):
        name = f"{cell.bits} bits, {cell.rounding}, {cell.when}, {cell.method}"
        for column, value in tabulated(cell).items():
            said = line.get(column, "")
            if not _same(said, value):
                raise FileError(message(f"{where}, {name}, {column}", said, f"{value}, as the rows give", remedy))
    return cells


def tabulated(cell: Cell) -> dict[str, int | float | str]:
    """Return what the table says of a cell, by column."""
    measure, difference = cell.measure, cell.difference
    named = ("bits", "rounding", "when", "method", "hidden_bits", "memory_bits", "n")
    return {
        **{name: getattr(cell, name) for name in named},
        **dict(zip(("measure", "low", "high"), measure, strict=False)),
        **dict(zip(("difference", "difference_low", "difference_high"), difference, strict=False)),
        "lost": cell.lost,
    }


def limits(cells: Sequence[Cell], points: Sequence[float] = (1, 5)) -> list[Limit]:
    """Return, for each rounding, `when` and method in their order, the limit at each of `points`.

    Going down from 16 bits: the first width whose mean loss is larger than so many points of a hundred.
    """
    found = []
    for key in dict.fromkeys((cell.rounding, cell.when, cell.method) for cell in cells if not cell.floating):
        mine = sorted(
            (cell for cell in cells if not cell.floating and (cell.rounding, cell.when, cell.method) == key),
            key=lambda cell: -cell.bits,
        )
        for most in points:
            first = next((cell for cell in mine if -100.0 * cell.difference.value > most), None)
            bits, loss = (None, _UNKNOWN) if first is None else (first.bits, points_lost(first))
            found.append(Limit(*key, most, bits, loss))
    return found


def points_lost(cell: Cell) -> Interval:
    """Return ``-100 difference``: the points of a hundred that a cell loses."""
    value, low, high, n = cell.difference
    return Interval(0.0 - 100.0 * value, 0.0 - 100.0 * high, 0.0 - 100.0 * low, n)


_UNKNOWN = Interval(math.nan, math.nan, math.nan, 0)


def _same(text: str, value: int | float | str) -> bool:
    """Say whether the text of a table is a value, up to the rounding of sums."""
    if not isinstance(value, float):
        return text == str(value)
    try:
        said = float(text)
    except ValueError:
        return False
    return math.isclose(said, value, rel_tol=1e-6, abs_tol=1e-9) or (math.isnan(said) and math.isnan(value))


def _grouped(rows: Iterable[Row]) -> dict[_Key, list[Row]]:
    grouped: dict[_Key, list[Row]] = {}
    for row in rows:
        grouped.setdefault(_Key(row.bits, row.rounding, row.when, row.method), []).append(row)
    return grouped


def _cell(key: _Key, rows: list[Row], floats: dict[_Key, list[Row]]) -> Cell:
    which = measured(key.when, rows)
    score = attrgetter(which)
    beside = {row.instance: score(row) for row in _float_of(key, score, floats)}
    for row in rows:
        if not math.isfinite(score(row)) or not math.isfinite(beside.get(row.instance, math.nan)):
            where = f"cell of {key.bits} bits, {key.rounding}, {key.when}, {key.method}, instance {row.instance}"
            allowed = "one in the cell and one in floating point"
            raise FileError(message(where, f"no {which} score", allowed, "quantize again"))
    values = np.array([score(row) for row in rows])
    gaps = values - np.array([beside[row.instance] for row in rows])
    asked = sum(row.updates for row in rows)
    return Cell(
        *key,
        hidden_bits=rows[0].hidden_bits,
        memory_bits=rows[0].memory_bits,
        n=len(rows),
        measure=mean_over_blocks(values),
        difference=mean_over_blocks(gaps),
        lost=1.0 - sum(row.stored for row in rows) / asked if asked else math.nan,
        stored=sum(row.stored for row in rows) / len(rows),
        below=sum(row.below for row in rows) / asked if asked else math.nan,
    )


def _float_of(key: _Key, score: Callable[[Row], float], floats: dict[_Key, list[Row]]) -> list[Row]:
    """Return the rows in floating point that are most like `key`, of those that have its score."""
    having = [one for one, rows in floats.items() if any(math.isfinite(score(row)) for row in rows)]
    if not having:
        return []
    best = max(having, key=lambda one: (one.method == key.method, one.when == key.when, one.rounding == key.rounding))
    return floats[best]
