"""A training experiment from its beginning, or its last checkpoint, to its results, epoch by epoch."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from spikerl.datasets.base import Dataset, Targets
from spikerl.dcll.training import Trainer
from spikerl.errors import FileError, RunError
from spikerl.experiment.training_tables import TrainingExperiment
from spikerl.results import RunFacts, RunWriter
from spikerl.threads import available_threads
from spikerl.training import recording
from spikerl.training.networks import restore, single_threaded, state_of, trainers_of
from spikerl.training.preparing import Prepared

Follow = Callable[[int, int, float], None]
"""Is told of epochs that are done, of those there are, and of the share that was right in the last test."""


def play_training(
    experiment: TrainingExperiment, prepared: Prepared, out: Path, resume: bool = False, follow: Follow | None = None
) -> None:
    """Train all epochs that are left, and write them to `out`. What stops the run is written into its directory.

    Each instance is trained by one thread, so that their number changes no result.
    """
    running, epochs = experiment.run, experiment.training.epochs
    trainers = trainers_of(experiment, prepared)
    text = experiment.toml()
    writer, state = RunWriter.resume(out, text) if resume else (None, {})
    if writer is None:
        facts = RunFacts(running.seed, running.backend)
        writer = RunWriter.create(out, text, facts, recording.contents(experiment, prepared))
    crew = _Crew(prepared, trainers, running.threads or available_threads())
    right = 0.0
    try:
        with single_threaded(), crew:
            restore(trainers, state)
            if not state:
                right = _tested(writer, crew, 0)
            for epoch in range(trainers[0].epoch + 1, epochs + 1):
                loss = crew.train()
                if epoch % experiment.training.test_every == 0 or epoch == epochs:
                    right = _tested(writer, crew, epoch)
                    writer.log(f"epoch {epoch}: loss {loss:.4f}, right {right:.4f}")
                if epoch % running.checkpoint_every == 0 and epoch < epochs:
                    writer.checkpoint(state_of(trainers))
                if follow:
                    follow(epoch, epochs, right)
            _finish(experiment, prepared, trainers, writer)
    except BaseException as error:
        done = trainers[0].epoch
        reason = "stopped by hand" if isinstance(error, KeyboardInterrupt) else f"{type(error).__name__}: {error}"
        with contextlib.suppress(FileError):  # where the disk is the cause, the cause is what is raised
            writer.fail(f"after epoch {done}: {reason}")
        if not isinstance(error, Exception):
            raise
        raise RunError(f"the run in {out} failed after epoch {done}: {error}; go on with --resume") from error


class _Stopped(Exception):
    """Ends the work of a thread between two batches."""


class _Crew:
    """Threads that share the instances; leaving it stops them at the next batch."""

    def __init__(self, prepared: Prepared, trainers: Sequence[Trainer], threads: int) -> None:
        self.prepared, self.trainers = prepared, trainers
        self._pool = ThreadPoolExecutor(min(threads, len(trainers)))
        self._stop = threading.Event()

    def __enter__(self) -> None:
        """Nothing is to be done."""

    def __exit__(self, *_: object) -> None:
        """Stop whatever still runs."""
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)

    def train(self) -> float:
        """Train one epoch of every instance; return the mean of their losses."""
        return float(np.mean(list(self._pool.map(self._train, self.trainers, self.prepared.data))))

    def test(self, epoch: int) -> recording.Rows:
        """Return the rows of a test of every instance."""
        numbers = range(len(self.trainers))
        rows = list(self._pool.map(self._test, numbers, self.trainers, self.prepared.data, [epoch] * len(numbers)))
        return {name: np.concatenate([one[name] for one in rows]) for name in rows[0]}

    def _train(self, trainer: Trainer, data: Dataset | Targets) -> float:
        if isinstance(data, Targets):
            self._go_on()
            return trainer.follow(data.inputs, data.targets)
        return trainer.train(data.train, self._go_on)

    def _test(self, number: int, trainer: Trainer, data: Dataset | Targets, epoch: int) -> recording.Rows:
        if isinstance(data, Targets):
            begin = trainer.training.burn_in
            seen = trainer.readouts(data.inputs)[:, begin:, 0]
            return recording.curve_rows(number, epoch, seen, data.targets[begin:])
        return recording.class_rows(number, epoch, trainer.evaluate(data.test))

    def _go_on(self, *_: int) -> None:
        if self._stop.is_set():
            raise _Stopped


def _tested(writer: RunWriter, crew: _Crew, epoch: int) -> float:
    rows = crew.test(epoch)
    writer.append(trials=rows)
    return float(rows["better"].mean())


def _finish(experiment: TrainingExperiment, prepared: Prepared, trainers: Sequence[Trainer], writer: RunWriter) -> None:
    """Write what is kept of the end, and mark the run finished."""
    record, first = experiment.record, prepared.data[0]
    presented = prepared.steps * (1 if isinstance(first, Targets) else min(record.samples, len(first.test.labels)))
    networks = [trainer.network for trainer in trainers]
    for number, trainer in enumerate(trainers):
        trainer.lay()
        for line in recording.losses(prepared.layers, trainer):
            writer.log(f"instance {number}, {line}")
    writer.append(
        spikes=recording.spikes(prepared, trainers, record.spikes, record.samples),
        weights=recording.weights(networks, presented) if record.weights == "end" else {},
        modulators=recording.readouts(prepared, trainers) if isinstance(first, Targets) else None,
    )
    writer.finish()
