"""Exit codes, and one clear message in place of a trace."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Annotated

import typer

from spikerl.errors import DivergenceError, RunError, SpikerlError

FAILED = 1
BAD_INPUT = 2
STOPPED = 130  # as shells report a program that the keyboard stopped
Debug = Annotated[bool, typer.Option("--debug", help="Show where in the program an error came from.")]


@contextlib.contextmanager
def clearly(debug: bool) -> Iterator[None]:
    """Turn every error inside into a message on standard error and an exit code; with `debug`, let the trace through.

    Refused input exits with 2; a run that failed, back ends that part, and faults of spikerl itself with 1.
    """
    try:
        yield
    except (typer.Exit, typer.Abort, KeyboardInterrupt):
        raise
    except SpikerlError as error:
        if debug:
            raise
        typer.echo(f"spikerl: {error}", err=True)
        raise typer.Exit(FAILED if isinstance(error, (RunError, DivergenceError)) else BAD_INPUT) from None
    except Exception as error:
        if debug:
            raise
        typer.echo(
            f"spikerl: a fault of spikerl itself, {type(error).__name__}: {error} (--debug shows where)", err=True
        )
        raise typer.Exit(FAILED) from None
