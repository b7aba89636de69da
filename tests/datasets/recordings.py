"""Where the recordings of N-MNIST lie, events to draw, and a small data set of the same layout."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from spikerl.datasets import Events, write_events


def recorded_path() -> Path:
    """Return the path of the recordings, or skip the test with the reason."""
    folder = os.environ.get("SPIKERL_DATA") or Path(__file__).parents[3] / "shared" / "data"
    path = Path(folder) / "nmnist_small.zip"
    if not path.is_file():
        pytest.skip(f"no recordings at {path}; name their folder in the environment variable SPIKERL_DATA")
    return path


@st.composite
def drawn_events(draw, most_time=2**23 - 1):
    """Draw valid events on a sensor of up to 240 x 256 pixels."""
    height, width = draw(st.integers(1, 240)), draw(st.integers(1, 256))
    count = draw(st.integers(1, 40))

    def column(most):
        return draw(arrays.arrays(np.int64, count, elements=st.integers(0, most)))

    return Events(
        column(width - 1), column(height - 1), column(1), np.sort(column(most_time)), (height, width)
    )


def some_events(seed: int, count: int = 200, last: int = 300_000) -> Events:
    """Return drawn events on a sensor of 34 x 34 pixels."""
    random = np.random.default_rng(seed)
    x, y, polarity = (random.integers(0, most, count) for most in (34, 34, 2))
    return Events(x, y, polarity, np.sort(random.integers(0, last, count)), (34, 34))


def small_folder(folder: Path, classes=(3, 1, 4, 1), tests=(5, 9)) -> Path:
    """Write recordings 1, 2, ... and 101, 102, ... with their lists."""
    folder.mkdir()
    for name, first, labels in (("train1K.txt", 1, classes), ("test100.txt", 101, tests)):
        lines = ["#sample #class", *(f"{first + k}\t{label}" for k, label in enumerate(labels))]
        (folder / name).write_bytes("\r\n".join([*lines, ""]).encode())
        for k in range(len(labels)):
            write_events(folder / f"{first + k}.bs2", some_events(first + k))
    return folder


def zipped(folder: Path, path: Path, prefix: str = "subset/") -> Path:
    """Return a zip file of `folder`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, prefix + file.name)
    return path
