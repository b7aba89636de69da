"""The commands and their options. What a command needs it imports when it is called, so that ``--help`` is quick."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from spikerl.cli.failing import FAILED, STOPPED, Debug, clearly
from spikerl.cli.lava import lava
from spikerl.cli.progress import Bar

app = typer.Typer(
    name="spikerl",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(lava)

ExperimentName = Annotated[
    str, typer.Argument(metavar="EXPERIMENT", help="A shipped name, or the path of a TOML file.")
]
# Numbers are taken as text and read as those of `--set` are: one law, one message.
Seed = Annotated[str | None, typer.Option("--seed", metavar="N", help="Seed of all random numbers.")]
Instances = Annotated[str | None, typer.Option("--instances", metavar="N", help="Independent instances in lockstep.")]
Trials = Annotated[str | None, typer.Option("--trials", metavar="N", help="Trials of each instance.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A key of the file, such as task.schedule=60/40. Repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


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
        from spikerl.cli.progress import counted
        from spikerl.cli.summary import outcome, summary
        from spikerl.experiment import overrides, read
        from spikerl.run import Progress, directory, execute

        options = {"run.backend": backend, "run.seed": seed, "run.instances": instances, "run.trials": trials}
        chosen = read(experiment, _merged(overrides(setting or []), options))
        place = directory(chosen, out)
        total, unit, every, word = counted(chosen)

        def show(at: Progress) -> None:
            bar.show(at.done, f"{word} {at.better:.2f}")

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
        from spikerl.deploy.deploying import chosen_for, directory_of, execute_deployment, stages_of
        from spikerl.errors import DivergenceError
        from spikerl.experiment import TrainingExperiment, overrides, read
        from spikerl.report.page import report as write_page

        options = {"hardware.target": target, "run.seed": seed, "run.instances": instances, "run.trials": trials}
        options["hardware.saturate"] = "true" if saturate else None
        chosen = chosen_for(read(experiment, _merged(overrides(setting or []), options)), emulator)
        place = directory_of(chosen, emulator, out)
        trains = isinstance(chosen, TrainingExperiment)
        unit, word = ("stage", "right") if trains else ("trial", "P(better)")
        try:
            with Bar(chosen.name, stages_of(chosen), quiet=as_json, unit=unit) as bar:
                done = execute_deployment(
                    chosen, emulator, place, lambda at: bar.show(at.done, f"{word} {at.better:.2f}")
                )
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
        settings, values = _merged(overrides(setting or []), options), axes(over or [])
        try:
            with Following(Path(experiment).stem, quiet=as_json) as following:
                done = execute_sweep(
                    *(experiment, values, _number("--seeds", seeds), settings, out, scheduler),
                    None if workers is None else _number("--workers", workers),
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


@app.command()
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

        count = _number("--evaluations", evaluations)
        try:
            with Bar(Path(experiment).stem, count + 1, as_json, unit="evaluation", every=1) as bar:
                found = fit_circuit(
                    experiment,
                    data,
                    over_texts(over or []),
                    settings=_merged(overrides(setting or []), {"run.backend": backend, "run.seed": seed}),
                    evaluations=count,
                    split=_number("--split", split) - 1,
                    repeats=_number("--repeats", repeats),
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


@app.command()
def report(
    directories: Annotated[list[Path], typer.Argument(metavar="DIR ...", help="Directories of runs and of sweeps.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="PAGE.html", help="Default: report.html in DIR.")] = None,
    debug: Debug = False,
) -> None:
    """Write one self-contained page of figures from the results of runs."""
    with clearly(debug):
        from spikerl.report.page import report as write_page
        from spikerl.results import Results
        from spikerl.sweep.record import runs

        chosen, left_out = runs(directories)
        for point in left_out:
            typer.echo(f"left out: {point.directory} is {point.state}", err=True)
        results = [Results.open(directory) for directory in chosen]
        page = out if out is not None else directories[0] / "report.html"
        write_page(results, page)
        typer.echo(f"page  {page}")


@app.command()
def compare(
    experiment: ExperimentName,
    backends: Annotated[
        str, typer.Option("--backends", metavar="A,B,...", help="Back ends; the first is the measure of the others.")
    ] = "reference,brian2,norse",
    trials: Trials = None,
    instances: Instances = None,
    seed: Seed = None,
    setting: Settings = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Run an experiment on several back ends in lockstep; exit with 1, and say where, if they part."""
    with clearly(debug):
        from spikerl.errors import DivergenceError
        from spikerl.experiment import overrides, read_circuit
        from spikerl.lockstep import compare as lockstep

        names = [name.strip() for name in backends.split(",")]
        options = {"run.seed": seed, "run.instances": instances, "run.trials": trials}
        chosen = read_circuit(experiment, _merged(overrides(setting or []), options), "compare")
        try:
            with Bar(chosen.name, chosen.run.trials, quiet=as_json) as bar:
                agreed = lockstep(chosen, names, lambda done, _: bar.show(done, "identical so far"))
        except DivergenceError as error:
            if as_json:
                facts = {"agree": False, "backends": names, "message": str(error), **error.facts}
                typer.echo(json.dumps(facts, allow_nan=False))
                raise typer.Exit(FAILED) from None
            raise
        found = agreed.agreement
        if as_json:
            facts = {"agree": True, "backends": names, "trials": agreed.trials, "choices": agreed.choices}
            facts |= {"windows": found.windows, "steps": found.steps, "spikes": found.spikes}
            typer.echo(json.dumps(facts | {"largest_deviation": found.largest, "seconds": found.seconds}))
            return
        typer.echo(f"{', '.join(names)} agree: {agreed.choices} choices and {found.spikes} spikes identical")
        size = f"{found.windows} windows, {found.steps} steps, {chosen.run.instances} instances"
        typer.echo(f"{size}; largest relative deviation:")
        for name, largest in found.largest.items():
            typer.echo(f"  {name:12s} " + ", ".join(f"{kind} {value:.1e}" for kind, value in largest.items()))


@app.command(name="list")
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


@app.command()
def doctor(debug: Debug = False) -> None:
    """Say what this installation can do, and how to get what is missing."""
    with clearly(debug):
        from spikerl.cli.examination import examine

        for line in examine():
            typer.echo(line)


def _merged(settings: dict[str, str], options: dict[str, Any]) -> dict[str, object]:
    """Return settings and options as one, refusing a key that is in both."""
    from spikerl.errors import DescriptionError, message

    given = {key: value for key, value in options.items() if value is not None}
    for key in given.keys() & settings.keys():
        raise DescriptionError(
            message(f"--set {key}", settings[key], "each key once", f"--{key.split('.')[1]} gives it too")
        )
    return {**settings, **given}


def _number(option: str, text: str) -> int:
    """Return the whole number from 1 that an option gives."""
    from spikerl.errors import DescriptionError, message

    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise DescriptionError(message(option, text, "a whole number from 1"))
    return int(text)


def main() -> None:
    """Run the program."""
    app(prog_name="spikerl")
