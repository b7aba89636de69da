"""Does a run show what it should? Its measures beside the published figures, with a verdict on each."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from spikerl.analysis import dopamine, learning_curve, strategy
from spikerl.analysis.blocks import blocks, reversals
from spikerl.analysis.intervals import Interval
from spikerl.analysis.published import Figure, figures
from spikerl.errors import FileError
from spikerl.results import Results

OFFSETS = (0, 3, 10, 20)
GROUPS = ("", "control")


class Measure(NamedTuple):
    """What was measured: `key` (of the figures that it is held against), what it `is` in words, `unit`, `interval`."""

    key: str
    name: str
    unit: str
    interval: Interval


class Comparison(NamedTuple):
    """A figure, and the `verdict` of `judge` on the measure beside it."""

    figure: Figure
    verdict: str


class Line(NamedTuple):
    """A measure and all the figures it is held against, perhaps none."""

    measure: Measure
    comparisons: tuple[Comparison, ...]


def judge(interval: Interval, figure: Figure) -> str:
    """Return the verdict of an interval on a figure.

    ``equal``: "agrees" where the interval holds the figure, else "higher" or "lower". A bound or a range: "held"
    where the whole interval keeps to it, "not held" where none of it does, "open" where it is cut. "open" also
    where there is no interval.
    """
    if not interval.known():
        return "open"
    if figure.relation == "equal":
        if interval.low <= figure.value <= interval.high:
            return "agrees"
        return "lower" if interval.high < figure.value else "higher"
    low = -math.inf if math.isnan(figure.low) else figure.low
    high = math.inf if math.isnan(figure.high) else figure.high
    # Below is strict: an interval that ends on the bound does not lie below it.
    inside = interval.high < high if figure.relation == "below" else interval.high <= high
    outside = interval.low >= high if figure.relation == "below" else interval.low > high
    if inside and interval.low >= low:
        return "held"
    return "not held" if outside or interval.high < low else "open"


def measures(results: Results) -> tuple[Measure, ...]:
    """Return every measure that the run has the columns for."""
    found: list[Measure] = []

    def add(key: str, name: str, unit: str, count: Callable[[], Interval]) -> None:
        try:
            found.append(Measure(key, name, unit, count()))
        except FileError:  # without its columns there is no such measure
            return

    add("p_better", "P(better option), all trials", "1", lambda: learning_curve.overall(results))
    add("win_stay", "Win-stay", "1", lambda: strategy.win_stay(results))
    add("lose_switch", "Lose-switch", "1", lambda: strategy.lose_switch(results))
    for offset in OFFSETS:
        name = f"P(better option), {f'{offset} trials after' if offset else 'at'} the reversal"
        add(f"p_better_reversal_{offset}", name, "1", partial(learning_curve.at_offset, results, offset))
    add("dopamine_tonic", "Tonic dopamine rate", "Hz", lambda: dopamine.tonic(results))
    for key, title in (
        ("early_rewarded", "Dopamine beside tonic, rewarded, early"),
        ("late_rewarded", "Dopamine beside tonic, rewarded, late"),
        ("early_omitted", "Dopamine beside tonic, omitted, early"),
        ("late_omitted", "Dopamine beside tonic, omitted, late"),
        ("rewarded_change", "Dopamine, rewarded, late minus early"),
    ):
        add(f"dopamine_{key}", title, "Hz", partial(_response, results, key))
    return tuple(measure for measure in found if measure.interval.n)


def held(results: Results) -> tuple[Line, ...]:
    """Return each measure of the run beside the figures of its task and schedule and of control animals."""
    schedule = schedule_of(results)
    known = [
        figure
        for figure in figures()
        if figure.group in GROUPS and figure.task in ("", task_of(results)) and figure.schedule in ("", schedule)
    ]
    lines = []
    for measure in measures(results):
        beside = [Comparison(figure, judge(measure.interval, figure)) for figure in known if figure.key == measure.key]
        lines.append(Line(measure, tuple(beside)))
    return tuple(lines)


def task_of(results: Results) -> str | None:
    """Return the name of the task; None where the experiment names none."""
    return _task(results, "name")


def schedule_of(results: Results) -> str | None:
    """Return the schedule of all blocks, such as ``"80/20"``; None where the experiment names none."""
    return _task(results, "schedule")


def summary(results: Results) -> tuple[int, int]:
    """Return how many blocks were played, and how many of them reverse."""
    laid = blocks(results)
    zero = reversals(results, laid) if "reversal" in results.trials else np.full(len(laid.row), -1)
    return len(laid.row), int((zero >= 0).sum())


def _response(results: Results, key: str) -> Interval:
    return dopamine.response(results)[key]


def _task(results: Results, key: str) -> str | None:
    table = results.experiment.get("task")
    value = table.get(key) if isinstance(table, dict) else None
    return value if isinstance(value, str) else None
