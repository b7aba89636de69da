"""One experiment from its file to its results: build, open, loop, write, with checkpoints."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.backends.base import load
from spikerl.errors import DescriptionError, DivergenceError, FileError, RunError, message
from spikerl.experiment.acting_tables import ActingExperiment
from spikerl.experiment.building import Built, build
from spikerl.experiment.kinds import AnyExperiment
from spikerl.experiment.reading import read
from spikerl.experiment.tables import Experiment
from spikerl.experiment.training_tables import TrainingExperiment
from spikerl.loop import ClosedLoop, Trial
from spikerl.results import Column, Contents, Results, RunFacts, RunWriter, Synapses
from spikerl.session import Record, Session, open
from spikerl.tasks.blocks import NO_CHOICE
from spikerl.tasks.protocol import PHASES
from spikerl.training.described import check_backend, laid_to
from spikerl.training.preparing import prepare

if TYPE_CHECKING:
    from spikerl.acting.preparing import Staged

WHOLE, REAL = "<i8", "<f8"


class Progress(NamedTuple):
    """How far a run is: trials done, trials in all, and the fraction of better choices in the last trial.

    Where layers learn: epochs done, epochs in all, and the fraction that was right in the last test; where they act,
    tests. `dopamine`: its rates at the cue and in the outcome, in Hz, over all instances of a last trial in which
    nothing could be chosen; None of any other.
    """

    done: int
    trials: int
    better: float
    dopamine: tuple[float, float] | None = None


def run(
    experiment: str | Path,
    *,
    backend: str | None = None,
    seed: int | None = None,
    instances: int | None = None,
    trials: int | None = None,
    settings: Mapping[str, object] | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Results:
    """Run `experiment`, a shipped name or a TOML file, write its directory, and return the results.

    `backend`, `seed`, `instances`, `trials` and `settings` (values by ``table.key``, such as
    ``{"task.schedule": "60/40"}``) go before what the file says. `out`: a new or empty directory, by default
    ``runs/<experiment>-<backend>-seed<seed>``. `resume`: go on with the run in it, from its last checkpoint, to the
    same bytes as if it had never stopped. `progress` is called after every trial.

    Raises `DescriptionError`, `UnitError`, `FileError`, `UnsupportedError` or `MissingSimulatorError` before anything
    runs or is written, and `RunError` for what goes wrong later; a run that was stopped can be resumed.
    """
    given: dict[str, object] = dict(settings or {})
    for key, value in (("backend", backend), ("seed", seed), ("instances", instances), ("trials", trials)):
        if value is not None and f"run.{key}" in given:
            raise DescriptionError(message(f"run.{key}", value, "one value", "it is among the settings too"))
        if value is not None:
            given[f"run.{key}"] = value
    chosen = read(experiment, given)
    return execute(chosen, directory(chosen, out), resume, progress)


def directory(experiment: AnyExperiment, out: str | Path | None = None) -> Path:
    """Return where `experiment` is written: `out`, or its place under ``runs/``."""
    running = experiment.run
    return Path(out) if out is not None else Path("runs") / f"{experiment.name}-{running.backend}-seed{running.seed}"


def check(experiment: AnyExperiment) -> None:
    """Raise what `run` raises before anything runs."""
    if isinstance(experiment, TrainingExperiment):
        prepare(experiment)
    elif isinstance(experiment, ActingExperiment):
        _staged(experiment)
    else:
        build(experiment)


def execute(
    experiment: AnyExperiment, out: Path, resume: bool = False, progress: Callable[[Progress], None] | None = None
) -> Results:
    """Run what `read` returned; see `run`."""
    if isinstance(experiment, TrainingExperiment):
        return _trained(experiment, out, resume, progress)
    if isinstance(experiment, ActingExperiment):
        return _acted(experiment, out, resume, progress)
    built = build(experiment)
    check_directory(out, resume)
    running = experiment.run
    with open(
        built.circuit.network,
        running.backend,
        seed=running.seed,
        batch=running.instances,
        dt=running.dt,
        record=observed(experiment, built),
        device=running.device,
        precision=running.precision,
        threads=running.threads,
        hardware=experiment.hardware,
        quantization=experiment.quantization or (),
    ) as session:
        keeps = load(running.backend).capabilities.checkpoints
        play(experiment, built, session, out, resume, keeps, progress)
    return Results.open(out)


def _trained(
    experiment: TrainingExperiment, out: Path, resume: bool, progress: Callable[[Progress], None] | None
) -> Results:
    prepared = prepare(experiment)
    check_directory(out, resume)
    from spikerl.training.playing import play_training  # needs torch, which has been seen to be there

    follow = None if progress is None else lambda *at: progress(Progress(*at))
    play_training(experiment, prepared, out, resume, follow)
    return Results.open(out)


def _staged(experiment: ActingExperiment) -> Staged:
    with laid_to(experiment.given, experiment.origins):
        check_backend(experiment.run)  # which says what is missing before it is imported
    from spikerl.acting.preparing import stage

    return stage(experiment)


def _acted(
    experiment: ActingExperiment, out: Path, resume: bool, progress: Callable[[Progress], None] | None
) -> Results:
    staged = _staged(experiment)
    check_directory(out, resume)
    from spikerl.acting.playing import play_acting

    follow = None if progress is None else lambda *at: progress(Progress(*at))
    play_acting(experiment, staged, out, resume, follow)
    return Results.open(out)


def check_directory(out: Path, resume: bool = False) -> None:
    """Raise `FileError` where `out` cannot be the directory of a run that begins, or is not that of one to go on."""
    if not resume and os.path.lexists(out) and not (out.is_dir() and not any(out.iterdir())):
        remedy = "go on with it (--resume), or give another directory (--out)"
        raise FileError(message("run directory", str(out), "a new or empty directory", remedy))
    if resume and not (out / "manifest.json").is_file():
        raise FileError(
            message("run directory", str(out), "the directory of a run that was stopped", "leave --resume out")
        )


def play(
    experiment: Experiment,
    built: Built,
    session: Session,
    out: Path,
    resume: bool = False,
    keeps: bool = True,
    progress: Callable[[Progress], None] | None = None,
) -> None:
    """Play all trials that are left on an open `session`, which observes what is `observed`, and write them to `out`.

    What stops the run is written into its directory. `keeps`: whether checkpoints can be taken of the session.
    """
    running = experiment.run
    instances = range(running.instances)
    loop = ClosedLoop(session, built.circuit, experiment.trial_protocol, built.tasks, running.seed, instances)
    recorder = _Recorder(experiment, built, session, loop.before)
    text = experiment.toml()
    writer: RunWriter | None = None
    state: dict[str, NDArray[Any]] = {}
    done = 0
    if resume:
        writer, state = RunWriter.resume(out, text)
    try:
        if state:
            loop.restore(state)
            done = int(state["loop/number"])
        while done < running.trials:
            trial = loop.trial()
            if writer is None:
                # The first trial says which columns its task has.
                facts = RunFacts(running.seed, running.backend)
                writer = RunWriter.create(out, text, facts, recorder.contents(trial))
            recorder.append(writer, trial)
            done += 1
            if keeps and done % running.checkpoint_every == 0 and done < running.trials:
                writer.checkpoint(loop.state())
            if progress:
                progress(_progress(done, running.trials, trial))
        assert writer is not None
        writer.finish()
    except BaseException as error:
        if writer is None:
            raise
        reason = "stopped by hand" if isinstance(error, KeyboardInterrupt) else f"{type(error).__name__}: {error}"
        with contextlib.suppress(FileError):  # where the disk is the cause, the cause is what is raised
            writer.fail(f"in trial {done}: {reason}")
        if not isinstance(error, Exception) or isinstance(error, DivergenceError):
            raise
        remedy = "; go on with --resume" if keeps else ""
        raise RunError(f"the run in {out} failed in trial {done}: {error}{remedy}") from error


def _progress(done: int, trials: int, trial: Trial) -> Progress:
    columns, dopamine = trial.columns, None
    if (columns["choice"] == NO_CHOICE).all() and "dopamine_cue" in columns:
        dopamine = float(columns["dopamine_cue"].mean()), float(columns["dopamine_outcome"].mean())
    return Progress(done, trials, float(columns["better"].mean()), dopamine)


def observed(experiment: Experiment, built: Built) -> Record:
    """Return what the loop reads and what is to be written."""
    spikes = tuple(dict.fromkeys((*built.circuit.read(), *experiment.record.spikes)))
    return Record(spikes=spikes, modulators=experiment.record.modulators)


@dataclass(frozen=True)
class _Recorder:
    """Takes from each trial what ``[record]`` asks for; steps are counted from the first trial, `before` it steps."""

    experiment: Experiment
    built: Built
    session: Session
    before: int

    def contents(self, trial: Trial) -> Contents:
        """Return what the results will hold, the trial columns being those of `trial`."""
        recording, plan = self.experiment.record, self.built.plan
        learning = self.built.circuit.learning if recording.weights != "never" else ()
        columns = {
            name: Column("Hz" if name.startswith("dopamine_") else "1", REAL if values.dtype.kind == "f" else WHOLE)
            for name, values in trial.columns.items()
        }
        learned = [plan.projections[name] for name in learning]
        weights = {p.name: Synapses(p.unit or "1", p.pre_index, p.post_index) for p in learned}
        return Contents(
            dt=plan.dt,
            instances=self.experiment.run.instances,
            trials=columns,
            spikes={name: plan.size(name) for name in recording.spikes},
            weights=weights,
            modulators=dict.fromkeys(recording.modulators, "1"),
        )

    def append(self, writer: RunWriter, trial: Trial) -> None:
        """Add the rows of `trial`."""
        phases = [trial.phases[name] for name in PHASES]
        first = [phase.first - self.before for phase in phases]
        names = self.experiment.record.spikes
        spikes = {
            name: _spikes([(start, phase.spikes[name]) for start, phase in zip(first, phases, strict=True)])
            for name in names
        }
        modulators = {
            name: np.concatenate([phase.modulators[name] for phase in phases])
            for name in self.experiment.record.modulators
        }
        weights = {}
        if self._keeps_weights(trial.number):
            last = first[-1] + len(next(iter(phases[-1].spikes.values())))
            weights = {
                name: (np.array([last]), self.session.weights(name)[None]) for name in self.built.circuit.learning
            }
        writer.append(trials=trial.columns, spikes=spikes, weights=weights, modulators=modulators)

    def _keeps_weights(self, number: int) -> bool:
        """Say whether the weights after trial `number` (from 0) are recorded; but for "never", the last always are."""
        match self.experiment.record.weights:
            case "never":
                return False
            case "every trial":
                return True
            case int(every) if (number + 1) % every == 0:
                return True
        return number + 1 == self.experiment.run.trials


def _spikes(
    windows: list[tuple[int, NDArray[np.bool_]]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return (step, instance, neuron) of every spike in windows [time, batch, neuron] that begin at given steps."""
    # Flat first, which is several times faster than asking for three indices.
    found = [np.unravel_index(np.flatnonzero(fired), fired.shape) for _, fired in windows]
    step = np.concatenate([first + when for (first, _), (when, _, _) in zip(windows, found, strict=True)])
    return step, np.concatenate([at[1] for at in found]), np.concatenate([at[2] for at in found])
