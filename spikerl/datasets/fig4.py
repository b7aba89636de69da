"""The review's regression: a frozen pattern of Poisson spikes in, a ramp and two waves out.

100 inputs for 500 ms; the targets are a ramp, ``0.5 cos(200 t / 2 pi)`` and ``0.5 sin(100 t / 2 pi)`` with t in
seconds, waves of 5.07 and 2.53 Hz (Neftci and Averbeck 2019, Fig. 4). The ramp's ends, 0 and 1, and the rate of the
inputs are choices made here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikerl.datasets.base import Targets, frozen
from spikerl.datasets.window import Window, Written, window
from spikerl.errors import DescriptionError, message
from spikerl.seeding import check_seed, uniforms
from spikerl.units import Dimension, to_positive_si, whole_number

OUTPUTS = ("ramp", "cosine", "sine")


@dataclass(frozen=True)
class Fig4Settings:
    """How many `inputs` (default 100) spike at which `rate` (50 Hz), for `window` (500 ms) in steps of `dt` (1 ms).

    Each of `batch` (1) instances has a frozen pattern of its own. Raises `UnitError` or `DescriptionError`.
    """

    inputs: int = 100
    rate: Written = "50 Hz"
    batch: int = 1
    dt: Written = "1 ms"
    window: Written = "500 ms"

    def __post_init__(self) -> None:
        """Check every setting, so that a wrong one is refused where it is written."""
        whole_number(self.inputs, 1, 100_000, "Fig4Settings.inputs")
        whole_number(self.batch, 1, 100_000, "Fig4Settings.batch")
        if self.hertz() * self.grid().dt > 1.0 + 1e-12:
            raise DescriptionError(message("Fig4Settings.rate", self.rate, f"at most {1 / self.grid().dt:g} Hz"))

    def grid(self) -> Window:
        """Return the steps."""
        return window(self.dt, self.window, "Fig4Settings")

    def hertz(self) -> float:
        """Return `rate` in Hz."""
        return to_positive_si(self.rate, Dimension.RATE, "Fig4Settings.rate")


def open_fig4(settings: Fig4Settings, seed: int = 0) -> Targets:
    """Return the patterns that `seed` draws and the curves; instance b is the same whatever the batch."""
    check_seed(seed)
    grid = settings.grid()
    chance = settings.hertz() * grid.dt
    drawn = [uniforms(seed, ("fig4", b), 0, grid.steps, settings.inputs) < chance for b in range(settings.batch)]
    lasting = f"{grid.steps} steps of {grid.dt * 1e3:g} ms"
    text = f"{settings.inputs} Poisson inputs to follow a ramp, a cosine and a sine, {lasting}"
    return Targets("fig4", frozen(np.stack(drawn, axis=1)), frozen(curves(grid)), OUTPUTS, grid.dt, text)


def curves(grid: Window) -> NDArray[np.float64]:
    """Return ``t / window``, ``0.5 cos(200 t / 2 pi)`` and ``0.5 sin(100 t / 2 pi)``, [time, 3], t in seconds."""
    t = np.arange(grid.steps) * grid.dt
    turn = t / (2.0 * np.pi)
    return np.stack([t / grid.seconds, 0.5 * np.cos(200.0 * turn), 0.5 * np.sin(100.0 * turn)], axis=1)
