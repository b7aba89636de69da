"""The figures of conditioning: dopamine over trials and around cue and reward, and what cues have learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from spikerl.analysis.conditioning import Course, Histogram, Strength
from spikerl.analysis.intervals import Band, band_over_blocks
from spikerl.report.drawing import Canvas, band, frame, instant, legend, level
from spikerl.report.palette import DOPAMINE, SOFT, WASH, of_run

Courses = Mapping[str, tuple[int, Course]]
"""By label of a kind: its first trial, from 1, and its course."""


class Around(NamedTuple):
    """The rate in one stage: its `title`, and a histogram by label, each as it is drawn."""

    title: str
    histograms: Mapping[str, Histogram]


def trials(figure: Canvas, phases: Mapping[str, Courses], starts: Sequence[int]) -> None:
    """Draw the response in each phase over the trials of each kind; stages begin at `starts`."""
    axes = figure.subplots(1, len(phases), squeeze=False)[0]
    for one, (title, courses) in zip(axes, phases.items(), strict=True):
        for number, (label, (first, course)) in enumerate(courses.items()):
            style = of_run(number)
            band(one, course.trial + first - 1, course.band, style.colour, label=label, dashes=style.dashes, width=1.2)
        for start in starts[1:]:
            instant(one, start - 0.5)
        one.axhline(0.0, color=SOFT.light, linewidth=0.7, linestyle=":")
        one.set_title(title)
        one.set_xlabel("Trial of the stage, stages side by side")
        one.margins(x=0.01)
    frame(list(axes))
    axes[0].set_ylabel("Dopamine beside tonic (Hz)")
    legend(figure, axes[0])


def around(figure: Canvas, stages: Sequence[Around], tonic: float, outcome: tuple[float, float]) -> None:
    """Draw the rate from the onset of the cue on, one panel a stage; `outcome` begins and ends at these seconds."""
    axes = figure.subplots(1, len(stages), sharey=True, squeeze=False)[0]
    numbers: dict[str, int] = {}
    for one, stage in zip(axes, stages, strict=True):
        one.axvspan(outcome[0] * 1e3, outcome[1] * 1e3, color=WASH.light, linewidth=0, zorder=0)
        for label, what in stage.histograms.items():
            style = of_run(numbers.setdefault(label, len(numbers)))
            shown = what.time < outcome[1] + 0.4
            full = what.band
            part = Band(full.value[shown], full.low[shown], full.high[shown], full.n[shown])
            band(one, what.time[shown] * 1e3, part, style.colour, label=label, dashes=style.dashes, width=1.3)
        one.set_title(stage.title)
        one.set_xlabel("Time from the cue (ms)")
        one.margins(x=0.0)
    level(list(axes), tonic, "tonic")
    frame(list(axes))
    axes[0].set_ylim(bottom=0.0)
    axes[0].set_ylabel("Dopamine rate (Hz)", color=DOPAMINE.light)
    for one in axes:
        one.legend(frameon=False, fontsize=7, loc="upper right")


def learned(figure: Canvas, cues: Mapping[str, Strength], starts: Sequence[int]) -> None:
    """Draw what each cue has learned over trials; stages begin at `starts`."""
    axes = figure.subplots()
    for number, (cue, what) in enumerate(cues.items()):
        style = of_run(number)
        band(axes, what.trial, band_over_blocks(what.grown.T), style.colour, label=cue, dashes=style.dashes)
    for start in starts[1:]:
        instant(axes, start - 0.5)
    axes.set_xlabel("Trial of the block")
    axes.set_ylabel(f"Growth of weights ({next(iter(cues.values())).unit})")
    axes.margins(x=0.01)
    frame([axes])
    legend(figure, axes)
