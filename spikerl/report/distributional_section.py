"""The panel of a run in which rewards have sizes: what its dopamine cells expect, cell by cell and all together."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from spikerl.analysis import distributional
from spikerl.analysis.distributional import BANDWIDTH, Code
from spikerl.report.drawing import Canvas, Drawing, frame, legend
from spikerl.report.numbers import count, number
from spikerl.report.palette import DOPAMINE, FIRST, INK, OTHER, SECOND, SOFT
from spikerl.report.sections import DOPAMINE as POPULATION
from spikerl.report.sections import Drawn, Panel, panel
from spikerl.results import Results

LEARNING = 0.25
"""The share of the trials that is left to learning."""

_GROUPS = (("pessimistic third", SECOND, "--"), ("middle third", OTHER, "-"), ("optimistic third", FIRST, "-"))
_GRID = 400


def distributional_panels(results: Results, prefix: str) -> list[Panel]:
    """Return the panel of a run whose rewards have sizes, none of another; `prefix` keeps its name apart on a page."""
    if "magnitude" not in results.trials:
        return []
    return [panel("What dopamine cells expect", f"{prefix}-distribution", lambda: _distribution(results))]


def _distribution(results: Results) -> Drawn:
    """Return responses by size, asymmetry against reversal point, and what is decoded; raises `FileError`."""
    played = int(results.trials["trial"].size // results.contents.instances)
    skip = int(LEARNING * played)
    code = distributional.read(results, POPULATION, skip=skip)
    points, follows, counts = code.points_agree, code.tau_follows_point, code.all_trials.counts()
    caption = (
        f"{count(counts['cells'], 'dopamine cell')} of instance 0 in {count(played - skip, 'trial')}, after"
        f" {skip:,} to learn. Left: spikes in the outcome beside the baseline, mean of cells by their reversal points."
        " Middle: reversal point of each cell in one half of the trials, and asymmetry in the other; across halves,"
        f" reversal points agree with r = {number(points.value)} [{number(points.low)}, {number(points.high)}] and"
        f" asymmetry follows them with r = {number(follows.value)} [{number(follows.low)}, {number(follows.high)}]"
        " (bootstrap of cells). Right: the distribution of rewards that both mean together, smoothed; it lies"
        f" {number(code.distance)} ul from the rewards that were given (Wasserstein-1), and"
        f" {number(code.control_distance)} ul with asymmetries shuffled. Recorded cells: r = .73 and .47, 1.67 and"
        " 3.71 ul (Dabney et al. 2020)."
    )
    return Drawn(Drawing(partial(_draw, code=code), 2.9), caption)


def _draw(figure: Canvas, code: Code) -> None:
    """Draw the three parts side by side."""
    responses, pairs, density = figure.subplots(1, 3)
    _responses(responses, code)
    _pairs(pairs, code)
    _density(density, code)
    frame([responses])
    frame([pairs])
    frame([density])
    legend(figure, responses)


def _responses(axes: Axes, code: Code) -> None:
    """Draw the mean response to each size, of thirds of the cells by their reversal points."""
    levels = np.unique(code.recording.magnitudes)
    means = np.stack([code.recording.responses[:, code.recording.magnitudes == one].mean(axis=1) for one in levels])
    order = np.argsort(code.all_trials.point, kind="stable")
    for (label, colour, dashes), cells in zip(_GROUPS, np.array_split(order, len(_GROUPS)), strict=True):
        for cell in cells:
            axes.plot(levels, means[:, cell], color=colour.light, linewidth=0.4, alpha=0.5)
        axes.plot(levels, means[:, cells].mean(axis=1), dashes, color=colour.light, linewidth=1.8, label=label)
    axes.axhline(0.0, color=SOFT.light, linewidth=0.7, linestyle=(0, (1, 2)))
    _sizes(axes, code)
    axes.set_ylabel("Response (Hz beside baseline)")


def _pairs(axes: Axes, code: Code) -> None:
    """Draw the asymmetry of one half against the reversal point of the other."""
    tau, point = code.split.pairs()
    axes.plot(point, tau, "o", color=DOPAMINE.light, markersize=3.2, alpha=0.6, markeredgewidth=0.0)
    _sizes(axes, code)
    axes.set_xlabel("Reversal point (ul)")
    axes.set_ylabel("Asymmetry")
    axes.set_ylim(0.0, 1.0)


def _density(axes: Axes, code: Code) -> None:
    """Draw the densities over utility of the rewards given, of what is decoded, and of the shuffled control."""
    given, weights = code.utilities(code.sizes), code.shares
    x = np.linspace(given[0] - 3.0 * BANDWIDTH, given[-1] + 3.0 * BANDWIDTH, _GRID)
    true = _smoothed(x, given, weights)
    shuffled = np.concatenate([one.pooled for one in code.control])
    axes.fill_between(x, 0.0, true, color=INK.light, alpha=0.12, linewidth=0)
    axes.plot(x, true, color=INK.light, linewidth=0.9)
    axes.plot(x, _smoothed(x, code.utilities(shuffled)), "--", color=SOFT.light, linewidth=1.1)
    read = _smoothed(x, code.utilities(code.decoded.pooled))
    axes.plot(x, read, color=DOPAMINE.light, linewidth=1.8)
    _sizes(axes, code)
    axes.set_ylabel("Density (of utility)")
    axes.set_yticks([])
    for text, colour, height in (("given", INK, 0.98), ("decoded", DOPAMINE, 0.9), ("shuffled", SOFT, 0.82)):
        axes.text(1.0, height, text, color=colour.light, fontsize=7.5, ha="right", va="top", transform=axes.transAxes)


def _smoothed(
    x: NDArray[np.float64], values: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """``sum_m p_m N(x; z_m, BANDWIDTH^2)``: return the density at `x`."""
    share = np.full(values.size, 1.0 / values.size) if weights is None else weights
    bumps = np.exp(-0.5 * np.square((x[:, None] - values) / BANDWIDTH)) / (BANDWIDTH * np.sqrt(2.0 * np.pi))
    density: NDArray[np.float64] = bumps @ share
    return density


def _sizes(axes: Axes, code: Code) -> None:
    """Name the sizes along an axis of utility; those that would stand upon one another are ticks alone."""
    places = code.utilities(code.sizes)
    names, last = [], -np.inf
    for place, size in zip(places, code.sizes, strict=True):
        names.append(f"{size:g}" if place - last > 0.08 * np.ptp(places) else "")
        last = place if names[-1] else last
    axes.set_xticks(places, names)
    axes.set_xlabel("Reward (ul)")
