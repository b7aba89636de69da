"""A population: a name, a number of neurons, and the neuron they all are."""

from __future__ import annotations

import re
from dataclasses import dataclass

from spikerl.errors import DescriptionError, message
from spikerl.keywords import described
from spikerl.neurons import LARGEST, Neuron, Source, SpikeSource, SpikingNeuron, check_law
from spikerl.noise import UniformNoise
from spikerl.units import whole_number

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


def check_name(name: object, where: str) -> None:
    """Refuse a name that could not stand in code, in equations, and as a group of a file."""
    if not isinstance(name, str) or len(name) > 64 or not _NAME.match(name):
        raise DescriptionError(message(where, name, "at most 64 letters, digits and _, beginning with a letter"))


@described
@dataclass(frozen=True)
class Population:
    """`size` neurons of one model under one `name`.

    `neuron` is one of `LIF`, `AdaptiveLIF`, `SpikeResponse`, `Izhikevich`, `SpikeSource`, `Poisson`, or a
    `SpikingNeuron` of your own. `noise`: an `sp.UniformNoise` that each neuron hears in each step, default None. Raises
    `DescriptionError`, and `UnitError` for noise in another dimension than the weights onto the neuron.
    """

    name: str
    size: int
    neuron: Neuron
    noise: UniformNoise | None = None

    def __post_init__(self) -> None:
        """Check name, size and neuron."""
        check_name(self.name, "Population.name")
        where = f"Population({self.name!r})"
        object.__setattr__(self, "size", whole_number(self.size, 1, LARGEST, f"{where}.size"))
        if isinstance(self.neuron, SpikingNeuron):
            check_law(self.neuron, f"{where}.neuron")
        elif not isinstance(self.neuron, Source):
            allowed = "a neuron: sp.LIF(...), sp.AdaptiveLIF(...), sp.SpikeSource(...) or sp.Poisson(...)"
            raise DescriptionError(message(f"{where}.neuron", self.neuron, allowed))
        if isinstance(self.neuron, SpikeSource) and any(neuron >= self.size for neuron in self.neuron.neurons):
            allowed = f"neurons from 0 to {self.size - 1}"
            raise DescriptionError(message(f"{where}.neuron.neurons", max(self.neuron.neurons), allowed))
        if self.noise is not None:
            if not isinstance(self.noise, UniformNoise):
                raise DescriptionError(message(f"{where}.noise", self.noise, "an sp.UniformNoise(...) or None"))
            if isinstance(self.neuron, Source):
                raise DescriptionError(message(f"{where}.noise", self.noise, "None, for a source of spikes"))
            self.noise.ends(self.neuron.weight_dimension, f"{where}.noise")
