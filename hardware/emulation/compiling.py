"""How the loops are compiled, and when machine code that was kept is too old."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit

from spikerl import splitmix

OPTIONS = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
"""Without counts of references: each call would count every array of a `Layout` in and out, atomically, which takes
longer than a step of a small network. Functions compiled so make no arrays and keep none."""


def compiled(function: Callable[..., Any]) -> Any:
    """Return `function`, compiled when first called."""
    return _stamped(njit(**OPTIONS)(function))


def inlined(function: Callable[..., Any]) -> Any:
    """Return `function`, compiled into each of its callers."""
    return _stamped(njit(inline="always", **OPTIONS)(function))


def _stamped(dispatcher: Any) -> Any:
    """Let kept machine code be of use only where none of the sources has changed.

    Numba looks at a function's own file alone; an edit of a file from which it inlines would go unnoticed.
    """
    dispatcher._cache._cache_file._source_stamp = _sources()
    return dispatcher


@cache
def _sources() -> str:
    """Return the digest of all files that compiled code is made of."""
    here = Path(__file__).resolve().parent
    files = sorted([*here.glob("*.py"), here.parent / "program.py", Path(splitmix.__file__)])
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
