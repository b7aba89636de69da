"""The panels of a comparison of bit widths: scores, differences, updates lost, weights, memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from spikerl.analysis.intervals import Band, Interval, gather
from spikerl.analysis.quantizing import Cell, floating
from spikerl.errors import FileError, message
from spikerl.report import quantizing_figures as figures
from spikerl.report.drawing import Drawing
from spikerl.report.numbers import count, cut
from spikerl.report.quantizing_figures import Bars, Column, Line, Weights
from spikerl.report.sections import Drawn, Panel, panel
from spikerl.results.quantizing import FLOAT, Bar, Comparison

WHEN = {"after": "After learning", "during": "During learning"}
_BANDS = "bands: 95 % t intervals over instances"
_LEVELS = (0.0, -1.0, -5.0)
_PREFERRED = (4, 2, 8, FLOAT, 3, 6, 1, 16, 5, 12)
_MOST_WIDTHS = 4
_MOST_PROJECTIONS = 6
_MOST_LINES = 10
_MOST_BARS = 2000
_LONGEST = 24


def line_label(rounding: str, method: str) -> str:
    """Return the name of a way of storing weights: its rounding, and its method where that says more."""
    return rounding if method in ("plain", rounding) else f"{rounding}, {method}"


def ways(cells: Sequence[Cell]) -> list[tuple[str, str]]:
    """Return roundings with their methods, in the order of the cells, floating point left out."""
    return list(dict.fromkeys((cell.rounding, cell.method) for cell in cells if not cell.floating))


def measure_name(comparison: Comparison) -> str:
    """Return what is measured: of circuits P(better option), of layers their accuracy, or correlation with curves."""
    data = comparison.experiment.get("data")
    if not isinstance(data, dict):
        return "P(better option)"
    return "Correlation" if data.get("name") == "fig4" else "Accuracy"


def clipped(interval: Interval, lowest: float) -> Interval:
    """Return an interval that ends where the score ends, at `lowest` and at 1."""
    low, high = (float(np.clip(bound, lowest, 1.0)) for bound in (interval.low, interval.high))
    return interval._replace(low=low, high=high)


def lowest(comparison: Comparison) -> float:
    """Return the least that a score can be."""
    return -1.0 if measure_name(comparison) == "Correlation" else 0.0


def quantizing_panels(comparison: Comparison, cells: Sequence[Cell]) -> list[Panel]:
    """Return all panels of the page."""
    name = measure_name(comparison)
    panels = [
        panel(f"{name} over bits", "measure", lambda: measure(comparison, cells)),
        panel("What is lost, in points of a hundred", "difference", lambda: _difference(cells)),
        panel("Updates that are lost", "lost", lambda: _lost(cells)),
        panel("Weights before and after learning", "weights", lambda: _weights(comparison, cells)),
    ]
    if any(cell.hidden_bits for cell in cells):
        panels.append(panel(f"{name} over memory", "memory", lambda: _memory(comparison, cells)))
    return panels


def measure(comparison: Comparison, cells: Sequence[Cell]) -> Drawn:
    """Return the scores over bits, after and during learning side by side, beside floating point's."""
    least, n = lowest(comparison), max(cell.n for cell in cells)
    columns = _columns(cells, lambda cell: clipped(cell.measure, least), comparison, lambda cell: cell.bits)
    caption = (
        f"{measure_name(comparison)} over the bits of a weight: {_means(columns, comparison)}, the mean of"
        f" {count(n, 'instance')}; {_BANDS}. Level: floating point, with its interval. An instance has the same luck in"
        " every cell: the differences, paired, stand below."
    )
    draw = partial(figures.over_bits, columns=columns, name=measure_name(comparison))
    return Drawn(Drawing(draw, 3.0), caption)


def _means(columns: Sequence[Column], comparison: Comparison) -> str:
    shown = {column.title for column in columns}
    learned = any(np.isfinite(row.learning) for row in comparison.rows if row.when == "during")
    means = {
        "After learning": "learned in floating point, quantised, and tested with weights held",
        "During learning": "quantised at every update, "
        + ("scored while it learned" if learned else "and tested with weights held"),
    }
    return "; ".join(f"{title.lower()}, {text}" for title, text in means.items() if title in shown)


def _difference(cells: Sequence[Cell]) -> Drawn:
    def points(cell: Cell) -> Interval:
        value, low, high, n = cell.difference
        return Interval(100.0 * value, 100.0 * low, 100.0 * high, n)

    columns = _columns(cells, points, None, lambda cell: cell.bits)
    caption = (
        f"Score in few bits minus that in floating point, paired by instance, in points of a hundred; {_BANDS}. Dotted:"
        " no difference, and the losses of 1 and of 5 points that limits are stated for. The axis is even up to 1 point"
        " and logarithmic beyond."
    )
    draw = partial(figures.points_over_bits, columns=columns, name="Difference (points)", levels=_LEVELS)
    return Drawn(Drawing(draw, 3.0), caption)


def _lost(cells: Sequence[Cell]) -> Drawn:
    learning = [cell for cell in cells if cell.when == "during" and not cell.floating and np.isfinite(cell.lost)]
    if not learning:
        raise FileError(message("updates in few bits", "none", "cells that learn in few bits", "add when = during"))
    nothing = _lines(cells, learning, lambda cell: _exact(cell.lost, cell.n), lambda cell: cell.bits)
    small = _lines(cells, learning, lambda cell: _exact(cell.below, cell.n), lambda cell: cell.bits)
    columns = [Column("Changed nothing", nothing, None), Column("Smaller than half a step", small, None)]
    caption = (
        "Share of the updates of weights, of all instances, that changed nothing of what is stored (left), and that"
        " were smaller than half a step of it (right). The fewer the bits, the wider the step. Rounded to the nearest"
        " number, an update below half a step leads back to where it came from: it is lost whole, however often it"
        " comes, and learning stalls. Stochastic rounding loses as many, but stores the others as whole steps, with the"
        " probability that makes their mean right. Hidden bits make the step finer."
    )
    draw = partial(figures.over_bits, columns=columns, name="Share of updates", ends=(-0.02, 1.02))
    return Drawn(Drawing(draw, 2.8), caption)


def _memory(comparison: Comparison, cells: Sequence[Cell]) -> Drawn:
    least = lowest(comparison)
    columns = _columns(cells, lambda cell: clipped(cell.measure, least), comparison, lambda cell: cell.memory_bits)
    caption = (
        f"{measure_name(comparison)} over what a synapse stores of its weight, hidden bits counted: ways that lie above"
        f" others here make more of the same memory; {_BANDS}."
    )
    over = "Memory of a synapse (bits)"
    draw = partial(figures.over_bits, columns=columns, name=measure_name(comparison), over=over)
    return Drawn(Drawing(draw, 3.0), caption)


def _columns(
    cells: Sequence[Cell],
    value: Callable[[Cell], Interval],
    comparison: Comparison | None,
    over: Callable[[Cell], int],
) -> list[Column]:
    """Return a column for each `when` that was tried; with a `comparison`, floating point is drawn in each."""
    few = [cell for cell in cells if not cell.floating]
    if not few:
        raise FileError(message("cells", "floating point alone", "a cell of 1 to 16 bits at least"))
    columns = []
    for when, title in WHEN.items():
        mine = [cell for cell in few if cell.when == when]
        if mine:
            level = clipped(floating(comparison.rows, when), lowest(comparison)) if comparison else None
            columns.append(Column(title, _lines(cells, mine, value, over), level))
    return columns


def _lines(
    cells: Sequence[Cell], chosen: Sequence[Cell], value: Callable[[Cell], Interval], over: Callable[[Cell], int]
) -> tuple[Line, ...]:
    """Return a line for each way of storing among `chosen`, with the number that it has among all `cells`."""
    lines = []
    for place, (rounding, method) in enumerate(ways(cells)[:_MOST_LINES]):
        mine = sorted((c for c in chosen if (c.rounding, c.method) == (rounding, method)), key=over)
        if mine:
            drawn: Band = gather([value(cell) for cell in mine])
            label = cut(line_label(rounding, method), _LONGEST)
            lines.append(Line(label, place, np.array([over(cell) for cell in mine]), drawn))
    return tuple(lines)


def _exact(value: float, n: int) -> Interval:
    return Interval(value, value, value, n)


def _weights(comparison: Comparison, cells: Sequence[Cell]) -> Drawn:
    bars = [bar for bar in comparison.bars if bar.when == "during"] or list(comparison.bars)
    if not bars:
        raise FileError(message("histograms of weights", "none", "those of one cell at least"))
    available = {bar.bits for bar in bars}
    widths = sorted([bits for bits in _PREFERRED if bits in available][:_MOST_WIDTHS], reverse=True)
    widths = widths or sorted(available, reverse=True)[:_MOST_WIDTHS]
    names = list(dict.fromkeys(bar.projection for bar in bars))
    shown = [[_projection(bars, name, bits, ways(cells)) for bits in widths] for name in names[:_MOST_PROJECTIONS]]
    titles = ["floating point" if bits == FLOAT else count(bits, "bit") for bits in widths]
    moments = "before learning (dotted) and after it"
    if bars[0].when == "after" and "data" not in comparison.experiment:
        moments = "before (dotted) and after they were rounded"
    caption = (
        f"Weights of all instances, as they are seen, as densities, at some of the widths: {moments}. What lies beyond"
        " the ends of the axes is at most 0.1 % of them."
    )
    if len(names) > _MOST_PROJECTIONS:
        caption += f" The first {_MOST_PROJECTIONS} of {count(len(names), 'projection')}."
    labels = [cut(name, _LONGEST) for name in names[:_MOST_PROJECTIONS]]
    draw = partial(figures.histograms, weights=shown, names=labels, titles=titles)
    return Drawn(Drawing(draw, 0.75 + 1.05 * len(labels)), caption)


def _projection(bars: Sequence[Bar], name: str, bits: int, named: Sequence[tuple[str, str]]) -> Weights:
    """Return the weights of a projection at a width: of every plain way, or of all where none is plain."""
    mine = [bar for bar in bars if bar.projection == name and bar.bits == bits]
    methods = {bar.method for bar in mine}
    mine = [bar for bar in mine if bar.method == "plain"] if "plain" in methods else mine
    after: dict[tuple[str, int], Bars] = {}
    for way in dict.fromkeys((bar.rounding, bar.method) for bar in mine):
        chosen = [bar for bar in mine if (bar.rounding, bar.method) == way and bar.moment == "after"]
        place = named.index(way) if way in named and bits != FLOAT else -1
        label = "floating point" if place < 0 else cut(line_label(*way), _LONGEST)
        if chosen and place < _MOST_LINES:
            after.setdefault((label, place), _density(chosen))
    before = [bar for bar in mine if bar.moment == "before"]
    first = [bar for bar in before if (bar.rounding, bar.method) == (before[0].rounding, before[0].method)]
    return Weights(_density(first) if first else None, after)


def _density(bars: Sequence[Bar]) -> Bars:
    """Return bars as a density; a gap between two of them is an empty bar."""
    if len(bars) > _MOST_BARS:
        raise FileError(message("bars of a histogram of weights", len(bars), f"at most {_MOST_BARS}"))
    ordered = sorted(bars, key=lambda bar: bar.low)
    total = sum(bar.weights for bar in ordered) or 1
    edges, density = [ordered[0].low], []
    for bar in ordered:
        if bar.low > edges[-1]:
            edges.append(bar.low)
            density.append(0.0)
        if bar.high > edges[-1]:
            density.append(bar.weights / (total * (bar.high - edges[-1])))
            edges.append(bar.high)
    return Bars(np.array(edges), np.array(density))
