"""Random manifolds: classes that differ only in when each channel spikes, once (Zenke and Vogels 2021).

A class is a smooth random map from the unit cube of dimension D to the spike times of all channels:

    f_i(x) = product over d of  sum over k = 1..K of  k**-alpha  a_ikd  sin(2 pi (k b_ikd x_d + c_ikd))

with a, b and c uniform in [0, 1), drawn once for each class, channel i, wave number k and dimension d. A sample is a
point x uniform in the cube; channel i spikes at ``window (f_i(x) - least f_i) / (greatest f_i - least f_i)``. Since
every channel spikes exactly once in every sample, counts of spikes carry nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from spikerl.datasets.base import Dataset, epoch_number, frozen, sample_numbers
from spikerl.datasets.window import Window, Written, window
from spikerl.errors import DescriptionError, message
from spikerl.seeding import check_seed, generator, uniforms
from spikerl.units import Dimension, finite_number, to_nonnegative_si, whole_number

_SMALLEST = 1e-3  # amplitudes of waves that are left out
_MOST_WAVES = 100
_POINTS = 1024  # on which the least and the greatest value of a sum of waves are sought


@dataclass(frozen=True)
class RandmanSettings:
    """How many classes of manifolds there are and how hard they are to tell apart.

    Harder: more `classes` (default 10), fewer `channels` (32), a smaller, rougher `alpha` (2), more `jitter` (0 ms, the
    standard deviation of Gaussian shifts of every spike, anew in each epoch, held to the window), fewer samples to
    `train` on (1000; `test` 500; classes take turns). With a larger `dimension` (1) samples of a class lie farther from
    one another, and its times closer together. `window` (100 ms) is in steps of `dt` (1 ms). Raises `UnitError` or
    `DescriptionError`.
    """

    classes: int = 10
    channels: int = 32
    dimension: int = 1
    alpha: float = 2.0
    jitter: Written = "0 ms"
    train: int = 1000
    test: int = 500
    dt: Written = "1 ms"
    window: Written = "100 ms"

    def __post_init__(self) -> None:
        """Check every setting, so that a wrong one is refused where it is written."""
        for name, least, most in (
            ("classes", 2, 1000),
            ("channels", 1, 10_000),
            ("dimension", 1, 16),
            ("train", 1, 1_000_000),
            ("test", 1, 1_000_000),
        ):
            whole_number(getattr(self, name), least, most, f"RandmanSettings.{name}")
        if not 0.1 <= finite_number(self.alpha, "RandmanSettings.alpha") <= 100.0:
            raise DescriptionError(message("RandmanSettings.alpha", self.alpha, "0.1 to 100"))
        self.grid()
        self.jitter_seconds()

    def grid(self) -> Window:
        """Return the steps."""
        return window(self.dt, self.window, "RandmanSettings")

    def jitter_seconds(self) -> float:
        """Return `jitter` in seconds."""
        return to_nonnegative_si(self.jitter, Dimension.TIME, "RandmanSettings.jitter")


@final
class Manifold:
    """The map of one class: from points [n, dimension] to times [n, channel] from 0 to 1."""

    def __init__(self, settings: RandmanSettings, seed: int, number: int) -> None:
        """Draw the map of class `number`."""
        self._waves = min(math.ceil(_SMALLEST ** (-1.0 / settings.alpha)), _MOST_WAVES)
        shape = (3, self._waves, settings.channels, settings.dimension)
        self._amplitude, self._factor, self._phase = generator(seed, "randman", "manifold", number).random(shape)
        self._alpha = settings.alpha
        grid = np.broadcast_to(np.linspace(0.0, 1.0, _POINTS)[:, None], (_POINTS, settings.dimension))
        sums = self._sums(grid)
        # The extremes of a product over a cube are products of extremes along its sides.
        least, greatest = sums.min(axis=0), sums.max(axis=0)
        low, high = np.ones(settings.channels), np.ones(settings.channels)
        for side in range(settings.dimension):
            corners = (low * least[:, side], low * greatest[:, side], high * least[:, side], high * greatest[:, side])
            low, high = np.minimum.reduce(corners), np.maximum.reduce(corners)
        self._low, self._high = low, high

    def times(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the times of all channels at `points`, from 0 to 1."""
        value = self._sums(points).prod(axis=2)
        times: NDArray[np.float64] = np.clip((value - self._low) / (self._high - self._low), 0.0, 1.0)
        return times

    def _sums(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sums of waves along each dimension, [n, channel, dimension]."""
        total = np.zeros((len(points), *self._amplitude.shape[1:]))
        for wave in range(self._waves):
            number = wave + 1
            phase = number * self._factor[wave] * points[:, None, :] + self._phase[wave]
            total += number**-self._alpha * self._amplitude[wave] * np.sin(2.0 * np.pi * phase)
        return total


@final
@dataclass(frozen=True, eq=False)
class SpikeTimes:
    """Samples in which each channel spikes once: `times` [n, channel] in seconds. See `Samples`."""

    times: NDArray[np.float64]
    labels: NDArray[np.int64]
    classes: int
    grid: Window
    jitter: float
    seed: int
    part: str

    @property
    def shape(self) -> tuple[int, ...]:
        """``(channel,)``."""
        return self.times.shape[1:]

    @property
    def steps(self) -> int:
        """The steps of every sample."""
        return self.grid.steps

    def spikes(self, index: NDArray[np.int64], epoch: int = 0) -> NDArray[np.bool_]:
        """Return the spikes of the samples `index`, bool [time, batch, channel], one in each channel."""
        epoch_number(epoch)
        numbers = sample_numbers(index, len(self.labels))
        times = self.times[numbers]
        if self.jitter:
            for column, number in enumerate(numbers.tolist()):
                stream = generator(self.seed, "randman", self.part, "jitter", number, epoch)
                times[column] += self.jitter * stream.standard_normal(times.shape[1])
        # A time that is a step's beginning but for rounding belongs to that step.
        step = np.floor(times / self.grid.dt + 1e-9)
        step = np.clip(step, 0, self.steps - 1).astype(np.int64)
        found = np.zeros((self.steps, *times.shape), dtype=bool)
        np.put_along_axis(found, step[None], True, axis=0)
        return found


def open_randman(settings: RandmanSettings, seed: int = 0) -> Dataset:
    """Return the manifolds that `seed` draws, with samples to train on and others to test with."""
    check_seed(seed)
    grid = settings.grid()
    manifolds = [Manifold(settings, seed, number) for number in range(settings.classes)]
    train, test = (
        _samples(settings, manifolds, grid, seed, part, count)
        for part, count in (("train", settings.train), ("test", settings.test))
    )
    manifold = f"{settings.classes} random manifolds of dimension {settings.dimension}, alpha {settings.alpha:g}"
    lasting = f"{settings.channels} channels, {grid.steps} steps of {grid.dt * 1e3:g} ms"
    counts = f"{settings.train} samples and {settings.test} to test"
    return Dataset("randman", train, test, f"{manifold}, {counts}, {lasting}")


def _samples(
    settings: RandmanSettings, manifolds: list[Manifold], grid: Window, seed: int, part: str, count: int
) -> SpikeTimes:
    points = uniforms(seed, ("randman", part, "points"), 0, count, settings.dimension)
    labels = np.arange(count) % settings.classes
    times = np.empty((count, settings.channels))
    for number, manifold in enumerate(manifolds):
        times[labels == number] = manifold.times(points[labels == number]) * grid.seconds
    jitter = settings.jitter_seconds()
    return SpikeTimes(frozen(times), frozen(labels.astype(np.int64)), settings.classes, grid, jitter, seed, part)
