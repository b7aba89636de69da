"""``picture(results, out)``: the learning curve, the dopamine and the spikes of a run in one figure, as PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from spikerl.files import replace_whole
from spikerl.report.drawing import png
from spikerl.report.sections import Drawn, learning, outcome, spikes
from spikerl.results import Results

SIZE = (10.2, 5.8)


def picture(results: Results, out: str | Path) -> Path:
    """Write the picture of a run to `out`, atomically, and return its path; equal results give equal bytes.

    Raises `FileError` where no spikes were recorded, no trial was played, or `out` cannot be written.
    """
    parts = (
        ("A   Learning", learning([("circuit", results)])),
        ("B   Dopamine at the outcome", outcome(results)),
        ("C   Spikes of a late trial", spikes(results, ("late",))),
    )
    path = Path(out)
    replace_whole(path, png(lambda figure: _compose(figure, parts), SIZE))
    return path


def _compose(figure: Figure, parts: Sequence[tuple[str, Drawn]]) -> None:
    """Put the first two parts below one another, and the third beside them."""
    grid = figure.add_gridspec(2, 2, width_ratios=(6.2, 4.0), height_ratios=(1.0, 1.0), hspace=0.04, wspace=0.03)
    places = [figure.add_subfigure(grid[where]) for where in ((0, 0), (1, 0), (slice(None), 1))]
    for place, (title, part) in zip(places, parts, strict=True):
        part.drawing.draw(place)
        place.suptitle(title, x=0.01, ha="left", fontsize=10, fontweight="bold")
