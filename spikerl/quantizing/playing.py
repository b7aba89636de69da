"""Some instances of a circuit play all cells of a comparison at once: they learn, and are tested with weights held.

All cells that learn are conditions of one batch, and hear, see and draw the same. The test is another session of the
same network, in which no change is stored: each cell goes on from its own state, and those that are quantised after
learning from that of floating point, which the session lays on their grids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from spikerl.backends.base import State
from spikerl.discretise import Plan
from spikerl.experiment.building import Built
from spikerl.experiment.tables import Experiment
from spikerl.loop import ClosedLoop
from spikerl.quantization import Quantization
from spikerl.quantizing.cells import DURING, Cell
from spikerl.quantizing.histograms import bars, learning
from spikerl.quantizing.prolonging import gone_back, prolonged
from spikerl.results.quantizing import Bar, Row
from spikerl.session import Record, Session, open
from spikerl.tasks.base import Task

Seen = Callable[[float], None]
"""Is called after each trial, with the share of better choices in floating point."""


class Played(NamedTuple):
    """What came of some instances: rows of ``cells.csv`` and bars of ``histograms.csv``, both cell by cell."""

    rows: list[Row]
    bars: list[Bar]


def play(
    experiment: Experiment, built: Built, cells: Sequence[Cell], first: int, count: int, test: int, seen: Seen
) -> Played:
    """Play `count` instances from number `first` on in all `cells`, of which the first is floating point."""
    learners = [cell for cell in cells if cell.when == DURING]
    played = _Played(experiment, built, first, count)
    base, plan = experiment.quantization or Quantization(), built.plan
    tasks = played.tasks(len(learners), experiment.parts["task"])
    with played.open([cell.asked(base) for cell in learners]) as session:
        loop = played.loop(session, tasks)
        before = _weights(session, plan, learners)
        scores = played.scores(loop, experiment.run.trials, len(learners), seen)
        ended, state = _weights(session, plan, learners), loop.state()
    floating = ended[learners[0]]
    updates = _updates(state, plan).reshape(len(learners), count, 3)
    tested = np.full((len(cells), count), np.nan)
    if test:
        held = [cell.asked(base) for cell in cells]
        held = [replace(q, device=replace(q.device, update_probability=0.0)) for q in held]
        source = [learners.index(cell) if cell.when == DURING else 0 for cell in cells]
        rows = np.concatenate([np.arange(place * count, (place + 1) * count) for place in source])
        tasks, state = played.tested_tasks(_chosen(state, rows), len(cells), test)
        with played.open(held) as session:
            loop = played.loop(session, tasks)
            loop.restore(state)
            ended |= {cell: found for cell, found in _weights(session, plan, cells).items() if cell.when != DURING}
            tested = played.scores(loop, test, len(cells), seen)
    every: list[Row] = []
    drawn: list[Bar] = []
    for number, cell in enumerate(cells):
        place = learners.index(cell) if cell.when == DURING else None
        for k in range(count):
            learned = np.nan if place is None else float(scores[place, k])
            asked, below, stored = (0, 0, 0) if place is None else updates[place, k].tolist()
            score = learned, float(tested[number, k])
            every.append(Row(*cell.key, cell.hidden_bits, cell.memory_bits, first + k, *score, asked, below, stored))
        for projection in learning(plan):
            first_weights = (before[cell] if place is not None else floating)[projection.name]
            drawn += bars(cell, "before", projection, first_weights)
            drawn += bars(cell, "after", projection, ended[cell][projection.name])
    return Played(every, drawn)


class _Played:
    """The instances of one call of `play`, and how their sessions, tasks and loops are made."""

    def __init__(self, experiment: Experiment, built: Built, first: int, count: int) -> None:
        self._experiment, self._built = experiment, built
        self._instances = range(first, first + count)

    def open(self, asked: list[Quantization]) -> Session:
        """Open a session with the conditions `asked`."""
        running = self._experiment.run
        return open(
            self._built.circuit.network,
            running.backend,
            seed=running.seed,
            batch=len(self._instances),
            first_instance=self._instances.start,
            dt=running.dt,
            record=Record(spikes=self._built.circuit.read(), modulators=()),
            device=running.device,
            precision=running.precision,
            threads=running.threads,
            quantization=asked,
        )

    def tasks(self, conditions: int, parameters: BaseModel) -> list[Task]:
        """Return a task for each instance of each condition."""
        experiment = self._experiment
        return experiment.task.batch(parameters, experiment.run.seed, [*self._instances] * conditions)

    def loop(self, session: Session, tasks: Sequence[Task]) -> ClosedLoop:
        """Return the loop of a session and tasks."""
        protocol, seed = self._experiment.trial_protocol, self._experiment.run.seed
        numbers = [*self._instances] * (len(tasks) // len(self._instances))
        return ClosedLoop(session, self._built.circuit, protocol, tasks, seed, numbers)

    def scores(self, loop: ClosedLoop, trials: int, conditions: int, seen: Seen) -> NDArray[np.float64]:
        """Play so many trials and return the share of better choices, [condition, instance]."""
        better = np.zeros((conditions, len(self._instances)))
        for _ in range(trials):
            now = loop.trial().columns["better"].reshape(better.shape)
            better += now
            seen(float(now[0].mean()))
        return better / trials

    def tested_tasks(self, state: State, conditions: int, test: int) -> tuple[list[Task], State]:
        """Return the tasks of the test, their blocks prolonged so that they go on in it, and the loop's state there."""
        parameters, length, back = prolonged(self._experiment, int(state["task/trial"][0]), test)
        made = self.tasks(conditions, parameters)
        return made, gone_back(made, state, length) if back else state


def _weights(session: Session, plan: Plan, cells: Sequence[Cell]) -> dict[Cell, dict[str, NDArray[np.float64]]]:
    """Return the visible weights of each cell, [instance, synapse], by projection."""
    found: dict[Cell, dict[str, NDArray[np.float64]]] = {cell: {} for cell in cells}
    for projection in learning(plan):
        whole = session.weights(projection.name)
        for cell, part in zip(cells, whole.reshape(len(cells), -1, whole.shape[1]), strict=True):
            found[cell][projection.name] = part.copy()
    return found


def _updates(state: State, plan: Plan) -> NDArray[np.int64]:
    """Return the updates, those below half a step and those stored, of all projections, [batch, 3]."""
    counted = [state[f"session/updates/{projection.name}"] for projection in learning(plan)]
    return np.sum(counted, axis=0)


def _chosen(state: State, rows: NDArray[np.int64]) -> State:
    """Return the state of a loop in which place k of the batch is that of place ``rows[k]``."""
    found: State = {}
    for name, array in state.items():
        if array.ndim == 0:
            found[name] = array
        else:
            found[name] = array.take(rows, axis=1 if name.startswith("session/history/") else 0)
    return found
