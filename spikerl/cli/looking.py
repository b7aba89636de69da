"""``spikerl report``, ``list`` and ``doctor``: commands that look at what is there, and run nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spikerl.cli.failing import Debug, clearly


def report(
    directories: Annotated[
        list[Path], typer.Argument(metavar="DIR ...", help="Directories of runs and of sweeps, or of one comparison.")
    ],
    out: Annotated[Path | None, typer.Option("--out", metavar="PAGE.html", help="Default: report.html in DIR.")] = None,
    debug: Debug = False,
) -> None:
    """Write one self-contained page of figures from the results of runs, or of a comparison of bit widths."""
    with clearly(debug):
        from spikerl.errors import FileError, message
        from spikerl.report.page import report as write_page
        from spikerl.results import Results
        from spikerl.results.quantizing import Comparison, holds_comparison
        from spikerl.sweep.record import runs

        page = out if out is not None else directories[0] / "report.html"
        if any(map(holds_comparison, directories)):
            if len(directories) > 1:
                shown = ", ".join(str(directory) for directory in directories)
                raise FileError(message("report", shown, "one comparison of bit widths, alone", "write two pages"))
            write_page(Comparison.open(directories[0]), page)
            typer.echo(f"page  {page}")
            return
        chosen, left_out = runs(directories)
        for point in left_out:
            typer.echo(f"left out: {point.directory} is {point.state}", err=True)
        results = [Results.open(directory) for directory in chosen]
        write_page(results, page)
        typer.echo(f"page  {page}")


def list_names(
    kind: Annotated[
        str | None, typer.Argument(metavar="[experiments|circuits|tasks|targets|backends]", help="Default: all.")
    ] = None,
    debug: Debug = False,
) -> None:
    """List what is there to run: experiments, circuits, tasks, targets, back ends."""
    with clearly(debug):
        from spikerl.cli.listing import KINDS
        from spikerl.errors import DescriptionError, message, nearest

        if kind is not None and kind not in KINDS:
            raise DescriptionError(message("list", kind, ", ".join(KINDS), nearest(kind, KINDS)))
        for name in KINDS if kind is None else (kind,):
            if kind is None:
                typer.echo(f"{name}:")
            rows = KINDS[name]()
            width = max((len(row[0]) for row in rows), default=0)
            for row in rows:
                typer.echo(f"  {row[0]:{width}s}  {row[1]}")


def doctor(debug: Debug = False) -> None:
    """Say what this installation can do, and how to get what is missing."""
    with clearly(debug):
        from spikerl.cli.examination import examine

        for line in examine():
            typer.echo(line)
