"""The commands that run experiments, and all others joined to them.

What a command needs it imports when it is called, so that ``--help`` is quick.
"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from spikerl.cli.compare_command import compare
from spikerl.cli.failing import FAILED, STOPPED, Debug, clearly
from spikerl.cli.fit_command import fit
from spikerl.cli.lava import lava
from spikerl.cli.looking import doctor, list_names, report
from spikerl.cli.options import AsJson, ExperimentName, Instances, Seed, Settings, Trials, merged, number
from spikerl.cli.progress import Bar
from spikerl.cli.quantizing import quantize

app = typer.Typer(
    name="spikerl",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(lava)


def _version(wanted: bool) -> None:
    if wanted:
        from spikerl import __version__

        typer.echo(f"spikerl {__version__}")
        raise typer.Exit


@app.callback()
def spikerl(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Describe a spiking circuit and its plasticity once; simulate, train and deploy it anywhere."""


@app.command()
def run(
    experiment: ExperimentName,
    backend: Annotated[str | None, typer.Option("--backend", metavar="NAME", help="Back end to run on.")] = None,
    seed: Seed = None,
    instances: Instances = None,
    trials: Trials = None,
    setting: Settings = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Directory of the run; default runs/<its name>.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Run an experiment and write its results."""
    with clearly(debug):
        from spikerl.cli.progress import counted, note
        from spikerl.cli.summary import outcome, summary
        from spikerl.experiment import overrides, read
        from spikerl.run import Progress, directory, execute

        options = {"run.backend": backend, "run.seed": seed, "run.instances": instances, "run.trials": trials}
        chosen = read(experiment, merged(overrides(setting or []), options))
        place = directory(chosen, out)
        total, unit, every, word = counted(chosen)

        def show(at: Progress) -> None:
            bar.show(at.done, note(at, word))

        try:
            with Bar(chosen.name, total, as_json, unit, every) as bar:
                results = execute(chosen, place, resume, show)
        except KeyboardInterrupt:
            if (place / "manifest.json").exists():
                again = [*sys.argv[1:], *([] if resume else ["--resume"])]
                typer.echo(f"stopped; go on with: spikerl {shlex.join(again)}", err=True)
            else:
                typer.echo(f"stopped before the first {unit} had ended; nothing was written", err=True)
            raise typer.Exit(STOPPED) from None
        facts = summary(results)
        if as_json:
            typer.echo(json.dumps(facts))
            return
        typer.echo(f"results    {results.path}")
        for name, words in outcome(facts):
            typer.echo(f"{name:10s} {words}")
        typer.echo(f"page       spikerl report {shlex.quote(str(results.path))}")


@app.command()
def deploy(
    experiment: ExperimentName,
    target: Annotated[
        str | None,
        typer.Option("--target", metavar="CHIP", help="A name of `spikerl list targets`, or a TOML file."),
    ] = None,
    emulator: Annotated[
        str, typer.Option("--emulator", metavar="loihi|lava|both", help="What runs it; both are held to the last bit.")
    ] = "loihi",
    saturate: Annotated[
        bool, typer.Option("--saturate", help="Accept losses beyond the tolerance, and clip what is out of range.")
    ] = False,
    seed: Seed = None,
    instances: Instances = None,
    trials: Trials = None,
    setting: Settings = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Directory of the run; default runs/<its name>.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Run an experiment in the fixed point of a chip; say how it fits, what is lost, what it would cost."""
    with clearly(debug):
        from spikerl.cli.deploying import facts, lines
        from spikerl.cli.progress import note
        from spikerl.deploy.deploying import chosen_for, directory_of, execute_deployment, stages_of
        from spikerl.errors import DivergenceError
        from spikerl.experiment import TrainingExperiment, overrides, read
        from spikerl.report.page import report as write_page

        options = {"hardware.target": target, "run.seed": seed, "run.instances": instances, "run.trials": trials}
        options["hardware.saturate"] = "true" if saturate else None
        chosen = chosen_for(read(experiment, merged(overrides(setting or []), options)), emulator)
        place = directory_of(chosen, emulator, out)
        trains = isinstance(chosen, TrainingExperiment)
        unit, word = ("stage", "right") if trains else ("trial", "P(better)")
        try:
            with Bar(chosen.name, stages_of(chosen), quiet=as_json, unit=unit) as bar:
                done = execute_deployment(chosen, emulator, place, lambda at: bar.show(at.done, note(at, word)))
        except KeyboardInterrupt:
            kept = "what was trained goes on with the same command" if trains else f"the trials so far are in {place}"
            typer.echo(f"stopped; {kept}", err=True)
            raise typer.Exit(STOPPED) from None
        except DivergenceError as error:
            if as_json:
                parted = {"agree": False, "message": str(error), **error.facts}
                typer.echo(json.dumps(parted, allow_nan=False))
                raise typer.Exit(FAILED) from None
            raise
        page = place / "report.html"
        write_page([done.results], page)
        if as_json:
            typer.echo(json.dumps(facts(done, page), allow_nan=False))
            return
        for line in lines(done, page):
            typer.echo(line)


@app.command()
def sweep(
    experiment: ExperimentName,
    over: Annotated[
        list[str] | None,
        typer.Option("--over", metavar="KEY=V1,V2,...", help="A key and values, read as those of --set. Repeatable."),
    ] = None,
    seeds: Annotated[str, typer.Option("--seeds", metavar="N", help="Seeds of each point, from its own on.")] = "1",
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="ADDRESS", help="Run on this dask cluster: tcp://host:8786.")
    ] = None,
    workers: Annotated[
        str | None, typer.Option("--workers", metavar="N", help="Processes here; default one a processor core.")
    ] = None,
    backend: Annotated[str | None, typer.Option("--backend", metavar="NAME", help="Back end to run on.")] = None,
    seed: Seed = None,
    instances: Instances = None,
    trials: Trials = None,
    setting: Settings = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Directory of the sweep; default runs/<its name>-sweep.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Run an experiment at all combinations of values and seeds; the same command goes on where it was stopped."""
    with clearly(debug):
        from spikerl.cli.sweeping import Following, described, table
        from spikerl.experiment import overrides
        from spikerl.sweep.axes import axes
        from spikerl.sweep.sweeping import execute_sweep

        options = {"run.backend": backend, "run.seed": seed, "run.instances": instances, "run.trials": trials}
        settings, values = merged(overrides(setting or []), options), axes(over or [])
        try:
            with Following(Path(experiment).stem, quiet=as_json) as following:
                done = execute_sweep(
                    *(experiment, values, number("--seeds", seeds), settings, out, scheduler),
                    None if workers is None else number("--workers", workers),
                    following.show,
                )
        except KeyboardInterrupt:
            typer.echo(f"stopped; go on with: spikerl {shlex.join(sys.argv[1:])}", err=True)
            raise typer.Exit(STOPPED) from None
        points = [described(point) for point in done.points]
        if as_json:
            facts = {"directory": str(done.path), "experiment": done.experiment, "axes": done.axes}
            typer.echo(json.dumps(facts | {"points": points}))
        else:
            for line in table(done, points):
                typer.echo(line)
            typer.echo(f"results  {done.path}")
            typer.echo(f"page     spikerl report {shlex.quote(str(done.path))}")
        done.raise_failures()


# In the order of `--help`: behind the commands above.
app.command()(quantize)
app.command()(fit)
app.command()(report)
app.command()(compare)
app.command(name="list")(list_names)
app.command()(doctor)


def main() -> None:
    """Run the program."""
    app(prog_name="spikerl")
