"""Handwritten digits, 8 x 8 pixels of 17 greys, as spikes: the 1,797 that come with scikit-learn.

They are the test set of Alpaydin and Kaynak (1998, UCI), written by 13 people.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

from spikerl.datasets.base import Dataset, epoch_number, frozen, sample_numbers
from spikerl.datasets.codes import Code, LatencyCode, RateCode
from spikerl.datasets.window import Window, Written, window
from spikerl.errors import DescriptionError, MissingPackageError, message
from spikerl.seeding import check_seed, generator
from spikerl.units import whole_number

CLASSES = 10
IMAGES, TRAIN = 1797, 1297
_BRIGHTEST = 16
_MOST_SHIFT = 4


@dataclass(frozen=True)
class DigitsSettings:
    """How the digits become spikes: `code`, for `window` in steps of `dt`.

    `code` is a `RateCode` (default) or a `LatencyCode`, `dt` 1 ms, `window` 100 ms. In each epoch a training image is
    moved by up to `shift` pixels each way, drawn anew, with zeros where nothing comes in (default 0, up to 4); test
    images stay. Raises `UnitError` or `DescriptionError`.
    """

    code: RateCode | LatencyCode = field(default_factory=RateCode)
    dt: Written = "1 ms"
    window: Written = "100 ms"
    shift: int = 0

    def __post_init__(self) -> None:
        """Check every setting, so that a wrong one is refused where it is written."""
        whole_number(self.shift, 0, _MOST_SHIFT, "DigitsSettings.shift")
        if not isinstance(self.code, (RateCode, LatencyCode)):
            raise DescriptionError(message("DigitsSettings.code", self.code, "a RateCode or a LatencyCode"))
        self.code.check(self.grid())

    def grid(self) -> Window:
        """Return the steps."""
        return window(self.dt, self.window, "DigitsSettings")


@final
@dataclass(frozen=True, eq=False)
class Images:
    """Images as spikes; `intensities` [n, channel, height, width] are from 0 to 1. See `Samples`."""

    intensities: NDArray[np.float64]
    labels: NDArray[np.int64]
    classes: int
    code: Code
    grid: Window
    seed: int
    part: str
    shift: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """``(channel, height, width)``."""
        return self.intensities.shape[1:]

    @property
    def steps(self) -> int:
        """The steps of every image."""
        return self.grid.steps

    def spikes(self, index: NDArray[np.int64], epoch: int = 0) -> NDArray[np.bool_]:
        """Return the spikes of the images `index`, bool [time, batch, channel, height, width]."""
        epoch_number(epoch)
        numbers = sample_numbers(index, len(self.labels))
        found = np.zeros((self.steps, len(numbers), *self.shape), dtype=bool)
        for column, number in enumerate(numbers.tolist()):
            labels = ("images", self.part, number, epoch)
            found[:, column] = self.code.spikes(self._moved(number, epoch), self.grid, self.seed, labels)
        return found

    def _moved(self, number: int, epoch: int) -> NDArray[np.float64]:
        """Return the image as it is shown in an epoch."""
        image = self.intensities[number]
        if not self.shift:
            return image
        height, width = image.shape[1:]
        wide = np.pad(image, ((0, 0), (self.shift, self.shift), (self.shift, self.shift)))
        draw = generator(self.seed, "shift", self.part, number, epoch)
        down, right = draw.integers(0, 2 * self.shift + 1, 2)
        return wide[:, down : down + height, right : right + width]


def open_digits(settings: DigitsSettings, seed: int = 0) -> Dataset:
    """Return the digits, the first 1,297 to train on and the last 500 to test with.

    Raises `MissingPackageError` where scikit-learn is not installed.
    """
    check_seed(seed)
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        remedy = "install it with: pip install 'spikerl[datasets]'"
        allowed = f"nothing while {error.name or error} is missing"
        raise MissingPackageError(message("data set", "digits", allowed, remedy)) from error
    loaded = load_digits()
    images = np.asarray(loaded.images, dtype=np.float64)
    if images.shape != (IMAGES, 8, 8):
        allowed = f"({IMAGES}, 8, 8), the digits that scikit-learn has had since 0.1"
        raise DescriptionError(message("scikit-learn's digits, shape", images.shape, allowed))
    intensities = frozen(images[:, None] / _BRIGHTEST)
    labels = frozen(np.asarray(loaded.target).astype(np.int64))
    grid = settings.grid()
    train, test = (
        Images(intensities[part], labels[part], CLASSES, settings.code, grid, seed, name, shift)
        for name, part, shift in (("train", slice(TRAIN), settings.shift), ("test", slice(TRAIN, None), 0))
    )
    text = f"{TRAIN} handwritten digits and {IMAGES - TRAIN} to test, 1 x 8 x 8"
    coded = f"{type(settings.code).__name__}, {grid.steps} steps of {grid.dt * 1e3:g} ms"
    return Dataset("digits", train, test, f"{text}, {coded}")
