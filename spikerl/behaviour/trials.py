"""Choices and their rewards, block by block: what models of choice are fitted to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spikerl.errors import DescriptionError, message
from spikerl.tasks.recorded import OPTIONS, read_recording
from spikerl.units import whole_number

MOST_OPTIONS = 1000


@dataclass(frozen=True, eq=False)
class Trials:
    """Blocks of one length, each learned from its beginning.

    `choices` [blocks, trials] are options from 0 to ``options - 1``, `rewards` [blocks, trials] numbers from 0 to 1;
    both are copied and read-only. `source` says in errors where they come from. Defaults: 2 options, "trials".

    Raises `DescriptionError` naming block, trial and value for what is none of these.
    """

    choices: NDArray[np.int64]
    rewards: NDArray[np.float64]
    options: int = 2
    source: str = "trials"

    def __post_init__(self) -> None:
        """Check and copy the arrays."""
        whole_number(self.options, 2, MOST_OPTIONS, f"{self.source}, options")
        choices = self._table("choices", self.choices)
        rewards = self._table("rewards", self.rewards)
        if rewards.shape != choices.shape:
            allowed = f"{choices.shape}, the shape of the choices"
            raise DescriptionError(message(f"{self.source}, shape of the rewards", rewards.shape, allowed))
        known = (choices >= 0) & (choices < self.options) & (choices == np.floor(choices))
        self._refuse_first("choices", choices, ~known, f"a whole number from 0 to {self.options - 1}")
        self._refuse_first("rewards", rewards, ~((rewards >= 0) & (rewards <= 1)), "a number from 0 to 1")
        for name, array in (("choices", choices.astype(np.int64)), ("rewards", rewards)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        return len(self.choices)

    @property
    def n(self) -> int:
        """The number of choices in all blocks."""
        return self.choices.size

    def chosen(self) -> NDArray[np.bool_]:
        """Return whether each option was chosen, shape [trials, blocks, options]."""
        return self.choices.T[:, :, None] == np.arange(self.options)

    def take(self, blocks: NDArray[np.int64]) -> Trials:
        """Return the blocks with these positions, in their order."""
        return Trials(self.choices[blocks], self.rewards[blocks], self.options, self.source)

    def _table(self, name: str, array: ArrayLike) -> NDArray[np.float64]:
        try:
            table = np.asarray(array)
        except ValueError as error:
            raise DescriptionError(message(f"{self.source}, {name}", array, "blocks of one length")) from error
        if table.ndim != 2 or not table.size or table.dtype.kind not in "biuf":
            allowed = "an array of numbers, shape [blocks, trials], with at least one of each"
            raise DescriptionError(message(f"{self.source}, {name}", array, allowed))
        return table.astype(np.float64)  # a copy

    def _refuse_first(self, name: str, table: NDArray[np.float64], wrong: NDArray[np.bool_], allowed: str) -> None:
        if wrong.any():
            block, trial = np.argwhere(wrong)[0].tolist()
            where = f"{self.source}, {name}, block {block}, trial {trial}"
            raise DescriptionError(message(where, float(table[block, trial]), allowed))


def read_trials(path: str | Path) -> Trials:
    """Return the choices and rewards of a CSV file of recorded blocks, as `spikerl.tasks.recorded` describes it.

    Raises `FileError` naming file, line, column, value and what is allowed.
    """
    recording = read_recording(path)
    return Trials(recording.choices, recording.rewards.astype(np.float64), len(OPTIONS), str(path))
