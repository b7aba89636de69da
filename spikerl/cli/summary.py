"""The few numbers that ``spikerl run`` says at its end."""

from __future__ import annotations

from typing import Any

from spikerl.analysis.learning_curve import overall
from spikerl.results import Results


def summary(results: Results) -> dict[str, Any]:
    """Return directory, back end, seed, sizes, and P(better) with its 95 % interval (None where there is none)."""
    facts, better = results.manifest, overall(results)
    low, high = (better.low, better.high) if better.known() else (None, None)
    return {
        "directory": str(results.path),
        "backend": facts.backend,
        "seed": facts.seed,
        "instances": facts.instances,
        "trials": len(results.trials["better"]) // facts.instances,
        "better": {"value": better.value, "low": low, "high": high, "blocks": better.n},
    }


def sentence(better: dict[str, Any]) -> str:
    """Return ``P(better)`` and its interval in words."""
    if better["low"] is None:
        return f"{better['value']:.3f} (one block has no interval)"
    return (
        f"{better['value']:.3f}, 95 % interval {better['low']:.3f} to {better['high']:.3f}, {better['blocks']} blocks"
    )
