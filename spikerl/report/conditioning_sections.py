"""What the page says of a run of conditioning: its measures, its panels, and its lead."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from spikerl.analysis import conditioning, rasters
from spikerl.analysis.blocks import blocks
from spikerl.analysis.conditioning import FIRST, LAST, Kind
from spikerl.analysis.held import Line, Measure
from spikerl.analysis.intervals import Interval, mean_over_blocks
from spikerl.analysis.timing import timing
from spikerl.errors import FileError
from spikerl.report import conditioning_figures as figures
from spikerl.report.drawing import Drawing
from spikerl.report.numbers import bounds, count, number
from spikerl.report.raster_figure import MOST_NEURONS, Shown, height, raster
from spikerl.report.sections import Drawn, Panel, panel
from spikerl.results import Results

DOPAMINE = "dopamine"
_STUDENT = "bands: 95 % intervals over circuits (Student)"
_MOST_POINTS = 30
LEGEND = (
    f"First: the first {FIRST} trials of a kind. Last: the last {LAST}, or all where there are fewer. Intervals are"
    " over circuits, each conditioned by itself. Responses are rates of the dopamine population beside its rate between"
    " trials."
)


def conditioning_lines(results: Results) -> tuple[Line, ...]:
    """Return every measure of a run: the tonic rate, and responses by stage and kind of trial."""
    found = [Measure("dopamine_tonic", "Tonic dopamine rate", "Hz", mean_over_blocks(conditioning.tonic(results)))]
    for kind in conditioning.kinds(results):
        name = f"Stage {kind.stage + 1}, {kind.label()}"
        for phase, title in (("cue", "onset of the cue"), ("outcome", "outcome")):
            if phase == "cue" and not kind.cues:
                continue
            try:
                table = conditioning.responses(results, phase, kind)
            except FileError:  # an instance that has not come to such a trial
                continue
            parts = {"": table} if table.shape[1] <= LAST else {", first": table[:, :FIRST], ", last": table[:, -LAST:]}
            for part, trials in parts.items():
                interval = mean_over_blocks(trials.mean(axis=1))
                key = f"{name} {phase}{part}"
                found.append(Measure(key, f"{name}: dopamine at the {title}{part}", "Hz", interval))
    return tuple(Line(measure, ()) for measure in found)


def conditioning_lead(results: Results, circuit: str) -> str:
    """Return what was run, and what came of it."""
    played = count(len(conditioning.tonic(results)), "circuit")
    text = f"{circuit or 'A circuit'} in Pavlovian conditioning, {design_of(results)}: {played}, each by itself."
    first = next((kind for kind in conditioning.kinds(results) if kind.paid and kind.cues), None)
    if first is None:
        return text
    table = conditioning.responses(results, "outcome", first)
    if table.shape[1] < FIRST + LAST:
        return text
    start, end = (mean_over_blocks(part.mean(axis=1)) for part in (table[:, :FIRST], table[:, -LAST:]))
    return (
        f"{text} The response of dopamine to reward after {first.cues} went from {_hertz(start)} on its first trials to"
        f" {_hertz(end)} on the last of stage {first.stage + 1}."
    )


def conditioning_panels(results: Results, prefix: str) -> list[Panel]:
    """Return all panels of one run; `prefix` keeps their names apart on a page."""
    makers: dict[str, tuple[str, Callable[[Results], Drawn]]] = {
        "trials": ("Dopamine over trials", _trials),
        "around": ("Dopamine around cue and reward", _around),
        "raster": ("Spikes of an early and a late trial", _raster),
        "learned": ("What cues have learned", _learned),
    }
    return [panel(title, f"{prefix}-{name}", partial(make, results)) for name, (title, make) in makers.items()]


def _trials(results: Results) -> Drawn:
    kinds, starts = conditioning.kinds(results), conditioning.stage_starts(results)
    phases: dict[str, dict[str, tuple[int, conditioning.Course]]] = {}
    widest = 1
    for phase, title in (("cue", "At the onset of the cue"), ("outcome", "In the outcome")):
        courses = {}
        for kind in kinds:
            if phase == "cue" and not kind.cues:
                continue
            trials = conditioning.responses(results, phase, kind).shape[1]
            width = -(-trials // _MOST_POINTS)
            widest = max(widest, width)
            courses[_name(kind)] = (int(starts[kind.stage]), conditioning.course(results, phase, kind, width))
        phases[title] = courses
    caption = (
        "Mean rate of the dopamine population beside its tonic rate, on the trials of each kind, in their order"
        f"{f', in bins of up to {widest}' if widest > 1 else ''}; thin lines: stages begin; {_STUDENT}."
    )
    return Drawn(Drawing(partial(figures.trials, phases=phases, starts=list(starts)), 3.2), caption)


def _around(results: Results) -> Drawn:
    when = timing(results)
    outcome = when.phase("outcome")
    stages: list[figures.Around] = []
    for stage in range(conditioning.stage_starts(results).size):
        shown = {}
        for kind in (one for one in conditioning.kinds(results) if one.stage == stage):
            if stage == 0 and conditioning.responses(results, "cue", kind).shape[1] >= FIRST + LAST:
                first = conditioning.histogram(results, DOPAMINE, kind, slice(None, FIRST))
                shown[f"{kind.label()}, first"] = first
            shown[kind.label()] = conditioning.histogram(results, DOPAMINE, kind, slice(-LAST, None))
        stages.append(figures.Around(f"Stage {stage + 1}", shown))
    tonic = float(conditioning.tonic(results).mean())
    caption = (
        "Rate of the dopamine population from the onset of the cue on, in bins of 50 ms; the outcome is shaded. The"
        f" last {LAST} trials of each kind in a stage, and the first {FIRST} of the first stage; {_STUDENT}."
    )
    draw = partial(
        figures.around, stages=stages, tonic=tonic, outcome=(outcome.start * when.dt, outcome.stop * when.dt)
    )
    return Drawn(Drawing(draw, 2.9), caption)


def _raster(results: Results) -> Drawn:
    kind = next((one for one in conditioning.kinds(results) if one.paid and one.cues), conditioning.kinds(results)[0])
    rows = conditioning.which(results, kind)
    sequence = blocks(results).sequence[0]
    mine = np.flatnonzero(rows[sequence[sequence >= 0]])
    instance = 0
    shown = [
        Shown(f"{kind.label()}: trial {at + 1}", rasters.raster(results, instance, int(at)), ())
        for at in dict.fromkeys((int(mine[0]), int(mine[-1])))
    ]
    first = shown[0].trial
    caption = f"Every spike of instance {instance} in the first and the last {kind.label()} of a stage, phases shaded."
    if any(train.neurons > MOST_NEURONS for train in first.trains.values()):
        caption += f" Of larger populations, {MOST_NEURONS} evenly spaced neurons."
    known = ("cue", "time", "value", "gaba", "reward", DOPAMINE)
    order = [*(name for name in known if name in first.trains), *sorted(set(first.trains) - set(known))]
    return Drawn(Drawing(partial(raster, shown=shown, order=order), height(first)), caption)


def _learned(results: Results) -> Drawn:
    cues = sorted({cue for kind in conditioning.kinds(results) for cue in kind.cues}, key=conditioning.CUES.index)
    grown = {cue: conditioning.strength(results, cue) for cue in cues}
    caption = (
        "How much the synapses of each cue's time cells onto value neurons have grown, the mean over cells that fire in"
        f" the last 150 ms before the outcome; {_STUDENT}."
    )
    starts = list(conditioning.stage_starts(results))
    return Drawn(Drawing(partial(figures.learned, cues=grown, starts=starts), 2.6), caption)


def _name(kind: Kind) -> str:
    return f"{kind.stage + 1}: {kind.label()}"


def _hertz(interval: Interval) -> str:
    return f"{number(interval.value)} Hz {bounds(interval)}"


def design_of(results: Results) -> str:
    """Return the name of the design."""
    task = results.experiment.get("task")
    return str(task.get("design", "recorded")) if isinstance(task, dict) else "recorded"
