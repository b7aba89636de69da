"""Errors that name the object, the value it was given, what is allowed, and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping


class SpikerlError(Exception):
    """Root of all errors that spikerl raises on purpose; the command line prints them as one message."""


class DescriptionError(SpikerlError, ValueError):
    """A description (network, rule, task, experiment) says something that cannot be meant."""


class UnitError(DescriptionError):
    """A quantity has no unit, an unknown unit, or a unit of the wrong dimension."""


class UnsupportedError(SpikerlError):
    """A back end was asked for something it has declared it cannot do."""


class MissingPackageError(SpikerlError, ImportError):
    """An optional package is not installed."""


class MissingSimulatorError(MissingPackageError):
    """An optional simulator is not installed."""


class FileError(SpikerlError):
    """A file is missing, damaged, of the wrong kind, or not what its manifest says."""


class RunError(SpikerlError):
    """A run failed after it had begun; its directory holds all finished checkpoints and can be resumed."""


class DivergenceError(SpikerlError):
    """Two back ends part: the message names the first step, population, neuron and variable, and so do `facts`."""

    def __init__(self, text: str, facts: Mapping[str, object] | None = None) -> None:
        super().__init__(text)
        self.facts: dict[str, object] = dict(facts or {})


def message(where: str, value: object, allowed: str, remedy: str = "") -> str:
    """Compose the one clear message: ``where: got value; allowed: ...; remedy``."""
    text = f"{where}: got {shorten(value)}; allowed: {allowed}"
    return f"{text}; {remedy}" if remedy else text


def shorten(value: object, limit: int = 80) -> str:
    """Return ``repr(value)`` cut to `limit` characters, so that an array does not fill the screen."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a value that cannot even be shown, such as a whole number beyond Python's limit of digits
        text = f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def nearest(name: object, valid: Iterable[str]) -> str:
    """Say ``did you mean 'x'?`` for the closest valid name, or list the valid ones."""
    names = sorted(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6) if isinstance(name, str) else []
    if close:
        return f"did you mean {close[0]!r}?"
    return f"choose one of {', '.join(names)}" if names else "there is none to choose from"
