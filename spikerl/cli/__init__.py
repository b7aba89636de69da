"""The command line: ``spikerl run | sweep | fit | report | compare | list | doctor``."""

from spikerl.cli.program import main

__all__ = ["main"]
