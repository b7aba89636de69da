"""Any list of experiments, run into one directory: each a run directory of its own, on processes or a cluster."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from spikerl.errors import DescriptionError, FileError, message
from spikerl.files import new_folder, sha256
from spikerl.results.runlog import RunLog
from spikerl.sweep.cluster import Cluster, connected
from spikerl.sweep.points import Planned
from spikerl.sweep.processes import Event, Job, processes, run_here
from spikerl.sweep.record import NAME, PointRecord, Sweep, SweepRecord, read_record, write_record
from spikerl.sweep.worker import finished

_SECONDS = 1.0  # between two writings of sweep.json


class Progress(NamedTuple):
    """What has happened to a `point`, and how far the sweep is.

    `state`: "kept" (it was finished before), "running" (a trial ended), "again" (its process died), "finished" or
    "failed"; `share` of it that is done, from 0 to 1; `done` points of all `points` that came to an end.
    """

    point: str
    state: Literal["kept", "running", "again", "finished", "failed"]
    share: float
    done: int
    points: int


def execute(
    planned: Sequence[Planned],
    out: Path,
    *,
    experiment: str,
    axes: Mapping[str, Sequence[Any]],
    scheduler: str | None = None,
    workers: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Sweep:
    """Run `planned`, complete experiments that were checked, and return how each point stands; see `sweep`.

    `experiment` and `axes` are what ``sweep.json`` says of them. A point that fails stops none of the others: ask the
    result with `Sweep.raise_failures`. Raises `DescriptionError` for names that are no directories' or come twice, and
    what `sweep` raises before anything runs.
    """
    wanted = _record(planned, experiment, axes)
    with contextlib.ExitStack() as stack:
        if scheduler is not None and workers is not None:
            raise DescriptionError(message("workers", workers, "nothing where a scheduler is given", "leave it out"))
        number = processes(workers)
        cluster = stack.enter_context(connected(scheduler)) if scheduler is not None else None
        _claim(out, wanted)
        board = stack.enter_context(_Board(out, wanted, progress))
        jobs = []
        for point in planned:
            if finished(out / point.name, point.text):
                board.note(Event(point.name, "finished"), kept=True)
            else:
                jobs.append(Job(point.name, point.text, out / point.name))
        board.begin(jobs, cluster)
        events = run_here(jobs, number) if cluster is None else cluster.run(jobs)
        with contextlib.closing(events):
            for event in events:
                board.note(event)
    return Sweep.open(out)


def _record(planned: Sequence[Planned], experiment: str, axes: Mapping[str, Sequence[Any]]) -> SweepRecord:
    for name, number in Counter(point.name for point in planned).items():
        if number > 1:
            raise DescriptionError(message("point of a sweep", name, "each name once"))
    try:
        points = tuple(
            PointRecord(name=p.name, settings=p.settings, seed=p.seed, experiment=sha256(p.text.encode()))
            for p in planned
        )
        lists = {key: list(values) for key, values in axes.items()}
        return SweepRecord(experiment=experiment, axes=lists, points=points)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = f"sweep, {'.'.join(str(part) for part in first['loc'])}"
        raise DescriptionError(message(where, first["input"], first["msg"])) from error


def _claim(out: Path, wanted: SweepRecord) -> None:
    """Make the directory of a new sweep, or see that the one there is of the same points; raise `FileError`."""
    if (out / NAME).exists():
        _check_same(out, read_record(out), wanted)
        return
    if os.path.lexists(out) and not (out.is_dir() and not any(out.iterdir())):
        allowed = "a new or empty directory, or that of the same sweep"
        raise FileError(message("sweep directory", str(out), allowed, "give another directory (--out)"))
    with new_folder(out, "sweep directory") as nursery:
        write_record(nursery, wanted)


def _check_same(out: Path, there: SweepRecord, wanted: SweepRecord) -> None:
    remedy = "give another directory (--out), or the command that it was begun with"
    where = f"sweep directory {out}"
    for old, new in zip(there.points, wanted.points, strict=False):
        if old.name != new.name:
            raise FileError(message(f"{where}, point", new.name, f"{old.name}, as the sweep there has", remedy))
        if old.experiment != new.experiment:
            what = f"point {new.name} of another experiment"
            raise FileError(message(where, what, "the experiment that it was begun with", remedy))
    if len(there.points) != len(wanted.points):
        allowed = f"{len(there.points)}, as the sweep there has"
        raise FileError(message(f"{where}, points", len(wanted.points), allowed, remedy))


class _Board:
    """Keeps ``sweep.json``, the log and whoever listens up to what has happened; the log keeps other writers out."""

    def __init__(self, out: Path, record: SweepRecord, progress: Callable[[Progress], None] | None) -> None:
        self._out, self._record, self._progress = out, record, progress
        self._points = {point.name: point for point in record.points}
        self._done = 0
        self._written = 0.0
        self._log = RunLog(out)

    def __enter__(self) -> _Board:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        """Write how the points stand, however the sweep has ended."""
        try:
            states = Counter(point.state for point in self._points.values())
            counts = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
            ended = "done" if kind is None else f"stopped by {kind.__name__}{f': {error}' if str(error) else ''}"
            self._log.write(f"{ended}; {counts}")
            self._write()
        finally:
            self._log.close()

    def begin(self, jobs: Sequence[Job], cluster: Cluster | None) -> None:
        """Say which points are run, and where."""
        where = "processes here" if cluster is None else f"the cluster at {cluster.address}"
        self._log.write(f"{len(self._points)} points, {len(jobs)} to run on {where}")
        for job in jobs:
            if job.directory.is_dir():
                how = "goes on from its last checkpoint" if cluster is None else "is run anew"
                self._log.write(f"{job.name} was begun before and {how}")
        self._write()

    def note(self, event: Event, kept: bool = False) -> None:
        """Take over what has happened to a point."""
        if event.state in ("finished", "failed"):
            self._done += 1
            failure = event.detail if event.state == "failed" else None
            update = {"state": event.state, "failure": failure}
            self._points[event.name] = self._points[event.name].model_copy(update=update)
            if time.monotonic() - self._written >= _SECONDS:
                self._write()
        if event.state != "running" and not kept:
            self._log.write(f"{event.name} {event.state}{': ' if event.detail else ''}{event.detail}")
        if self._progress:
            state: Any = "kept" if kept else event.state
            self._progress(Progress(event.name, state, event.share, self._done, len(self._points)))

    def _write(self) -> None:
        write_record(self._out, self._record.model_copy(update={"points": tuple(self._points.values())}))
        self._written = time.monotonic()
