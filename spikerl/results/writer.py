"""A run being written: rows are gathered in memory, and the directory is readable at every moment.

Results, checkpoint and manifest are three files, and a kill may fall between any two writes. So a checkpoint
first writes a manifest that accepts the old and the new digests, then the results, then the checkpoint, then
a manifest with the new digests alone. Tables only grow and the checkpoint names its rows: where the results
are newer, they are cut.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spikerl.errors import FileError, message
from spikerl.files import TEMPORARY, new_folder, replace_whole, sha256
from spikerl.results import checkpoint, experiment_text, manifest, reader, storage
from spikerl.results.checkpoint import Checkpoint
from spikerl.results.contents import Contents, Tables, check, rows, stored
from spikerl.results.manifest import Manifest, read_manifest, write_manifest
from spikerl.results.runlog import RunLog
from spikerl.toml import parse_toml


@dataclass(frozen=True)
class RunFacts:
    """What a manifest says of a run beside what it finds out itself: its `seed` and its `backend`."""

    seed: int
    backend: str


class Resumed(NamedTuple):
    """A run that goes on: its `writer`, and the `state` of its last checkpoint (empty: it begins anew)."""

    writer: RunWriter
    state: dict[str, NDArray]


@final
class RunWriter:
    """Writes the directory of one run; made by `create` or `resume`.

    ``with RunWriter.create(...) as writer`` lets go of the directory at the end; a run that was neither
    finished nor failed by then stands as running and can be resumed.
    """

    def __init__(self, path: Path, contents: Contents, facts: Manifest, tables: Tables, log: RunLog) -> None:
        """Take over a directory that `create` or `resume` has prepared."""
        self._path, self._contents, self._manifest, self._log = path, contents, facts, log
        self._chunks = {
            table: {name: [array] for name, array in columns.items()} for table, columns in tables.items()
        }

    @classmethod
    def create(cls, directory: str | Path, experiment: str, facts: RunFacts, contents: Contents) -> RunWriter:
        """Make the directory of a new run, complete and readable from its first moment.

        `experiment` is the TOML text of the complete experiment. Raises `FileError` where `directory` exists
        and is not empty, cannot be made, or the text is no TOML, and `DescriptionError` for bad facts.
        """
        path = Path(directory)
        parse_toml(experiment, experiment_text.NAME)
        empty = {
            table: {name: np.empty((0, *field.shape), dtype=field.dtype) for name, field in fields.items()}
            for table, fields in contents.tables().items()
        }
        content = storage.encode(contents, empty)
        run = manifest.began(facts.seed, facts.backend, contents.instances, experiment, content)
        remedy = "resume it (--resume), or give another directory (--out)"
        if os.path.lexists(path) and (not path.is_dir() or any(path.iterdir())):
            raise FileError(
                message(f"run directory {path}", "something else", "a new or empty directory", remedy)
            )
        with new_folder(path, "run directory") as nursery:
            replace_whole(nursery / reader.NAME, content)
            replace_whole(nursery / experiment_text.NAME, experiment.encode())
            write_manifest(nursery, run)
        return cls(path, contents, run, empty, RunLog(path))

    @classmethod
    def resume(cls, directory: str | Path, experiment: str) -> Resumed:
        """Go on with a run that was killed or failed, from its last checkpoint.

        Raises `FileError` where there is no such run, it is finished, another process writes it, a file is
        damaged, or `experiment` is not the text that it began with.
        """
        path = Path(directory)
        read_manifest(path)  # before the log is opened, which would leave one in a folder that is no run
        log = RunLog(path)
        try:
            facts = read_manifest(path)
            if facts.status == "finished":
                allowed, remedy = "a run that was killed or failed", "give another directory (--out)"
                raise FileError(message(f"status of {path}", facts.status, allowed, remedy))
            _check_same(path, experiment)
            content = reader.verified(path, reader.NAME, storage.LARGEST, facts.sha256)
            contents, tables = storage.decode(content, str(path / reader.NAME))
            last = Checkpoint(dict.fromkeys(tables, 0), {})
            if (path / checkpoint.NAME).exists():
                content = reader.verified(path, checkpoint.NAME, checkpoint.LARGEST, facts.checkpoint)
                last = checkpoint.decode(content, str(path / checkpoint.NAME))
            kept = _cut(path, tables, last.rows)
            for name in (reader.NAME, checkpoint.NAME, manifest.NAME):
                (path / f"{name}{TEMPORARY}").unlink(missing_ok=True)
            log.write(f"resumed at {last.rows['trials']} rows of trials")
            for package, version in manifest.versions().items():
                if facts.versions.get(package) != version:
                    log.write(f"{package} is now {version}; the run began with {facts.versions.get(package)}")
            facts = facts.model_copy(
                update={
                    "status": "running",
                    "failure": None,
                    "ended": None,
                    "resumed": (*facts.resumed, manifest.now()),
                }
            )
            write_manifest(path, facts)
        except BaseException:
            log.close()
            raise
        return Resumed(cls(path, contents, facts, kept, log), last.state)

    @property
    def path(self) -> Path:
        """The directory."""
        return self._path

    @property
    def contents(self) -> Contents:
        """What the run records."""
        return self._contents

    def append(
        self,
        trials: Mapping[str, ArrayLike] | None = None,
        spikes: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike]] | None = None,
        weights: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
        modulators: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        """Add rows, all or (on an error) none; they reach the disk with the next checkpoint.

        `trials`: every declared column, each [row]. `spikes`: (step, instance, neuron) of a population, each
        [spike]. `weights`: (step [time], value [time, instance, synapse]) of a projection. `modulators`: every
        declared one, [time, instance], in all steps since the rows before. Raises `DescriptionError` for what was not
        declared, a value that its type cannot hold, a wrong shape, and an index out of range.
        """
        given: dict[str, Mapping[str, ArrayLike]] = {} if trials is None else {"trials": trials}
        for name, (step, instance, neuron) in (spikes or {}).items():
            given[f"spikes/{name}"] = {"step": step, "instance": instance, "neuron": neuron}
        for name, (step, value) in (weights or {}).items():
            given[f"weights/{name}"] = {"step": step, "value": value}
        if modulators:
            given["modulators"] = modulators
        added = stored(self._contents, given, "append")
        check(self._contents, added, "append")
        for table, columns in added.items():
            for name, array in columns.items():
                self._chunks[table][name].append(array)

    def checkpoint(self, state: Mapping[str, NDArray]) -> None:
        """Write all rows so far, and the `state` from which the run can go on; atomic as a whole.

        `state`: named arrays of numbers, bools or fixed-length bytes. Raises `FileError` where the disk
        refuses; the previous checkpoint then stands. Raises `DescriptionError` for a state that cannot be
        stored.
        """
        tables = self._tables()
        last = Checkpoint({name: rows(table) for name, table in tables.items()}, dict(state))
        self._commit(storage.encode(self._contents, tables), checkpoint.encode(last), {})

    def finish(self) -> None:
        """Write all rows, mark the run finished, remove the checkpoint, and let go of the directory."""
        ending = {"status": "finished", "ended": manifest.now(), "checkpoint": ()}
        self._commit(storage.encode(self._contents, self._tables()), None, ending)
        with contextlib.suppress(OSError):  # what a finished run leaves behind is never read
            (self._path / checkpoint.NAME).unlink(missing_ok=True)
        self._log.write("finished")
        self.close()

    def fail(self, reason: str) -> None:
        """Mark the run failed, keep its last checkpoint, and let go of the directory."""
        self._manifest = self._manifest.model_copy(
            update={"status": "failed", "failure": reason, "ended": manifest.now()}
        )
        try:
            write_manifest(self._path, self._manifest)
            self._log.write(f"failed: {reason}")
        finally:
            self.close()

    def log(self, line: str) -> None:
        """Add a line to ``log.txt``."""
        self._log.write(line)

    def close(self) -> None:
        """Let go of the directory without a word on how the run ended."""
        self._log.close()

    def __enter__(self) -> RunWriter:
        """Return the writer."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the directory."""
        self.close()

    def _tables(self) -> Tables:
        """Return all rows so far, and keep each column as one piece."""
        for columns in self._chunks.values():
            for name, chunks in columns.items():
                columns[name] = [np.concatenate(chunks)]
        return {
            table: {name: chunks[0] for name, chunks in cols.items()} for table, cols in self._chunks.items()
        }

    def _commit(self, results: bytes, state: bytes | None, ending: dict[str, Any]) -> None:
        """Replace the files; `self._manifest` always accepts what may stand on the disk."""
        new, kept = (sha256(results),), () if state is None else (sha256(state),)
        self._accept(sha256=self._manifest.sha256 + new, checkpoint=self._manifest.checkpoint + kept)
        write_manifest(self._path, self._manifest)
        replace_whole(self._path / reader.NAME, results)
        self._accept(sha256=new, checkpoint=self._manifest.checkpoint)
        if state is not None:
            replace_whole(self._path / checkpoint.NAME, state)
            self._accept(sha256=new, checkpoint=kept)
        run = self._manifest.model_copy(update=ending)
        write_manifest(self._path, run)
        self._manifest = run

    def _accept(self, sha256: tuple[str, ...], checkpoint: tuple[str, ...]) -> None:
        self._manifest = self._manifest.model_copy(update={"sha256": sha256, "checkpoint": checkpoint})


def _check_same(path: Path, experiment: str) -> None:
    """Refuse an experiment that differs from the one the run began with, naming the first line."""
    text, _ = experiment_text.read_toml(path / experiment_text.NAME)
    if text == experiment:
        return
    began, given = text.splitlines(), experiment.splitlines()
    length = max(len(began), len(given)) + 1
    pairs = zip(began + [""] * (length - len(began)), given + [""] * (length - len(given)), strict=True)
    line, (old, new) = next(
        (number, pair) for number, pair in enumerate(pairs, 1) if pair[0] != pair[1] or number == length
    )
    remedy = "resume with the same experiment, or give another directory (--out)"
    raise FileError(message(f"experiment of {path}, line {line}", new, f"{old!r}, as the run began", remedy))


def _cut(path: Path, tables: Tables, kept: Mapping[str, int]) -> Tables:
    """Return the rows of each table that come before the checkpoint."""
    for table, columns in tables.items():
        if not 0 <= kept.get(table, -1) <= rows(columns):
            allowed = f"0 to {rows(columns)}, the rows of {reader.NAME}"
            raise FileError(message(f"{path / checkpoint.NAME}, rows of {table}", kept.get(table), allowed))
    return {
        table: {name: array[: kept[table]] for name, array in columns.items()}
        for table, columns in tables.items()
    }
