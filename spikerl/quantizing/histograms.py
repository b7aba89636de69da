"""How weights are spread, before and after, on bars that do not depend on what was learned."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spikerl.discretise import Plan, ProjectionPlan
from spikerl.quantizing.cells import Cell
from spikerl.results.quantizing import Bar

BARS = 64
_ROOM = 4.0  # times the greatest first weight, where a rule has no bounds


def learning(plan: Plan) -> list[ProjectionPlan]:
    """Return the projections that learn."""
    return [projection for projection in plan.projections.values() if projection.rule is not None]


def bars(cell: Cell, moment: str, projection: ProjectionPlan, weights: NDArray[np.float64]) -> list[Bar]:
    """Return the bars of `weights`, of any shape; what lies beyond the ends is counted in the last ones."""
    edges = _edges(projection)
    counts, _ = np.histogram(np.clip(weights, edges[0], edges[-1]), edges)
    pairs = zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
    return [Bar(*cell.key, projection.name, moment, low, high, count) for low, high, count in pairs]


def added(parts: list[list[Bar]]) -> list[Bar]:
    """Return the bars of several groups of instances as one; each part has the same bars in the same order.

    Those of layers reach as far as the first weights of their group make them; they are taken to reach as far as those
    of the first group, from which they differ by what the greatest of many numbers does.
    """
    return [together[0]._replace(weights=sum(bar.weights for bar in together)) for together in zip(*parts, strict=True)]


def _edges(projection: ProjectionPlan) -> NDArray[np.float64]:
    assert projection.rule is not None
    low, high = projection.rule.bounds
    room = _ROOM * float(np.abs(projection.weight).max(initial=0.0)) or 1.0
    return np.linspace(low if np.isfinite(low) else -room, high if np.isfinite(high) else room, BARS + 1)
