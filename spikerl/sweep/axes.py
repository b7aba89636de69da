"""The axes of a sweep: ``KEY=V1,V2,...`` as keys and values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from spikerl.errors import DescriptionError, message, nearest
from spikerl.experiment.kinds import ALL_TABLES
from spikerl.experiment.reading import by_key

SEED = "run.seed"
_CLOSING = {"[": "]", "{": "}"}
_QUOTES = "\"'"


def axes(texts: Iterable[str]) -> dict[str, list[str]]:
    """Return the values of ``KEY=V1,V2,...`` texts by key.

    A comma inside brackets, braces or quotes belongs to its value. Raises `DescriptionError` for a text without ``=``,
    an empty value, what is not closed, and a key given twice.
    """
    found: dict[str, list[str]] = {}
    for key, rest in by_key(texts, "--over", "KEY=V1,V2,..., such as task.schedule=80/20,70/30").items():
        values = _values(key, rest)
        if "" in values:
            raise DescriptionError(message(f"--over {key}", rest, "a value before and after each comma"))
        found[key] = values
    return found


def checked(
    over: Mapping[str, Sequence[object]], settings: Mapping[str, object], seeds: int
) -> dict[str, list[object]]:
    """Return the axes `over` as lists, once they and the number of `seeds` make sense beside `settings`.

    Raises `DescriptionError` for a key that is none, that has no values, or that `settings` holds too; for fewer than
    one seed; for a sweep of one point; and for seeds that are an axis and counted too.
    """
    for key, values in over.items():
        table, _, name = key.partition(".")
        if table not in ALL_TABLES or not name:
            allowed = f"table.key with one of the tables {', '.join(ALL_TABLES)}"
            raise DescriptionError(message("key of a sweep", key, allowed, nearest(table, ALL_TABLES)))
        if isinstance(values, (str, bytes)) or not isinstance(values, Sequence):
            raise DescriptionError(message(f"values of {key}", values, "a list of values"))
        if not values:
            raise DescriptionError(message(f"values of {key}", list(values), "one value or more"))
        if key in settings:
            remedy = "leave one of the two out"
            raise DescriptionError(message(key, settings[key], "either one value or a sweep over it", remedy))
    if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1:
        raise DescriptionError(message("seeds", seeds, "a whole number from 1"))
    if seeds > 1 and SEED in over:
        raise DescriptionError(message("seeds", seeds, f"1 where {SEED} is swept", "leave one of the two out"))
    if seeds == 1 and not over:
        remedy = "give values (--over KEY=V1,V2) or more seeds (--seeds N), or use spikerl run"
        raise DescriptionError(message("sweep", "one point", "two points or more", remedy))
    return {key: list(values) for key, values in over.items()}


def _values(key: str, text: str) -> list[str]:
    """Split `text` at its commas, but for those inside brackets and quotes."""
    values, value, closing = [], "", ""
    previous = ""
    for character in text:
        if closing[-1:] and closing[-1] in _QUOTES:
            escaped = closing[-1] == '"' and previous == "\\"
            if character == closing[-1] and not escaped:
                closing = closing[:-1]
            previous = "" if escaped else character
        elif character == "," and not closing:
            values.append(value.strip())
            value = ""
            continue
        elif character in _QUOTES and (closing or not value.strip()):
            closing += character  # elsewhere it is a letter, such as an apostrophe
            previous = ""
        elif character in _CLOSING:
            closing += _CLOSING[character]
        elif closing and character == closing[-1]:
            closing = closing[:-1]
        value += character
    if closing:
        allowed = "values between commas, with brackets and quotes closed"
        raise DescriptionError(message(f"--over {key}", text, allowed, f"{closing[-1]} is missing"))
    return [*values, value.strip()]
