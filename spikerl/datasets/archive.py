"""Zip files that may be hostile: read member by member, with limits, and never unpacked."""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import final

from spikerl.errors import FileError, message

MOST_MEMBERS = 200_000
LARGEST = 4 * 2**30
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1
_DAMAGE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, OSError, EOFError, RuntimeError, ValueError,
    LookupError, OverflowError, MemoryError,
)  # fmt: skip


@final
class Archive:
    """An open zip file.

    Its members are stored or deflated, which unpack no further than their declared size, which is held to a limit.
    Names that lead elsewhere and names that stand twice are refused, although nothing is ever written.
    """

    def __init__(self, source: Path | bytes, where: str) -> None:
        """Open a file, or the content of one; `where` is its name in errors. Raises `FileError`."""
        self.where = where
        with self._reading():
            if isinstance(source, bytes):
                self._file = zipfile.ZipFile(BytesIO(source))
            else:
                status = os.stat(source)
                if not stat.S_ISREG(status.st_mode):
                    raise FileError(message(where, "a folder, pipe or device", "a regular file"))
                if status.st_size > LARGEST:
                    raise FileError(message(f"{where}, bytes", status.st_size, f"at most {LARGEST}"))
                self._file = zipfile.ZipFile(source)
        members = self._file.infolist()
        if len(members) > MOST_MEMBERS:
            raise FileError(message(f"{where}, members", len(members), f"at most {MOST_MEMBERS}"))
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in members:
            parts = member.orig_filename.replace("\\", "/").split("/")
            if "" in parts[:-1] or ".." in parts or "\x00" in member.orig_filename or ":" in parts[0]:
                raise FileError(message(f"{where}, a member's name", member.orig_filename, "a name inside the archive"))
            if member.filename in self._members:
                raise FileError(message(f"{where}, a member's name", member.filename, "each name once"))
            self._members[member.filename] = member

    def names(self) -> tuple[str, ...]:
        """Return the names of all members, folders too."""
        return tuple(self._members)

    def read(self, name: str, limit: int) -> bytes:
        """Return a member of at most `limit` bytes; raise `FileError` for a missing, larger or damaged one."""
        where = f"{self.where}, {name}"
        member = self._members.get(name)
        if member is None:
            raise FileError(message(where, "no such member", "one that is in the archive"))
        if member.file_size > limit:
            raise FileError(message(f"{where}, bytes", member.file_size, f"at most {limit}"))
        if member.compress_type not in _METHODS or member.flag_bits & _ENCRYPTED:
            raise FileError(message(where, "another packing or a password", "stored or deflated, and open to all"))
        with self._reading(name), self._file.open(member) as file:
            content = file.read()
        if len(content) != member.file_size:
            raise FileError(message(f"{where}, bytes", len(content), f"{member.file_size}, as declared"))
        return content

    @contextlib.contextmanager
    def _reading(self, name: str = "") -> Iterator[None]:
        """Turn every failure of the zip library into one `FileError`."""
        try:
            yield
        except _DAMAGE as error:
            where = f"{self.where}, {name}" if name else self.where
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
            raise FileError(message(where, reason, "an undamaged zip file")) from error
