"""From a shipped name or a TOML file, and overriding settings, to an `Experiment`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from spikerl.circuit import load_circuit
from spikerl.errors import DescriptionError, message, nearest
from spikerl.experiment.document import literal
from spikerl.experiment.tables import TABLES, Experiment, OnHardware, Protocol, Recording, Running
from spikerl.faults import translate, unknown_key
from spikerl.registry import CIRCUITS, TASKS, registered
from spikerl.tasks.base import load_task
from spikerl.toml import load

NAMED = ("circuit", "task")
Tables = dict[str, dict[str, Any]]


def shipped() -> dict[str, Path]:
    """Return the files of the shipped experiments, by name."""
    folder = Path(str(files("spikerl.models") / "experiments"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def overrides(settings: Iterable[str]) -> dict[str, str]:
    """Return ``KEY=VALUE`` texts by key; raises `DescriptionError` for one without ``=`` or given twice."""
    return by_key(settings, "--set", "KEY=VALUE, such as task.schedule=60/40")


def by_key(texts: Iterable[str], option: str, allowed: str) -> dict[str, str]:
    """Return the ``KEY=REST`` texts of an option by key; raises `DescriptionError` without ``=`` or for a key twice."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, rest = text.partition("=")
        key = key.strip()
        if not equals or not key:
            raise DescriptionError(message(option, text, allowed))
        if key in found:
            raise DescriptionError(message(f"{option} {key}", rest, "each key once"))
        found[key] = rest.strip()
    return found


def read(which: str | Path, settings: Mapping[str, object] | None = None) -> Experiment:
    """Return the experiment `which`, a shipped name or the path of a TOML file, with `settings` put over it.

    `settings`: values by ``table.key``; a text is read as a TOML literal where the key's type takes it, else as it
    stands. Raises `FileError` for the file and `DescriptionError` for what it says, naming file, key, value, what is
    allowed and the nearest valid name.
    """
    path = _path(which)
    origin = f"experiment {path}: "
    tables = _checked_tables(load(path, "experiment"), origin)
    settings = settings or {}
    # What came with a setting is not in the file: its errors name the key alone.
    origins = {"": origin} | {key: "" for key in settings}
    split = [(*_split(key), value) for key, value in settings.items()]
    for table, key, value in split:
        if key == "name" and table in NAMED:
            tables[table][key] = value
    models = _models(tables, origins)
    for table, key, value in split:
        if key != "name" or table not in NAMED:
            if key not in models[table].model_fields:
                raise unknown_key(f"{table}.{key}: key of [{table}]", key, models[table].model_fields)
            tables[table][key] = _fitting(models[table], tables[table], key, value)
    return assemble(path.stem, tables, origins)


def assemble(name: str, tables: Tables, origins: dict[str, str]) -> Experiment:
    """Return the experiment that `tables` describe; raises `DescriptionError` for the first fault in them."""
    models = _models(tables, origins)
    parts = {table: _validated(models[table], table, tables[table], origins) for table in TABLES}
    given = frozenset(f"{table}.{key}" for table, values in tables.items() for key in values)
    return Experiment(
        name=name,
        circuit=load_circuit(tables["circuit"]["name"]),
        task=load_task(tables["task"]["name"]),
        parts=parts,
        origins=origins,
        given=given,
    )


def changed(experiment: Experiment, settings: Mapping[str, object]) -> Experiment:
    """Return `experiment` with the values of `settings`, by ``table.key``; raises `DescriptionError`."""
    tables = experiment.tables()
    for key, value in settings.items():
        table, name = _split(key)
        tables[table][name] = value
    return assemble(experiment.name, tables, experiment.origins)


def _path(which: str | Path) -> Path:
    known = shipped()
    if str(which) in known:
        return known[str(which)]
    path = Path(which)
    if path.suffix != ".toml" and len(path.parts) <= 1 and not path.is_file():
        allowed = f"a shipped name ({', '.join(known)}) or the path of a TOML file"
        raise DescriptionError(message("experiment", str(which), allowed, nearest(str(which), known)))
    return path


def _checked_tables(document: dict[str, Any], origin: str) -> Tables:
    for table, values in document.items():
        if table not in TABLES:
            raise DescriptionError(message(f"{origin}table", table, ", ".join(TABLES), nearest(table, TABLES)))
        if not isinstance(values, dict):
            raise DescriptionError(message(f"{origin}{table}", values, f"a table, [{table}]"))
    return {table: document.get(table, {}) for table in TABLES}


def _split(key: str) -> tuple[str, str]:
    table, _, name = key.partition(".")
    if table not in TABLES or not name:
        allowed = f"table.key with one of the tables {', '.join(TABLES)}"
        raise DescriptionError(message("--set", key, allowed, nearest(table, TABLES)))
    return table, name


def _models(tables: Tables, origins: Mapping[str, str]) -> dict[str, type[BaseModel]]:
    """Return the model of each table; ``name`` chooses those of circuit and task."""
    circuit = load_circuit(_name(tables, "circuit", registered(CIRCUITS), origins))
    task = load_task(_name(tables, "task", registered(TASKS), origins))
    models = circuit.parameters, task.parameters, Protocol, Running, Recording, OnHardware
    return dict(zip(TABLES, models, strict=True))


def _name(tables: Tables, table: str, known: Iterable[str], origins: Mapping[str, str]) -> str:
    where = origins.get(f"{table}.name", origins[""]) + f"{table}.name"
    names = sorted(known)
    name = tables[table].get("name")
    if not isinstance(name, str) or name not in names:
        remedy = f"add it to [{table}]" if name is None else nearest(str(name), names)
        raise DescriptionError(message(where, "nothing" if name is None else name, ", ".join(names), remedy))
    return name


def _fitting(model: type[BaseModel], table: Mapping[str, Any], key: str, value: object) -> object:
    """Return the reading of a setting that the key's type takes: the literal first, then the text."""
    if not isinstance(value, str):
        return value
    for reading in (literal(value), value):
        try:
            model.model_validate({**table, key: reading})
        except ValidationError as error:
            if any(fault["loc"][:1] == (key,) for fault in error.errors()):
                continue
        return reading
    return literal(value)


def _validated(model: type[BaseModel], table: str, values: Mapping[str, Any], origins: Mapping[str, str]) -> BaseModel:
    rest = {key: value for key, value in values.items() if key != "name" or table not in NAMED}
    try:
        return model.model_validate(rest)
    except ValidationError as error:
        raise translate(model, table, error, origins) from error
