"""The points of a sweep: the product of all values and seeds, each a complete experiment that has been checked."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from spikerl.errors import DescriptionError, SpikerlError, message, shorten
from spikerl.experiment import AnyExperiment, read
from spikerl.run import check
from spikerl.sweep.axes import SEED

MOST = 10_000
_LONGEST = 40
_STRANGE = re.compile(r"[^A-Za-z0-9.+-]+")


class Planned(NamedTuple):
    """A point that is to be run: the `name` of its directory, what is particular to it, and its experiment.

    `settings`: the values of the axes by ``table.key``, but for the seed. `text`: the complete experiment, as
    `Experiment.toml` gives it.
    """

    name: str
    settings: dict[str, Any]
    seed: int
    text: str


def points(
    which: str | Path, settings: Mapping[str, object], over: Mapping[str, Sequence[object]], seeds: int
) -> list[Planned]:
    """Return the points of the experiment `which` over all values of `over` and `seeds` seeds from its own on.

    Every point has been read and built. Raises what `spikerl.experiment.read` and `build` raise, with the point before
    it, and `DescriptionError` for two points that are one experiment, and for more than `MOST`.
    """
    combinations = [dict(zip(over, values, strict=True)) for values in _product(over, seeds)]
    width = len(str(len(combinations) * seeds))
    first = _read(which, {**settings, **combinations[0]}, _label(combinations[0])).run.seed
    planned: list[Planned] = []
    seen: dict[str, str] = {}
    for chosen, number in itertools.product(combinations, range(seeds)):
        here = {SEED: first + number, **chosen}
        label = _label({**chosen, SEED: here[SEED]})
        experiment = _read(which, {**settings, **here}, label)
        text, seed = experiment.toml(), experiment.run.seed
        if text in seen:
            remedy = f"it is the same experiment as point {seen[text]}"
            raise DescriptionError(message("sweep", f"point {label}", "each point once", remedy))
        seen[text] = label
        values = {key: _value(experiment, key) for key in chosen if key != SEED}
        planned.append(Planned(_name(len(planned) + 1, width, values, seed), values, seed, text))
    return planned


def _product(over: Mapping[str, Sequence[object]], seeds: int) -> list[tuple[object, ...]]:
    number = seeds
    for values in over.values():
        number *= len(values)
    if number > MOST:
        raise DescriptionError(message("points of the sweep", number, f"at most {MOST}"))
    return list(itertools.product(*over.values()))


def _read(which: str | Path, settings: Mapping[str, object], label: str) -> AnyExperiment:
    try:
        experiment = read(which, settings)
        check(experiment)
    except SpikerlError as error:
        raise type(error)(f"{f'point {label}: ' if label else ''}{error}") from error
    return experiment


def _value(experiment: AnyExperiment, key: str) -> Any:
    table, _, name = key.partition(".")
    value = experiment.tables()[table][name]
    return list(value) if isinstance(value, tuple) else value


def _label(settings: Mapping[str, object]) -> str:
    shown = {key: value if isinstance(value, str) else shorten(value) for key, value in settings.items()}
    return ", ".join(f"{key}={value}" for key, value in shown.items())


def _name(number: int, width: int, settings: Mapping[str, object], seed: int) -> str:
    """Return a name that sorts in the order of the points, is theirs alone, and says what they are."""
    short = [key.rpartition(".")[2] for key in settings]
    keys = short if len(set(short)) == len(short) else list(settings)
    parts = [f"{key}={_plain(value)}" for key, value in zip(keys, settings.values(), strict=True)]
    return "-".join([f"{number:0{width}d}", *parts, f"seed{seed}"])


def _plain(value: object) -> str:
    text = "".join(str(value).split())
    return _STRANGE.sub("_", text).strip("_")[:_LONGEST]
