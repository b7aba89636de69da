"""One experiment in many cells: read, checked, played in as few sessions as memory allows, compared, written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from spikerl.backends.base import load
from spikerl.errors import DescriptionError, UnsupportedError, message
from spikerl.experiment.building import Built, build
from spikerl.experiment.kinds import AnyExperiment
from spikerl.experiment.reading import read
from spikerl.experiment.tables import Experiment
from spikerl.experiment.training_tables import TrainingExperiment
from spikerl.files import new_folder
from spikerl.quantization import Quantization
from spikerl.quantized import of_projections
from spikerl.quantizing.cells import AFTER, BITS, ROUNDING, WHEN, Cell, cells
from spikerl.quantizing.histograms import learning
from spikerl.quantizing.kept import MOST, check, finished, folder_of, left, name_of, remove
from spikerl.quantizing.layers import check_layers
from spikerl.quantizing.methods import PLAIN
from spikerl.quantizing.parts import Asked, Group, fitting, joined, part, stages
from spikerl.quantizing.playing import Played
from spikerl.quantizing.prolonging import check_choices
from spikerl.quantizing.record import began, write
from spikerl.quantizing.scattered import play_on
from spikerl.results.quantizing import Comparison
from spikerl.units import whole_number

NATIVE = "native"
TEST = 40
_MOST_TRIALS = 10_000_000


class Progress(NamedTuple):
    """How far a comparison is: `done` of `total` trials, and the share of `better` choices in floating point.

    `unit`: "trial"; where layers learn, "network", and on a cluster "part", of which `better` is None.
    """

    done: int
    total: int
    unit: str
    better: float | None


Follow = Callable[[Progress], None]
Chosen = Experiment | TrainingExperiment


def quantize(
    experiment: str | Path,
    bits: int | Iterable[int] = BITS,
    rounding: str | Iterable[str] = ROUNDING,
    when: str | Iterable[str] = WHEN,
    method: str | Iterable[str] = PLAIN,
    *,
    seeds: int | None = None,
    test: int = TEST,
    backend: str | None = None,
    seed: int | None = None,
    trials: int | None = None,
    settings: Mapping[str, object] | None = None,
    scheduler: str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Follow | None = None,
) -> Comparison:
    """Play `experiment` in floating point and in few bits, and return what few bits cost, paired by instance.

    A cell is one of `bits` (1 to 16), `rounding` ("nearest", "floor", "zero", "stochastic", "dither"), `when`
    ("during": it learns so; "after": it learned in floating point, and is quantised then) and `method` ("plain",
    "hidden", "metaplastic", "dither", "scaled", or several joined by ``+``; see `spikerl.quantizing.methods`). In each
    play `seeds` instances, by default those of the experiment, with common random numbers; circuits play the trials of
    the experiment and then `test` more (40) with weights held, in the last block, which is prolonged for them. A score
    is the share of better choices: of the learning for "during", of the test for "after". Layers are trained for the
    epochs of the experiment, and their score is the share of test samples that they have right.

    `backend`: by default "native" for circuits. `seed`, `trials` and `settings` are as in `run`; ``[quantization]`` and
    ``[device]`` hold for all cells but floating point, so that what is quantised after learning was learned elsewhere,
    and is put on the device. `scheduler`: the address of a dask.distributed scheduler, on whose workers groups of
    instances are played. `out`: a new or empty directory, by default ``runs/<experiment>-quantize``. Instances that are
    finished are kept beside it, in ``<out>.parts``, until all are; `resume` goes on with those of a comparison that was
    stopped.

    Raises `DescriptionError`, `UnitError`, `FileError`, `UnsupportedError`, `MissingSimulatorError` or
    `MissingPackageError` before anything runs, and `RunError` for a part that failed on a cluster.
    """
    chosen, asked = chosen_for(experiment, seeds, test, backend, seed, trials, settings), cells(
        bits, rounding, when, method
    )
    return execute(chosen, asked, test, directory(chosen, out), scheduler, resume, progress)


def chosen_for(
    experiment: str | Path,
    seeds: int | None,
    test: int,
    backend: str | None,
    seed: int | None,
    trials: int | None,
    settings: Mapping[str, object] | None,
) -> Chosen:
    """Return the experiment that `quantize` plays; raises what it raises."""
    given = dict(settings or {})
    for key, value in (("backend", backend), ("seed", seed), ("instances", seeds), ("trials", trials)):
        if value is not None and f"run.{key}" in given:
            raise DescriptionError(message(f"run.{key}", value, "one value", "it is among the settings too"))
        if value is not None:
            given[f"run.{key}"] = value
    whole_number(test, 0, _MOST_TRIALS, "test")
    chosen: AnyExperiment = read(experiment, given)
    if isinstance(chosen, Experiment) and not {"backend", "run.backend"} & given.keys():
        chosen = read(experiment, given | {"run.backend": NATIVE})
    if not isinstance(chosen, (Experiment, TrainingExperiment)):
        allowed = "a circuit in a task, or layers that learn from data"
        remedy = "layers that act keep their weights as they are"
        raise UnsupportedError(message("quantize", chosen.name, allowed, remedy))
    return chosen


def directory(experiment: AnyExperiment, out: str | Path | None) -> Path:
    """Return where a comparison is written."""
    return Path(out) if out is not None else Path("runs") / f"{experiment.name}-quantize"


def execute(
    experiment: Chosen,
    asked: tuple[Cell, ...],
    test: int,
    out: Path,
    scheduler: str | None = None,
    resume: bool = False,
    progress: Follow | None = None,
) -> Comparison:
    """Do what `quantize` does with an experiment that `chosen_for` returned, and `cells`."""
    check(out, resume)
    built = None
    if isinstance(experiment, TrainingExperiment):
        check_layers(experiment, asked)
        test, most = 0, 1
    else:
        built = checked(experiment, asked, test)
        most = fitting(experiment, built, asked)
    facts, parts = began(experiment, test), folder_of(out)
    whole = Asked(experiment, list(asked), Group(0, experiment.run.instances), test)
    done = finished(parts, whole) if resume else {}
    if scheduler is None:
        played = _here(whole, built, min(most, MOST), parts, done, progress)
    else:
        played = _on_cluster(scheduler, whole, most, parts, done, progress)
    with new_folder(out, "directory of a comparison") as nursery:
        write(nursery, experiment.toml(), facts, played)
    remove(parts)
    return Comparison.open(out)


def checked(experiment: Experiment, asked: tuple[Cell, ...], test: int) -> Built:
    """Return what `experiment` describes, once it can be played in the cells `asked`; raises `DescriptionError`."""
    base = experiment.quantization or Quantization()
    if not base.floating:
        remedy = "leave it out: --bits says which widths are compared"
        raise DescriptionError(message("quantization.bits", base.bits, "32 in quantize", remedy))
    if test < 1 and any(cell.when == AFTER for cell in asked):
        remedy = "or take when='during' alone (--when during)"
        raise DescriptionError(message("test", test, "1 trial or more, for what is quantised after learning", remedy))
    name = experiment.run.backend
    built = build(experiment)
    if not load(name).capabilities.quantization:
        allowed = "one that stores weights in few bits"
        raise UnsupportedError(message("back end of quantize", name, allowed, f"the back end {NATIVE!r} can"))
    of_projections(built.plan, tuple(cell.asked(base) for cell in asked), experiment.run.seed, (0,) * len(asked))
    if not learning(built.plan):
        allowed, remedy = "a circuit with weights that learn", "set circuit.plasticity = true"
        raise DescriptionError(message("circuit of quantize", experiment.circuit.name, allowed, remedy))
    check_choices(experiment)
    return built


def _on_cluster(
    address: str, whole: Asked, most: int, parts: Path, done: Mapping[Group, Played], progress: Follow | None
) -> Played:
    """Play groups of instances on the workers of a cluster."""

    def seen(ready: int, total: int) -> None:
        if progress:
            progress(Progress(ready, total, "part", None))

    return joined(play_on(address, whole, most, parts, done, seen))


def _here(
    whole: Asked, built: Built | None, most: int, parts: Path, done: Mapping[Group, Played], progress: Follow | None
) -> Played:
    """Play all groups of instances that are not `done`, one after the other, and keep each in `parts`."""
    ahead = left(whole.group.instances, done, most)
    ready = sum(stages(whole._replace(group=group)) for group in done)
    total = ready + sum(stages(whole._replace(group=group)) for group in ahead)
    unit = "network" if built is None else "trial"

    def seen(better: float | None) -> None:
        nonlocal ready
        ready += 1
        if progress:
            progress(Progress(ready, total, unit, better))

    played = list(done.values())
    for group in ahead:
        asked = whole._replace(group=group)
        facts = began(asked.experiment, asked.test)
        played.append(part(asked, built, seen))
        with new_folder(parts / name_of(group), "part of a comparison") as nursery:
            write(nursery, asked.experiment.toml(), facts, played[-1])
    return joined(played)
