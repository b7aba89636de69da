"""Events in ``.npz``: ``x``, ``y``, ``polarity``, ``time`` (microseconds) [n] and ``sensor`` (height, width).

The part of the format that is read is small: arrays of whole numbers of one dimension, of which the header is matched
as text and nothing in it is evaluated. So no array is allocated that is larger than the bytes which are there.
"""

from __future__ import annotations

import io
import re

import numpy as np
from numpy.typing import NDArray

from spikerl.datasets.archive import Archive
from spikerl.datasets.events import Events
from spikerl.errors import DescriptionError, FileError, message

FIELDS = ("x", "y", "polarity", "time")
LARGEST_ARRAY = 256 * 2**20
_KEYS = (*FIELDS, "sensor")
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '([<|>][iu][1248]|\|b1)', 'fortran_order': (?:True|False), 'shape': \(([0-9]{1,12}),\), \} *\n\Z"
)


def decode(content: bytes, where: str) -> Events:
    """Return the events of a ``.npz`` file's `content`.

    Raises `FileError`, in which `where` is the file's name, for anything but the five arrays of whole numbers with
    valid events, at least one.
    """
    archive = Archive(content, where)
    expected = sorted(f"{key}.npy" for key in _KEYS)
    if sorted(archive.names()) != expected:
        raise FileError(message(f"{where}, arrays", sorted(archive.names()), ", ".join(expected)))
    arrays = {key: _array(archive.read(f"{key}.npy", LARGEST_ARRAY), f"{where}, {key}") for key in _KEYS}
    if len(arrays["sensor"]) != 2:
        raise FileError(message(f"{where}, sensor", arrays["sensor"].tolist()[:9], "two numbers, height and width"))
    for key in FIELDS:
        if len(arrays[key]) != len(arrays["time"]) or not len(arrays[key]):
            allowed = f"{len(arrays['time'])}, as many as times, at least one"
            raise FileError(message(f"{where}, {key}, events", len(arrays[key]), allowed))
    height, width = arrays["sensor"].tolist()
    try:
        return Events(arrays["x"], arrays["y"], arrays["polarity"], arrays["time"], (height, width))
    except DescriptionError as error:
        raise FileError(f"{where}: {error}") from error


def encode(events: Events) -> bytes:
    """Return `events` as the content of a ``.npz`` file; raise `DescriptionError` where there is none."""
    if not len(events):
        raise DescriptionError(message("events", 0, "at least one"))
    file = io.BytesIO()
    sensor = np.array(events.sensor, dtype=np.int64)
    np.savez_compressed(
        file, x=events.x, y=events.y, polarity=events.polarity, time=events.time, sensor=sensor
    )
    return file.getvalue()


def _array(content: bytes, where: str) -> NDArray[np.int64]:
    """Return a stored array of whole numbers as int64; raise `FileError` for any other."""
    start = len(_MAGIC) + 2
    end = start + int.from_bytes(content[len(_MAGIC) : start], "little")
    header = _HEADER.match(content[start:end])
    if not content.startswith(_MAGIC) or header is None:
        raise FileError(message(where, content[: min(end, 96)], "a .npy array [n] of whole numbers"))
    kind, count = np.dtype(header[1].decode()), int(header[2])
    if len(content) - end != count * kind.itemsize:
        raise FileError(message(f"{where}, bytes", len(content) - end, f"{count * kind.itemsize}, as its shape says"))
    stored = np.frombuffer(content, dtype=kind, offset=end)
    if kind.kind == "u" and kind.itemsize == 8 and count and stored.max() > np.iinfo(np.int64).max:
        raise FileError(message(where, int(stored.max()), "at most 2**63 - 1"))
    return stored.astype(np.int64)
