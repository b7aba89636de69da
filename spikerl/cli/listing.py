"""What there is to run, as rows of name and one line about it."""

from __future__ import annotations

from collections.abc import Callable

from spikerl.backends import base
from spikerl.circuit import load_circuit
from spikerl.errors import MissingSimulatorError
from spikerl.experiment.acting_tables import ActingExperiment
from spikerl.experiment.reading import read, shipped
from spikerl.experiment.training_tables import TrainingExperiment
from spikerl.hardware.target import load_target, shipped_targets
from spikerl.registry import CIRCUITS, TASKS, registered
from spikerl.tasks.base import load_task

Rows = list[tuple[str, str]]


def _experiments() -> Rows:
    rows = []
    for name in shipped():
        experiment = read(name)
        backend = experiment.run.backend
        if isinstance(experiment, TrainingExperiment):
            size = f"{experiment.run.instances} networks, {experiment.training.epochs} epochs on {backend}"
            rows.append((name, f"{len(experiment.network.layers)} layers learn {experiment.dataset}, {size}"))
        elif isinstance(experiment, ActingExperiment):
            size = f"{experiment.run.instances} networks, {experiment.learning.decisions:,} decisions on {backend}"
            layers = f"{len(experiment.network.layers)} layers learn to act"
            rows.append((name, f"{layers} in {experiment.environment}, {size}"))
        else:
            size = f"{experiment.run.instances} instances of {experiment.run.trials} trials on {backend}"
            rows.append((name, f"{experiment.circuit.name} in {experiment.task.name}, {size}"))
    return rows


def _circuits() -> Rows:
    return [(name, load_circuit(name).summary) for name in registered(CIRCUITS)]


def _tasks() -> Rows:
    return [(name, load_task(name).summary) for name in registered(TASKS)]


def _targets() -> Rows:
    return [(name, load_target(name).summary) for name in shipped_targets()]


def _backends() -> Rows:
    rows = []
    for name in base.names():
        try:
            rows.append((name, base.load(name).capabilities.summary))
        except MissingSimulatorError:
            rows.append((name, f"not installed; pip install 'spikerl[{name}]'"))
    return rows


KINDS: dict[str, Callable[[], Rows]] = {
    "experiments": _experiments,
    "circuits": _circuits,
    "tasks": _tasks,
    "targets": _targets,
    "backends": _backends,
}
