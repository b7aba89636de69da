"""Messages between the program and the Lava worker: what is sent arrives, and nothing else is taken for a message."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from spikerl.hardware.lava import wire

Ends = tuple[socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.settimeout(10.0)
    with ours, theirs:
        yield ours, theirs


def _framed(header: bytes, content: bytes = b"") -> bytes:
    return wire.MAGIC + struct.pack("<I", len(header)) + header + content


def _listing(*arrays: Any, kind: Any = "run", fields: Any = None) -> bytes:
    return json.dumps({"kind": kind, "fields": fields or {}, "arrays": list(arrays)}).encode()


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (3, 2, 5)])
@pytest.mark.parametrize("dtype", wire.DTYPES)
def test_what_is_sent_arrives(ends: Ends, dtype: str, shape: tuple[int, ...]) -> None:
    """Catches shapes, dtypes, orders of axes or names that are lost, and empty arrays that shift what follows."""
    rng = np.random.default_rng(3)
    first = rng.integers(0, 2, shape).astype(dtype)
    arrays = {"a": first, "turned": np.asfortranarray(rng.integers(0, 2, (3, 4)).astype(dtype)), "b/\u00e4": first}
    wire.send(ends[0], "run", {"steps": 7, "watched": ["x"]}, arrays)
    wire.send(ends[0], "end")
    came = wire.receive(ends[1])
    assert (came.kind, came.fields, list(came.arrays)) == ("run", {"steps": 7, "watched": ["x"]}, list(arrays))
    for name, array in arrays.items():
        assert came.arrays[name].dtype.str == dtype
        np.testing.assert_array_equal(came.arrays[name], array, strict=True)
    assert wire.receive(ends[1]) == ("end", {}, {})


MALFORMED = {
    "another protocol": b"GET / HT" * 4,
    "a header beyond its limit": wire.MAGIC + struct.pack("<I", wire.HEADER_LIMIT + 1),
    "no text": _framed(b"\xff\xfe{}"),
    "no JSON": _framed(b"{'kind': 1}"),
    "nested without end": _framed(b"[" * 100_000),
    "not a number": _framed(b'{"kind": "run", "fields": {"steps": NaN}, "arrays": []}'),
    "a key twice": _framed(b'{"kind": "run", "kind": "learned", "fields": {}, "arrays": []}'),
    "no object": _framed(b"[]"),
    "a key missing": _framed(b'{"kind": "run", "fields": {}}'),
    "a key too many": _framed(b'{"kind": "run", "fields": {}, "arrays": [], "more": 1}'),
    "a kind that is no text": _framed(_listing(kind=3)),
    "fields that are a list": _framed(b'{"kind": "run", "fields": [], "arrays": []}'),
    "objects": _framed(_listing(["a", "|O", [1]]), bytes(8)),
    "big-endian": _framed(_listing(["a", ">i8", [1]]), bytes(8)),
    "a dtype that is a list": _framed(_listing(["a", ["<i8"], [1]]), bytes(8)),
    "an array twice": _framed(_listing(["a", "<i4", [1]], ["a", "<i4", [1]]), bytes(8)),
    "a listing too short": _framed(_listing(["a", "<i4"])),
    "a negative length": _framed(_listing(["a", "<i4", [-1]])),
    "a length that is a truth": _framed(_listing(["a", "<i4", [True]]), bytes(4)),
    "a length that is broken": _framed(_listing(["a", "<i4", [1.0]]), bytes(4)),
    "too many axes": _framed(_listing(["a", "<i4", [1] * (wire.DIMENSIONS_LIMIT + 1)]), bytes(4)),
    "more than memory": _framed(_listing(["a", "<i8", [1 << 20, 1 << 20]])),
    "too many arrays": _framed(_listing(*([f"a{k}", "<i4", [0]] for k in range(wire.ARRAYS_LIMIT + 1)))),
    "a truth of 2": _framed(_listing(["a", "|b1", [3]]), b"\x00\x01\x02"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_message_is_refused(ends: Ends, name: str) -> None:
    """Catches a check that is missing, memory taken for what a header only promises, and errors of another kind."""
    ends[0].sendall(MALFORMED[name])
    with pytest.raises(wire.WireError):
        wire.receive(ends[1])


@pytest.mark.parametrize("kept", [0, 3, 8, 20, -1])
def test_a_message_that_breaks_off_is_an_end(ends: Ends, kept: int) -> None:
    """Catches a half message that is taken for whole, or waited for without end."""
    whole = _framed(_listing(["a", "<i8", [2]]), bytes(16))
    ends[0].sendall(whole[:kept])
    ends[0].close()
    with pytest.raises(wire.Closed):
        wire.receive(ends[1])


@pytest.mark.parametrize(
    ("fields", "arrays"),
    [
        ({"a": float("nan")}, {}),
        ({"a": object()}, {}),
        ({}, {"a": np.array([object()])}),
        ({}, {"a": np.array(["text"])}),
        ({}, {"a": np.array([1], dtype=np.uint64)}),
        ({"a": "x" * (wire.HEADER_LIMIT + 1)}, {}),
    ],
)
def test_what_cannot_be_sent_is_refused_before_a_byte_is(ends: Ends, fields: Any, arrays: Any) -> None:
    """Catches pickled objects, and half a message left on the channel."""
    with pytest.raises(wire.WireError):
        wire.send(ends[0], "run", fields, arrays)
    wire.send(ends[0], "next")
    assert wire.receive(ends[1]).kind == "next"


def test_waiting_is_told_of_silence_and_may_go_on(ends: Ends) -> None:
    """Catches a time-out that loses the bytes which had come before it."""
    ends[1].settimeout(0.01)
    whole = _framed(_listing(["a", "<i8", [1]]), (7).to_bytes(8, "little"))
    ends[0].sendall(whole[:30])
    told = []

    def waiting() -> None:
        told.append(1)
        if len(told) == 3:
            ends[0].sendall(whole[30:])

    assert wire.receive(ends[1], waiting).arrays["a"].tolist() == [7]
    assert len(told) >= 3
