"""Layers as a description, which every back end runs and every chip is given: populations and explicit projections.

A layer is a population of `SpikeResponse` neurons: the current u and the voltage v of the description, a step after
the spikes, are Q and P through W, and the threshold moves by the refractory term. A bias comes as spikes too, since
parameters of a population are the same for all its neurons: a source that is always on, through weights that the
filters bring to b, and in its first step a jump up and, a step later, one down, which put u to ``b / (1 - alpha)`` and
then to b, so that v is b from its first step on. Pooling is a relay for each square, a LIF neuron that spikes a step
after any of its inputs; its current forgets at once, since each spike takes back in the step after it what is left.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from spikerl.connectivity import AllToAll, Connectivity, Explicit, Values
from spikerl.dcll.layers import Constants, Convolution, Layer, Shape
from spikerl.dcll.network import Network
from spikerl.network import Network as Circuit
from spikerl.network import Projection
from spikerl.neurons import LIF, Poisson, SpikeResponse, SpikeSource, Written
from spikerl.population import Population
from spikerl.units import Dimension, to_positive_si

SOURCE = "in"
_ON, _ONSET = "on", "onset"
_RELAYED = 0.3
"""The threshold of a relay; one input brings it to ``1 - 1/e``, twice as far."""
_Numbers = NDArray[np.float64]


class Place(NamedTuple):
    """Where a layer is found: the population of its `neurons`, and that which says what it says on, `out`, pooled.

    Spikes of `neurons` come `lag` steps, and those of `out` `out_lag` steps, after the same spikes of the network.
    """

    neurons: str
    out: str
    lag: int
    out_lag: int


class Described(NamedTuple):
    """The `network`, its step `dt`, the `source` that hears the input, flat, and the `layers`, in their order.

    `biases` are the names of the projections that hold biases, and no weights.
    """

    network: Circuit
    dt: Written
    source: str
    layers: tuple[Place, ...]
    biases: tuple[str, ...]


class _Step(NamedTuple):
    """The step, as it was written, and in seconds."""

    written: Written
    seconds: float

    def delay(self, steps: int) -> str:
        return f"{steps * self.seconds!r} s"


def described(network: Network) -> Described:
    """Return `network` as a description with its present weights, to be opened with its `dt`.

    Input is given from the second step on: in the first one biases leave their sources. A layer follows in the same
    step as the one before, as in the network, but one step later after each pooling.
    """
    description, constants = network.description, network.constants
    written = description.filters.dt
    step = _Step(written, to_positive_si(written, Dimension.TIME, "Filters.dt"))
    neuron = _neuron(network)
    shapes = description.shapes()
    said = Population(SOURCE, math.prod(shapes[0]), SpikeSource())
    sources = _on(step), Population(_ONSET, 1, SpikeSource((0,), ("0 ms",)))
    projections: list[Projection] = []
    places: list[Place] = []
    biases: list[str] = []
    lag = 1
    stack = zip(description.layers, shapes, network.parameters, strict=False)
    for number, (layer, before, own) in enumerate(stack, 1):
        maps = layer.maps(before) if isinstance(layer, Convolution) else layer.shape(before)
        population = Population(f"layer_{number}", math.prod(maps), neuron)
        wiring, weight = _wiring(layer, before, maps, _array(own.weight))
        jump = Values(tuple(((1 - constants.beta) * weight).tolist()))
        projections.append(Projection(said, population, jump, wiring, step.delay(1)))
        bias = np.repeat(_array(own.bias), math.prod(maps[1:]))
        if bias.any():
            held = _biased(bias, constants, sources, population, lag, step)
            projections += held
            biases += [projection.name for projection in held]
        said, began = population, lag
        if isinstance(layer, Convolution) and layer.pool > 1:
            said = Population(f"layer_{number}_pooled", math.prod(layer.shape(before)), _relay(step))
            projections += _pooled(layer, maps, population, said, step)
            lag += 1
        places.append(Place(population.name, said.name, began, lag))
    return Described(Circuit(*projections), written, SOURCE, tuple(places), tuple(biases))


def _array(tensor: Tensor) -> _Numbers:
    found: _Numbers = tensor.detach().cpu().double().numpy()
    return found


def _neuron(network: Network) -> SpikeResponse:
    filters, left = network.description.filters, network.constants.alpha_refractory
    return SpikeResponse(filters.tau_mem, filters.tau_syn, filters.tau_ref, adapt=(1 - left) / left)


def _on(step: _Step) -> Population:
    """Return a neuron that spikes in every step."""
    rate = 1 / step.seconds
    while rate * step.seconds > 1:
        rate = math.nextafter(rate, 0)
    return Population(_ON, 1, Poisson(f"{rate!r} Hz"))


def _relay(step: _Step) -> LIF:
    """Return the neuron with the shortest memory that there is."""
    return LIF(tau_mem=step.written, tau_syn=step.written, threshold=_RELAYED)


def _wiring(layer: Layer, before: Shape, maps: Shape, weight: _Numbers) -> tuple[Connectivity, _Numbers]:
    """Return who hears whom, and the weight of each synapse."""
    if not isinstance(layer, Convolution):
        return AllToAll(), weight.T.ravel()
    assert layer.padding is not None
    rows, columns, fields = maps[1:], (layer.kernel, layer.kernel), before[0]
    out, y, x, field, i, j = np.meshgrid(
        *map(np.arange, (maps[0], *rows, fields, *columns)), indexing="ij", sparse=True
    )
    above, left = y + i - layer.padding, x + j - layer.padding
    inside = (above >= 0) & (above < before[1]) & (left >= 0) & (left < before[2])
    shape = (maps[0], *rows, fields, *columns)
    pre = np.broadcast_to((field * before[1] + above) * before[2] + left, shape)
    post = np.broadcast_to((out * rows[0] + y) * rows[1] + x, shape)
    chosen = np.broadcast_to(inside, shape)
    numbers = np.broadcast_to(weight[:, None, None], shape)
    return _explicit(pre[chosen], post[chosen]), numbers[chosen]


def _pooled(
    layer: Convolution, maps: Shape, population: Population, relays: Population, step: _Step
) -> list[Projection]:
    """Return the synapses of the relays, and those that take back what is left of their current a step later."""
    _, height, width = maps
    neuron = np.arange(population.size)
    field, y, x = neuron // (height * width), neuron // width % height, neuron % width
    rows, columns = height // layer.pool, width // layer.pool
    whole = (y < rows * layer.pool) & (x < columns * layer.pool)
    square = (field * rows + y // layer.pool) * columns + x // layer.pool
    wiring = _explicit(neuron[whole], square[whole])
    return [
        Projection(population, relays, 1.0, wiring, step.delay(1)),
        Projection(population, relays, -math.exp(-1), wiring, step.delay(2), name=f"{population.name}_forgotten"),
    ]


def _explicit(pre: NDArray[np.int64], post: NDArray[np.int64]) -> Explicit:
    return Explicit(tuple(pre.tolist()), tuple(post.tolist()))


def _biased(
    bias: _Numbers,
    constants: Constants,
    sources: tuple[Population, Population],
    post: Population,
    lag: int,
    step: _Step,
) -> list[Projection]:
    """Return what holds v at `bias` from step `lag` on: a jump in every step, and two that begin it."""
    (alpha, beta, _), (on, onset) = constants, sources
    up, down = alpha / (1 - alpha) + beta, -alpha * beta / (1 - alpha)
    return [
        Projection(source, post, Values(tuple((share * bias).tolist())), delay=step.delay(steps), name=name)
        for source, share, steps, name in (
            (on, 1 - beta, lag, f"bias_of_{post.name}"),
            (onset, up, lag, f"onset_of_{post.name}"),
            (onset, down, lag + 1, f"settling_of_{post.name}"),
        )
    ]
