"""What a job is: which function performs it, the files that it leaves, and what they are held to when they come."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path
from typing import NamedTuple

from spikerl.errors import FileError, message
from spikerl.files import sha256
from spikerl.results import Results

Perform = Callable[[str, Path, Callable[[float], None]], None]
"""``perform(text, directory, progress)``, a function of `text` that leaves files and says the share that is done."""


class Work(NamedTuple):
    """A kind of job.

    `performer`: its `Perform` as ``module:name``, for a process of its own loads it; `files` that it leaves in its
    directory; `check`, called with name, text and directory, raises `FileError` where these are not what it leaves.
    """

    performer: str
    files: tuple[str, ...]
    check: Callable[[str, str, Path], None]


def load_performer(name: str) -> Perform:
    """Return the function that `Work.performer` names."""
    module, _, function = name.partition(":")
    found: Perform = getattr(import_module(module), function)
    return found


def check_run(name: str, text: str, directory: Path) -> None:
    """Raise `FileError` where `directory` is not the finished run of the experiment `text` by this spikerl."""
    facts = Results.open(directory).manifest
    here = metadata.version("spikerl")
    for what, got, allowed in (
        ("status", facts.status, "finished"),
        ("experiment", facts.experiment, sha256(text.encode())),
        ("spikerl", facts.versions.get("spikerl"), here),
    ):
        if got != allowed:
            raise FileError(message(f"run that the cluster sent for {name}, {what}", got, allowed))


RUN = Work(
    "spikerl.sweep.worker:perform", ("experiment.toml", "results.h5", "log.txt", "manifest.json"), check_run
)
"""One experiment, run."""
