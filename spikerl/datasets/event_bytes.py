"""Events of five bytes each: ``x``, ``y``, then a bit of polarity and 23 bits of time in microseconds, high byte first.

Two kinds of files hold them. In ``.bs2`` every five bytes are an event. In ``.bin``, the kind of N-MNIST and
N-Caltech101 (Orchard et al. 2015), five bytes with ``y = 240`` are no event but a mark that the clock of the camera
overflowed: the times from there on are 2**13 us later than they say.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spikerl.datasets.events import Events, first_fault
from spikerl.errors import DescriptionError, FileError, message

OVERFLOW_ROW = 240
OVERFLOW = 2**13
_BYTES = 5
_LAST_TIME = 2**23 - 1
_LAST_PIXEL = 255


def decode(content: bytes, sensor: tuple[int, int], marks: bool, where: str) -> Events:
    """Return the events of a file's `content`; with `marks`, ``y = 240`` says that the clock overflowed.

    Raises `FileError`, in which `where` is the file's name: for no event, for a part of one, and for one that is off
    the sensor or before the one that it follows.
    """
    if not content or len(content) % _BYTES:
        raise FileError(message(f"{where}, bytes", len(content), f"a multiple of {_BYTES}, at least {_BYTES}"))
    rows: NDArray[np.int64] = np.frombuffer(content, dtype=np.uint8).reshape(-1, _BYTES).astype(np.int64)
    x, y, polarity = rows[:, 0], rows[:, 1], rows[:, 2] >> 7
    time = (rows[:, 2] & 127) << 16 | rows[:, 3] << 8 | rows[:, 4]
    position = np.arange(len(rows))
    if marks:
        mark = y == OVERFLOW_ROW
        time = time + OVERFLOW * np.cumsum(mark)
        x, y, polarity, time, position = (array[~mark] for array in (x, y, polarity, time, position))
        if not len(time):
            raise FileError(message(f"{where}, events", 0, "at least one beside the marks of overflow"))
    fault = first_fault(x, y, polarity, time, sensor)
    if fault is not None:
        place = f"{where}, byte {position[fault.event] * _BYTES}, event {fault.event}, {fault.field}"
        raise FileError(message(place, fault.value, fault.allowed))
    return Events(x, y, polarity, time, sensor)


def encode(events: Events, marks: bool) -> bytes:
    """Return `events` as the content of a file that `decode` reads.

    Raises `DescriptionError` for no events, pixels beyond 255 (239 in a row with `marks`) and times beyond 2**23 us.
    """
    last_row = OVERFLOW_ROW - 1 if marks else _LAST_PIXEL
    if not len(events):
        raise DescriptionError(message("events", 0, "at least one"))
    for name, array, most in (
        ("x", events.x, _LAST_PIXEL),
        ("y", events.y, last_row),
        ("time", events.time, _LAST_TIME),
    ):
        if array.max() > most:
            allowed = f"at most {most} in five bytes"
            raise DescriptionError(message(f"events.{name}", int(array.max()), allowed, "write .npz"))
    time = events.time
    columns = (events.x, events.y, events.polarity << 7 | time >> 16, time >> 8 & 255, time & 255)
    return np.stack(columns, axis=1).astype(np.uint8).tobytes()
