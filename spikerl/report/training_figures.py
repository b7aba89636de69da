"""The figures of layers that learn: scores over epochs, confusion, spikes of samples, weights, curves followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from spikerl.analysis.intervals import Band
from spikerl.analysis.rasters import Train
from spikerl.report.drawing import Canvas, band, instant, legend, level
from spikerl.report.palette import D1, D2, INK, SOFT, Colour, of_run
from spikerl.report.raster_figure import MOST_NEURONS, strokes

MOST_FIELDS = 24



class Line(NamedTuple):
    """One line over epochs, or over bits, with its interval."""

    label: str
    epoch: NDArray[np.int64]
    band: Band


def of_layer(name: str) -> Colour:
    """Return the colour of "layer_1", "layer_2" and so on; the plain one for the input."""
    number = name.rpartition("_")[2]
    return of_run(int(number)).colour if number.isdecimal() else SOFT


def over_epochs(figure: Canvas, lines: Sequence[Line], name: str, chance: float | None) -> None:
    """Draw `lines` of `name`, the first the first layer or run; `chance` is what guessing gets."""
    axes = figure.subplots()
    for number, line in enumerate(lines):
        style = of_run(number + 1)
        width = 1.9 if number == len(lines) - 1 else 1.3
        band(axes, line.epoch, line.band, style.colour, label=line.label, dashes=style.dashes, width=width)
    axes.set_ylim(-0.01 if chance is not None else -1.01, 1.01)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if chance is not None:
        level([axes], chance, "chance")
    axes.set_xlabel("Epoch")
    axes.set_ylabel(name)
    axes.margins(x=0.01)
    legend(figure, axes)


def over_decisions(figure: Canvas, lines: Sequence[Line], name: str, chance: float, share: bool) -> None:
    """Draw `lines` of `name` over decisions, dotted what chance gets; a `share` has an axis from 0 to 1."""
    axes = figure.subplots()
    for place, line in enumerate(lines, 1):
        colour = of_run(place).colour
        band(axes, line.epoch, line.band, colour, label=line.label, width=1.9 if place == len(lines) else 1.3)
    if share:
        axes.set_ylim(-0.01, 1.01)
    level([axes], chance, "chance" if share or chance else "0")
    axes.set_xlabel("Decisions")
    axes.set_ylabel(name)
    axes.margins(x=0.01)
    legend(figure, axes)


def by_bits(figure: Canvas, lines: Sequence[Line], reals: Sequence[float]) -> None:
    """Draw each layer's accuracy over bits of weights, dotted what it is in real numbers, `reals` [layer]."""
    axes = figure.subplots()
    for place, (line, real) in enumerate(zip(lines, reals, strict=True), 1):
        colour = of_run(place).colour
        band(axes, line.epoch, line.band, colour, label=line.label, marker="o", width=1.4)
        axes.axhline(real, color=colour.light, linestyle=(0, (1, 2)), linewidth=1.0, zorder=1)
    axes.set_ylim(-0.01, 1.01)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("Bits of weights")
    axes.set_ylabel("Accuracy")
    legend(figure, axes)


def confusion(figure: Canvas, counts: NDArray[np.int64]) -> None:
    """Draw how often a class (row) was taken for another (column): each row's share as shade, counts as numbers."""
    axes = figure.subplots()
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = len(counts)
    _cells(axes, share, np.full(share.shape, 0), (INK,))
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if share[row, column] > 0.5 else INK.light
            axes.annotate(f"{count}", (column, row), ha="center", va="center", fontsize=6.5, color=colour)
    axes.set_xlim(-0.5, size - 0.5)
    axes.set_ylim(size - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_xticks(range(size))
    axes.set_yticks(range(size))
    axes.set_xlabel("Named")
    axes.set_ylabel("Shown")


def samples(figure: Canvas, trains: Mapping[str, Train], length: float, titles: Sequence[str]) -> None:
    """Draw the spikes of populations, from input to last layer, while samples of `length` seconds are shown in turn."""
    heights = [float(np.sqrt(min(train.neurons, MOST_NEURONS))) + 1.5 for train in trains.values()]
    grid = figure.subplots(len(trains), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    for row, (axes, (name, train)) in enumerate(zip(grid, trains.items(), strict=True)):
        colour = of_layer(name)
        strokes(axes, train, colour)
        for number in range(1, len(titles)):
            instant(axes, number * length * 1e3)
        axes.set_ylabel(name.replace("_", " "), rotation=0, ha="right", va="center", color=colour.light, labelpad=8)
        axes.tick_params(left=False, labelleft=False, bottom=row == len(trains) - 1)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(side == "bottom" and row == len(trains) - 1)
    for number, title in enumerate(titles):
        place = ((number + 0.5) * length * 1e3, 1.0)
        grid[0].annotate(
            title,
            place,
            (0, 3),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            fontsize=6.5,
            color=SOFT.light,
        )
    grid[-1].set_xlim(0.0, len(titles) * length * 1e3)
    grid[-1].set_xlabel("Time (ms)")


def weights(figure: Canvas, layers: Mapping[str, tuple[NDArray, float]], fields: NDArray[np.float64] | None) -> None:
    """Draw the weights of each layer as a density, dotted where they began, and `fields` [neuron, row, column].

    `layers`: weights, and the bound of the uniform first ones.
    """
    columns = 1 + (fields is not None)
    parts = figure.subfigures(1, columns, width_ratios=(1,) if fields is None else (1, 1.15), squeeze=False)[0]
    axes = parts[0].subplots(len(layers), 1, squeeze=False)[:, 0]
    for one, (name, (values, bound)) in zip(axes, layers.items(), strict=True):
        edge = max(float(np.abs(values).max(initial=0.0)), bound) * 1.02
        density, edges = np.histogram(values, bins=60, range=(-edge, edge), density=True)
        one.stairs(density, edges, color=of_layer(name).light, fill=True, alpha=0.55, linewidth=0)
        first = 1 / (2 * bound)
        one.plot([-bound, -bound, bound, bound], [0, first, first, 0], ":", color=SOFT.light, linewidth=1.0)
        one.set_ylim(0.0, 1.15 * float(density.max(initial=1e-12)))  # the first density may be many times as high
        one.set_ylabel(name.replace("_", " "), rotation=0, ha="right", va="center", labelpad=8)
        one.tick_params(left=False, labelleft=False)
        one.spines["left"].set_visible(False)
    axes[-1].set_xlabel("Weight")
    if fields is not None:
        _fields(parts[1], fields)


def followed(figure: Canvas, time: NDArray[np.float64], curves: Mapping[str, tuple[NDArray, NDArray]]) -> None:
    """Draw, for each output, its target and the readout of the last layer, [time] each; `time` in seconds."""
    axes = figure.subplots(len(curves), 1, sharex=True, squeeze=False)[:, 0]
    for one, (name, (readout, target)) in zip(axes, curves.items(), strict=True):
        one.plot(time * 1e3, readout, color=of_run(1).colour.light, linewidth=0.9, label="readout of the last layer")
        one.plot(time * 1e3, target, "--", color=INK.light, linewidth=1.2, label="target")
        one.set_ylabel(name, rotation=0, ha="right", va="center", labelpad=8)
        one.margins(x=0.0)
    axes[-1].set_xlabel("Time (ms)")
    legend(figure, axes[0])


def _fields(figure: Canvas, fields: NDArray[np.float64]) -> None:
    """Draw one square a neuron: blue where it is inhibited, orange where it is excited."""
    across = 6
    grid = figure.subplots(-(-len(fields) // across), across, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, field in zip(grid.flat, fields, strict=False):
        _cells(axes, np.abs(field) / max(float(np.abs(field).max()), 1e-12), (field < 0).astype(np.int64), (D2, D1))
        axes.set_xlim(-0.6, field.shape[1] - 0.4)
        axes.set_ylim(field.shape[0] - 0.4, -0.6)
        axes.set_aspect("equal")


def _cells(axes: Axes, shade: NDArray[np.float64], which: NDArray[np.int64], colours: Sequence[Colour]) -> None:
    """Draw unit squares around whole numbers, each in the `which`-th colour, as opaque as its `shade` from 0 to 1."""
    corner = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
    for number, colour in enumerate(colours):
        rows, columns = np.nonzero((which == number) & (shade > 0.02))
        if not rows.size:
            continue
        squares = np.stack([columns, rows], axis=1)[:, None] + corner
        alpha = np.round(shade[rows, columns], 2)
        axes.add_collection(PolyCollection(list(squares), facecolors=colour.light, alpha=alpha, linewidths=0))
