"""The panels of a page: each a figure with its caption, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from spikerl.analysis import dopamine, rasters, weights
from spikerl.analysis.animals import Animals, animals, replayed
from spikerl.analysis.blocks import EARLY, LATE, Blocks, blocks, column, early_and_late, option_count, reversals
from spikerl.analysis.held import summary
from spikerl.analysis.learning_curve import Curve, around_reversal, from_start
from spikerl.analysis.timing import timing
from spikerl.errors import FileError
from spikerl.report import figures
from spikerl.report.drawing import Drawing, inline
from spikerl.report.numbers import bounds, count, number
from spikerl.report.palette import ROLE_COLOURS
from spikerl.report.raster_figure import MOST_NEURONS, Shown, height, raster
from spikerl.results import Results

DOPAMINE = "dopamine"
_STUDENT = "bands: 95 % intervals over blocks (Student)"


class Panel(NamedTuple):
    """A figure on the page: `svg` with `caption` and colour `keys` (variable, meaning), or `missing`, why not."""

    title: str
    caption: str
    svg: Markup | None
    keys: tuple[tuple[str, str], ...]
    missing: str


class Drawn(NamedTuple):
    """What a panel's maker returns: the figure, yet to be drawn, its caption and its keys."""

    drawing: Drawing
    caption: str
    keys: tuple[tuple[str, str], ...] = ()


def learning_panel(runs: Sequence[tuple[str, Results]], name: str) -> Panel:
    """Return the learning curves of one or several runs, with the animals' where a single run replayed theirs."""
    return panel("Learning", name, lambda: learning(runs))


def panels(results: Results, prefix: str) -> list[Panel]:
    """Return all panels of one run but the learning curve; `prefix` keeps their names apart on a page."""
    return [
        panel("Dopamine over trials", f"{prefix}-dopamine", lambda: _dopamine(results)),
        panel("Dopamine around the outcome", f"{prefix}-outcome", lambda: outcome(results)),
        panel("Spikes of an early and a late trial", f"{prefix}-raster", lambda: spikes(results)),
        panel("Weights", f"{prefix}-weights", lambda: _weights(results)),
    ]


def learning(runs: Sequence[tuple[str, Results]]) -> Drawn:
    """Return the learning curves of runs, each with its name; raises `FileError`."""
    curves = [figures.Learning(label, from_start(one), _reversal(one)) for label, one in runs]
    beside: Animals | None = animals(runs[0][1]) if len(runs) == 1 and replayed(runs[0][1]) else None
    chances = {1.0 / option_count(one) for _, one in runs}
    played = [summary(one) for _, one in runs]
    extents = [figures.extent(_zero(one, blocks(one))) for _, one in runs]
    inside = [extent for extent in extents if extent]
    reversing = (min(low for low, _ in inside), max(high for _, high in inside)) if inside else None
    theirs = figures.Learning("animals, same blocks", beside.start, beside.reversal) if beside else None
    if beside:
        curves = [curves[0]._replace(label="circuit")]
    fewest, most = min(p[0] for p in played), max(p[0] for p in played)
    n = count(most, "block") if fewest == most else f"{fewest:,} to {most:,} blocks"
    n += " a run" if len(runs) > 1 else ""
    caption = f"P(better option) on each trial: mean over {n}; bands: Wilson's 95 % intervals over blocks."
    if reversing:
        turned = count(sum(p[1] for p in played), "block")
        caption += f" Right: aligned to the first trial after the reversal ({turned} reverse)."
    if beside:
        gap = beside.difference
        caption += (
            f" Dashed: the recorded animals in the same {count(gap.n, 'block')}, each counted once."
            f" Circuit minus animals, paired by block: {number(gap.value, 3)} {bounds(gap, 3)}."
        )
    draw = partial(figures.learning, runs=curves, animals=theirs, chance=max(chances), reversing=reversing)
    return Drawn(Drawing(draw, 2.9), caption)


def _dopamine(results: Results) -> Drawn:
    def courses(offsets: NDArray[np.int64] | None) -> figures.DopamineCourse:
        return figures.DopamineCourse(
            dopamine.course(results, "cue", None, offsets),
            dopamine.course(results, "outcome", True, offsets),
            dopamine.course(results, "outcome", False, offsets),
        )

    laid, tonic = blocks(results), dopamine.tonic(results)
    around = courses(np.arange(-20, 30)) if (_zero(results, laid) >= 0).any() else None
    start = courses(None)
    caption = (
        f"Mean rate of the dopamine population in the outcome, on rewarded and on omitted trials, and in the cue, in"
        f" bins of {dopamine.BIN} trials over {count(len(laid.row), 'block')}; {_STUDENT}. Dotted: the tonic rate,"
        f" {number(tonic.value)} Hz {bounds(tonic)}, measured in the silent interval between trials."
    )
    draw = partial(figures.dopamine, start=start, reversal=around, tonic=tonic.value)
    return Drawn(Drawing(draw, 2.9), caption)


def outcome(results: Results) -> Drawn:
    """Return the dopamine rate around the outcome; raises `FileError` where its spikes were not recorded."""
    histogram, tonic, when = rasters.around_outcome(results, DOPAMINE), dopamine.tonic(results), timing(results)
    phase = when.phase("outcome")
    seen = {key: int(what.n.max(initial=0)) for key, what in histogram.bands.items()}
    caption = (
        f"Rate of the dopamine population around the outcome (shaded), in bins of {1e3 * histogram.width:g} ms: the"
        f" first {EARLY} trials of a block against the last {LATE} before its reversal or end. Blocks with such trials:"
        f" {seen['early', True]} and {seen['late', True]} rewarded, {seen['early', False]} and {seen['late', False]}"
        f" omitted; {_STUDENT}."
    )
    length = (phase.stop - phase.start) * when.dt
    draw = partial(figures.outcome, histogram=histogram, tonic=tonic.value, outcome_length=length)
    return Drawn(Drawing(draw, 2.6), caption)


def spikes(results: Results, epochs: Sequence[str] = ("early", "late")) -> Drawn:
    """Return the rasters of a trial of each of the `epochs`; raises `FileError` where no spikes were recorded.

    Where the run has no early and late trial of one block, its first trial alone is shown.
    """
    laid = blocks(results)
    options = option_count(results)
    shown: list[Shown] = []
    examples = _examples(results, laid)
    for epoch in [name for name in epochs if name in examples] or examples:
        block, trial = examples[epoch]
        row = laid.row[block, trial]
        instance = int(laid.instance[block])
        played = rasters.raster(results, instance, int(np.flatnonzero(laid.sequence[instance] == row)[0]))
        facts = played.facts
        took = "the better option" if facts["better"] else "the worse option"
        paid = "rewarded" if facts["reward"] > 0 else "not rewarded"
        title = f"{epoch.capitalize()}: trial {trial + 1}, took {took}, {paid}"
        shown.append(Shown(title, played, _roles(results, laid, options)[block]))
    first = shown[0].trial
    caption = (
        f"Every spike of instance {first.instance} in two trials of one block, phases shaded. An early trial and a"
        " late one before the reversal, both rewarded for the better option where the block has such."
        if len(shown) > 1
        else f"Every spike of instance {first.instance} in one trial, phases shaded."
    )
    if any(train.neurons > MOST_NEURONS for train in first.trains.values()):
        caption += f" Of larger populations, {MOST_NEURONS} evenly spaced neurons."
    grouped = any(weights.receptor(name) for name in first.trains)
    keys = _role_keys({role for one in shown for role in one.roles}) if grouped else ()
    return Drawn(Drawing(partial(raster, shown=shown, order=_order(first)), height(first)), caption, keys)


def _weights(results: Results) -> Drawn:
    names = sorted(results.weights, key=lambda name: (weights.receptor(name) == "", weights.receptor(name), name))
    courses = [weights.course(results, name) for name in names]
    if not courses:
        weights.course(results, "none")
    caption = (
        "Mean weight of the synapses from the neurons of each option, at the end of trials, by the option's role in the"
        f" block; {count(int(max(b.n.max() for c in courses for b in c.roles.values())), 'block')}, {_STUDENT}."
    )
    return Drawn(Drawing(partial(figures.weights, courses=courses), 0.3 + 2.4 * (-(-len(courses) // 2))), caption)


def _examples(results: Results, laid: Blocks) -> dict[str, tuple[int, int]]:
    """Return block and trial of an early and a late example, of the first block that has both; else the first trial."""
    better, reward = (laid.table(column(results, name)) > 0 for name in ("better", "reward"))
    early, late = early_and_late(results, laid)
    for wanted in (better & reward, np.ones_like(better)):
        for block in range(len(laid.row)):
            first, last = np.flatnonzero((early & wanted)[block]), np.flatnonzero((late & wanted)[block])
            if first.size and last.size:
                return {"early": (block, int(first[0])), "late": (block, int(last[-1]))}
    return {"early": (0, int(np.flatnonzero(laid.row[0] >= 0)[0]))}


def _roles(results: Results, laid: Blocks, options: int) -> list[list[str]]:
    """Return the roles of the options, [block][option]; all ``other`` where the better option was not recorded."""
    if "better_option" not in results.trials:
        return [[weights.ROLES[2]] * options for _ in laid.row]
    found = weights.roles(laid.table(column(results, "better_option")), options)
    return [[weights.ROLES[role] for role in row] for row in found]


def _role_keys(roles: set[str]) -> tuple[tuple[str, str], ...]:
    variables = dict(zip(weights.ROLES, ("first", "second", "other"), strict=True))
    return tuple(
        (variables[role], f"neurons of the {'other option' if role == 'other' else f'option {role}'}")
        for role in ROLE_COLOURS
        if role in roles
    )


def _order(shown: rasters.Raster) -> list[str]:
    """Return the populations from input to dopamine, others by name."""
    known = ("cortex", "d1", "d2", "striosome", "feedback", "reward")
    names = sorted(shown.trains)
    last = [name for name in names if name == DOPAMINE]
    first = [name for name in known if name in names]
    return [*first, *(name for name in names if name not in (*first, *last)), *last]


def _zero(results: Results, laid: Blocks) -> NDArray[np.int64]:
    return reversals(results, laid) if "reversal" in results.trials else np.full(len(laid.row), -1)


def _reversal(results: Results) -> Curve | None:
    return around_reversal(results) if (_zero(results, blocks(results)) >= 0).any() else None


def panel(title: str, name: str, make: Callable[[], Drawn]) -> Panel:
    """Return the figure that `make` describes, or why it cannot be made; `name` is unique on the page."""
    try:
        drawn = make()
    except FileError as error:
        return Panel(title, "", None, (), str(error))
    return Panel(title, drawn.caption, Markup(inline(drawn.drawing, name, f"{title}. {drawn.caption}")), drawn.keys, "")
