"""Whole files, read with a limit and replaced atomically: a reader sees the old content or the new."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from spikerl.errors import FileError, message

TEMPORARY = ".tmp"


def sha256(content: bytes) -> str:
    """Return the SHA-256 of `content` as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def read_whole(path: Path, limit: int, what: str) -> bytes:
    """Return the content of a regular file of at most `limit` bytes; `what` is its name in errors.

    Raises `FileError` for a missing file, a directory, a pipe or device (which might never end), and a larger
    file.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise FileError(message(f"{what} {path}", "a folder, pipe or device", "a regular file"))
        if status.st_size > limit:
            raise FileError(message(f"{what} {path}, bytes", status.st_size, f"at most {limit}"))
        content = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        raise FileError(message(f"{what} {path}", _reason(error), "a file that can be read")) from error
    return content


def replace_whole(path: Path, content: bytes) -> None:
    """Make `content` the file at `path`, durably, or leave what stands there untouched.

    Writes a temporary file beside it, flushes it to the disk, renames it, and flushes the folder. One writer
    at a time: the temporary name is fixed, so that a killed run leaves at most one behind. Raises
    `FileError`.
    """
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        flush_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        allowed = f"a place for {len(content)} bytes"
        remedy = "the old content stands; free space or choose another folder"
        raise FileError(message(f"writing {path}", _reason(error), allowed, remedy)) from error


@contextlib.contextmanager
def new_folder(path: Path, what: str) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that becomes `path` at the end, so that no reader sees half of it.

    An empty folder at `path` is replaced. Where the body raises, nothing is left. Raises `FileError`, in which `what`
    is the folder's name.
    """
    nursery = path.absolute().parent / f".{path.absolute().name}.{os.getpid()}{TEMPORARY}"
    try:
        nursery.mkdir(parents=True)
        yield nursery
        os.rename(nursery, path)
        flush_folder(nursery.parent)
    except OSError as error:
        raise FileError(message(f"{what} {path}", str(error), "a place to write")) from error
    finally:
        shutil.rmtree(nursery, ignore_errors=True)


def flush_folder(folder: Path) -> None:
    """Make renames and removals inside `folder` durable (Windows has no such call and needs none)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
