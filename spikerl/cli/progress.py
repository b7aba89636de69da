"""How far a long command is: a bar on a terminal, plain lines elsewhere, on standard error."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from rich.progress import Progress

    from spikerl.experiment import AnyExperiment
    from spikerl.run import Progress as Played

EVERY = 10


@final
class Bar:
    """Shows ``done of total`` trials of `name`; `quiet` shows nothing. A context manager.

    `unit`: what is counted; off a terminal there is a line for `every` so many of it.
    """

    def __init__(self, name: str, total: int, quiet: bool = False, unit: str = "trial", every: int = EVERY) -> None:
        self._name, self._total, self._quiet = name, total, quiet
        self._unit, self._every = unit, every
        self._bar: Progress | None = None

    def __enter__(self) -> Bar:
        """Open the bar, where there is a terminal."""
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, TextColumn("{task.fields[note]}"), console=Console(stderr=True))
            self._bar.add_task(self._name, total=self._total, note="")
            self._bar.start()
        return self

    def show(self, done: int, note: str) -> None:
        """Say that `done` are done."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, note=note)
        elif not self._quiet and (done % self._every == 0 or done == self._total):
            print(f"{self._name}: {self._unit} {done} of {self._total}, {note}", file=sys.stderr, flush=True)

    def move(self, done: float) -> None:
        """Move the bar on a terminal between two lines; `done` may have a fraction."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.stop()


def counted(experiment: AnyExperiment) -> tuple[int, str, int, str]:
    """Return what a run of `experiment` counts: how many, of what, a line for how many, and what the share is of."""
    from spikerl.experiment import ActingExperiment, TrainingExperiment

    if isinstance(experiment, TrainingExperiment):
        epochs = experiment.training.epochs
        return epochs, "epoch", max(1, epochs // 20), "right"
    if isinstance(experiment, ActingExperiment):
        return experiment.tests, "test", max(1, experiment.tests // 20), "better"
    return experiment.run.trials, "trial", EVERY, "P(better)"


def note(at: Played, share: str) -> str:
    """Return what the last trial, epoch or test shows: `share`, or dopamine where there was nothing to choose."""
    if at.dopamine is None:
        return f"{share} {at.better:.2f}"
    cue, outcome = at.dopamine
    return f"dopamine {cue:.1f} Hz at the cue, {outcome:.1f} Hz in the outcome"
