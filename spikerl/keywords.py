"""Arguments that do not fit a signature are bad input like any other: named, with the nearest name that fits."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from spikerl.errors import DescriptionError, message, nearest

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Return `function`, raising `DescriptionError` where its arguments are unknown, missing, repeated or too many."""
    return _checked(function, function.__qualname__)


def described(cls: C) -> C:
    """Return the class, raising `DescriptionError` where its arguments are unknown, missing, repeated or too many."""
    made: Any = cls
    made.__init__ = _checked(made.__init__, cls.__name__)
    return cls


def _checked(function: Callable[P, R], where: str) -> Callable[P, R]:
    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TypeError:
            _refuse(inspect.signature(function), where, args, kwargs)
            raise

    return call


def _refuse(signature: inspect.Signature, where: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise if the arguments do not fit; return if the fault was another."""
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        named = [p.name for p in signature.parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        known = [name for name in named if name != "self"]
        allowed = f"the arguments {', '.join(known)}" if known else "no named argument"
        for name in kwargs:
            if name not in known:
                raise DescriptionError(message(where, name, allowed, nearest(name, known))) from None
        positional = args[1:] if "self" in named else args
        raise DescriptionError(message(where, positional, allowed, str(error))) from None
