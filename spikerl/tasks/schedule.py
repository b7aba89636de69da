"""Reward schedules: ``"80/20"`` is two options, paying on 80 % and on 20 % of the trials."""

from __future__ import annotations

import re
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator

from spikerl.errors import DescriptionError, message

_PERCENT = re.compile(r"(?:100(?:\.0{1,6})?|[0-9]{1,2}(?:\.[0-9]{1,6})?)\Z")
_MOST_OPTIONS = 16


def probabilities(schedule: str, where: str = "schedule") -> tuple[float, ...]:
    """``"80/20"`` is (0.8, 0.2): the reward probability of each option, shape [options], the best one first.

    `schedule` is two to 16 percentages from 0 to 100 with ``/`` between them, falling, the first above all
    others (else no option would be the better one). Raises `DescriptionError`, beginning with `where`.
    """
    allowed = f"2 to {_MOST_OPTIONS} percentages with / between them, the best one first, such as '80/20'"
    parts = schedule.split("/") if isinstance(schedule, str) and len(schedule) <= 12 * _MOST_OPTIONS else []
    if not 2 <= len(parts) <= _MOST_OPTIONS or not all(_PERCENT.match(part) for part in parts):
        raise DescriptionError(message(where, schedule, allowed))
    values = tuple(float(part) / 100.0 for part in parts)
    best_first = tuple(sorted(values, reverse=True))
    if best_first[0] == best_first[1] or values != best_first:
        text = "/".join(f"{100 * value:g}" for value in best_first)
        remedy = "no option is the better one" if best_first[0] == best_first[1] else f"write {text!r}"
        raise DescriptionError(message(where, schedule, allowed, remedy))
    return values


def _checked(schedule: str) -> str:
    probabilities(schedule)
    return schedule


Schedule = Annotated[str, AfterValidator(_checked)]
"""A schedule as a parameter of a task: text that `probabilities` accepts."""


def rivals(chances: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the options that are not the best one of `chances` [options], in their order, [options - 1]."""
    return np.delete(np.arange(chances.size), chances.argmax())


def exchanged(chances: NDArray[np.float64], rival: int) -> NDArray[np.float64]:
    """Return `chances` [options] after the best option and `rival` have changed places."""
    after, best = chances.copy(), int(chances.argmax())
    after[[best, rival]] = chances[[rival, best]]
    return after
