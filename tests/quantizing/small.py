"""What the tests of comparisons share: an experiment of a few short trials, on the reference or another back end."""

from pathlib import Path

import spikerl as sp
from spikerl.results.quantizing import Comparison

SMALL = """
[circuit]
name = "striatum"
cortex = 6
medium_spiny = 4
striosome = 4
dopamine = 6
background = 12
learning_rate = 0.002
cue_rate = "200 Hz"
dopamine_bias = "10.5 mV"
reward = "2 mV"

[task]
name = "bandit"
trials_per_block = 4

[protocol]
cue = "5 ms"
decision = "40 ms"
hold = "5 ms"
outcome = "40 ms"
interval = "5 ms"

[run]
instances = 3
trials = 4
seed = 5
"""


def small(folder: Path, text: str = SMALL) -> Path:
    """Write the experiment to `folder`."""
    path = folder / "small.toml"
    path.write_text(text)
    return path


def compared(folder: Path, name: str = "out", **given: object) -> Comparison:
    """Compare a few cells of the small experiment."""
    chosen = {"bits": (2, 6), "rounding": "stochastic", "test": 3, "backend": "native"} | given
    return sp.quantize(small(folder), out=folder / name, **chosen)
