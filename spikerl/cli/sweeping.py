"""What ``spikerl sweep`` says: how far it is, a line a point, and one object for ``--json``."""

from __future__ import annotations

from typing import Any, final

from spikerl.cli.progress import Bar
from spikerl.cli.summary import brief, heading, summary
from spikerl.sweep.axes import SEED
from spikerl.sweep.execution import Progress
from spikerl.sweep.record import Point, Sweep


@final
class Following:
    """Shows what happens to the points of the sweep `name`; a bar is opened with the first of it."""

    def __init__(self, name: str, quiet: bool) -> None:
        self._name, self._quiet = name, quiet
        self._bar: Bar | None = None
        self._shares: dict[str, float] = {}

    def __enter__(self) -> Following:
        """Return itself."""
        return self

    def __exit__(self, *error: Any) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.__exit__(*error)

    def show(self, at: Progress) -> None:
        """Show what has happened to a point."""
        if self._bar is None:
            self._bar = Bar(self._name, at.points, self._quiet, unit="point", every=1).__enter__()
        self._shares.pop(at.point, None)
        if at.state == "running":
            self._shares[at.point] = at.share
        else:
            self._bar.show(at.done, f"{at.point} {at.state}")
        self._bar.move(at.done + sum(self._shares.values()))


def described(point: Point) -> dict[str, Any]:
    """Return what a point is, how it stands and, where it is finished, what `summary` says of its run."""
    facts: dict[str, Any] = {"name": point.name, "settings": point.settings, "seed": point.seed}
    facts |= {"state": point.state, "failure": point.failure, "directory": str(point.directory)}
    return facts | (summary(point.results()) if point.state == "finished" else {})


def table(sweep: Sweep, points: list[dict[str, Any]]) -> list[str]:
    """Return a line a point, the values of the axes before what came of it."""
    keys = [key for key in sweep.axes if key != SEED]
    rows = [[*keys, SEED, heading(facts for facts in points if facts["state"] == "finished")]]
    for facts in points:
        last = brief(facts) if facts["state"] == "finished" else facts["state"]
        rows.append([*(str(facts["settings"].get(key, "")) for key in keys), str(facts["seed"]), last])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(f"{cell:{width}s}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
