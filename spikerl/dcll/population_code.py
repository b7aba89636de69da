"""Numbers as spikes: each number is heard by a row of cells, every cell most by a value of its own.

``rate_c = exp(-((x - centre_c) / width)**2 / 2)``, spikes a step, and a cell spikes whenever its summed rate passes a
whole number. Nothing is drawn: the same numbers are the same spikes, as of neurons that integrate without noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikerl.errors import DescriptionError, message
from spikerl.keywords import described
from spikerl.units import finite_number, whole_number


@described
@dataclass(frozen=True)
class PopulationCode:
    """``s(t) = floor(phase + rate (t + 1)) > floor(phase + rate t)`` for `steps` steps, `cells` cells a number.

    `reach`: number k is told apart within ``+-reach[k]`` and clipped to it; centres are evenly spaced over that, and
    `width` is in spacings (default 1). `most` is the rate of a cell at its centre, spikes a step (1 at the most).
    Phases are those of the golden section, so that cells of one rate do not spike together. Raises `DescriptionError`.
    """

    reach: tuple[float, ...]
    cells: int = 16
    steps: int = 10
    width: float = 1.0
    most: float = 1.0

    def __post_init__(self) -> None:
        """Check every field."""
        if not self.reach:
            raise DescriptionError(message("PopulationCode.reach", self.reach, "one number at least"))
        for place, number in enumerate(self.reach):
            if finite_number(number, f"PopulationCode.reach[{place}]") <= 0:
                raise DescriptionError(message(f"PopulationCode.reach[{place}]", number, "above 0"))
        whole_number(self.cells, 2, 10_000, "PopulationCode.cells")
        whole_number(self.steps, 1, 100_000, "PopulationCode.steps")
        if finite_number(self.width, "PopulationCode.width") <= 0:
            raise DescriptionError(message("PopulationCode.width", self.width, "above 0"))
        if not 0 < finite_number(self.most, "PopulationCode.most") <= 1:
            raise DescriptionError(message("PopulationCode.most", self.most, "above 0 and at most 1"))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one step, ``(cell,)``."""
        return (len(self.reach) * self.cells,)

    def rates(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the rates for `numbers` [batch, number], in spikes a step, [batch, cell]."""
        reach = np.array(self.reach)
        places = np.clip(np.asarray(numbers, dtype=np.float64) / reach, -1, 1)
        centres = np.linspace(-1, 1, self.cells)
        width = self.width * (centres[1] - centres[0])
        rates = self.most * np.exp(-0.5 * ((places[:, :, None] - centres) / width) ** 2)
        return rates.reshape(len(places), -1)

    def spikes(self, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return the spikes for `numbers` [batch, number], bool [time, batch, cell]."""
        rates = self.rates(numbers)
        phase = np.arange(1, rates.shape[1] + 1) * ((np.sqrt(5) - 1) / 2) % 1
        counts = np.floor(phase + rates * np.arange(self.steps + 1)[:, None, None])
        return np.asarray(np.diff(counts, axis=0) > 0)
