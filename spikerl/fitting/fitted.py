"""What a fit has found, as an object and as plain facts for files and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spikerl.analysis.intervals import Interval, mean_over_blocks
from spikerl.behaviour.link import Link
from spikerl.fitting.evaluating import Settings
from spikerl.fitting.ranges import Range
from spikerl.fitting.scoring import Score


@dataclass(frozen=True)
class Fitted:
    """A fitted circuit, in its directory `path`.

    `settings`: the fitted values by key; `ranges`: where they were looked for; `link`: from votes to choices; `train`:
    nats per trial of the training half, `written` of the same with the experiment's own values; `held_out`: of the
    blocks of the other half, with 95 %. `models`: the rate models and Bayesian inference on the same halves, by name.
    `closed`: by the beginning of the rate models' values, the share of the distance from Rescorla-Wagner to the best
    of them. `evaluations` were made, of which `cut_short` ended after a first part of the blocks.
    """

    path: Path
    experiment: Path
    settings: Settings
    ranges: tuple[Range, ...]
    link: Link
    train: float
    written: float
    held_out: Interval
    models: tuple[Score, ...]
    closed: dict[float, Interval]
    evaluations: int
    cut_short: int

    def facts(self) -> dict[str, Any]:
        """Return all of it as JSON has it, nats per trial throughout."""
        return {
            "directory": str(self.path),
            "experiment": str(self.experiment),
            "evaluations": self.evaluations,
            "cut_short": self.cut_short,
            "settings": dict(self.settings),
            "link": {"beta": self.link.beta, "kappa": self.link.kappa},
            "train": self.train,
            "train_as_written": self.written,
            "held_out": _bounded(self.held_out),
            "models": {
                one.name: {
                    "parameters": one.parameters,
                    "train": one.train,
                    "held_out": _bounded(mean_over_blocks(one.held_out)),
                }
                for one in self.models
            },
            "closed": {f"values from {initial:g}": _bounded(share) for initial, share in self.closed.items()},
        }


def _bounded(found: Interval) -> dict[str, Any]:
    low, high = (found.low, found.high) if found.known() else (None, None)
    return {"value": found.value, "low": low, "high": high, "blocks": found.n}
