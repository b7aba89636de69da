"""What lowering lost, on a page: every number that fixed point holds otherwise, the largest error first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from spikerl.report.numbers import count, count_of, percent, significant
from spikerl.results.deployment import Loss

MOST_OPEN = 8
_MEANS = {
    "rounding": "a number on the grid of the integers",
    "clipping": "a number beyond the ends of its range",
    "saturation": "what may reach the ends of its range in a run",
    "coefficient": "a coefficient of a learning rule, as a mantissa and an exponent",
    "approximation": "a law that the chip has not, by one that it has",
}


class Row(NamedTuple):
    """A loss as it is shown."""

    object: str
    quantity: str
    kind: str
    wanted: str
    got: str
    error: str
    note: str


class Losses(NamedTuple):
    """The losses: a sentence, the `kinds` that occur (name, how many, meaning), the first rows, and the `rest`."""

    said: str
    kinds: tuple[tuple[str, str, str], ...]
    rows: tuple[Row, ...]
    rest: tuple[Row, ...]


def losses(found: Sequence[Loss]) -> Losses:
    """Return the losses by their errors, largest first; those without one, which only a note can tell, are last."""
    ordered = sorted(found, key=lambda loss: -_error(loss))
    rows = tuple(map(_row, ordered))
    kinds = [loss.kind for loss in found]
    shown = tuple((kind, count_of(kinds.count(kind)), means) for kind, means in _MEANS.items() if kind in kinds)
    return Losses(_said(ordered), shown, rows[:MOST_OPEN], rows[MOST_OPEN:])


def _said(ordered: Sequence[Loss]) -> str:
    if not ordered:
        return "Nothing: the chip holds every number as the description says it."
    largest = ordered[0]
    untold = sum(loss.error is None and _error(loss) < 0.0 for loss in ordered)
    text = f"{count(len(ordered), 'number')} of the description, and what the chip has in place of each."
    if _error(largest) >= 0.0:
        text += f" The largest error is {_percent(largest)}: {largest.quantity}, {largest.object}."
    if untold:
        text += f" Of {count_of(untold)} only a note can say what is lost."
    return text


def _error(loss: Loss) -> float:
    """Return the error by which losses are ordered: infinite of a wanted 0 that is none; -1 where there is none."""
    if loss.error is not None:
        return loss.error
    return math.inf if loss.wanted == 0.0 and loss.got else -1.0


def _percent(loss: Loss) -> str:
    return "infinite" if math.isinf(_error(loss)) else percent(loss.error)


def _row(loss: Loss) -> Row:
    wanted, got = significant(loss.wanted, 6), significant(loss.got, 6)
    return Row(loss.object, loss.quantity, loss.kind, wanted, got, _percent(loss), loss.note)
