"""N-MNIST: digits on a screen before a moving camera, from recordings that the user has.

34 x 34 pixels, two polarities, about 300 ms in three saccades (Orchard et al. 2015, CC BY-SA 4.0). Read here is the
layout of a subset that is widely passed on: ``train1K.txt`` and ``test100.txt`` with a line for each recording, its
number and its class, and the recordings as ``NUMBER.bs2`` beside them, in a folder or a zip file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, final

import numpy as np
from numpy.typing import NDArray

from spikerl.datasets import event_bytes
from spikerl.datasets.archive import Archive
from spikerl.datasets.base import Dataset, epoch_number, frozen, sample_numbers
from spikerl.datasets.events import POLARITIES, Cut, Events, check_size, event_window, place
from spikerl.datasets.window import Window, Written
from spikerl.errors import DescriptionError, FileError, message
from spikerl.files import read_whole

SENSOR = (34, 34)
CLASSES = 10
TRAIN, TEST = "train1K.txt", "test100.txt"
_LARGEST_LIST = 2**20
_LARGEST_RECORDING = 2**20
_LINE = re.compile(r"([0-9]{1,7})[\t ]+([0-9])\Z")


@dataclass(frozen=True)
class NMNISTSettings:
    """Where N-MNIST is and how it is binned: the middle `size` of the sensor, `window` from the start, steps of `dt`.

    `path` names the zip file or the folder; `dt` (default 1 ms) is a whole number of microseconds, `window` (300 ms) a
    multiple of it, `size` (34, 34) ``(height, width)``. Raises `UnitError` or `DescriptionError`.
    """

    path: str | Path
    dt: Written = "1 ms"
    window: Written = "300 ms"
    size: tuple[int, int] = SENSOR

    def __post_init__(self) -> None:
        """Check every setting, so that a wrong one is refused where it is written."""
        if not isinstance(self.path, (str, Path)) or not str(self.path):
            raise DescriptionError(message("NMNISTSettings.path", self.path, "a zip file or a folder"))
        self.grid()
        check_size(self.size, SENSOR, "NMNISTSettings.size")

    def grid(self) -> Window:
        """Return the steps."""
        return event_window(self.dt, self.window, "NMNISTSettings")


class Store(Protocol):
    """Where recordings are read from."""

    def read(self, name: str, limit: int) -> bytes:
        """Return the content of a file of at most `limit` bytes; raise `FileError` otherwise."""


@final
@dataclass(frozen=True)
class Folder:
    """A folder of recordings."""

    path: Path

    def read(self, name: str, limit: int) -> bytes:
        """Return the content of a file of at most `limit` bytes; raise `FileError` otherwise."""
        return read_whole(self.path / name, limit, "recordings")


@final
@dataclass(frozen=True, eq=False)
class Recordings:
    """Recordings read when they are asked for; the same in every epoch. See `Samples`."""

    store: Store
    where: str
    names: tuple[str, ...]
    labels: NDArray[np.int64]
    grid: Window
    size: tuple[int, int]
    classes: int = CLASSES

    @property
    def shape(self) -> tuple[int, ...]:
        """``(polarity, height, width)``."""
        return (POLARITIES, *self.size)

    @property
    def steps(self) -> int:
        """The steps of every recording."""
        return self.grid.steps

    def events(self, sample: int) -> Events:
        """Return all events of one recording; raise `FileError` where it is damaged."""
        name = self.names[sample_numbers([sample], len(self.names))[0]]
        content = self.store.read(name, _LARGEST_RECORDING)
        return event_bytes.decode(content, SENSOR, marks=False, where=f"{self.where}, {name}")

    def spikes(self, index: NDArray[np.int64], epoch: int = 0) -> NDArray[np.bool_]:
        """Return the spikes of the recordings `index`, bool [time, batch, polarity, height, width].

        `cut` says what is not in them. Raises `FileError` where one is damaged.
        """
        epoch_number(epoch)
        numbers = sample_numbers(index, len(self.names))
        found = np.zeros((self.steps, len(numbers), *self.shape), dtype=bool)
        for column, number in enumerate(numbers):
            bins = place(self.events(number), self.grid, self.size)
            found[bins.step, column, bins.polarity, bins.y, bins.x] = True
        return found

    def cut(self, index: NDArray[np.int64] | None = None) -> Cut:
        """Return what `spikes` leaves out of the recordings `index`, by default of all, which reads them."""
        numbers = sample_numbers(np.arange(len(self.names)) if index is None else index, len(self.names))
        total = np.zeros(4, dtype=np.int64)
        for number in numbers:
            events = self.events(number)
            bins = place(events, self.grid, self.size)
            cells = np.ravel_multi_index(
                (bins.step, bins.polarity, bins.y, bins.x), (self.steps, *self.shape)
            )
            total += len(events), bins.late, bins.outside, len(cells) - len(np.unique(cells))
        return Cut(*total.tolist())


def open_nmnist(settings: NMNISTSettings, seed: int = 0) -> Dataset:
    """Return N-MNIST; nothing in it is random, so that `seed` changes nothing.

    Reads the two lists; a recording is read when its spikes are asked for. Raises `FileError` naming file, line and
    value where a list is missing or damaged or the two share a recording.
    """
    path, grid = Path(settings.path), settings.grid()
    store, prefix = _store(path)
    listed = {}
    for name in (TRAIN, TEST):
        where = f"{path}, {prefix}{name}"
        listed[name] = _listed(store.read(prefix + name, _LARGEST_LIST), where)
    shared = sorted(listed[TRAIN].keys() & listed[TEST].keys())
    if shared:
        allowed = f"a recording that is not in {TRAIN} too"
        raise FileError(message(f"{path}, {prefix}{TEST}, recording", shared[0], allowed))
    train, test = (
        Recordings(
            store,
            str(path),
            tuple(f"{prefix}{number}.bs2" for number in rows),
            frozen(np.array(list(rows.values()), dtype=np.int64)),
            grid,
            settings.size,
        )
        for rows in listed.values()
    )
    lasting = f"{grid.steps} steps of {grid.dt * 1e3:g} ms"
    kept = f"{POLARITIES} x {settings.size[0]} x {settings.size[1]}"
    text = f"N-MNIST, {len(train.names)} recordings and {len(test.names)} to test, {kept}, {lasting}"
    return Dataset("nmnist", train, test, f"{text}; train.cut() counts the events beyond them")


def _store(path: Path) -> tuple[Store, str]:
    """Return what reads files from `path`, and what stands before their names."""
    if path.is_dir():
        return Folder(path), ""
    archive = Archive(path, str(path))
    lists = [name for name in archive.names() if name.split("/")[-1] == TRAIN]
    if len(lists) != 1:
        raise FileError(message(f"{path}, members called {TRAIN}", len(lists), "one, beside the recordings"))
    return archive, lists[0].removesuffix(TRAIN)


def _listed(content: bytes, where: str) -> dict[int, int]:
    """Return class by recording from the lines ``recording class`` of a list, below a line that begins with ``#``."""
    rows: dict[int, int] = {}
    lines = content.decode("latin-1").splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip() or (number == 1 and line.startswith("#")):
            continue
        match = _LINE.match(line.rstrip())
        if match is None:
            raise FileError(message(f"{where}, line {number}", line, "the number of a recording and its class, 0 to 9"))
        if int(match[1]) in rows:
            raise FileError(message(f"{where}, line {number}, recording", int(match[1]), "each once"))
        rows[int(match[1])] = int(match[2])
    if not rows:
        raise FileError(message(f"{where}, recordings", 0, "at least one"))
    return rows
