"""How the tests run spikerl: in this process, or as the program that users start; and an experiment of short trials."""

import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner, Result

from spikerl.cli.program import app

SHORT = """
[circuit]
name = "striatum"

[task]
name = "reversal"
schedule = "80/20"
trials_per_block = 12
reversal_window = [4, 6]

[protocol]
cue = "5 ms"
decision = "20 ms"
hold = "5 ms"
outcome = "20 ms"
interval = "10 ms"

[run]
backend = "reference"
instances = 2
trials = 6
seed = 3
checkpoint_every = 2

[record]
spikes = ["d1", "dopamine"]
weights = 4
modulators = ["dopamine_signal"]
"""
STEPS = 60  # of one trial


def short(folder: Path, text: str = SHORT) -> Path:
    """Write the experiment of short trials to `folder`."""
    path = folder / "short.toml"
    path.write_text(text)
    return path


def invoke(*arguments: str | Path) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def command(*arguments: str | Path) -> list[str]:
    """The command line of a process of its own."""
    return [sys.executable, "-m", "spikerl", *(str(argument) for argument in arguments)]


def program(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own, off any terminal."""
    return subprocess.run(command(*arguments), capture_output=True, text=True, cwd=cwd, check=False, timeout=300)
