"""``spikerl lava``: the environment that Lava runs in."""

from __future__ import annotations

import typer

from spikerl.cli.failing import STOPPED, Debug, clearly

lava = typer.Typer(name="lava", help="Lava, in an environment of its own.", no_args_is_help=True, rich_markup_mode=None)


@lava.callback()
def _group() -> None:
    """Make `setup` a command of its own: Typer would put a single one in the place of the group."""


@lava.command()
def setup(debug: Debug = False) -> None:
    """Make the environment that Lava runs in, once; it needs a Python 3.10 (SPIKERL_LAVA_PYTHON may name it)."""
    with clearly(debug):
        from spikerl.hardware.lava.setup import set_up

        try:
            set_up(typer.echo)
        except KeyboardInterrupt:
            typer.echo("stopped; begin anew with: spikerl lava setup", err=True)
            raise typer.Exit(STOPPED) from None
