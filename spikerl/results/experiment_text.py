"""``experiment.toml``: read with a limit on its size and on what a small text may cost to parse."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from spikerl.errors import FileError, message
from spikerl.files import read_whole

NAME = "experiment.toml"
_LARGEST = 2**20
_MOST_DOTS = 100


def read_toml(path: Path) -> tuple[str, dict[str, Any]]:
    """Return text and tables of a TOML file of at most 1 MB; raise `FileError` naming the fault."""
    content = read_whole(path, _LARGEST, "experiment")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise FileError(message(f"{path}", content[error.start : error.end], "UTF-8 text")) from error
    return text, parse_toml(text, str(path))


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Return the tables of a TOML text; raise `FileError`, beginning with `where`."""
    if len(text) > _LARGEST:
        raise FileError(message(f"{where}, characters", len(text), f"at most {_LARGEST}"))
    # The parser takes time with the square of a dotted key's length: a megabyte of dots would take hours.
    dots = max(part.count(".") for part in re.split(r"[,=\[\]{}\n]", text))
    if dots > _MOST_DOTS:
        raise FileError(message(f"{where}, dots in a key", dots, f"at most {_MOST_DOTS}"))
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise FileError(message(where, "tables or arrays", "a nesting that can be read")) from None
    except ValueError as error:  # beside TOMLDecodeError: numbers and dates that Python cannot hold
        raise FileError(message(where, str(error), "TOML 1.0")) from error
