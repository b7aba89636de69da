"""Options that several commands take, and how their texts are read."""

from __future__ import annotations

from typing import Annotated, Any

import typer

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


def merged(settings: dict[str, str], options: dict[str, Any]) -> dict[str, object]:
    """Return settings and options as one, refusing a key that is in both."""
    from spikerl.errors import DescriptionError, message

    given = {key: value for key, value in options.items() if value is not None}
    for key in given.keys() & settings.keys():
        raise DescriptionError(
            message(f"--set {key}", settings[key], "each key once", f"--{key.split('.')[1]} gives it too")
        )
    return {**settings, **given}


def number(option: str, text: str) -> int:
    """Return the whole number from 1 that an option gives."""
    from spikerl.errors import DescriptionError, message

    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise DescriptionError(message(option, text, "a whole number from 1"))
    return int(text)
