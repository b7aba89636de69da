"""The figure of a chip's limits: how much of each is used, as a bar; what is unknown or without a limit says so."""

from __future__ import annotations

from collections.abc import Sequence

from spikerl.report.drawing import Canvas
from spikerl.report.numbers import count_of, cut, percent
from spikerl.report.palette import D2, INK, LINE, SOFT, WASH
from spikerl.results.deployment import Limit

MOST_LIMITS = 40
_THICK = 0.5
_LONGEST_NAME = 40
_WORDS = {
    "chip.cores": "cores of the chip",
    "chip.neurons": "neurons of the chip",
    "chip.synapses": "synapses of the chip",
    "core.compartments": "neurons of a core",
    "core.input_axons": "input axons of a core",
    "core.output_axons": "output axons of a core",
    "core.synaptic_memory": "synaptic memory of a core, bits",
    "core.compartment_configurations": "kinds of neurons on a core",
    "core.thresholds": "thresholds on a core",
    "synapses.delay": "longest delay, steps",
    "neurons.refractory": "refractory period, steps",
    "learning.signals": "third factors of a rule",
}


def words(key: str) -> str:
    """Return the key of a limit in words."""
    return _WORDS.get(key, key.replace("_", " ").replace(".", ": "))


def said(limit: Limit) -> str:
    """Return what is used of a limit, in words: ``40 of 1,024 (3.91 %)``."""
    if limit.unlimited:
        return f"{count_of(limit.used)}, unlimited"
    if limit.limit is None:
        return f"{count_of(limit.used)}, limit unknown"
    share = f" ({percent(limit.used / limit.limit)})" if limit.limit else ""
    return f"{count_of(limit.used)} of {count_of(limit.limit)}{share}"


def height(limits: Sequence[Limit]) -> float:
    """Return the height in inches of the figure."""
    return 0.45 + 0.235 * min(len(limits), MOST_LIMITS)


def limits(figure: Canvas, shown: Sequence[Limit]) -> None:
    """Draw a bar for each limit, from nothing to all of it; at most `MOST_LIMITS`."""
    shown = shown[:MOST_LIMITS]
    axes = figure.subplots()
    for row, limit in enumerate(shown):
        if limit.limit is None:
            if not limit.unlimited:
                axes.barh(row, 1.0, _THICK, fill=False, edgecolor=SOFT.light, linewidth=0.7, linestyle=(0, (2, 2)))
        else:
            axes.barh(row, 1.0, height=_THICK, color=WASH.light, edgecolor=LINE.light, linewidth=0.7)
            share = limit.used / limit.limit if limit.limit else float(limit.used > 0)
            colour = INK if share <= 1.0 else D2
            axes.barh(row, min(share, 1.0), height=_THICK, color=colour.light, linewidth=0)
        axes.annotate(
            said(limit),
            (1.0, row),
            (6, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
            color=INK.light if limit.limit is not None else SOFT.light,
            annotation_clip=False,
        )
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlim(0.0, 1.0)
    axes.set_xticks([0.0, 0.25, 0.5, 0.75, 1.0], ["0", "25 %", "50 %", "75 %", "all of it"])
    axes.set_yticks(range(len(shown)), [cut(words(limit.key), _LONGEST_NAME) for limit in shown])
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
