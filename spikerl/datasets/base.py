"""What a data set is: labelled samples that give their spikes, to train on and to test with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spikerl.errors import DescriptionError, message
from spikerl.units import whole_number


class Samples(Protocol):
    """Labelled samples of spikes.

    `labels` int64 [n], each from 0 to ``classes - 1``; `shape` is that of one step, ``(channel,)`` or
    ``(channel, height, width)``; `steps` is how many there are.
    """

    @property
    def labels(self) -> NDArray[np.int64]:
        """The class of each sample, [n], read-only."""

    @property
    def classes(self) -> int:
        """How many classes there are."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample in one step."""

    @property
    def steps(self) -> int:
        """The steps of every sample."""

    def spikes(self, index: NDArray[np.int64], epoch: int = 0) -> NDArray[np.bool_]:
        """Return the spikes of the samples `index` [batch], bool [time, batch, ...shape].

        The same for the same seed, sample and epoch, whatever else is in the batch. Where samples are drawn anew in
        each epoch, `epoch` says in which. Raises `DescriptionError` for a sample that there is not.
        """


@dataclass(frozen=True)
class Dataset:
    """Samples to train on and others to test with; `summary` is one line about them."""

    name: str
    train: Samples
    test: Samples
    summary: str


@dataclass(frozen=True, eq=False)
class Targets:
    """A regression: spikes in, a curve for each output to follow.

    `inputs` bool [time, batch, channel]; `targets` float64 [time, output], the same for the whole batch; `outputs` are
    their names; `dt` is the step in seconds. The arrays are read-only.
    """

    name: str
    inputs: NDArray[np.bool_]
    targets: NDArray[np.float64]
    outputs: tuple[str, ...]
    dt: float
    summary: str


def sample_numbers(index: ArrayLike, count: int) -> NDArray[np.int64]:
    """Return `index` as int64 [batch]; raise `DescriptionError` for what is no number of one of `count` samples."""
    allowed = f"one-dimensional whole numbers from 0 to {count - 1}"
    try:
        array = np.asarray(index)
    except ValueError:  # rows of different lengths
        raise DescriptionError(message("index", index, allowed)) from None
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise DescriptionError(message("index", index, allowed))
    wrong = np.flatnonzero((array < 0) | (array >= count))
    if wrong.size:
        raise DescriptionError(message(f"index[{wrong[0]}]", array[wrong[0]].item(), allowed))
    return array.astype(np.int64)


def epoch_number(epoch: object) -> int:
    """Return `epoch`, a whole number from 0; raise `DescriptionError` for anything else."""
    return whole_number(epoch, 0, 2**63 - 1, "epoch")


def frozen(array: NDArray) -> NDArray:
    """Return `array`, which from now on cannot be written."""
    array.setflags(write=False)
    return array
