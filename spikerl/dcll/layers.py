"""The description of layers: sizes and time constants, checked; no tensor among them."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import NamedTuple

from spikerl.errors import DescriptionError, message
from spikerl.keywords import described
from spikerl.neurons import Written
from spikerl.units import Dimension, finite_number, to_positive_si, whole_number

_MOST_UNITS = 1_000_000
_MOST_KERNEL = 99
Shape = tuple[int, ...]


class Constants(NamedTuple):
    """What a step leaves of the membrane's filter, of the synapse's, and of the refractory term."""

    alpha: float
    beta: float
    alpha_refractory: float


@described
@dataclass(frozen=True)
class Filters:
    """``Q = beta Q + (1 - beta) S``, ``P = alpha P + (1 - alpha) Q_prev``, ``R = alpha_r R - (1 - alpha_r) S_prev``.

    `tau_mem` (default 20 ms), `tau_syn` (7.5 ms) and `tau_ref` (2.5 ms) give alpha, beta and alpha_r at steps of `dt`
    (1 ms); near those of Kaiser et al. (2020), .95, .875 and .67. Raises `DescriptionError` or `UnitError`.
    """

    tau_mem: Written = "20 ms"
    tau_syn: Written = "7.5 ms"
    tau_ref: Written = "2.5 ms"
    dt: Written = "1 ms"

    def __post_init__(self) -> None:
        """Check every field."""
        self.constants()

    def constants(self) -> Constants:
        """Return alpha, beta and alpha_r."""
        seconds = {
            field.name: to_positive_si(getattr(self, field.name), Dimension.TIME, f"Filters.{field.name}")
            for field in fields(self)
        }
        dt = seconds.pop("dt")
        return Constants(*(math.exp(-dt / tau) for tau in seconds.values()))


@described
@dataclass(frozen=True)
class Dense:
    """A layer in which each of `units` neurons hears all of the layer before. Raises `DescriptionError`."""

    units: int

    def __post_init__(self) -> None:
        """Check the size."""
        whole_number(self.units, 1, _MOST_UNITS, "Dense.units")

    def shape(self, before: Shape) -> Shape:
        """Return the shape of what the layer says to the next."""
        return (self.units,)

    def fan_in(self, before: Shape) -> int:
        """Return the number of inputs of a neuron."""
        return math.prod(before)


@described
@dataclass(frozen=True)
class Convolution:
    """A layer of `channels` maps, each a correlation with a `kernel` by `kernel` field at stride 1, then pooling.

    `padding` (default half of the kernel, so that odd kernels keep the size); of each `pool` by `pool` square (default
    1) the largest spike goes on, to the next layer and to the local readout. Raises `DescriptionError`.
    """

    channels: int
    kernel: int = 3
    pool: int = 1
    padding: int | None = None

    def __post_init__(self) -> None:
        """Check the sizes."""
        whole_number(self.channels, 1, _MOST_UNITS, "Convolution.channels")
        whole_number(self.kernel, 1, _MOST_KERNEL, "Convolution.kernel")
        whole_number(self.pool, 1, _MOST_KERNEL, "Convolution.pool")
        padding = self.kernel // 2 if self.padding is None else self.padding
        object.__setattr__(self, "padding", whole_number(padding, 0, self.kernel - 1, "Convolution.padding"))

    def shape(self, before: Shape) -> Shape:
        """Return the shape of what the layer says to the next; raises `DescriptionError` where nothing is left."""
        _, height, width = self.maps(before)
        return self.channels, height // self.pool, width // self.pool

    def maps(self, before: Shape) -> Shape:
        """Return the shape before pooling."""
        if len(before) != 3:
            allowed, remedy = "(channel, height, width) of the layer before", "put convolutions before dense layers"
            raise DescriptionError(message("Convolution: input", before, allowed, remedy))
        assert self.padding is not None
        height, width = (size + 2 * self.padding - self.kernel + 1 for size in before[1:])
        if min(height, width) < self.pool:
            raise DescriptionError(message("Convolution: input", before, f"{self.kernel} x {self.kernel} or larger"))
        return self.channels, height, width

    def fan_in(self, before: Shape) -> int:
        """Return the number of inputs of a neuron."""
        return before[0] * self.kernel * self.kernel


Layer = Dense | Convolution


@described
@dataclass(frozen=True)
class Readout:
    """The fixed random readout of a layer: ``Y = G S``, G uniform within ``+-amplitude / sqrt(neurons)``."""

    amplitude: float = 1.0

    def __post_init__(self) -> None:
        """Check the amplitude."""
        if finite_number(self.amplitude, "Readout.amplitude") <= 0:
            raise DescriptionError(message("Readout.amplitude", self.amplitude, "above 0"))


@dataclass(frozen=True)
class Description:
    """`inputs`, the shape of the input; the `layers`; how many `outputs` each readout has; `filters` and `readout`.

    Weights and biases begin uniform within ``+-gain / sqrt(fan-in)``; `gain` is 1 by default. Raises
    `DescriptionError`.
    """

    inputs: Shape
    layers: tuple[Layer, ...]
    outputs: int
    filters: Filters = Filters()
    readout: Readout = Readout()
    gain: float = 1.0

    def __post_init__(self) -> None:
        """Check that every layer fits the one before."""
        if finite_number(self.gain, "Network.gain") <= 0:
            raise DescriptionError(message("Network.gain", self.gain, "above 0"))
        if not self.layers:
            raise DescriptionError(message("Network.layers", (), "one layer at least"))
        self.shapes()

    def shapes(self) -> list[Shape]:
        """Return the shape of the input and of what each layer says on."""
        shapes = [self.inputs]
        for layer in self.layers:
            shapes.append(layer.shape(shapes[-1]))
        return shapes
