"""Facts of a chip: a value and the source it was taken from.

A value may be "unknown", and then is None; a largest number may be "unlimited", and then is `UNLIMITED`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from spikerl.errors import DescriptionError, message, nearest

UNKNOWN = "unknown"
UNLIMITED = 2**62
UNSAID = "not said in the file"
_LARGEST = 10**15
MODELS = ("lif", "spike_response")
SIGNS = ("mixed", "excitatory", "inhibitory")

Reader = Callable[[object], Any]


def _unless_unknown(read: Reader) -> PlainValidator:
    return PlainValidator(lambda value: None if value == UNKNOWN or value is None else read(value))


def _whole(low: int) -> Reader:
    allowed = f"a whole number from {low} to {_LARGEST}, 'unlimited', or {UNKNOWN!r}"

    def read(value: object) -> int:
        if value == "unlimited":
            return UNLIMITED
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= _LARGEST:
            raise DescriptionError(message("value", value, allowed))
        return value

    return read


def _list(value: object, allowed: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise DescriptionError(message("value", value, allowed))
    return value


def _wholes(low: int, high: int) -> Reader:
    allowed = f"a list of different whole numbers from {low} to {high}, or {UNKNOWN!r}"

    def read(value: object) -> tuple[int, ...]:
        entries = _list(value, allowed)
        for entry in entries:
            if isinstance(entry, bool) or not isinstance(entry, int) or not low <= entry <= high:
                raise DescriptionError(message("value", entry, allowed))
        if len(set(entries)) < len(entries):
            raise DescriptionError(message("value", value, allowed))
        return tuple(sorted(entries))

    return read


def _pair(low: int, high: int, rising: bool) -> Reader:
    order = ", the first not above the second" if rising else ""
    allowed = f"two whole numbers from {low} to {high}{order}, or {UNKNOWN!r}"

    def read(value: object) -> tuple[int, int]:
        entries = _list(value, allowed)
        good = all(isinstance(entry, int) and not isinstance(entry, bool) and low <= entry <= high for entry in entries)
        if len(entries) != 2 or not good or (rising and entries[0] > entries[1]):
            raise DescriptionError(message("value", value, allowed))
        return entries[0], entries[1]

    return read


def _names(known: tuple[str, ...]) -> Reader:
    allowed = f"a list of some of {', '.join(known)}, or {UNKNOWN!r}"

    def read(value: object) -> tuple[str, ...]:
        for entry in _list(value, allowed):
            if not isinstance(entry, str) or entry not in known:
                raise DescriptionError(message("value", entry, allowed, nearest(entry, known)))
        return tuple(dict.fromkeys(_list(value, allowed)))

    return read


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise DescriptionError(message("value", value, f"true, false, or {UNKNOWN!r}"))
    return value


def _positive(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= _LARGEST:
        raise DescriptionError(message("value", value, f"a number from 0 to {_LARGEST:g}, or {UNKNOWN!r}"))
    return float(value)


class Table(BaseModel):
    """A table of a file: unknown keys are refused, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Fact(Table):
    """What every fact has: `source`, where its value was found, or why there is none."""

    source: str = Field(min_length=1, max_length=300)


class Count(Fact):
    """A whole number from 1."""

    value: Annotated[int | None, _unless_unknown(_whole(1))]


class Most(Fact):
    """The largest whole number that is possible, from 0."""

    value: Annotated[int | None, _unless_unknown(_whole(0))]


class Widths(Fact):
    """Numbers of bits to choose from."""

    value: Annotated[tuple[int, ...] | None, _unless_unknown(_wholes(0, 64))]


class Range(Fact):
    """The least and the largest whole number."""

    value: Annotated[tuple[int, int] | None, _unless_unknown(_pair(-64, 64, rising=True))]


class Sides(Fact):
    """Columns and rows."""

    value: Annotated[tuple[int, int] | None, _unless_unknown(_pair(1, 10_000, rising=False))]


class Models(Fact):
    """Names of neuron models."""

    value: Annotated[tuple[str, ...] | None, _unless_unknown(_names(MODELS))]


class Signs(Fact):
    """Names of sign modes of weights."""

    value: Annotated[tuple[str, ...] | None, _unless_unknown(_names(SIGNS))]


class Flag(Fact):
    """Whether it is there."""

    value: Annotated[bool | None, _unless_unknown(_flag)]


class Energy(Fact):
    """An energy in pJ."""

    value: Annotated[float | None, _unless_unknown(_positive)]
