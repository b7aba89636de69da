"""``log.txt``: plain lines with their time; the open file holds the lock that keeps a second writer out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import final

from spikerl.errors import FileError, message
from spikerl.results.manifest import now

if sys.platform != "win32":
    import fcntl

NAME = "log.txt"


@final
class RunLog:
    """The log of the run in `directory`; raises `FileError` where another process writes that run.

    The system lets go of the lock when the process ends, however it ends. Windows has no such lock.
    """

    def __init__(self, directory: Path) -> None:
        """Open the log for more lines, and take the lock."""
        self._path = directory / NAME
        try:
            self._file = self._path.open("a", encoding="utf-8")
        except OSError as error:
            raise FileError(message(f"log {self._path}", str(error), "a file that can be written")) from error
        if sys.platform != "win32":
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                self._file.close()
                remedy = "wait for it, or give another directory"
                raise FileError(
                    message(
                        f"run {directory}", "another writer", "a run that no other process writes", remedy
                    )
                ) from error

    def write(self, line: str) -> None:
        """Add one line, behind the time."""
        try:
            self._file.write(f"{now()} {' '.join(line.split())}\n")
            self._file.flush()
        except OSError as error:
            raise FileError(message(f"log {self._path}", str(error), "a place for one more line")) from error

    def close(self) -> None:
        """Let go of file and lock."""
        self._file.close()
