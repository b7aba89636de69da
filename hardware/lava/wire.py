"""Messages between the program and the Lava worker: a JSON header and raw arrays, each with its length before it.

A message is ``MAGIC, length of the header (4 bytes), header, arrays``; the header lists name, dtype and shape of each
array, whose bytes follow in that order, little-endian. Nothing is unpickled. The file knows the standard library and
numpy only, and Python 3.10, since both sides read it.
"""

from __future__ import annotations

import json
import math
import socket
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

PROTOCOL = 3
MAGIC = b"SKLV"
HEADER_LIMIT = 4 << 20
ARRAYS_LIMIT = 4096
BYTES_LIMIT = 8 << 30
DIMENSIONS_LIMIT = 8
DTYPES = ("|b1", "|u1", "<i4", "<i8", "<f8")
HEARTBEAT = 1.0
"""Seconds between two signs of life of a worker that is at work."""

_PREFIX = struct.Struct("<4sI")
_PIECE = 1 << 20


class WireError(Exception):
    """What came is not a message of this protocol."""


class Closed(Exception):
    """The other side is gone."""


class Silent(Exception):
    """The other side takes nothing for the channel's time-out."""


class Message(NamedTuple):
    """A message: its `kind`, its `fields` (JSON values) and its `arrays` by name."""

    kind: str
    fields: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


def send(
    channel: socket.socket, kind: str, fields: Mapping[str, Any] | None = None, arrays: Mapping[str, Any] | None = None
) -> None:
    """Send one message; arrays are converted to one of `DTYPES` of their kind.

    Raises `WireError` for what is no message, `Silent` where the other side takes nothing, `Closed` where it is gone.
    """
    given = {name: _sendable(name, array) for name, array in (arrays or {}).items()}
    listed = [[name, array.dtype.str, list(array.shape)] for name, array in given.items()]
    try:
        header = json.dumps({"kind": kind, "fields": dict(fields or {}), "arrays": listed}, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise WireError(f"the fields of {kind!r} are no JSON: {error}") from error
    _check_listed(kind, listed)
    if len(header) > HEADER_LIMIT:
        raise WireError(f"the header of {kind!r} has {len(header)} bytes; allowed: at most {HEADER_LIMIT}")
    try:
        channel.sendall(_PREFIX.pack(MAGIC, len(header)) + header)
        for array in given.values():
            content = array.reshape(-1).view(np.uint8).data if array.nbytes else b""
            for begin in range(0, array.nbytes, _PIECE):  # the time-out is for a piece: a long message takes longer
                channel.sendall(content[begin : begin + _PIECE])
    except TimeoutError as error:
        raise Silent(str(error)) from error
    except OSError as error:
        raise Closed(str(error)) from error


def receive(channel: socket.socket, waiting: Callable[[], None] | None = None) -> Message:
    """Return the next message; `waiting` is called while none comes for the channel's time-out, and may raise.

    Raises `WireError` for what is no message, `Closed` where the other side is gone.
    """
    magic, length = _PREFIX.unpack(_exactly(channel, _PREFIX.size, waiting))
    if magic != MAGIC:
        raise WireError(f"a message begins with {bytes(magic)!r}; allowed: {MAGIC!r}")
    if length > HEADER_LIMIT:
        raise WireError(f"a header of {length} bytes; allowed: at most {HEADER_LIMIT}")
    header = _header(bytes(_exactly(channel, length, waiting)))
    arrays = {}
    for name, dtype, shape in header["arrays"]:
        content = _exactly(channel, math.prod(shape) * np.dtype(dtype).itemsize, waiting)
        if dtype == "|b1":
            _check_bools(name, content)
        arrays[name] = np.frombuffer(content, dtype=dtype).reshape(shape)
    return Message(header["kind"], header["fields"], arrays)


def _sendable(name: str, array: Any) -> NDArray[Any]:
    array = np.asarray(array)
    kinds = {"b": "|b1", "u": "<i8", "i": "<i8", "f": "<f8"}
    if array.dtype.str in DTYPES:
        return np.asarray(array, order="C")
    if array.dtype.kind not in kinds or array.dtype == np.uint64:
        raise WireError(f"array {name!r} is of {array.dtype}; allowed: {', '.join(DTYPES)}")
    return np.asarray(array, order="C", dtype=kinds[array.dtype.kind])


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise WireError(f"a header is no JSON: {error}") from error
    if not isinstance(header, dict) or set(header) != {"kind", "fields", "arrays"}:
        raise WireError("a header has other keys; allowed: kind, fields, arrays")
    kind, fields, listed = header["kind"], header["fields"], header["arrays"]
    if not isinstance(kind, str) or not isinstance(fields, dict) or not isinstance(listed, list):
        raise WireError("a header's kind is no text, its fields no object, or its arrays no list")
    _check_listed(kind, listed)
    return header


def _check_listed(kind: str, listed: list[Any]) -> None:
    if len(listed) > ARRAYS_LIMIT:
        raise WireError(f"{kind!r} has {len(listed)} arrays; allowed: at most {ARRAYS_LIMIT}")
    names, total = set(), 0
    for entry in listed:
        if not isinstance(entry, list) or len(entry) != 3 or not isinstance(entry[0], str):
            raise WireError(f"{kind!r} lists an array as {entry!r:.80}; allowed: [name, dtype, shape]")
        name, dtype, shape = entry
        if name in names or dtype not in DTYPES:
            raise WireError(f"{kind!r}, array {name!r:.80}: twice, or of {dtype!r:.80}; allowed: {', '.join(DTYPES)}")
        if not isinstance(shape, list) or len(shape) > DIMENSIONS_LIMIT or not all(_is_length(n) for n in shape):
            raise WireError(f"{kind!r}, array {name!r:.80}: shape {shape!r:.80}; allowed: up to 8 lengths")
        names.add(name)
        total += math.prod(shape) * np.dtype(dtype).itemsize
        if total > BYTES_LIMIT:
            raise WireError(f"{kind!r} has arrays of more than {BYTES_LIMIT} bytes")


def _is_length(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= BYTES_LIMIT


def _check_bools(name: str, content: bytearray) -> None:
    if content and int(np.frombuffer(content, dtype=np.uint8).max()) > 1:
        raise WireError(f"array {name!r:.80} of bool has bytes other than 0 and 1")


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a number of JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key is given twice")
    return dict(pairs)


def _exactly(channel: socket.socket, count: int, waiting: Callable[[], None] | None) -> bytearray:
    """Read `count` bytes. Memory grows with what has come, not with what a header promises."""
    content = bytearray()
    while len(content) < count:
        try:
            piece = channel.recv(min(_PIECE, count - len(content)))
        except TimeoutError as error:
            if waiting is None:
                raise Closed(f"silent since {time.strftime('%H:%M:%S')}") from error
            waiting()
            continue
        except OSError as error:
            raise Closed(str(error)) from error
        if not piece:
            raise Closed("the channel is closed")
        content += piece
    return content
