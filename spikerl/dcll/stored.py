"""Weights of a layer that are stored in few bits while they learn; biases stay in floating point.

After every change of the optimiser a weight stores ``Q(w + dw)`` on the fine grid of `Quantization`, as a whole number,
its code; the network computes with the visible level of the code. The grid is signed, and ends at `headroom` times the
greatest absolute value of the layer's first weights (or of each neuron's), or at `top`. The laws are those of
`spikerl.hardware.quantize`. The u of random rounding come from one stream of SplitMix64 a layer, by update and synapse,
the same whatever is asked of the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikerl import splitmix
from spikerl.dcll import storing
from spikerl.errors import DescriptionError, UnsupportedError, message
from spikerl.hardware.quantize import (
    FAR,
    LEVEL,
    PLACE,
    RANDOM,
    ROUNDED,
    SETTLED,
    Quantizer,
    law,
)
from spikerl.quantization import Device, Quantization
from spikerl.seeding import key

_HELD = 2**17
"""The numbers of a weight that are taken at a time."""


class Move(NamedTuple):
    """How an optimiser moves: ``dw = -rate g / n``, ``n <- max(beta n + floor, |g|)``; n is 1 without `largest`."""

    rate: float
    beta: float = 0.0
    floor: float = 0.0
    largest: Tensor | None = None


class Counts(NamedTuple):
    """How often synapses were to change, how often by less than half a step, and how often what they store changed."""

    updates: int
    below: int
    stored: int


class Grid(NamedTuple):
    """Of a layer: `step` and `origin` of codes, [neuron]; `lowest` and `highest` level, `ratio` codes to a level."""

    step: NDArray[np.float64]
    origin: NDArray[np.float64]
    lowest: float
    highest: float
    ratio: float

    def codes(self, weight: NDArray, rounding: str, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the codes of weights [neuron, input]; `u` in their shape, where rounding is random."""
        place = {"x": weight.astype(np.float64), "origin": self.origin[:, None], "step": self.step[:, None]}
        t = law(SETTLED, {"t": law(PLACE, place)})
        # In single precision a level is as near to its place as that can say.
        there = self.origin[:, None] + np.rint(t) * self.step[:, None]
        same = (there.astype(weight.dtype) == weight) & (np.abs(t - np.rint(t)) < 2**-8)
        t = np.where(same, np.rint(t), t)
        rounded = law(ROUNDED[rounding], {"t": t, "u": u})
        return np.clip(rounded, self.lowest * self.ratio, self.highest * self.ratio)

    def visible(self, codes: NDArray) -> NDArray[np.float64]:
        """Return the visible levels of codes [neuron, input]."""
        level = law(LEVEL, {"code": codes.astype(np.float64), "ratio": self.ratio})
        return self.origin[:, None] + level * self.ratio * self.step[:, None]

    def clipped(self, codes: NDArray) -> float:
        """Return the share of codes that are at an end."""
        return float(((codes <= self.lowest * self.ratio) | (codes >= self.highest * self.ratio)).mean())


def check(quantization: Quantization) -> None:
    """Raise where weights of layers cannot be stored so: `DescriptionError`, or `UnsupportedError` for a device."""
    if quantization.rounding == "dither":
        allowed = "nearest, floor, zero, stochastic"
        raise DescriptionError(message("Quantization.rounding", "dither", allowed, "layers keep no eligibilities"))
    if quantization.floating and quantization.rate != 1:
        remedy = "set the rate of the training"
        raise DescriptionError(message("Quantization.rate", quantization.rate, "1 at 32 bits", remedy))
    if quantization.device != Device():
        raise UnsupportedError(message("Quantization.device", quantization.device, "none, where layers learn"))
    for name in ("membrane", "trace", "eligibility"):
        if getattr(quantization, name) is not None:
            raise UnsupportedError(message(f"Quantization.{name}", getattr(quantization, name), "None for layers"))


def grid_of(weight: Tensor, quantization: Quantization, label: str = "layer") -> Grid:
    """Return the grid of a layer whose first weights are `weight` [neuron, ...]; raises `DescriptionError`."""
    size = weight.detach().flatten(1).double().abs().cpu().numpy()
    greatest = size.max(axis=1) if quantization.scale == "neuron" else np.full(len(size), size.max())
    top = quantization.headroom * greatest if quantization.top is None else np.full(len(size), quantization.top)
    if not (top > 0).all():
        remedy = "give top, or take scale = 'projection'"
        raise DescriptionError(message(f"Quantization: {label}", 0, "first weights other than 0", remedy))
    grid, ratio = Quantizer(quantization.bits, quantization.rounding, True).grid(top), 2.0**quantization.hidden_bits
    origin = np.broadcast_to(np.asarray(grid.origin, dtype=np.float64), top.shape).copy()
    return Grid(grid.step / ratio, origin, float(grid.lowest), float(grid.highest), ratio)


class StoredWeights:
    """What the synapses of a layer store; `weight` is set to what is seen of it, in place, now and at every change.

    `seed` and the `layer` number fix the stream of random rounding. Raises as `check` and `grid_of`.
    """

    def __init__(self, weight: Tensor, quantization: Quantization, seed: int, layer: int) -> None:
        check(quantization)
        self._weight, self._asked = weight, quantization
        self.grid = grid_of(weight, quantization, f"layer_{layer + 1}")
        self._key = _key(seed, layer)
        self._changes = 0
        self._counts = np.zeros(3, dtype=np.int64)
        codes = _laid(weight, quantization.rounding, self.grid, self._key)
        self._codes = torch.as_tensor(codes.astype(np.int32)).to(weight.device)
        self._show()

    @property
    def counts(self) -> Counts:
        """What became of all updates so far."""
        return Counts(*(int(count) for count in self._counts))

    @property
    def clipped(self) -> float:
        """The share of synapses that are at an end of the grid."""
        return self.grid.clipped(self._codes.cpu().numpy())

    @torch.no_grad()
    def follow(self, gradient: Tensor, move: Move, factor: Tensor | None = None) -> None:
        """Change by a gradient, or, with a `factor`, by the product of both, as the optimiser moves."""
        self._changes += 1
        codes, seen = self._codes, self._weight.flatten(1)
        largest = None if move.largest is None else move.largest.flatten(1)
        left = gradient.contiguous().flatten(1) if factor is None else gradient
        columns = codes.shape[1]
        rows = max(1, _HELD // columns)
        made = (gradient if factor is None else factor).new_empty((0 if factor is None else rows, columns))
        for first in range(0, len(codes), rows):
            part = slice(first, min(first + rows, len(codes)))
            g = left[part] if factor is None else torch.mm(left[part], factor, out=made[: part.stop - first])
            n = None if largest is None else largest[part]
            self._counts += self._stored(part, codes[part], seen[part], g, n, move)

    def state(self) -> dict[str, NDArray]:
        """Return `codes`, and `updates`: changes of the layer so far, and the `Counts`."""
        return {"codes": self._codes.cpu().numpy().copy(), "updates": np.array([self._changes, *self._counts])}

    def restore(self, state: Mapping[str, NDArray]) -> None:
        """Go on from what `state` returned."""
        self._codes.copy_(torch.as_tensor(np.array(state["codes"])))
        self._changes, self._counts = int(state["updates"][0]), np.array(state["updates"][1:], dtype=np.int64)
        self._show()

    def _stored(self, part: slice, codes: Tensor, seen: Tensor, g: Tensor, n: Tensor | None, move: Move) -> Any:
        grid, asked, columns = self.grid, self._asked, codes.shape[1]
        own = np.float32 if seen.itemsize == 4 else np.float64
        first = self._changes * self._codes.numel() + part.start * columns
        ends = grid.lowest * grid.ratio, grid.highest * grid.ratio
        if seen.device.type != "cpu":
            u: Tensor | float = 0.0
            if asked.rounding in RANDOM:
                u = torch.as_tensor(_uniforms(self._key, first, codes.numel())).view(codes.shape).to(seen.device)
            numbers = {
                "step": torch.as_tensor(grid.step[part, None]).to(seen.device),
                "origin": torch.as_tensor(grid.origin[part, None]).to(seen.device),
                **{"lowest": grid.lowest, "highest": grid.highest, "ratio": grid.ratio, "far": FAR},
                **{"rate": asked.rate, "stickiness": asked.stickiness, "u": u},
            }
            return storing.in_passes(asked.rounding, codes, seen, g, n, (move.rate, move.beta, move.floor), numbers)
        run = storing.kernel(asked.rounding, asked.stickiness != 1, n is not None)
        largest = g if n is None else n
        arrays = (each.numpy() for each in (codes, seen, g, largest))
        optimiser = own(move.rate), own(move.beta), own(move.floor)
        levels = (grid.lowest, grid.highest, *ends, grid.ratio)
        steps = grid.step[part], grid.origin[part]
        return run(*arrays, *optimiser, *steps, *levels, asked.rate, asked.stickiness, self._key, np.uint64(first))

    def _show(self) -> None:
        seen = torch.as_tensor(self.grid.visible(self._codes.cpu().numpy()))
        self._weight.copy_(seen.view(self._weight.shape))


class After:
    """Weights that learn in floating point, and are rounded after it; the grid is that of their first values."""

    def __init__(self, weight: Tensor, quantization: Quantization, seed: int, layer: int) -> None:
        check(quantization)
        self._weight, self._asked = weight, quantization
        self.grid = grid_of(weight, quantization, f"layer_{layer + 1}")
        self._key = _key(seed, layer)

    @property
    def clipped(self) -> float:
        """The share of synapses that are at an end of the grid, rounded as they are now."""
        return self.grid.clipped(_laid(self._weight, self._asked.rounding, self.grid, self._key))

    def laid(self) -> Tensor:
        """Return what is seen of the present weights when they are rounded, in their shape."""
        codes = _laid(self._weight, self._asked.rounding, self.grid, self._key)
        return torch.as_tensor(self.grid.visible(codes)).view(self._weight.shape)


def _key(seed: int, layer: int) -> np.uint64:
    return np.uint64(key(seed, "dcll quantization", layer)[0])


def _laid(weight: Tensor, rounding: str, grid: Grid, stream: np.uint64) -> NDArray[np.float64]:
    """Return the codes of weights that are put on the grid; their u are those before the first change."""
    rows = weight.detach().flatten(1).cpu().numpy()
    u = _uniforms(stream, 0, rows.size).reshape(rows.shape) if rounding in RANDOM else np.zeros(1)
    return grid.codes(rows, rounding, u)


def _uniforms(stream: np.uint64, first: int, count: int) -> NDArray[np.float64]:
    places = np.uint64(first) + np.arange(count, dtype=np.uint64)
    found: NDArray[np.float64] = splitmix.unit(splitmix.mixed(stream, places))
    return found
