"""The ranges of a search: ``KEY=LOW:HIGH`` as numbers of a circuit's key, with the unit that they are written in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from spikerl.errors import DescriptionError, SpikerlError, message, nearest
from spikerl.experiment.reading import by_key, changed
from spikerl.experiment.tables import Experiment
from spikerl.fitting.following import check_circuit
from spikerl.units import Dimension, parse

DECADE = 10.0
"""A range that spans more than this factor is searched by its logarithm."""
SCALES = ("log", "linear")
DEFAULTS: dict[str, dict[str, str]] = {
    "striatum": {
        "circuit.learning_rate": "5e-5:4e-4:log",
        "circuit.forgetting": "3e-4:1.2e-3:log",
        "circuit.reward": "0.2mV:0.6mV",
        "circuit.subtraction": "0.1mV:0.95mV",
    },
}
"""What is searched where nothing is given, by circuit.

Rate models of the recorded monkeys lose .6 of an unchosen value a trial, and fit nearly as well (.273 for .271 nats)
where all values lose .4 a trial and learning adds little to it: with trials of 850 steps that is a forgetting of 6e-4.
How fast the circuit learns, how large a reward is for it, and how much of an expected one it subtracts, are then free.
"""


class Range(NamedTuple):
    """From `low` to `high` in `unit` ("" for plain numbers), by their logarithm if `log`, whole numbers if `whole`."""

    key: str
    low: float
    high: float
    unit: str
    log: bool
    whole: bool

    def setting(self, number: float) -> int | float | str:
        """Return the value of the key at `number`, with six significant digits."""
        if self.whole:
            return round(number)
        rounded = float(f"{number:.6g}")
        return f"{rounded:.6g} {self.unit}" if self.unit else rounded

    def number(self, setting: str | float) -> float:
        """Return the number of a value of the key, in `unit`; the inverse of `setting`."""
        found = parse(setting, self.key)
        return found.value / (parse(f"1 {self.unit}", self.key).value if self.unit else 1.0)


def ranges(experiment: Experiment, over: Mapping[str, str] | None) -> tuple[Range, ...]:
    """Return the ranges of `over`, ``LOW:HIGH``, ``LOW:HIGH:log`` or ``LOW:HIGH:linear`` by ``circuit.KEY``.

    None stands for the `DEFAULTS` of the circuit. Ends are numbers, or quantities with units such as ``200ms:2s``; a
    range of more than a decade above 0 is searched by its logarithm unless it says otherwise. The circuit is built at
    each end, so that what is out of its bounds is refused here. Raises `DescriptionError` or `UnitError`.
    """
    name = experiment.circuit.name
    if not over:
        if name not in DEFAULTS:
            remedy = "give at least one --over circuit.KEY=LOW:HIGH"
            raise DescriptionError(message(f"ranges of circuit {name!r}", None, "one range or more", remedy))
        over = DEFAULTS[name]
    return tuple(_range(experiment, key, text) for key, text in over.items())


def over_texts(texts: Iterable[str]) -> dict[str, str]:
    """Return ``KEY=LOW:HIGH`` texts by key; raises `DescriptionError` without ``=`` or for a key twice."""
    return by_key(texts, "--over", "KEY=LOW:HIGH, such as circuit.tau_elig=200ms:2s")


def _range(experiment: Experiment, key: str, text: str) -> Range:
    where = f"--over {key}"
    table, _, name = key.partition(".")
    fields = experiment.circuit.parameters.model_fields
    if table != "circuit" or not name:
        raise DescriptionError(message("--over", key, "circuit.KEY, for the circuit is what is fitted"))
    if name not in fields or name == "name":
        known = [f"circuit.{field}" for field in fields if field != "name"]
        allowed = f"a key of circuit {experiment.circuit.name!r}"
        raise DescriptionError(message("--over", key, allowed, nearest(key, known)))
    parts = text.split(":")
    if not 2 <= len(parts) <= 3 or (len(parts) == 3 and parts[2].strip() not in SCALES):
        raise DescriptionError(message(where, text, "LOW:HIGH, LOW:HIGH:log or LOW:HIGH:linear"))
    ends = [parse(part.strip(), where) if not _plain(part) else parse(float(part), where) for part in parts[:2]]
    if ends[0].dimension is not ends[1].dimension:
        raise DescriptionError(message(where, text, f"both ends as {ends[0].dimension.value}"))
    scale = ends[0].scale
    low, high = ends[0].value / scale, ends[1].value / scale
    if not low < high:
        raise DescriptionError(message(where, text, "the lower end first, and two different ones"))
    log = parts[2].strip() == "log" if len(parts) == 3 else low > 0.0 and high / low > DECADE
    if log and low <= 0.0:
        raise DescriptionError(message(where, text, "a lower end above 0 where the logarithm is searched"))
    whole = fields[name].annotation is int
    if whole and not (low.is_integer() and high.is_integer()):
        raise DescriptionError(message(where, text, "whole numbers"))
    unit = "" if ends[0].dimension is Dimension.NUMBER else ends[0].unit
    found = Range(key, low, high, unit, log, whole)
    # What is wrong with an end is not the file's fault.
    experiment = replace(experiment, origins={"": ""})
    for end in (low, high):
        try:
            check_circuit(changed(experiment, {key: found.setting(end)}))
        except SpikerlError as error:
            raise type(error)(f"{where}: {error}") from error
    return found


def _plain(text: str) -> bool:
    """Say whether `text` is a finite number without a unit."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
