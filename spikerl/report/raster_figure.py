"""The figure of single trials: every recorded spike by population, with the phases shaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from spikerl.analysis.rasters import Raster, Train
from spikerl.analysis.weights import receptor
from spikerl.report.drawing import Canvas
from spikerl.report.palette import ROLE_COLOURS, SOFT, WASH, Colour, of_population

MOST_NEURONS = 80
_TICK = 0.9


class Shown(NamedTuple):
    """A trial with its `title` and the role of each option in its block, `roles` [option]."""

    title: str
    trial: Raster
    roles: Sequence[str]


def height(trial: Raster) -> float:
    """Return the height in inches of a figure of the trial."""
    return 0.75 + 0.2 * sum(_height(train) for train in trial.trains.values())


def raster(figure: Canvas, shown: Sequence[Shown], order: Sequence[str]) -> None:
    """Draw trials side by side; `order` names the populations from top to bottom.

    Of a population with more than `MOST_NEURONS` neurons, as many are drawn, evenly spaced.
    """
    trains = shown[0].trial.trains
    names = [name for name in order if name in trains]
    heights = [_height(trains[name]) for name in names]
    grid = figure.subplots(len(names), len(shown), sharex="col", sharey="row", height_ratios=heights, squeeze=False)
    for column, (title, trial, roles) in enumerate(shown):
        for row, name in enumerate(names):
            axes = grid[row, column]
            _phases(axes, trial, named=row == 0)
            strokes(axes, trial.trains[name], of_population(name))
            if receptor(name) and trial.trains[name].neurons % len(roles) == 0:
                _groups(axes, min(trial.trains[name].neurons, MOST_NEURONS), roles)
            axes.tick_params(left=False, labelleft=False, bottom=row == len(names) - 1)
            for side in ("left", "bottom"):
                axes.spines[side].set_visible(side == "bottom" and row == len(names) - 1)
            if column == 0:
                colour = of_population(name).light
                axes.set_ylabel(name, rotation=0, ha="right", va="center", color=colour, fontweight="bold", labelpad=14)
        grid[0, column].set_title(title, pad=14)
        grid[-1, column].set_xlabel("Time in the trial (ms)")
        grid[-1, column].set_xlim(0.0, trial.timing.steps * trial.timing.dt * 1e3)


def drawn(train: Train) -> NDArray[np.int64]:
    """Return which neurons of a population are drawn: all, or `MOST_NEURONS` evenly spaced."""
    return np.unique(np.linspace(0, train.neurons - 1, min(train.neurons, MOST_NEURONS)).round().astype(np.int64))


def _height(train: Train) -> float:
    return float(np.sqrt(min(train.neurons, MOST_NEURONS))) + 1.5


def strokes(axes: Axes, train: Train, colour: Colour) -> None:
    """Draw a stroke for each spike, all as one path: a line object each would be many times larger."""
    shown = drawn(train)
    place = np.full(train.neurons, -1)
    place[shown] = np.arange(shown.size)
    y = place[train.neuron]
    x, y = train.time[y >= 0] * 1e3, y[y >= 0]
    axes.set_ylim(shown.size - 0.5, -0.5)
    if not x.size:
        return
    ends = np.stack([np.stack([x, y - _TICK / 2], axis=1), np.stack([x, y + _TICK / 2], axis=1)], axis=1)
    codes = np.tile([Path.MOVETO, Path.LINETO], x.size)
    path = Path(ends.reshape(-1, 2), codes)
    axes.add_patch(PathPatch(path, edgecolor=colour.light, facecolor="none", linewidth=0.9, capstyle="butt"))


def _phases(axes: Axes, trial: Raster, *, named: bool) -> None:
    """Shade every other phase, and name all above the first population."""
    for number, phase in enumerate(trial.timing.phases):
        start, stop = (step * trial.timing.dt * 1e3 for step in (phase.start, phase.stop))
        if number % 2:
            axes.axvspan(start, stop, color=WASH.light, linewidth=0, zorder=0)
        if named:
            axes.annotate(
                phase.name,
                ((start + stop) / 2, 1.0),
                (0, 3),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha="center",
                fontsize=6.5,
                color=SOFT.light,
            )


def _groups(axes: Axes, neurons: int, roles: Sequence[str]) -> None:
    """Mark the neurons of each option with a bar in its colour at the left."""
    edges = np.linspace(-0.5, neurons - 0.5, len(roles) + 1)
    for role, start, stop in zip(roles, edges[:-1], edges[1:], strict=True):
        axes.plot(
            [-0.012, -0.012],
            [start + 0.4, stop - 0.4],
            transform=axes.get_yaxis_transform(),
            color=ROLE_COLOURS[role].light,
            linewidth=2.5,
            clip_on=False,
            solid_capstyle="butt",
        )
