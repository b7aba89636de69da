"""What ``spikerl fit`` says: how far it is, and what it has found."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import final

from spikerl.analysis.intervals import Interval, mean_over_blocks
from spikerl.cli.progress import Bar
from spikerl.fitting.fitted import Fitted
from spikerl.fitting.fitting import Progress


@final
class Following:
    """Shows a fit's evaluations on a `bar`, a line for each that was begun and what is the best until then."""

    def __init__(self, bar: Bar) -> None:
        self._bar, self._shown = bar, 0

    def show(self, at: Progress) -> None:
        """Show what has been done."""
        whole = int(at.done)
        if whole > self._shown and at.best is not None:
            self._shown = whole
            self._bar.show(whole, f"{at.best:.4f} nats a trial")
        self._bar.move(at.done)


def lines(found: Fitted) -> Iterator[str]:
    """Yield name and value, a line each: what was found, how well it foresees, beside the models, and where it is."""
    yield f"fitted   {found.evaluations} evaluations, {found.cut_short} of them cut short"
    for one in found.ranges:
        ends = f"{one.low:g} to {one.high:g} {one.unit}".rstrip()
        yield f"  {one.key} = {found.settings[one.key]}  (from {ends})"
    yield f"  slope {found.link.beta:.4g} a spike, stickiness {found.link.kappa:.3g} nats"
    yield f"trained  {found.train:.4f} nats a trial, {found.written:.4f} as it was written"
    yield f"held out {_words(found.held_out)}"
    width = max(len(model.name) for model in found.models)
    for model in found.models:
        yield f"  {model.name:{width}s}  {_words(mean_over_blocks(model.held_out))}"
    for initial, share in found.closed.items():
        yield f"closed   {_words(share, 2)}, of the way to the best rate model, values from {initial:g}"
    yield f"results  {found.path}"
    yield f"run it   spikerl run {shlex.quote(str(found.experiment))}"


def _words(found: Interval, digits: int = 4) -> str:
    if not found.known():
        return f"{found.value:.{digits}f} (too few blocks for an interval)"
    low, high = (f"{end:.{digits}f}" for end in (found.low, found.high))
    return f"{found.value:.{digits}f}, 95 % interval {low} to {high}, {found.n} blocks"
