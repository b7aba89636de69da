"""TOML files of people, read with a limit on their size and on what a small text may cost to parse."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from spikerl.errors import FileError, message
from spikerl.files import read_whole

LARGEST = 2**20
_MOST_DOTS = 100
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def load(path: Path, what: str) -> dict[str, Any]:
    """Return the tables of the TOML file at `path`; `what` is its name in errors.

    Raises `FileError` for a file that is missing, above 1 MiB, not UTF-8, or not TOML (a key given twice, say).
    """
    where = f"{what} {path}"
    content = read_whole(path, LARGEST, what)
    if content.startswith(_BYTE_ORDER_MARK):
        raise FileError(message(where, content[:3], "UTF-8 text without a byte order mark", "save it without one"))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        wrong = content[error.start : error.end]
        raise FileError(message(f"{where}, byte {error.start}", wrong, "UTF-8 text")) from error
    return parse_toml(text, where)


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Return the tables of a TOML text; raise `FileError`, beginning with `where`."""
    if len(text) > LARGEST:
        raise FileError(message(f"{where}, characters", len(text), f"at most {LARGEST}"))
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
