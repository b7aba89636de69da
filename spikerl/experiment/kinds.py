"""The kinds of experiment, each its tables and what they make: a circuit in a task, layers that learn, or that act."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from spikerl.circuit import load_circuit
from spikerl.errors import DescriptionError, message, nearest
from spikerl.experiment.acting_tables import (
    ACTING_TABLES,
    ENVIRONMENTS,
    ActingExperiment,
    ActingRecord,
    LearningTable,
)
from spikerl.experiment.data_tables import DATA
from spikerl.experiment.quantization_tables import DeviceTable, QuantizationTable
from spikerl.experiment.tables import TABLES, Experiment, OnHardware, Protocol, Recording, Running
from spikerl.experiment.training_tables import (
    TRAINING_TABLES,
    LayerQuantizationTable,
    NetworkTable,
    TrainingExperiment,
    TrainingRecord,
    TrainingRun,
    TrainingTable,
)
from spikerl.registry import CIRCUITS, TASKS, registered
from spikerl.tasks.base import load_task

Tables = dict[str, dict[str, Any]]
Parts = dict[str, BaseModel]
AnyExperiment = Experiment | TrainingExperiment | ActingExperiment
ALL_TABLES = tuple(dict.fromkeys((*TABLES, *TRAINING_TABLES, *ACTING_TABLES)))


@dataclass(frozen=True)
class Kind:
    """Its `tables`, those of them whose ``name`` chooses their form, `models` of all, and what it makes of them."""

    tables: tuple[str, ...]
    named: tuple[str, ...]
    models: Callable[[Tables, Mapping[str, str]], dict[str, type[BaseModel]]]
    make: Callable[[str, Tables, Parts, frozenset[str], dict[str, str]], AnyExperiment]


def kind_of(tables: Iterable[str]) -> Kind:
    """Return the kind of an experiment in which `tables` are written."""
    written = set(tables)
    if written & {"environment", "learning"}:
        return ACTING
    return TRAINING if written & {"data", "network", "training"} else CIRCUIT


def _circuit_models(tables: Tables, origins: Mapping[str, str]) -> dict[str, type[BaseModel]]:
    circuit = load_circuit(_name(tables, "circuit", registered(CIRCUITS), origins))
    task = load_task(_name(tables, "task", registered(TASKS), origins))
    own = circuit.parameters, task.parameters, Protocol
    models = *own, Running, Recording, OnHardware, QuantizationTable, DeviceTable
    return dict(zip(TABLES, models, strict=True))


def _training_models(tables: Tables, origins: Mapping[str, str]) -> dict[str, type[BaseModel]]:
    data = DATA[_name(tables, "data", DATA, origins)]
    models = data, NetworkTable, TrainingTable, TrainingRun, TrainingRecord, OnHardware, LayerQuantizationTable
    return dict(zip(TRAINING_TABLES, models, strict=True))


def _acting_models(tables: Tables, origins: Mapping[str, str]) -> dict[str, type[BaseModel]]:
    environment = ENVIRONMENTS[_name(tables, "environment", ENVIRONMENTS, origins)]
    models = environment, NetworkTable, LearningTable, TrainingRun, ActingRecord
    return dict(zip(ACTING_TABLES, models, strict=True))


def _in_task(
    name: str, tables: Tables, parts: Parts, given: frozenset[str], origins: dict[str, str]
) -> Experiment:
    circuit, task = load_circuit(tables["circuit"]["name"]), load_task(tables["task"]["name"])
    return Experiment(name=name, circuit=circuit, task=task, parts=parts, given=given, origins=origins)


def _in_training(
    name: str, tables: Tables, parts: Parts, given: frozenset[str], origins: dict[str, str]
) -> TrainingExperiment:
    return TrainingExperiment(name=name, dataset=tables["data"]["name"], parts=parts, given=given, origins=origins)


def _in_environment(
    name: str, tables: Tables, parts: Parts, given: frozenset[str], origins: dict[str, str]
) -> ActingExperiment:
    where = tables["environment"]["name"]
    return ActingExperiment(name=name, environment=where, parts=parts, given=given, origins=origins)


CIRCUIT = Kind(TABLES, ("circuit", "task"), _circuit_models, _in_task)
TRAINING = Kind(TRAINING_TABLES, ("data",), _training_models, _in_training)
ACTING = Kind(ACTING_TABLES, ("environment",), _acting_models, _in_environment)


def _name(tables: Tables, table: str, known: Iterable[str], origins: Mapping[str, str]) -> str:
    where = origins.get(f"{table}.name", origins[""]) + f"{table}.name"
    names = sorted(known)
    name = tables[table].get("name")
    if not isinstance(name, str) or name not in names:
        remedy = f"add it to [{table}]" if name is None else nearest(str(name), names)
        raise DescriptionError(message(where, "nothing" if name is None else name, ", ".join(names), remedy))
    return name
