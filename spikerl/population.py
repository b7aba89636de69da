"""A population: a name, a number of neurons, and the neuron they all are."""

from __future__ import annotations

import re
from dataclasses import dataclass

from spikerl.errors import DescriptionError, message
from spikerl.neurons import LIF, AdaptiveLIF, Neuron, Poisson, SpikeSource

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_LARGEST = 10_000_000


def check_name(name: object, where: str) -> None:
    """Refuse a name that could not stand in code, in equations, and as a group of a file."""
    if not isinstance(name, str) or len(name) > 64 or not _NAME.match(name):
        raise DescriptionError(message(where, name, "at most 64 letters, digits and _, beginning with a letter"))


@dataclass(frozen=True)
class Population:
    """`size` neurons of one model under one `name`.

    `neuron` is one of `LIF`, `AdaptiveLIF`, `SpikeSource`, `Poisson`. Raises `DescriptionError`.
    """

    name: str
    size: int
    neuron: Neuron

    def __post_init__(self) -> None:
        """Check name, size and neuron."""
        check_name(self.name, "Population.name")
        where = f"Population({self.name!r})"
        if isinstance(self.size, bool) or not isinstance(self.size, int) or not 1 <= self.size <= _LARGEST:
            raise DescriptionError(message(f"{where}.size", self.size, f"a whole number from 1 to {_LARGEST}"))
        if not isinstance(self.neuron, (LIF, AdaptiveLIF, SpikeSource, Poisson)):
            allowed = "a neuron: sp.LIF(...), sp.AdaptiveLIF(...), sp.SpikeSource(...) or sp.Poisson(...)"
            raise DescriptionError(message(f"{where}.neuron", self.neuron, allowed))
        if isinstance(self.neuron, SpikeSource) and any(neuron >= self.size for neuron in self.neuron.neurons):
            allowed = f"neurons from 0 to {self.size - 1}"
            raise DescriptionError(message(f"{where}.neuron.neurons", max(self.neuron.neurons), allowed))
