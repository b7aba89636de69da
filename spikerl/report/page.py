"""``report(results, out)``: one or several runs as one HTML file that needs nothing else, no script, no network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from spikerl.analysis.accuracy import is_training
from spikerl.analysis.acting import is_acting
from spikerl.errors import FileError, message
from spikerl.files import replace_whole
from spikerl.report.acting_page import acting_page
from spikerl.report.circuit_page import circuit_page
from spikerl.report.quantizing_page import quantizing_page
from spikerl.report.training_page import training_page
from spikerl.results import Results
from spikerl.results.quantizing import Comparison


def report(results: Results | Comparison | Sequence[Results], out: str | Path) -> Path:
    """Write the page of one run, of several side by side, or of a comparison of bit widths to `out`; return its path.

    The file is replaced atomically. Equal results give equal bytes. What a run did not record is named in the place of
    its figure. Raises `FileError` where there is no run, no trial was played, circuits stand beside layers that
    learned, a comparison has no cell in floating point, or `out` cannot be written.
    """
    path = Path(out)
    if isinstance(results, Comparison):
        replace_whole(path, quantizing_page(results).encode("utf-8"))
        return path
    chosen = [results] if isinstance(results, Results) else list(results)
    if not chosen:
        raise FileError(message("report", "no run", "one run at least"))
    replace_whole(path, page(chosen).encode("utf-8"))
    return path


def page(chosen: Sequence[Results]) -> str:
    """Return the page of the runs as text; raises `FileError` for a run without a trial."""
    for belongs, made in ((is_training, training_page), (is_acting, acting_page)):
        mine = [one for one in chosen if belongs(one)]
        if mine and len(mine) < len(chosen):
            allowed = "circuits in a task, layers that learned from data, or layers that act"
            raise FileError(message("report", f"{mine[0].path} beside others", allowed, "write two pages"))
        if mine:
            return made(chosen)
    return circuit_page(chosen)
