"""One colour for one thing everywhere, told apart by colour-blind readers, on light paper and on dark screens.

The hues are those of Okabe and Ito (2008), darkened for lines on white and lightened for lines on black.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import NamedTuple


class Colour(NamedTuple):
    """A colour on a light and on a dark ground, each ``#rrggbb``; no two colours have the same `light`."""

    light: str
    dark: str


INK = Colour("#1c2024", "#e9e8e4")
SOFT = Colour("#62686f", "#a4a9b0")
LINE = Colour("#d9d9d6", "#3b3f45")
WASH = Colour("#f1f0ed", "#23272c")
D1 = Colour("#0067a8", "#5cb6ee")
D2 = Colour("#c95000", "#ff9450")
DOPAMINE = Colour("#007a5a", "#35c99c")
FIRST = Colour("#85409d", "#cf9be3")
SECOND = Colour("#a17400", "#e6bd4c")
OTHER = Colour("#7d8289", "#9ba0a7")
ANIMALS = Colour("#b3246c", "#f07fb5")
RUNS = (
    Colour("#1c2025", "#e9e8e3"),
    Colour("#b3246b", "#f07fb4"),
    Colour("#4a63c8", "#93a6ff"),
    Colour("#5f7a1f", "#b4d15f"),
    Colour("#9a5b3c", "#dba385"),
    Colour("#2b8a94", "#6fd0da"),
)

NAMED = {
    "ink": INK,
    "soft": SOFT,
    "line": LINE,
    "wash": WASH,
    "d1": D1,
    "d2": D2,
    "dopamine": DOPAMINE,
    "first": FIRST,
    "second": SECOND,
    "other": OTHER,
    "animals": ANIMALS,
    **{f"run-{number}": colour for number, colour in enumerate(RUNS)},
}

_POPULATIONS = {"d1": D1, "d2": D2, "dopamine": DOPAMINE}
ROLE_COLOURS = {"better at first": FIRST, "better after the reversal": SECOND, "other": OTHER}
_DASHES = ("-", "--", "-.", ":")


def of_population(name: str) -> Colour:
    """Return the colour of a population: its own where it has one, else the plain one."""
    return _POPULATIONS.get(name.lower(), SOFT)


def of_chip(names: Iterable[str]) -> dict[str, str]:
    """Return the variable of the colour of each population on a chip: its own, or one of those of runs and of options.

    Neither stand in one figure with a chip. Past as many populations as there are colours, they begin again.
    """
    turns = itertools.cycle([f"run-{number}" for number in range(1, len(RUNS))] + ["first", "second"])
    return {name: name.lower() if name.lower() in _POPULATIONS else next(turns) for name in names}


class RunStyle(NamedTuple):
    """How a run is drawn where several are: past as many runs as there are colours, the dashes change."""

    colour: Colour
    dashes: str


def of_run(number: int) -> RunStyle:
    """Return the style of the `number`-th run of a page."""
    turn, place = divmod(number, len(RUNS))
    return RunStyle(RUNS[place], _DASHES[turn % len(_DASHES)])


def variables(*, dark: bool) -> str:
    """Return the colours as CSS custom properties, for one ground."""
    return " ".join(f"--{name}: {colour.dark if dark else colour.light};" for name, colour in NAMED.items())
