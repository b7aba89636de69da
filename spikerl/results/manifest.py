"""``manifest.json``: who made a run, with what, when, how it stands, and which bytes belong to it."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spikerl.errors import DescriptionError, FileError, message
from spikerl.files import read_whole, replace_whole, sha256

NAME = "manifest.json"
_LARGEST = 2**20
_PACKAGES = ("spikerl", "numpy", "h5py", "gymnasium", "pydantic", "brian2", "norse", "torch", "numba")

_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Time = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")]


class Manifest(BaseModel):
    """One run's facts.

    `sha256` are the digests of which ``results.h5`` has one: two while it is being replaced, else one;
    `checkpoint` are those of ``checkpoint.h5``, none where there is none; `experiment` is that of
    ``experiment.toml``. `started`, `resumed`, `ended` are UTC times.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    format: Literal[1] = 1
    status: Literal["running", "finished", "failed"]
    failure: str | None = None
    seed: int = Field(ge=0, lt=2**63)
    backend: str = Field(min_length=1, max_length=64)
    instances: int = Field(ge=1, lt=2**31)
    started: _Time
    resumed: tuple[_Time, ...] = ()
    ended: _Time | None = None
    python: str
    versions: dict[str, str]
    experiment: _Digest
    sha256: tuple[_Digest, ...] = Field(min_length=1)
    checkpoint: tuple[_Digest, ...] = ()


def began(seed: int, backend: str, instances: int, experiment: str, results: bytes) -> Manifest:
    """Return the manifest of a run that begins now; raise `DescriptionError` for impossible facts."""
    try:
        return Manifest(
            status="running",
            seed=seed,
            backend=backend,
            instances=instances,
            started=now(),
            python=platform.python_version(),
            versions=versions(),
            experiment=sha256(experiment.encode()),
            sha256=(sha256(results),),
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = f"manifest, {'.'.join(str(part) for part in first['loc'])}"
        raise DescriptionError(message(where, first["input"], first["msg"])) from error


def now() -> str:
    """Return the time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    """Return the versions of the installed packages that a result may depend on, without importing them."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def read_manifest(directory: Path) -> Manifest:
    """Return the manifest of a run's directory; raise `FileError` naming the first key that is wrong."""
    content = read_whole(directory / NAME, _LARGEST, "manifest")
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        raise first_fault(directory / NAME, error, "restore the file, or run again") from error


def first_fault(path: Path, error: ValidationError, remedy: str) -> FileError:
    """Return the first fault that pydantic found in a JSON file at `path`, as an error that names its key."""
    first = error.errors(include_url=False, include_context=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    return FileError(message(f"{path}{', ' if key else ''}{key}", first["input"], first["msg"], remedy))


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Replace the manifest of a run's directory atomically."""
    replace_whole(directory / NAME, manifest.model_dump_json(indent=2).encode() + b"\n")
