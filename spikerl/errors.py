"""Errors that name the object, the value it was given, what is allowed, and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SpikerlError(Exception):
    """Root of all errors that spikerl raises on purpose; the command line prints them as one message."""


class DescriptionError(SpikerlError, ValueError):
    """A description (network, rule, task, experiment) says something that cannot be meant."""


class UnitError(DescriptionError):
    """A quantity has no unit, an unknown unit, or a unit of the wrong dimension."""


class UnsupportedError(SpikerlError):
    """A back end was asked for something it has declared it cannot do."""


class MissingSimulatorError(SpikerlError, ImportError):
    """An optional simulator is not installed."""


class FileError(SpikerlError):
    """A file is missing, damaged, of the wrong kind, or not what its manifest says."""


class DivergenceError(SpikerlError):
    """Two back ends part; the message names the first step, population, neuron and variable."""


def message(where: str, value: object, allowed: str, remedy: str = "") -> str:
    """Compose the one clear message: ``where: got value; allowed: ...; remedy``."""
    text = f"{where}: got {shorten(value)}; allowed: {allowed}"
    return f"{text}; {remedy}" if remedy else text


def shorten(value: object, limit: int = 80) -> str:
    """Return ``repr(value)`` cut to `limit` characters, so that an array does not fill the screen."""
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def nearest(name: str, valid: Iterable[str]) -> str:
    """Say ``did you mean 'x'?`` for the closest valid name, or list the valid ones."""
    names = sorted(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"choose one of {', '.join(names)}" if names else "there is none to choose from"
