"""The figures of a comparison of bit widths: something over bits, and the weights before and after learning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from spikerl.analysis.intervals import Band, Interval
from spikerl.report.drawing import Canvas, band, frame
from spikerl.report.numbers import number as written
from spikerl.report.palette import INK, RUNS, SOFT, RunStyle, of_run

_MARKERS = ("o", "s", "^", "D", "v")
_LONGEST_ROW = 80
_OUTSIDE = 5e-4  # share of weights at either end that may lie outside a figure
_POINTS = (1, 2, 5, 10, 20, 50, 100, 200)


class Line(NamedTuple):
    """One way of storing weights over `bits` [k]; `number` gives it its colour, dashes and marker on a page."""

    label: str
    number: int
    bits: NDArray[np.int64]
    band: Band


class Column(NamedTuple):
    """One of the axes side by side: its lines, and floating point's score, None where it is not drawn."""

    title: str
    lines: tuple[Line, ...]
    floating: Interval | None


class Bars(NamedTuple):
    """A histogram of weights: its `edges` [k + 1], and the share of weights in each bar by its width, [k]."""

    edges: NDArray[np.float64]
    density: NDArray[np.float64]


class Weights(NamedTuple):
    """The weights of one projection at one width: before, and after by the label and number of the line."""

    before: Bars | None
    after: Mapping[tuple[str, int], Bars]


def style(number: int) -> RunStyle:
    """Return the style of a line: floating point alone has the ink of the text."""
    turn, place = divmod(number, len(RUNS) - 1)
    return of_run(turn * len(RUNS) + 1 + place)


def over_bits(
    figure: Canvas,
    columns: Sequence[Column],
    name: str,
    over: str = "Bits of a weight",
    ends: tuple[float, float] | None = None,
) -> None:
    """Draw `name` over bits, evenly spaced for a doubling, between the `ends` of its axis or as far as lines reach.

    Floating point is a level line with its band.
    """
    axes = _columns(figure, columns, over)
    if ends is None:
        frame(axes)
    else:
        axes[0].set_ylim(*ends)
    axes[0].set_ylabel(name)


def points_over_bits(figure: Canvas, columns: Sequence[Column], name: str, levels: Sequence[float]) -> None:
    """Draw points of a hundred over bits, on an axis even up to 1 and logarithmic beyond; dotted, the `levels`."""
    axes = _columns(figure, columns, "Bits of a weight")
    axes[0].set_yscale("symlog", linthresh=1.0, linscale=0.7)
    frame(axes)
    low, high = axes[0].get_ylim()
    axes[0].set_ylim(min(low, min(levels) * 1.1), max(high, 0.5))
    low, high = axes[0].get_ylim()
    ticks = [sign * tick for sign in (-1, 1) for tick in _POINTS if low <= sign * tick <= high]
    axes[0].set_yticks([0, *ticks], [written(tick, 0) for tick in (0, *ticks)])
    axes[0].yaxis.set_minor_locator(NullLocator())
    for one in axes:
        for value in levels:
            one.axhline(value, color=SOFT.light, linestyle=(0, (1, 2)), linewidth=1.0, zorder=1)
    axes[0].set_ylabel(name)


def _columns(figure: Canvas, columns: Sequence[Column], over: str) -> Sequence[Axes]:
    """Draw every column on axes of its own, with what all figures over bits share."""
    axes: Sequence[Axes] = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
    widths = sorted({int(bits) for column in columns for line in column.lines for bits in line.bits})
    for one, column in zip(axes, columns, strict=True):
        if column.floating is not None:
            value, low, high, _ = column.floating
            if np.isfinite(low):
                one.axhspan(low, high, color=INK.light, alpha=0.10, linewidth=0, zorder=0)
            one.axhline(value, color=INK.light, linewidth=1.2, zorder=1, label="floating point")
        for line in column.lines:
            colour, dashes = style(line.number)
            marker = _MARKERS[line.number % len(_MARKERS)]
            drawn = {"label": line.label, "dashes": dashes, "marker": marker}
            band(one, line.bits, line.band, colour, width=1.4, shade=0.14, **drawn)
        one.set_title(column.title)
        one.set_xlabel(over)
        _widths(one, widths)
    _legend(figure, axes)
    return axes


def histograms(
    figure: Canvas, weights: Sequence[Sequence[Weights]], names: Sequence[str], titles: Sequence[str]
) -> None:
    """Draw `weights` [projection][width] as densities: dotted before, filled after, in the colours of the lines."""
    grid = figure.subplots(len(names), len(titles), sharex="row", squeeze=False)
    for row, (name, projections) in enumerate(zip(names, weights, strict=True)):
        for axes, title, shown in zip(grid[row], titles, projections, strict=True):
            top = 0.0
            for (label, number), bars in shown.after.items():
                colour = style(number).colour if number >= 0 else INK
                top = max(top, float(bars.density.max(initial=0.0)))
                axes.stairs(bars.density, bars.edges, fill=True, color=colour.light, alpha=0.30, linewidth=0)
                axes.stairs(bars.density, bars.edges, color=colour.light, linewidth=1.0, label=label)
            if shown.before is not None:
                bars = shown.before
                top = top or float(bars.density.max(initial=0.0))
                axes.stairs(bars.density, bars.edges, color=SOFT.light, linewidth=1.0, linestyle=":", label="before")
            axes.set_ylim(0.0, 1.1 * top or 1.0)  # the first density may be many times as high
            axes.tick_params(left=False, labelleft=False)
            axes.spines["left"].set_visible(False)
            if row == 0:
                axes.set_title(title)
        grid[row][0].set_xlim(*_extent(projections))
        grid[row][0].set_ylabel(name, rotation=0, ha="right", va="center", labelpad=8)
    for axes in grid[-1]:
        axes.set_xlabel("Weight")
    _legend(figure, list(grid.flat))


def _extent(projections: Sequence[Weights]) -> tuple[float, float]:
    """Return where the axis of weights begins and ends: around all but the outermost of each histogram."""
    lows, highs = [], []
    for shown in projections:
        for bars in [*shown.after.values(), *([shown.before] if shown.before else [])]:
            share = np.cumsum(bars.density * np.diff(bars.edges))
            inside = np.flatnonzero((share > _OUTSIDE) & (np.concatenate([[0.0], share[:-1]]) < 1.0 - _OUTSIDE))
            if inside.size:
                lows.append(float(bars.edges[inside[0]]))
                highs.append(float(bars.edges[inside[-1] + 1]))
    if not lows:
        return 0.0, 1.0
    room = 0.04 * (max(highs) - min(lows))
    return min(lows) - room, max(highs) + room


def _legend(figure: Canvas, axes: Sequence[Axes]) -> None:
    """Name what is drawn in any of several axes, each once, row after row above the figure."""
    named: dict[str, Artist] = {}
    for one in axes:
        for handle, label in zip(*one.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    labels = list(named)
    columns = min(len(labels), 5 if sum(map(len, labels[:5])) < _LONGEST_ROW else 3)
    # A legend is filled column after column.
    order = [label for first in range(columns) for label in labels[first::columns]]
    if order:
        handles = [named[label] for label in order]
        figure.legend(handles, order, loc="outside upper right", ncols=columns, borderaxespad=0.2)


def _widths(axes: Axes, widths: Sequence[int]) -> None:
    """Give the axis of bits a place for each width that was tried, evenly spaced for a doubling."""
    axes.set_xscale("log", base=2)
    axes.xaxis.set_minor_locator(NullLocator())
    shown: list[int] = []
    for width in widths:
        # Numbers closer than this would run into one another.
        if not shown or np.log2(width / shown[-1]) > 0.22:
            shown.append(width)
    axes.set_xticks(shown, [str(width) for width in shown])
    if widths:
        axes.set_xlim(widths[0] / 2**0.2, widths[-1] * 2**0.2)
