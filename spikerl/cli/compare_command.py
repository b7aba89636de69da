"""``spikerl compare``: back ends in lockstep."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from spikerl.cli.failing import FAILED, Debug, clearly
from spikerl.cli.options import AsJson, ExperimentName, Instances, Seed, Settings, Trials, merged
from spikerl.cli.progress import Bar


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
        chosen = read_circuit(experiment, merged(overrides(setting or []), options), "compare")
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
