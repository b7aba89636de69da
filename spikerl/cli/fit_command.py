"""``spikerl fit``: a circuit fitted to recorded choices."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from spikerl.cli.failing import STOPPED, Debug, clearly
from spikerl.cli.options import AsJson, ExperimentName, Seed, Settings, merged, number
from spikerl.cli.progress import Bar


def fit(
    experiment: ExperimentName,
    data: Annotated[Path, typer.Option("--data", metavar="TRIALS.csv", help="Recorded blocks: choices and rewards.")],
    over: Annotated[
        list[str] | None,
        typer.Option(
            "--over",
            metavar="KEY=LOW:HIGH",
            help="A key of the circuit and its range, such as circuit.tau_elig=200ms:2s. Repeatable.",
        ),
    ] = None,
    evaluations: Annotated[
        str, typer.Option("--evaluations", metavar="N", help="Vectors of values that are tried.")
    ] = "30",
    split: Annotated[
        str, typer.Option("--split", metavar="K", help="Which of 10 pairs of halves to fit and to test, from 1.")
    ] = "1",
    repeats: Annotated[
        str, typer.Option("--repeats", metavar="N", help="Instances a block, whose votes are averaged.")
    ] = "1",
    stickiness: Annotated[
        bool, typer.Option("--stickiness/--no-stickiness", help="Whether the last choice may add to its option.")
    ] = True,
    backend: Annotated[str, typer.Option("--backend", metavar="NAME", help="Back end to run on.")] = "native",
    seed: Seed = None,
    setting: Settings = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Directory of the fit; default runs/<its name>-fit.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Fit a circuit to recorded choices on half of the blocks; judge it on the other half, beside rate models."""
    with clearly(debug):
        from spikerl.cli.fitting import Following, lines
        from spikerl.experiment import overrides
        from spikerl.fitting.fitting import fit as fit_circuit
        from spikerl.fitting.ranges import over_texts

        count = number("--evaluations", evaluations)
        try:
            with Bar(Path(experiment).stem, count + 1, as_json, unit="evaluation", every=1) as bar:
                found = fit_circuit(
                    experiment,
                    data,
                    over_texts(over or []),
                    settings=merged(overrides(setting or []), {"run.backend": backend, "run.seed": seed}),
                    evaluations=count,
                    split=number("--split", split) - 1,
                    repeats=number("--repeats", repeats),
                    stickiness=stickiness,
                    out=out,
                    progress=Following(bar).show,
                )
        except KeyboardInterrupt:
            typer.echo(f"stopped; go on with: spikerl {shlex.join(sys.argv[1:])}", err=True)
            raise typer.Exit(STOPPED) from None
        if as_json:
            typer.echo(json.dumps(found.facts(), allow_nan=False))
            return
        for line in lines(found):
            typer.echo(line)
