"""What a deployment returns."""

from __future__ import annotations

from dataclasses import dataclass

from spikerl.results import Results
from spikerl.results.deployment import Deployment


@dataclass(frozen=True)
class Deployed:
    """A run on a chip: its `results`, and the account of its `deployment`, which lie in one directory."""

    results: Results
    deployment: Deployment
