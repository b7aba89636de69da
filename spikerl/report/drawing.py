"""How every figure is drawn: one style of axes, lines with their bands, and figures turned to text or bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from spikerl.analysis.intervals import Band
from spikerl.report.palette import INK, LINE, NAMED, SOFT, Colour

WIDTH = 7.4
Canvas = Figure | SubFigure
_STYLE: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "path.simplify": False,
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK.light,
    "axes.labelsize": 8.0,
    "axes.labelcolor": INK.light,
    "axes.edgecolor": SOFT.light,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "text.color": INK.light,
    "xtick.color": SOFT.light,
    "ytick.color": SOFT.light,
    "xtick.labelcolor": INK.light,
    "ytick.labelcolor": INK.light,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "legend.handlelength": 1.8,
    "lines.linewidth": 1.5,
    "lines.solid_capstyle": "round",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.hspace": 0.0,
    "figure.constrained_layout.h_pad": 0.02,
}


class Drawing(NamedTuple):
    """A figure yet to be drawn: `draw` puts it on a canvas of `height` inches (and `WIDTH`, on a page)."""

    draw: Callable[[Canvas], None]
    height: float


def inline(drawing: Drawing, name: str, label: str) -> str:
    """Return a figure as an ``<svg>`` element for an HTML page.

    `name` makes its inner references unique on the page; `label` is read out in its place. Colours of the palette
    become CSS variables, so that one figure serves light and dark grounds; equal figures give equal text.
    """
    buffer = io.StringIO()
    with mpl.rc_context(_STYLE), mpl.rc_context({"svg.hashsalt": name}):
        figure = Figure(figsize=(WIDTH, drawing.height))
        drawing.draw(figure)
        figure.savefig(buffer, format="svg", transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].strip()
    # What belongs to a file of its own (with the date), or would stand twice on a page with several figures.
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    head, _, body = text.partition(">")
    box = re.search(r'viewBox="[0-9. ]+"', head)
    assert box is not None
    body = re.sub(r'<g id="[^"]*">', "<g>", body)
    body = re.sub(r"'DejaVu Sans'", "var(--sans)", body)
    for variable, colour in NAMED.items():
        body = body.replace(colour.light, f"var(--{variable})")
    return f'<svg {box[0]} role="img" aria-label="{escape(label)}">{body}'


def png(draw: Callable[[Figure], None], size: tuple[float, float], resolution: int = 200) -> bytes:
    """Return a figure of `size` inches as PNG on white, `resolution` dots an inch; equal figures, equal bytes."""
    buffer = io.BytesIO()
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size)
        draw(figure)
        figure.savefig(
            buffer,
            format="png",
            dpi=resolution,
            facecolor="white",
            bbox_inches="tight",
            pad_inches=0.15,
            metadata={"Software": None},
        )
    return buffer.getvalue()


def band(
    axes: Axes,
    x: NDArray[Any],
    what: Band,
    colour: Colour,
    *,
    label: str = "",
    dashes: str = "-",
    width: float = 1.5,
    shade: float = 0.17,
    marker: str = "",
) -> None:
    """Draw a line with its interval; where it is one point, a point with a bar."""
    if np.isfinite(what.value).sum() == 1:
        marker = marker or "o"
        at = np.flatnonzero(np.isfinite(what.value))
        axes.vlines(x[at], what.low[at], what.high[at], color=colour.light, linewidth=width)
    axes.fill_between(x, what.low, what.high, color=colour.light, alpha=shade, linewidth=0)
    axes.plot(
        x,
        what.value,
        dashes,
        color=colour.light,
        label=label or "_",
        linewidth=width,
        marker=marker,
        markersize=3.2,
        markeredgewidth=1.0,
        markerfacecolor="none" if dashes != "-" else colour.light,
    )


def level(axes: Sequence[Axes], value: float, label: str) -> None:
    """Draw a dotted line across all `axes` at `value`, named right of the last."""
    for one in axes:
        one.axhline(value, color=SOFT.light, linestyle=(0, (1, 2)), linewidth=1.0, zorder=1)
    axes[-1].annotate(
        label,
        (1.0, value),
        xycoords=("axes fraction", "data"),
        xytext=(3, 0),
        textcoords="offset points",
        ha="left",
        va="center",
        fontsize=7,
        color=SOFT.light,
    )


def frame(axes: Sequence[Axes]) -> None:
    """Keep the lines in view: bands over a few blocks may be many times as high, and then leave the frame.

    The axis, shared by all `axes`, reaches at most as far above and below the lines as they themselves span.
    """
    parts = [np.asarray(line.get_ydata(), dtype=np.float64) for one in axes for line in one.get_lines()]
    values = np.concatenate(parts)
    values = values[np.isfinite(values)]
    span = max(float(np.ptp(values)), 0.1 * float(np.abs(values).max()), 1e-9)
    low, high = axes[0].get_ylim()
    axes[0].set_ylim(max(low, float(values.min()) - span), min(high, float(values.max()) + span))


def legend(figure: Canvas, axes: Axes) -> None:
    """Name the lines of `axes` in a row above the figure, where they cover nothing."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside upper right", ncols=min(len(labels), 4), borderaxespad=0.2)


def instant(axes: Axes, value: float) -> None:
    """Draw a thin line upright at `value`."""
    axes.axvline(value, color=LINE.light, linewidth=1.0, zorder=0)
