"""``checkpoint.h5``: the state from which a killed run goes on, and the rows of results that precede it."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from spikerl.errors import DescriptionError, FileError, message
from spikerl.results import hdf5
from spikerl.results.contents import WHOLE

NAME = "checkpoint.h5"
LARGEST = 16 * 2**30
_DTYPE = re.compile(r"[<|](?:b1|[iu][1248]|f[248]|c8|c16|S[1-9][0-9]{0,5})\Z")
_SHAPE = re.compile(r"scalar\Z|[0-9]{1,12}(?:,[0-9]{1,12}){0,7}\Z")


class Checkpoint(NamedTuple):
    """`rows`: how many rows of each table of the results come before it; `state`: named arrays."""

    rows: dict[str, int]
    state: dict[str, NDArray]


def encode(checkpoint: Checkpoint) -> bytes:
    """Return the bytes of a checkpoint; every array comes back with its type, shape and bits.

    Raises `DescriptionError` for a state that is no dictionary of arrays of numbers, bools or fixed-length
    bytes.
    """
    arrays = {name: _little(name, array) for name, array in checkpoint.state.items()}

    def fill(file: h5py.File) -> None:
        rows, state = file.create_group("rows"), file.create_group("state")
        for number, (table, count) in enumerate(sorted(checkpoint.rows.items())):
            hdf5.put(rows, str(number), np.array(count, dtype=WHOLE), {"name": table})
        for number, (name, array) in enumerate(sorted(arrays.items())):
            # Raw bytes: HDF5 has no bool, and this way no type can lose a bit.
            raw = np.frombuffer(array.tobytes(), dtype=np.uint8)
            shape = ",".join(str(size) for size in array.shape) or "scalar"
            hdf5.put(state, str(number), raw, {"name": name, "dtype": array.dtype.str, "shape": shape})

    return hdf5.image(fill)


def decode(content: bytes, where: str) -> Checkpoint:
    """Return a checkpoint; raise `FileError` for anything that `encode` would not write."""
    rows: dict[str, int] = {}
    state: dict[str, NDArray] = {}
    with hdf5.opened(content, where) as reader:
        group = reader.group(reader.root, "rows")
        for member in reader.names(group):
            count = reader.dataset(group, member, ("name",))
            if count.values.shape != () or count.values.dtype != np.dtype(WHOLE) or count.values < 0:
                raise FileError(message(f"{where}, rows of {count.texts['name']}", count.values, "0 or more"))
            rows[count.texts["name"]] = int(count.values)
        group = reader.group(reader.root, "state")
        for member in reader.names(group):
            raw = reader.dataset(group, member, ("name", "dtype", "shape"))
            name, kind, sizes = raw.texts["name"], raw.texts["dtype"], raw.texts["shape"]
            if not _DTYPE.match(kind) or not _SHAPE.match(sizes) or raw.values.dtype != np.uint8:
                raise FileError(
                    message(f"{where}, state {name!r}", f"{kind} [{sizes}]", "a type and a shape")
                )
            shape = () if sizes == "scalar" else tuple(int(size) for size in sizes.split(","))
            if math.prod(shape) * np.dtype(kind).itemsize != raw.values.nbytes:
                allowed = f"{raw.values.nbytes} bytes, as are stored"
                raise FileError(message(f"{where}, state {name!r}", f"{kind} [{sizes}]", allowed))
            state[name] = np.frombuffer(raw.values.tobytes(), dtype=kind).reshape(shape).copy()
    return Checkpoint(rows, state)


def _little(name: str, array: NDArray) -> NDArray:
    """Return `array` in little-endian order, after checking that it can be stored."""
    if not isinstance(name, str) or not hdf5.TEXT.match(name):
        raise DescriptionError(message("checkpoint state, name", name, "1 to 256 printable ASCII characters"))
    if not isinstance(array, (np.ndarray, np.generic)):
        raise DescriptionError(message(f"checkpoint state {name!r}", array, "a NumPy array"))
    little = np.asarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    if not _DTYPE.match(little.dtype.str) or little.ndim > 8:
        allowed = "numbers, bools or fixed-length bytes in at most 8 dimensions"
        raise DescriptionError(message(f"checkpoint state {name!r}", f"{array.dtype} {array.shape}", allowed))
    return little
