"""``sweep.json``: which points a sweep has and how each stands; and a sweep as it is read from its directory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spikerl.errors import FileError, RunError, message, nearest
from spikerl.files import read_whole, replace_whole
from spikerl.results import Results
from spikerl.results.manifest import first_fault

NAME = "sweep.json"
_LARGEST = 2**28
_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

State = Literal["unfinished", "finished", "failed"]
FolderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._=+-]*$", max_length=200)]


class PointRecord(BaseModel):
    """One point: its directory's `name`, its `settings` and `seed`, the SHA-256 of its experiment, how it stands."""

    model_config = _STRICT

    name: FolderName
    settings: dict[str, Any]
    seed: int = Field(ge=0, lt=2**63)
    experiment: str = Field(pattern=r"^[0-9a-f]{64}$")
    state: State = "unfinished"
    failure: str | None = None


class SweepRecord(BaseModel):
    """What ``sweep.json`` holds: the `experiment`'s name, the values of each axis, the points in their order."""

    model_config = _STRICT

    format: Literal[1] = 1
    experiment: str
    axes: dict[str, list[Any]]
    points: tuple[PointRecord, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Point:
    """A point of a sweep: its `directory`, the values of the axes in it, its seed, its `state`, why it failed."""

    directory: Path
    settings: dict[str, Any]
    seed: int
    state: State
    failure: str | None

    @property
    def name(self) -> str:
        """The name of its directory."""
        return self.directory.name

    def results(self) -> Results:
        """Open what it has written; raises `FileError` where there is nothing yet."""
        return Results.open(self.directory)


@dataclass(frozen=True)
class Sweep:
    """A sweep in its directory `path`: the `experiment`'s name, the values of each axis, and the `points`."""

    path: Path
    experiment: str
    axes: dict[str, list[Any]]
    points: tuple[Point, ...]

    @classmethod
    def open(cls, directory: str | Path) -> Sweep:
        """Read the directory of a sweep; raises `FileError`, with the reason, for what is missing, damaged, or none."""
        path = Path(directory)
        record = read_record(path)
        points = tuple(Point(path / p.name, p.settings, p.seed, p.state, p.failure) for p in record.points)
        return cls(path, record.experiment, record.axes, points)

    def point(self, name: str) -> Point:
        """Return the point of that name; raises `FileError` with the nearest one."""
        found = {point.name: point for point in self.points}
        if name not in found:
            raise FileError(message(f"sweep {self.path}, point", name, "the name of a point", nearest(name, found)))
        return found[name]

    def raise_failures(self) -> None:
        """Raise `RunError` with the list of the points that are not finished, if there are any."""
        failed = [point for point in self.points if point.state != "finished"]
        if failed:
            lines = [f"  {point.name}: {point.failure or point.state}" for point in failed]
            head = f"{len(failed)} of {len(self.points)} points of the sweep in {self.path} failed"
            raise RunError("\n".join([f"{head}; the same command tries them again", *lines]))


def read_record(directory: Path) -> SweepRecord:
    """Return what ``sweep.json`` in `directory` holds; raise `FileError` naming the first key that is wrong."""
    if not (directory / NAME).exists():
        raise FileError(message(f"sweep {directory}", f"no {NAME}", "the directory of a sweep"))
    content = read_whole(directory / NAME, _LARGEST, "sweep")
    try:
        return SweepRecord.model_validate_json(content)
    except ValidationError as error:
        raise first_fault(directory / NAME, error, "restore the file, or sweep again in another directory") from error


def write_record(directory: Path, record: SweepRecord) -> None:
    """Replace ``sweep.json`` atomically; an axis and a point take one line each."""
    axes = [f"    {json.dumps(key)}: {json.dumps(values)}" for key, values in record.axes.items()]
    points = [f"    {point.model_dump_json()}" for point in record.points]
    lines = [
        "{",
        f'  "format": {record.format},',
        f'  "experiment": {json.dumps(record.experiment)},',
        *('  "axes": {', ",\n".join(axes), "  },"),
        *('  "points": [', ",\n".join(points), "  ]"),
        "}",
    ]
    replace_whole(directory / NAME, "\n".join(lines).encode() + b"\n")


def runs(paths: Sequence[Path]) -> tuple[list[Path], list[Point]]:
    """Return the directories of runs that `paths` stand for, each once, in order, and the points left out.

    A sweep's directory, or a file in it, stands for all its finished points; so both ``DIR`` and the shell's ``DIR/*``
    are the whole sweep. Every other path stands for itself. Raises `FileError` for a sweep of which nothing is
    finished.
    """
    found: dict[Path, Path] = {}
    left_out: dict[Path, Point] = {}
    for path in paths:
        home = path.parent if path.is_file() else path
        if not (home / NAME).is_file():
            found.setdefault(path.resolve(), path)
            continue
        points = Sweep.open(home).points
        finished = [point.directory for point in points if point.state == "finished"]
        if not finished:
            raise FileError(message(f"sweep {home}", "no finished point", "one at least", "run the sweep"))
        for directory in finished:
            found.setdefault(directory.resolve(), directory)
        left_out |= {point.directory.resolve(): point for point in points if point.state != "finished"}
    return list(found.values()), [point for place, point in left_out.items() if place not in found]
