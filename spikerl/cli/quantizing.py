"""``spikerl quantize``: what few bits cost, after learning and during it."""

from __future__ import annotations

import json
import math
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikerl.cli.failing import STOPPED, Debug, clearly
from spikerl.cli.options import AsJson, ExperimentName, Seed, Settings, Trials, merged, number
from spikerl.cli.progress import Bar

if TYPE_CHECKING:
    from spikerl.analysis.intervals import Interval
    from spikerl.analysis.quantizing import Cell, Limit
    from spikerl.results.quantizing import Comparison


def quantize(
    experiment: ExperimentName,
    bits: Annotated[
        str, typer.Option("--bits", metavar="B1,B2,...", help="Bit widths, 1 to 16; 32, floating point, always is.")
    ] = "1,2,3,4,5,6,8,12,16,32",
    rounding: Annotated[
        str, typer.Option("--rounding", metavar="NAMES", help="nearest, floor, zero, stochastic, dither.")
    ] = "nearest,stochastic",
    when: Annotated[
        str, typer.Option("--when", metavar="after,during", help="Quantised after learning, or while it lasts.")
    ] = "after,during",
    method: Annotated[
        str, typer.Option("--method", metavar="NAMES", help="plain, hidden, metaplastic, dither, scaled; or with +.")
    ] = "plain",
    seeds: Annotated[
        str | None, typer.Option("--seeds", metavar="N", help="Instances of each cell; default those of the file.")
    ] = None,
    test: Annotated[
        str, typer.Option("--test", metavar="N", help="Trials with weights held, after those of learning.")
    ] = "40",
    backend: Annotated[
        str | None, typer.Option("--backend", metavar="NAME", help="Back end; default native, for layers norse.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="ADDRESS", help="Run on this dask cluster: tcp://host:8786.")
    ] = None,
    seed: Seed = None,
    trials: Trials = None,
    setting: Settings = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Default runs/<experiment>-quantize.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a comparison that was stopped, from the instances it has.")
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Compare weights in few bits with floating point: what is lost when they are rounded after learning, or during."""
    with clearly(debug):
        from spikerl.experiment import overrides
        from spikerl.quantizing.cells import width
        from spikerl.quantizing.quantizing import Progress
        from spikerl.quantizing.quantizing import quantize as compare
        from spikerl.report.page import report as write_page

        options = {"run.backend": backend, "run.seed": seed, "run.trials": trials, "run.instances": seeds}
        bar: Bar | None = None

        def show(at: Progress) -> None:
            nonlocal bar
            if bar is None:
                bar = Bar(Path(experiment).stem, at.total, as_json, at.unit, max(1, at.total // 20)).__enter__()
            bar.show(at.done, "done" if at.better is None else f"P(better) in floating point {at.better:.2f}")

        try:
            done = compare(
                experiment,
                [width(text) for text in _listed("--bits", bits)],
                _listed("--rounding", rounding),
                _listed("--when", when),
                _listed("--method", method),
                test=int(test) if test == "0" else number("--test", test),
                settings=merged(overrides(setting or []), options),
                scheduler=scheduler,
                out=out,
                resume=resume,
                progress=show,
            )
        except KeyboardInterrupt:
            again = shlex.join(["spikerl", *sys.argv[1:], *([] if resume else ["--resume"])])
            typer.echo(f"stopped; where instances are finished, go on with them: {again}", err=True)
            raise typer.Exit(STOPPED) from None
        finally:
            if bar is not None:
                bar.__exit__(None, None, None)
        page = done.path / "report.html"
        write_page(done, page)
        if as_json:
            typer.echo(json.dumps(facts(done, page), allow_nan=False))
            return
        for line in lines(done, page):
            typer.echo(line)


def facts(done: Comparison, page: Path) -> dict[str, Any]:
    """Return what a comparison found, for ``--json``; None where there is no number."""
    from spikerl.analysis.quantizing import limits, summarise
    from spikerl.quantizing.record import POINTS

    cells = summarise(done.rows)
    head: dict[str, Any] = {"directory": str(done.path), "page": str(page), "experiment": done.facts.experiment}
    head |= {"backend": done.facts.backend, "seed": done.facts.seed, "instances": done.facts.instances}
    return head | {
        "cells": [_plain(cell._asdict()) for cell in cells],
        "limits": [_plain(limit._asdict()) for limit in limits(cells, POINTS)],
    }


def lines(done: Comparison, page: Path) -> list[str]:
    """Return the table of the cells, the limits, and where the files are."""
    from spikerl.analysis.quantizing import limits, summarise
    from spikerl.quantizing.record import POINTS

    cells = summarise(done.rows)
    said = _aligned([_HEADER, *(_row(cell) for cell in cells)])
    said += ["", *_limits(limits(cells, POINTS)), ""]
    said += [f"results  {done.path}", f"page     {page}"]
    return [*said, f"again    spikerl report {shlex.quote(str(done.path))}"]


_HEADER = ("bits", "memory", "rounding", "when", "method", "n", "score", "minus floating point", "updates lost")


def _row(cell: Cell) -> tuple[str, ...]:
    if cell.floating:
        key: tuple[str, ...] = ("float", "-", "-", "-", "-")
    else:
        key = (str(cell.bits), str(cell.memory_bits), cell.rounding, cell.when, cell.method)
    gap = "" if cell.floating else _interval(cell.difference, "+.3f")
    lost = "" if math.isnan(cell.lost) or cell.floating else f"{100 * cell.lost:.1f} %"
    return (*key, str(cell.n), _interval(cell.measure, ".3f"), gap, lost)


def _interval(found: Interval, form: str) -> str:
    value = format(found.value, form)
    return f"{value} [{format(found.low, form)}, {format(found.high, form)}]" if found.known() else value


def _limits(found: list[Limit]) -> list[str]:
    """Return a line for each way of rounding: at which width its loss first exceeds so many points."""
    ways: dict[str, list[str]] = {}
    for limit in found:
        way = f"{limit.rounding}, {limit.when}, {limit.method}"
        where = "at no width that was tried" if limit.bits is None else f"first at {limit.bits} bits"
        ways.setdefault(way, []).append(f"more than {limit.points:g} {where}")
    return [f"{way}: points of 100 lost, {'; '.join(said)}" for way, said in ways.items()]


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(f"{cell:{width}s}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _listed(option: str, text: str) -> list[str]:
    """Return the values of ``V1,V2,...``; raises `DescriptionError` where one is empty."""
    from spikerl.errors import DescriptionError, message

    values = [value.strip() for value in text.split(",")]
    if "" in values:
        raise DescriptionError(message(option, text, "a value before and after each comma"))
    return values


def _plain(value: Any) -> Any:
    """Return intervals by their fields, and None for what is no number."""
    from spikerl.analysis.intervals import Interval

    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, Interval):
        return _plain(value._asdict())
    return None if isinstance(value, float) and not math.isfinite(value) else value
