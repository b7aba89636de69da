"""The directory of one run: written so that a kill leaves it readable, read so that damage is refused."""

from __future__ import annotations

from spikerl.results.contents import REQUIRED_COLUMNS, Column, Contents, Synapses
from spikerl.results.experiment_text import read_toml
from spikerl.results.manifest import Manifest
from spikerl.results.reader import Results, Spikes, Weights
from spikerl.results.writer import Resumed, RunFacts, RunWriter

__all__ = [
    "REQUIRED_COLUMNS",
    "Column",
    "Contents",
    "Manifest",
    "Results",
    "Resumed",
    "RunFacts",
    "RunWriter",
    "Spikes",
    "Synapses",
    "Weights",
    "read_toml",
]
