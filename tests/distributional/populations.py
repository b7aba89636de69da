"""Cells that respond to the seven magnitudes as distributional, or scalar, prediction errors with noise."""

import numpy as np
from numpy.typing import NDArray

from spikerl.distributional.expectiles import expectile
from spikerl.distributional.magnitudes import MAGNITUDES, WEIGHTS
from spikerl.distributional.reversal import Recording

DISTRIBUTIONAL = np.linspace(0.05, 0.95, 40)
SCALAR = np.full(40, 0.5)


def recorded(
    tau: NDArray[np.float64], noise: float, seed: int, trials: int = 400
) -> tuple[Recording, NDArray[np.float64]]:
    """Return the responses, beside a baseline of 5 Hz, and the true reversal points: the expectiles of the rewards."""
    random = np.random.default_rng(seed)
    magnitudes = random.choice(MAGNITUDES, trials, p=np.array(WEIGHTS) / sum(WEIGHTS))
    point = expectile(tau, MAGNITUDES, WEIGHTS)
    error = magnitudes - point[:, None]
    response = tau[:, None] * np.maximum(error, 0.0) + (1.0 - tau[:, None]) * np.minimum(error, 0.0)
    return Recording(5.0 + response + noise * random.normal(size=error.shape), magnitudes, 5.0), point
