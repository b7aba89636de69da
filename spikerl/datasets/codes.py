"""Codes of intensities from 0 to 1 as spikes: when a spike comes, or how often spikes come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spikerl.datasets.window import Window, Written
from spikerl.errors import DescriptionError, message
from spikerl.seeding import uniforms
from spikerl.units import Dimension, finite_number, to_positive_si

Labels = tuple[str | int, ...]


class Code(Protocol):
    """How intensities become spikes."""

    def check(self, grid: Window) -> None:
        """Raise `DescriptionError` where the code cannot be written in these steps."""

    def spikes(self, intensities: NDArray[np.float64], grid: Window, seed: int, labels: Labels) -> NDArray[np.bool_]:
        """Return the spikes of one sample, bool [time, ...shape], for intensities [...shape] from 0 to 1.

        A function of its arguments alone; `seed` and `labels`, which name sample and epoch, give the random numbers.
        """


@dataclass(frozen=True)
class LatencyCode:
    """``t = tau ln(I / (I - theta))``: one spike, earlier for the brighter, and none where ``I <= theta``.

    It is when a leaky integrator that begins at 0, ``tau dv/dt = I - v``, reaches `theta`; what would come after the
    window does not come. `tau` (default 20 ms) is a time; `theta` (0.2) lies above 0 and below 1, and so the brightest
    spike first, at ``-tau ln(1 - theta)``. Raises `UnitError` or `DescriptionError`.
    """

    tau: Written = "20 ms"
    theta: float = 0.2

    def __post_init__(self) -> None:
        """Check every setting."""
        self.seconds()
        if not 0.0 < finite_number(self.theta, "LatencyCode.theta") < 1.0:
            raise DescriptionError(message("LatencyCode.theta", self.theta, "above 0 and below 1"))

    def seconds(self) -> float:
        """Return `tau` in seconds."""
        return to_positive_si(self.tau, Dimension.TIME, "LatencyCode.tau")

    def check(self, grid: Window) -> None:
        """Raise `DescriptionError` where not even the brightest would spike in the window."""
        first = -self.seconds() * float(np.log1p(-self.theta))
        if first >= grid.seconds:
            allowed = f"such that the brightest, at {first * 1e3:g} ms, spikes in {grid.seconds * 1e3:g} ms"
            raise DescriptionError(message("LatencyCode.tau", self.tau, allowed))

    def times(self, intensities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return when each spikes, in seconds, infinity for never."""
        time: NDArray[np.float64] = np.full(np.shape(intensities), np.inf)
        bright = intensities > self.theta
        time[bright] = -self.seconds() * np.log1p(-self.theta / intensities[bright])
        return time

    def spikes(self, intensities: NDArray[np.float64], grid: Window, seed: int, labels: Labels) -> NDArray[np.bool_]:
        """Return the spikes of one sample; nothing is random."""
        step = np.floor(np.minimum(self.times(intensities) / grid.dt, grid.steps))
        steps = np.arange(grid.steps).reshape(-1, *(1,) * np.ndim(intensities))
        return np.asarray(steps == step)


@dataclass(frozen=True)
class RateCode:
    """``p = I rate dt`` in each step, independently: Bernoulli spikes, with new random numbers in each epoch.

    `rate` (default 200 Hz) is that of the brightest, at most one spike a step. Raises `UnitError`.
    """

    rate: Written = "200 Hz"

    def __post_init__(self) -> None:
        """Check every setting."""
        self.hertz()

    def hertz(self) -> float:
        """Return `rate` in Hz."""
        return to_positive_si(self.rate, Dimension.RATE, "RateCode.rate")

    def check(self, grid: Window) -> None:
        """Raise `DescriptionError` where the brightest would spike more than once a step."""
        if self.hertz() * grid.dt > 1.0 + 1e-12:
            allowed = f"at most {1 / grid.dt:g} Hz, one spike a step of {grid.dt * 1e3:g} ms"
            raise DescriptionError(message("RateCode.rate", self.rate, allowed))

    def spikes(self, intensities: NDArray[np.float64], grid: Window, seed: int, labels: Labels) -> NDArray[np.bool_]:
        """Return the spikes of one sample, those of its own random numbers."""
        drawn = uniforms(seed, (*labels, "rate"), 0, grid.steps, intensities.size)
        spikes = drawn < (intensities * (self.hertz() * grid.dt)).reshape(1, -1)
        return spikes.reshape(grid.steps, *intensities.shape)
