"""One experiment over values of its keys and over seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spikerl.errors import DescriptionError, message
from spikerl.sweep.axes import SEED, checked
from spikerl.sweep.execution import Progress, execute
from spikerl.sweep.points import Planned, points
from spikerl.sweep.record import Sweep


def sweep(
    experiment: str | Path,
    over: Mapping[str, Sequence[object]] | None = None,
    *,
    seeds: int = 1,
    backend: str | None = None,
    seed: int | None = None,
    instances: int | None = None,
    trials: int | None = None,
    settings: Mapping[str, object] | None = None,
    scheduler: str | None = None,
    out: str | Path | None = None,
    workers: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Sweep:
    """Run `experiment` at every combination of the values `over` keys and of `seeds` seeds, each a run of its own.

    `over`: lists of values by ``table.key``, such as ``{"circuit.tau_elig": ["200 ms", "500 ms"]}``; the seeds are
    ``run.seed``, ``run.seed + 1``, and so on. `backend`, `seed`, `instances`, `trials` and `settings` are as in `run`,
    and hold for every point. `out`: the sweep's directory, by default ``runs/<experiment>-sweep``; it holds
    ``sweep.json``, ``log.txt`` and the directory of every point. Where the same sweep is there already, its finished
    points are kept and the others are run.

    `workers`: processes, by default one for each processor core that may be used, with one thread each for numerical
    libraries unless the environment says otherwise (``OMP_NUM_THREADS`` and the like). Unfinished points go on from
    their last checkpoint. `scheduler`: the address of a dask.distributed scheduler, such as ``tcp://host:8786``, on
    whose workers the points are run instead, anew where they are unfinished; they need the same version of spikerl
    and share no files with this machine. `progress` is called with what happens to each point.

    Raises `DescriptionError`, `UnitError`, `FileError`, `UnsupportedError`, `MissingSimulatorError` or
    `MissingPackageError` before anything runs or is written, naming the point; and `RunError` with a list of the
    points that failed, when all others are done.
    """
    given = _given(settings or {}, {"backend": backend, "seed": seed, "instances": instances, "trials": trials})
    done = execute_sweep(experiment, over or {}, seeds, given, out, scheduler, workers, progress)
    done.raise_failures()
    return done


def execute_sweep(
    experiment: str | Path,
    over: Mapping[str, Sequence[object]],
    seeds: int,
    settings: Mapping[str, object],
    out: str | Path | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Sweep:
    """Do what `sweep` does, but for raising an error for points that failed."""
    planned = points(experiment, settings, checked(over, settings, seeds), seeds)
    name = Path(experiment).stem
    place = Path(out) if out is not None else Path("runs") / f"{name}-sweep"
    return execute(
        planned,
        place,
        experiment=name,
        axes=_axes(planned, over),
        scheduler=scheduler,
        workers=workers,
        progress=progress,
    )


def _axes(planned: Sequence[Planned], over: Mapping[str, Sequence[object]]) -> dict[str, list[Any]]:
    """Return the values that each key takes, as the points read them, in order."""
    found: dict[str, list[Any]] = {key: [] for key in (*over, SEED)}
    for point in planned:
        for key, value in {**point.settings, SEED: point.seed}.items():
            if value not in found[key]:
                found[key].append(value)
    return found


def _given(settings: Mapping[str, object], running: Mapping[str, object]) -> dict[str, object]:
    found = dict(settings)
    for key, value in running.items():
        if value is not None and f"run.{key}" in found:
            raise DescriptionError(message(f"run.{key}", value, "one value", "it is among the settings too"))
        if value is not None:
            found[f"run.{key}"] = value
    return found
