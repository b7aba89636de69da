"""A finished, running or failed run, read from its directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from spikerl.errors import FileError, message, nearest
from spikerl.files import read_whole, sha256
from spikerl.results import experiment_text, manifest, storage
from spikerl.results.contents import Contents, Tables
from spikerl.results.manifest import Manifest, read_manifest

NAME = "results.h5"
_MOST_TRIES = 100

Record = TypeVar("Record")


class Spikes(NamedTuple):
    """The spikes of a population, in order of time: `step`, `instance` and `neuron` of each, all [spike]."""

    step: NDArray[np.int64]
    instance: NDArray[np.int32]
    neuron: NDArray[np.int32]


class Weights(NamedTuple):
    """The weights of a projection: `step` [time], `value` [time, instance, synapse], `pre` and `post`."""

    step: NDArray[np.int64]
    value: NDArray[np.float64]
    pre: NDArray[np.integer]
    post: NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Results:
    """One run, read-only.

    `path`: its directory. `manifest`: who, when, with what, how it stands. `experiment`: the tables of
    ``experiment.toml``. `contents`: step, instances and units. `trials`: columns, each [row]; text columns
    are str. `spikes`, `weights`: by name. `modulators`: the value in each step from 0 on, [time, instance], by name.
    A name that was not recorded raises `FileError`.
    """

    path: Path
    manifest: Manifest
    experiment: dict[str, Any]
    contents: Contents
    trials: Mapping[str, NDArray]
    spikes: Mapping[str, Spikes]
    weights: Mapping[str, Weights]
    modulators: Mapping[str, NDArray]

    @classmethod
    def open(cls, directory: str | Path) -> Results:
        """Read the directory of a run.

        The SHA-256 of each file is held against the manifest before the file is parsed. Raises `FileError`,
        with the reason, for what is missing, damaged, too large, or no run.
        """
        path = Path(directory)
        facts, content = _belonging(path)
        contents, tables = storage.decode(content, str(path / NAME))
        if contents.instances != facts.instances:
            where = f"{path / manifest.NAME}, instances"
            raise FileError(message(where, facts.instances, f"{contents.instances}, as in {NAME}"))
        return cls(path, facts, _experiment(path, facts), contents, **_views(path, contents, tables))


def verified(directory: Path, name: str, limit: int, accepted: tuple[str, ...]) -> bytes:
    """Return the content of a run's file; raise `FileError` if its SHA-256 is not an accepted one."""
    content = read_whole(directory / name, limit, name)
    digest = sha256(content)
    if digest not in accepted:
        allowed = f"{' or '.join(accepted) or 'none'}, as in {manifest.NAME}"
        remedy = "the file was damaged or changed; restore it, or run again"
        raise FileError(message(f"{directory / name}, SHA-256", digest, allowed, remedy))
    return content


def _belonging(directory: Path) -> tuple[Manifest, bytes]:
    """Return manifest and results that belong together, also while a running program replaces them."""
    if not directory.is_dir():
        raise FileError(message(f"run {directory}", "no directory", "the directory of a run"))
    facts = read_manifest(directory)
    for _ in range(_MOST_TRIES):
        try:
            return facts, verified(directory, NAME, storage.LARGEST, facts.sha256)
        except FileError:
            before, facts = facts, read_manifest(directory)
            if facts == before:
                raise
    raise FileError(
        message(f"run {directory}", "files that change all the time", "a run at rest", "try again")
    )


def _experiment(directory: Path, facts: Manifest) -> dict[str, Any]:
    path = directory / experiment_text.NAME
    text, tables = experiment_text.read_toml(path)
    if sha256(text.encode()) != facts.experiment:
        allowed = f"{facts.experiment}, as in {manifest.NAME}"
        remedy = "the file was changed after the run; restore it"
        raise FileError(message(f"{path}, SHA-256", sha256(text.encode()), allowed, remedy))
    return tables


def _views(path: Path, contents: Contents, tables: Tables) -> dict[str, Any]:
    trials = {name: _text(path, name, column) for name, column in tables["trials"].items()}
    spikes = {name: Spikes(**tables[f"spikes/{name}"]) for name in contents.spikes}
    weights = {
        name: Weights(**tables[f"weights/{name}"], pre=synapses.pre, post=synapses.post)
        for name, synapses in contents.weights.items()
    }
    kinds: dict[str, Mapping[str, Any]] = {
        "trials": trials,
        "spikes": spikes,
        "weights": weights,
        "modulators": tables.get("modulators", {}),
    }
    return {kind: MappingProxyType(_Recorded(f"{path}, {kind}", named)) for kind, named in kinds.items()}


def _text(path: Path, name: str, column: NDArray) -> NDArray:
    if column.dtype.kind != "S":
        return column
    try:
        text: NDArray = np.char.decode(column, "ascii")
    except UnicodeDecodeError as error:
        raise FileError(message(f"{path / NAME}, trials/{name}", str(error), "ASCII text")) from error
    text.setflags(write=False)
    return text


class _Recorded(dict[str, Record]):
    """What was recorded, by name; a name that was not raises `FileError` with the nearest that was."""

    def __init__(self, where: str, named: Mapping[str, Record]) -> None:
        super().__init__(named)
        self._where = where

    def __missing__(self, name: str) -> NoReturn:
        raise FileError(message(self._where, name, "a name that was recorded", nearest(str(name), self)))
