"""The part of HDF5 that runs are stored in, written to bytes and read from bytes.

Groups, hard links, contiguous datasets and scalar attributes of fixed-length numbers and text; no timestamps.
The same content gives the same bytes, and a file that uses anything else is refused before that is followed
or read.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, final

import h5py
import numpy as np
from h5py import h5a, h5d, h5f, h5l, h5t
from numpy.typing import NDArray

from spikerl.errors import FileError, message

NAME = re.compile(r"(?!\.)[!-.0-~]{1,64}\Z")
TEXT = re.compile(r"[ -~]{1,256}\Z")
_LONGEST_TEXT = 256
_MOST_MEMBERS = 4096


class Dataset(NamedTuple):
    """An array and its text attributes, as stored."""

    values: NDArray
    texts: dict[str, str]


def image(fill: Callable[[h5py.File], None]) -> bytes:
    """Return the bytes of the file that `fill` makes; nothing touches the disk."""
    with h5py.File("image", "w", driver="core", backing_store=False) as file:
        fill(file)
        file.flush()
        content: bytes = file.id.get_file_image()
    return content


def put(group: h5py.Group, name: str, values: NDArray, texts: dict[str, str]) -> None:
    """Store `values` contiguously as dataset `name`, with the `texts` as fixed-length attributes."""
    dataset = group.create_dataset(name, data=values, track_times=False)
    for key, text in texts.items():
        dataset.attrs[key] = np.bytes_(text.encode("ascii"))


@contextlib.contextmanager
def opened(content: bytes, where: str) -> Iterator[Reader]:
    """Open the bytes of a file for reading; every failure of the HDF5 library becomes a `FileError`."""
    try:
        with h5py.File(h5f.open_file_image(content)) as file:
            yield Reader(file, where, len(content))
    except FileError:
        raise
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        allowed = "an undamaged HDF5 file that spikerl wrote"
        raise FileError(message(where, str(error), allowed, "restore it, or run again")) from error


@final
class Reader:
    """Reads the allowed part of an open file, `budget` bytes at most: no small file fills the memory."""

    def __init__(self, file: h5py.File, where: str, budget: int) -> None:
        """Stand at the root."""
        self.root: h5py.Group = file
        self._where = where
        self._budget = budget

    def names(self, group: h5py.Group) -> list[str]:
        """Return the names in a group, sorted, refusing soft and external links before they are followed."""
        if len(group) > _MOST_MEMBERS:
            raise self._error(group.name, len(group), f"at most {_MOST_MEMBERS} members")
        names = []
        for raw in group.id:
            name = raw.decode("ascii", "replace")
            if not NAME.match(name):
                raise self._error(
                    group.name, raw, "names of 1 to 64 printable characters without / and blanks"
                )
            if group.id.links.get_info(raw).type != h5l.TYPE_HARD:
                raise self._error(f"{group.name}/{name}", "a soft or external link", "data of this file")
            names.append(name)
        return sorted(names)

    def group(self, parent: h5py.Group, name: str) -> h5py.Group:
        """Return the group `name` in `parent`."""
        if name not in self.names(parent):
            raise self._error(parent.name, self.names(parent), f"a group {name!r}")
        member = parent[name]
        if not isinstance(member, h5py.Group):
            raise self._error(f"{parent.name}/{name}", type(member).__name__, "a group")
        return member

    def dataset(self, parent: h5py.Group, name: str, texts: tuple[str, ...]) -> Dataset:
        """Return the dataset `name` in `parent`, read-only, with its text attributes `texts`."""
        if name not in self.names(parent):
            raise self._error(parent.name, self.names(parent), f"a dataset {name!r}")
        member = parent[name]
        where = f"{parent.name}/{name}"
        if not isinstance(member, h5py.Dataset):
            raise self._error(where, type(member).__name__, "a dataset")
        plain = member.id.get_create_plist()
        if plain.get_layout() not in (h5d.CONTIGUOUS, h5d.COMPACT):
            raise self._error(where, "virtual, chunked or compressed storage", "contiguous storage")
        if plain.get_layout() == h5d.CONTIGUOUS and plain.get_external_count():
            raise self._error(where, "external storage", "storage in this file")
        kind = member.id.get_type()
        if not isinstance(kind, (h5t.TypeIntegerID, h5t.TypeFloatID, h5t.TypeStringID)) or _variable(kind):
            raise self._error(where, type(kind).__name__, "whole numbers, floating point, fixed-length text")
        shape = member.shape if member.shape is not None else (-1,)
        size = math.prod(shape) * kind.get_size()
        if not 0 <= size <= self._budget:
            raise self._error(
                where, f"{size} bytes", f"at most {self._budget}, what is left of the file's size"
            )
        self._budget -= size
        values: NDArray = member[()] if shape == () else member[:]
        values = np.asarray(values)
        values.setflags(write=False)
        return Dataset(values, {key: self.text(member, key) for key in texts})

    def text(self, holder: h5py.HLObject, name: str) -> str:
        """Return a text attribute."""
        attribute = self._attribute(holder, name)
        kind = attribute.get_type()
        if (
            not isinstance(kind, h5t.TypeStringID)
            or _variable(kind)
            or not 1 <= kind.get_size() <= _LONGEST_TEXT
        ):
            raise self._error(
                f"{holder.name} attribute {name}", type(kind).__name__, f"text of 1 to {_LONGEST_TEXT} bytes"
            )
        value = np.zeros((), dtype=f"S{kind.get_size()}")
        attribute.read(value)
        text = bytes(value[()]).decode("ascii", "replace")
        if not TEXT.match(text):
            raise self._error(f"{holder.name} attribute {name}", text, "printable ASCII text")
        return text

    def number(self, holder: h5py.HLObject, name: str, dtype: str) -> int | float:
        """Return a number attribute that was stored as `dtype`."""
        attribute = self._attribute(holder, name)
        kind = attribute.get_type()
        if not isinstance(kind, (h5t.TypeIntegerID, h5t.TypeFloatID)) or kind.dtype != np.dtype(dtype):
            raise self._error(
                f"{holder.name} attribute {name}", type(kind).__name__, f"one number of type {dtype}"
            )
        value = np.zeros((), dtype=dtype)
        attribute.read(value)
        number: int | float = value[()].item()
        return number

    def _attribute(self, holder: h5py.HLObject, name: str) -> h5a.AttrID:
        if not h5a.exists(holder.id, name.encode()):
            raise self._error(holder.name, "nothing", f"an attribute {name!r}")
        attribute = h5a.open(holder.id, name.encode())
        if attribute.shape != () or attribute.get_space().get_simple_extent_type() != 0:
            raise self._error(f"{holder.name} attribute {name}", attribute.shape, "one value")
        return attribute

    def _error(self, place: str | None, value: object, allowed: str) -> FileError:
        return FileError(
            message(f"{self._where}, {place}", value, allowed, "the file is not what spikerl writes")
        )


def _variable(kind: h5t.TypeID) -> bool:
    return isinstance(kind, h5t.TypeStringID) and bool(kind.is_variable_str())
