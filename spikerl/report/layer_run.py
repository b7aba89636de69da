"""What the page of layers that learn, or act, says of one run."""

from __future__ import annotations

from typing import NamedTuple

from spikerl.analysis.intervals import Interval
from spikerl.report.hardware import Hardware
from spikerl.report.sections import Panel


class Score(NamedTuple):
    """A row of the table: its name, the interval, and the value of each network."""

    name: str
    interval: Interval
    values: tuple[float, ...]


class LayerRun(NamedTuple):
    """What the page says of one run; `rows` are of a `subject` each, and the last is what runs are compared in."""

    label: str
    subject: str
    facts: tuple[tuple[str, str], ...]
    measure: str
    places: int
    tested: str
    rows: list[Score]
    panels: list[Panel]
    toml: str
    note: str
    lead: str
    chip: Hardware | None
