"""The figures of curves: learning, dopamine over trials and around the outcome, weights. Each draws on a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from spikerl.analysis.dopamine import Course
from spikerl.analysis.learning_curve import Curve
from spikerl.analysis.rasters import Histogram
from spikerl.analysis.weights import WeightCourse
from spikerl.report.drawing import Canvas, band, frame, instant, legend, level
from spikerl.report.palette import (
    ANIMALS,
    D1,
    D2,
    DOPAMINE,
    INK,
    ROLE_COLOURS,
    SOFT,
    WASH,
    of_run,
)


class Learning(NamedTuple):
    """The curves of one run or of the animals: `reversal` is None where no block reverses."""

    label: str
    start: Curve
    reversal: Curve | None


class DopamineCourse(NamedTuple):
    """The rate at the cue and at the outcome, rewarded and omitted, over trials."""

    cue: Course
    rewarded: Course
    omitted: Course


def learning(
    figure: Canvas, runs: Sequence[Learning], animals: Learning | None, chance: float, reversing: tuple[int, int] | None
) -> None:
    """Draw P(better) over the trials of a block, and around the reversal where there is one.

    `reversing`: the first and the last trial (from 0) on which a block reverses; `chance`: P(better) by chance.
    """
    shown = [*runs, *([animals] if animals else [])]
    aligned = any(curves.reversal is not None for curves in shown)
    axes = _pair(figure, aligned)
    if reversing:
        first, last = reversing
        axes[0].axvspan(first + 0.5, last + 1.5, color=WASH.light, linewidth=0, zorder=0)
        axes[0].annotate(
            "blocks reverse",
            ((first + last) / 2 + 1, 0.0),
            (0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=7,
            color=SOFT.light,
        )
    for number, curves in enumerate(shown):
        animal = animals is not None and number == len(runs)
        style = of_run(number)
        colour, dashes, width = (ANIMALS, "--", 1.2) if animal else (style.colour, style.dashes, 1.6)
        band(axes[0], curves.start.trial + 1, curves.start.band, colour, label=curves.label, dashes=dashes, width=width)
        if curves.reversal is not None:
            band(axes[1], curves.reversal.trial, curves.reversal.band, colour, dashes=dashes, width=width)
    axes[0].set_ylim(-0.01, 1.02)
    level(axes, chance, "chance")
    axes[0].set_ylabel("P(better option)")
    _label_trials(axes)
    if len(shown) > 1:
        legend(figure, axes[0])


def dopamine(figure: Canvas, start: DopamineCourse, reversal: DopamineCourse | None, tonic: float) -> None:
    """Draw the dopamine rate over trials: at the outcome, rewarded and omitted, and at the cue."""
    axes = _pair(figure, reversal is not None)
    for one, courses, shift in zip(axes, (start, reversal), (1, 0), strict=False):
        if courses is None:
            continue
        for course, dashes, marker, label, colour in (
            (courses.rewarded, "-", "o", "outcome, rewarded", DOPAMINE),
            (courses.omitted, "--", "o", "outcome, omitted", DOPAMINE),
            (courses.cue, "-", "", "cue", SOFT),
        ):
            band(one, course.trial + shift, course.band, colour, label=label, dashes=dashes, marker=marker, width=1.3)
    level(axes, tonic, "tonic")
    frame(axes)
    axes[0].set_ylim(bottom=0.0)
    axes[0].set_ylabel("Dopamine rate (Hz)")
    _label_trials(axes)
    legend(figure, axes[0])


def outcome(figure: Canvas, histogram: Histogram, tonic: float, outcome_length: float) -> None:
    """Draw the dopamine rate around the outcome: rewarded and omitted side by side, early and late trials."""
    axes = figure.subplots(1, 2, sharey=True)
    milliseconds = histogram.time * 1e3
    for one, paid, title in zip(axes, (True, False), ("Rewarded", "Omitted"), strict=True):
        one.axvspan(0.0, outcome_length * 1e3, color=WASH.light, linewidth=0, zorder=0)
        for epoch, dashes, width, colour in (("early", "--", 1.1, SOFT), ("late", "-", 1.7, DOPAMINE)):
            what = histogram.bands[epoch, paid]
            if what.n.any():
                band(one, milliseconds, what, colour, label=f"{epoch} trials", dashes=dashes, width=width)
        one.set_title(title)
        one.set_xlabel("Time from the outcome (ms)")
        one.margins(x=0.0)
    legend(figure, max(axes, key=lambda one: len(one.get_legend_handles_labels()[1])))
    level(axes, tonic, "tonic")
    frame(axes)
    axes[0].set_ylim(bottom=0.0)
    axes[0].set_ylabel("Dopamine rate (Hz)")


def weights(figure: Canvas, courses: Sequence[WeightCourse]) -> None:
    """Draw the mean weight of each option's synapses over trials, one panel a projection."""
    columns = min(2, len(courses))
    rows = -(-len(courses) // columns)
    shared = len({course.unit for course in courses}) == 1
    grid = figure.subplots(rows, columns, sharey=shared, squeeze=False)
    for one, course in zip(grid.flat, courses, strict=False):
        for role, what in course.roles.items():
            band(one, course.trial + 1, what, ROLE_COLOURS[role], label=role, dashes="--" if role == "other" else "-")
        receptor = {"D1": D1, "D2": D2}.get(course.receptor, INK)
        one.set_title(course.projection.replace("_", " "), color=receptor.light, fontweight="bold")
        if not shared or one in grid[:, 0]:
            one.set_ylabel(f"Mean weight ({course.unit})" if course.unit != "1" else "Mean weight")
        one.set_xlabel("Trial of the block")
        one.margins(x=0.01)
    drawn = list(grid.flat[: len(courses)])
    for together in [drawn] if shared else [[one] for one in drawn]:
        frame(together)
    for one in grid.flat[len(courses) :]:
        one.set_axis_off()
    legend(figure, max(grid.flat, key=lambda one: len(one.get_legend_handles_labels()[1])))


def _pair(figure: Canvas, aligned: bool) -> list[Axes]:
    """Return axes for a whole block and, if asked for, for the trials around the reversal."""
    if not aligned:
        return [figure.subplots()]
    return list(figure.subplots(1, 2, sharey=True, width_ratios=(8, 5)))


def _label_trials(axes: Sequence[Axes]) -> None:
    axes[0].set_xlabel("Trial of the block")
    axes[0].margins(x=0.01)
    if len(axes) > 1:
        axes[1].set_xlabel("Trials since the reversal")
        axes[1].margins(x=0.01)
        instant(axes[1], 0.0)


def extent(zero: NDArray[np.int64]) -> tuple[int, int] | None:
    """Return the first and the last trial on which blocks reverse; None where none does."""
    there = zero[zero >= 0]
    return (int(there.min()), int(there.max())) if there.size else None
