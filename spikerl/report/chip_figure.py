"""The figure of a chip: its cores as they lie, those in use in the colours of the populations on them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, PathPatch, Rectangle
from matplotlib.path import Path

from spikerl.report.drawing import WIDTH, Canvas
from spikerl.report.numbers import count, count_of, cut
from spikerl.report.palette import INK, LINE, SOFT, WASH, Colour
from spikerl.results.deployment import Chip, Core

MOST_CORES = 2048
MOST_NAMED = 12
_LONGEST_NAME = 22
_SQUARE = 0.27
_TILE_GAP = 0.09
_ALONG = 16
_WIDEST = 4.9
_HIGHEST = 6.0
_LINE_HEIGHT = 0.31
_MARGIN = 0.06


class Floor(NamedTuple):
    """How the cores of a chip are drawn: `columns` and `rows` of tiles, cores `along` and `down` each tile.

    `cores`: the numbers of those that are drawn, core k in place k. `known`: whether that is how they lie.
    """

    columns: int
    rows: int
    along: int
    down: int
    tile_cores: int
    cores: Sequence[int]
    known: bool

    @property
    def square(self) -> float:
        """The side of a core in inches, such that the chip has room."""
        wide = (_WIDEST - self.gap * self.columns) / (self.columns * self.along)
        high = (_HIGHEST - self.gap * self.rows) / (self.rows * self.down)
        return min(_SQUARE, wide, high)

    @property
    def gap(self) -> float:
        """What lies between two tiles, in inches."""
        return (
            min(_TILE_GAP, 0.25 * _WIDEST / self.columns, 0.25 * _HIGHEST / self.rows) if self.tile_cores > 1 else 0.0
        )

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches."""
        width = self.columns * (self.along * self.square + self.gap)
        return width, self.rows * (self.down * self.square + self.gap)

    def place(self, position: int) -> tuple[float, float]:
        """Return left and top of the core in that place, in inches from the chip's left and top."""
        tile, inside = divmod(position, self.tile_cores)
        column, row = tile % self.columns, tile // self.columns
        x = column * (self.along * self.square + self.gap) + inside % self.along * self.square
        y = row * (self.down * self.square + self.gap) + inside // self.along * self.square
        return x + self.gap / 2, y + self.gap / 2


def floor(chip: Chip, used: Sequence[Core]) -> Floor:
    """Return how to draw a chip: tile by tile where its mesh is published, else core after core, else those in use."""
    last = max((core.number for core in used), default=-1)
    if chip.mesh is not None and chip.tile_cores is not None:
        (columns, rows), tile_cores = chip.mesh, chip.tile_cores
        everything = columns * rows * tile_cores
        if last < everything <= MOST_CORES:
            along = math.isqrt(tile_cores - 1) + 1
            return Floor(columns, rows, along, -(-tile_cores // along), tile_cores, range(everything), True)
    if chip.cores is not None and last < chip.cores <= MOST_CORES:
        numbers: Sequence[int] = range(chip.cores)
    else:
        numbers = [core.number for core in used[:MOST_CORES]]
    columns = max(1, min(len(numbers), max(_ALONG, math.isqrt(len(numbers)))))
    return Floor(columns, max(1, -(-len(numbers) // columns)), 1, 1, 1, numbers, False)


def height(where: Floor, populations: int) -> float:
    """Return the height in inches of the figure of a chip with that many populations."""
    named = min(populations, MOST_NAMED) + (populations > MOST_NAMED)
    return max(where.size[1], _LINE_HEIGHT * named) + 2 * _MARGIN


def chip(figure: Canvas, where: Floor, used: Sequence[Core], colours: Mapping[str, Colour]) -> None:
    """Draw the cores of `where`; a core with several populations is shared among them by their neurons.

    `colours` of all populations, which are named beside the chip.
    """
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_aspect("equal", anchor="NW")
    high = height(where, len(colours))
    axes.set_xlim(0.0, WIDTH)
    axes.set_ylim(high - _MARGIN, -_MARGIN)
    _ground(axes, where)
    position = {number: k for k, number in enumerate(where.cores)}
    for core in used:
        if core.number in position:
            _core(axes, where.place(position[core.number]), where.square, core, colours)
    _names(axes, where.size[0] + 0.35, used, colours)


def _ground(axes: Axes, where: Floor) -> None:
    """Draw all tiles and all cores, each kind as one path: a patch each would be many times larger."""
    side = where.square
    if where.tile_cores > 1:
        for tile in range(where.columns * where.rows):
            x, y = where.place(tile * where.tile_cores)
            wide, high = where.along * side, where.down * side
            box = f"round,pad={0.3 * where.gap:.4f},rounding_size={0.3 * where.gap:.4f}"
            axes.add_patch(FancyBboxPatch((x, y), wide, high, boxstyle=box, facecolor=WASH.light, edgecolor="none"))
    inset, corners = 0.08 * side, np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)], dtype=np.float64)
    places = np.array([where.place(position) for position in range(len(where.cores))]).reshape(-1, 1, 2)
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(places)
    path = Path((places + inset + (side - 2 * inset) * corners).reshape(-1, 2), codes)
    axes.add_patch(PathPatch(path, facecolor="none", edgecolor=LINE.light, linewidth=0.7))


def _core(axes: Axes, at: tuple[float, float], side: float, core: Core, colours: Mapping[str, Colour]) -> None:
    inset = 0.08 * side
    x, y, inner = at[0] + inset, at[1] + inset, side - 2 * inset
    neurons = sum(piece.stop - piece.first for piece in core.pieces)
    for piece in core.pieces:
        wide = inner * (piece.stop - piece.first) / neurons
        colour = colours[piece.population].light
        axes.add_patch(Rectangle((x, y), wide, inner, facecolor=colour, edgecolor="none"))
        x += wide
    axes.add_patch(
        Rectangle((at[0] + inset, at[1] + inset), inner, inner, facecolor="none", edgecolor=INK.light, linewidth=0.7)
    )


def _names(axes: Axes, x: float, used: Sequence[Core], colours: Mapping[str, Colour]) -> None:
    """Name the populations, a line each, with their colours, neurons and cores."""
    shown = list(colours)[:MOST_NAMED]
    for line, name in enumerate(shown):
        y = (line + 0.5) * _LINE_HEIGHT
        on = [core.number for core in used if any(piece.population == name for piece in core.pieces)]
        neurons = sum(p.stop - p.first for core in used for p in core.pieces if p.population == name)
        square = Rectangle((x, y - 0.065), 0.13, 0.13, facecolor=colours[name].light, edgecolor="none")
        axes.add_patch(square)
        axes.text(x + 0.2, y - 0.06, cut(name, _LONGEST_NAME), va="center", fontsize=8, fontweight="bold")
        where = f"core {on[0]}" if len(on) == 1 else f"{count_of(len(on))} cores from {on[0]}" if on else "on no core"
        said = f"{count(neurons, 'neuron')}, {where}"
        axes.text(x + 0.2, y + 0.065, said, va="center", fontsize=7, color=SOFT.light)
    if len(colours) > len(shown):
        y = (len(shown) + 0.5) * _LINE_HEIGHT
        more = f"and {count_of(len(colours) - len(shown))} more, in the table of cores"
        axes.text(x, y, more, va="center", fontsize=7, color=SOFT.light)
