"""From a shipped name or a TOML file, and overriding settings, to an experiment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from spikerl.errors import DescriptionError, UnsupportedError, message, nearest
from spikerl.experiment.document import literal
from spikerl.experiment.kinds import CIRCUIT, TRAINING, AnyExperiment, Kind, Tables, kind_of
from spikerl.experiment.tables import Experiment
from spikerl.faults import translate, unknown_key
from spikerl.toml import load


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


def read(which: str | Path, settings: Mapping[str, object] | None = None) -> AnyExperiment:
    """Return the experiment `which`, a shipped name or the path of a TOML file, with `settings` put over it.

    `settings`: values by ``table.key``, or by the key alone where one table only has it; a text is read as a TOML
    literal where the key's type takes it, else as it stands. Raises `FileError` for the file and `DescriptionError`
    for what it says, naming file, key, value, what is allowed and the nearest valid name.
    """
    path = _path(which)
    origin = f"experiment {path}: "
    document = load(path, "experiment")
    kind = kind_of(document)
    tables = _checked_tables(kind, document, origin)
    settings = settings or {}
    # What came with a setting is not in the file: its errors name the key alone.
    origins = {"": origin} | {key: "" for key in settings}
    alone = [key for key in settings if "." not in key and key not in kind.tables]
    split = [(*_split(kind, key), value) for key, value in settings.items() if key not in alone]
    for table, key, value in split:
        if key == "name" and table in kind.named:
            tables[table][key] = value
    models = kind.models(tables, origins)
    for key in alone:
        table = _table_of(key, models, kind.named)
        if f"{table}.{key}" in settings:
            raise DescriptionError(
                message(f"--set {key}", settings[key], "each key once", f"{table}.{key} is given too")
            )
        origins[f"{table}.{key}"] = ""
        split.append((table, key, settings[key]))
    for table, key, value in split:
        if key != "name" or table not in kind.named:
            if (table, key) == ("run", "trials") and kind is not CIRCUIT:
                remedy = "set training.epochs" if kind is TRAINING else "set learning.decisions"
                raise DescriptionError(message("run.trials", value, "nothing where layers learn", remedy))
            if key not in models[table].model_fields:
                raise unknown_key(f"{table}.{key}: key of [{table}]", key, models[table].model_fields)
            tables[table][key] = _fitting(models[table], tables[table], key, value)
    return assemble(path.stem, tables, origins)


def read_circuit(which: str | Path, settings: Mapping[str, object] | None, purpose: str) -> Experiment:
    """Return what `read` does where it is a circuit in a task; raises `UnsupportedError` where layers are trained.

    `purpose` says what asks for it.
    """
    experiment = read(which, settings)
    if not isinstance(experiment, Experiment):
        allowed = "an experiment with [circuit] and [task]"
        raise UnsupportedError(message(purpose, experiment.name, allowed, "layers that learn from data are not one"))
    return experiment


def assemble(name: str, tables: Tables, origins: dict[str, str]) -> AnyExperiment:
    """Return the experiment that `tables` describe; raises `DescriptionError` for the first fault in them."""
    kind = kind_of(tables)
    models = kind.models(tables, origins)
    parts = {table: _validated(kind, models[table], table, tables[table], origins) for table in kind.tables}
    given = frozenset(f"{table}.{key}" for table, values in tables.items() for key in values)
    return kind.make(name, tables, parts, given, origins)


def changed(experiment: Experiment, settings: Mapping[str, object]) -> Experiment:
    """Return `experiment` with the values of `settings`, by ``table.key``; raises `DescriptionError`."""
    tables = experiment.tables()
    for key, value in settings.items():
        table, name = _split(CIRCUIT, key)
        tables[table][name] = value
    made = assemble(experiment.name, tables, experiment.origins)
    assert isinstance(made, Experiment)
    return made


def _path(which: str | Path) -> Path:
    known = shipped()
    if str(which) in known:
        return known[str(which)]
    path = Path(which)
    if path.suffix != ".toml" and len(path.parts) <= 1 and not path.is_file():
        allowed = f"a shipped name ({', '.join(known)}) or the path of a TOML file"
        raise DescriptionError(message("experiment", str(which), allowed, nearest(str(which), known)))
    return path


def _checked_tables(kind: Kind, document: dict[str, Any], origin: str) -> Tables:
    for table, values in document.items():
        if table not in kind.tables:
            raise DescriptionError(
                message(f"{origin}table", table, ", ".join(kind.tables), nearest(table, kind.tables))
            )
        if not isinstance(values, dict):
            raise DescriptionError(message(f"{origin}{table}", values, f"a table, [{table}]"))
    return {table: document.get(table, {}) for table in kind.tables}


def _split(kind: Kind, key: str) -> tuple[str, str]:
    table, _, name = key.partition(".")
    if table not in kind.tables or not name:
        allowed = f"table.key with one of the tables {', '.join(kind.tables)}"
        raise DescriptionError(message("--set", key, allowed, nearest(table, kind.tables)))
    return table, name


def _table_of(key: str, models: Mapping[str, type[BaseModel]], named: Iterable[str]) -> str:
    """Return the one table that has `key`, for a setting that was written without its table."""
    having = [
        table for table, model in models.items() if key in model.model_fields or (key == "name" and table in named)
    ]
    if len(having) != 1:
        every = [f"{table}.{name}" for table, model in models.items() for name in model.model_fields]
        if having:
            allowed, remedy = "table.key where several tables have it", f"write {having[0]}.{key}"
        else:
            allowed = f"a key of the tables {', '.join(models)}, or table.key"
            remedy = nearest(key, [name for one in every for name in (one, one.partition(".")[2])])
        raise DescriptionError(message("--set", key, allowed, remedy))
    return having[0]


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


def _validated(
    kind: Kind, model: type[BaseModel], table: str, values: Mapping[str, Any], origins: Mapping[str, str]
) -> BaseModel:
    rest = {key: value for key, value in values.items() if key != "name" or table not in kind.named}
    try:
        return model.model_validate(rest)
    except ValidationError as error:
        raise translate(model, table, error, origins) from error
