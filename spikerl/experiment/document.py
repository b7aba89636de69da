"""The TOML text of an experiment: settings read from it, plain values written to it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from spikerl.errors import FileError
from spikerl.toml import parse_toml

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def literal(text: str) -> Any:
    """Return the value of a TOML literal, or `text` itself where it is none."""
    try:
        parsed = parse_toml(f"value = {text}", "setting")
    except FileError:
        return text
    return parsed["value"] if parsed.keys() == {"value"} else text


def write(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Return TOML text that `load` reads back as `tables`; the order is kept."""
    parts = []
    for table, values in tables.items():
        lines = [f"[{_key(table)}]", *(f"{_key(key)} = {_value(value)}" for key, value in values.items())]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _key(name: str) -> str:
    return name if _BARE.match(name) else _text(name)


def _text(text: str) -> str:
    # JSON's escapes are TOML's, but for the one control character that JSON leaves alone.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case str():
            return _text(value)
        case Mapping():
            return "{" + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
        case Sequence():
            return "[" + ", ".join(_value(inner) for inner in value) + "]"
    raise TypeError(f"{type(value).__name__} has no place in an experiment file")
