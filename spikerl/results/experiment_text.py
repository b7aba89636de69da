"""``experiment.toml`` of a run, read as text and as tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spikerl.errors import FileError, message
from spikerl.files import read_whole
from spikerl.toml import LARGEST, parse_toml

NAME = "experiment.toml"


def read_toml(path: Path) -> tuple[str, dict[str, Any]]:
    """Return text and tables of a TOML file of at most 1 MB; raise `FileError` naming the fault."""
    content = read_whole(path, LARGEST, "experiment")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise FileError(message(f"{path}", content[error.start : error.end], "UTF-8 text")) from error
    return text, parse_toml(text, str(path))
