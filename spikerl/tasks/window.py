"""The window of a reversal: the first and the last trial, counted from 0, on which a block may reverse."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from spikerl.errors import DescriptionError, message

_Trial = Annotated[int, Field(strict=True, ge=1)]

# TOML has arrays, no tuples: the pair may be either, its numbers must be whole.
Window = Annotated[tuple[_Trial, _Trial], Field(strict=False)]


def check_window(window: tuple[int, int], trials: int) -> None:
    """Raise `DescriptionError` unless ``first <= last < trials``, the trials of a block."""
    first, last = window
    if not first <= last < trials:
        allowed = f"first <= last < trials_per_block = {trials}"
        raise DescriptionError(message("reversal_window", list(window), allowed))
