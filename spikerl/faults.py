"""From what pydantic found to the one clear message: where, value, what is allowed, the nearest valid name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from spikerl.errors import DescriptionError, SpikerlError, message, nearest

_ALLOWED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text in quotes (a quantity with its unit, such as \"20 ms\")",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "greater_than": "above {gt}",
    "greater_than_equal": "{ge} or above",
    "less_than": "below {lt}",
    "less_than_equal": "{le} or below",
    "literal_error": "{expected}",
    "string_too_short": "{min_length} characters or more",
    "string_too_long": "{max_length} characters or fewer",
    "too_short": "{min_length} entries or more",
    "too_long": "{max_length} entries or fewer",
}


def translate(
    model: type[BaseModel], table: str, error: ValidationError, origins: Mapping[str, str]
) -> DescriptionError:
    """Return the first fault of ``[table]`` as a `DescriptionError`; `origins` says where each key was written."""
    fault = _first(error.errors())
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"])
    key = f"{table}{path}"
    origin = origins.get(".".join([table, *map(str, fault["loc"][:1])]), origins[""])
    where = f"{origin}{key}"
    kind, value = fault["type"], fault["input"]
    if kind == "extra_forbidden":
        inner = _inner(model, fault["loc"][:-1])
        return unknown_key(f"{origin}[{'.'.join([table, *map(str, fault['loc'][:-1])])}]", str(fault["loc"][-1]), inner)
    if kind == "missing":
        return DescriptionError(message(where, "nothing", "a value", "it has no default"))
    if kind == "value_error" and isinstance(fault["ctx"]["error"], SpikerlError):
        # A validator's own message, which may begin with its key.
        named, colon, rest = str(fault["ctx"]["error"]).partition(": ")
        if colon and named in model.model_fields:
            return DescriptionError(f"{origins.get(f'{table}.{named}', origins[''])}{table}.{named}: {rest}")
        # A type that several keys share does not know its key, and says "value".
        return DescriptionError(f"{where}: {rest if named == 'value' else fault['ctx']['error']}")
    allowed = _ALLOWED.get(kind, fault["msg"]).format(**fault.get("ctx", {}))
    # Pydantic tells the values of a `Literal` in words alone: 'one', 'two' or 'three'.
    names = re.findall("'([^']*)'", allowed) if kind == "literal_error" else ()
    return DescriptionError(message(where, value, allowed, nearest(value, names) if names else ""))


def _first(faults: Sequence[Any]) -> Any:
    """Return the first fault; where a key is missing beside one that nobody knows, the latter, its misspelling."""
    unknown = [fault for fault in faults if fault["type"] == "extra_forbidden"]
    if faults[0]["type"] == "missing":
        return next((fault for fault in unknown if fault["loc"][:-1] == faults[0]["loc"][:-1]), faults[0])
    return faults[0]


def _inner(model: type[BaseModel], path: Sequence[str | int]) -> Mapping[str, Any]:
    """Return the fields of the table at `path` inside `model`."""
    for part in path:
        field = model.model_fields.get(str(part))
        if field is None or not isinstance(field.annotation, type) or not issubclass(field.annotation, BaseModel):
            break
        model = field.annotation
    return model.model_fields


def unknown_key(where: str, key: str, known: Mapping[str, Any]) -> DescriptionError:
    """Return the error for a key that no table has."""
    return DescriptionError(message(where, key, f"the keys {', '.join(known)}", nearest(key, known)))
