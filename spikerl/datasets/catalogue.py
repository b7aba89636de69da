"""The data sets by name, with their settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from spikerl.datasets.base import Dataset, Targets
from spikerl.datasets.digits import DigitsSettings, open_digits
from spikerl.datasets.fig4 import Fig4Settings, open_fig4
from spikerl.datasets.nmnist import NMNISTSettings, open_nmnist
from spikerl.datasets.randman import RandmanSettings, open_randman
from spikerl.errors import DescriptionError, message, nearest

Settings = DigitsSettings | NMNISTSettings | RandmanSettings | Fig4Settings


@dataclass(frozen=True)
class Entry:
    """A data set that is known: the type of its `settings`, their `default`, what opens it, and one line about it."""

    name: str
    settings: type[Settings]
    default: Settings | None
    opener: Callable[[Any, int], Dataset | Targets]
    summary: str


DATASETS: Mapping[str, Entry] = MappingProxyType(
    {
        entry.name: entry
        for entry in (
            Entry("digits", DigitsSettings, DigitsSettings(), open_digits, "handwritten digits, 8 x 8"),
            Entry("nmnist", NMNISTSettings, None, open_nmnist, "N-MNIST from recordings of your own, 2 x 34 x 34"),
            Entry("randman", RandmanSettings, RandmanSettings(), open_randman, "manifolds of spike times"),
            Entry("fig4", Fig4Settings, Fig4Settings(), open_fig4, "frozen Poisson spikes to a ramp and two waves"),
        )
    }
)
"""All data sets by name."""


def load_dataset(name: str, settings: Settings | None = None, seed: int = 0) -> Dataset | Targets:
    """Return the data set called `name`, by default with its default settings; `seed` draws what is random in it.

    Raises `DescriptionError` for another name, with the nearest one, and for settings of another data set;
    `FileError` and `MissingPackageError` as the data set says.
    """
    entry = DATASETS.get(name) if isinstance(name, str) else None
    if entry is None:
        raise DescriptionError(message("data set", name, ", ".join(DATASETS), nearest(name, DATASETS)))
    chosen = entry.default if settings is None else settings
    if not isinstance(chosen, entry.settings):
        remedy = "there are no default ones" if settings is None else ""
        raise DescriptionError(message(f"settings of {name}", settings, f"{entry.settings.__name__}(...)", remedy))
    return entry.opener(chosen, seed)
