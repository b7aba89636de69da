"""Files of events are hostile: they give one `FileError` of one line, or valid events."""

import io
import os
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikerl.datasets import Events, read_events, write_events
from spikerl.datasets.event_archives import decode as decode_archive
from spikerl.datasets.event_archives import encode as encode_archive
from spikerl.datasets.event_bytes import decode, encode
from spikerl.errors import DescriptionError, FileError
from tests.datasets.recordings import drawn_events, some_events

FIELDS = ("x", "y", "polarity", "time")


def same(one: Events, other: Events) -> bool:
    return one.sensor == other.sensor and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in FIELDS
    )


def arrays_of(events: Events) -> dict[str, np.ndarray]:
    return {name: getattr(events, name) for name in FIELDS} | {"sensor": np.array(events.sensor)}


def archived(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize("kind", [".bs2", ".bin", ".npz"])
def test_what_is_written_is_read(tmp_path, kind):
    """Catches bits in another order, on the way through a file; the whole range is drawn in the next test."""
    events = some_events(1)
    path = tmp_path / f"events{kind}"
    write_events(path, events)
    assert same(read_events(path, (34, 34)), events)


@settings(max_examples=100)
@given(drawn_events(), st.booleans())
def test_five_bytes_hold_every_event(events, marks):
    """Catches a lost high bit of time, x and y swapped, polarity in the wrong bit."""
    assert same(decode(encode(events, marks), events.sensor, marks, "f"), events)


@given(drawn_events(most_time=2**62))
def test_archives_hold_every_event(events):
    """Catches times cut to 32 bits and a lost sensor."""
    assert same(decode_archive(encode_archive(events), "f"), events)


def test_the_bytes_are_those_of_the_format():
    """Catches writer and reader that are wrong alike: x, y, polarity and 23 bits of time, the high byte first."""
    events = decode(bytes([1, 2, 0x80, 0x01, 0x02, 3, 4, 0x7F, 0xFF, 0xFF]), (5, 5), False, "f")
    assert (events.x.tolist(), events.y.tolist(), events.polarity.tolist()) == ([1, 3], [2, 4], [1, 0])
    assert events.time.tolist() == [258, 2**23 - 1]


def test_marks_of_overflow_are_time_in_bin_and_events_in_bs2():
    """Catches the one kind read as the other: y = 240 adds 2**13 us to all that follows, and is no event."""
    content = bytes([1, 2, 0, 0, 9, 0, 240, 0, 0, 0, 0, 240, 0, 0, 0, 3, 4, 0, 0, 5])
    events = decode(content, (256, 256), True, "f")
    assert events.y.tolist() == [2, 4] and events.time.tolist() == [9, 2 * 8192 + 5]
    with pytest.raises(FileError, match="byte 5, event 1, time: got 0; allowed: at least 9 us"):
        decode(content, (256, 256), False, "f")
    with pytest.raises(FileError, match="events: got 0; allowed: at least one beside the marks"):
        decode(content[5:15], (256, 256), True, "f")
    with pytest.raises(FileError, match="byte 15, event 1, y: got 4; allowed: 0 to 3"):
        decode(content, (4, 4), True, "f")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "bytes: got 0; allowed: a multiple of 5"),
        (bytes(7), "bytes: got 7; allowed: a multiple of 5"),
        (bytes([34, 0, 0, 0, 0]), "byte 0, event 0, x: got 34; allowed: 0 to 33"),
        (bytes([0, 255, 0, 0, 0]), "y: got 255; allowed: 0 to 33"),
        (bytes([0, 0, 0, 0, 7, 0, 0, 0, 0, 6]), "byte 5, event 1, time: got 6; allowed: at least 7 us"),
    ],
)
def test_damage_of_five_bytes_is_named(tmp_path, content, text):
    """Catches a file that is cut and read up to there, and events put elsewhere."""
    path = tmp_path / "events.bs2"
    path.write_bytes(content)
    with pytest.raises(FileError, match=text) as raised:
        read_events(path, (34, 34))
    assert str(path) in str(raised.value) and "\n" not in str(raised.value)


@settings(max_examples=200)
@given(st.binary(max_size=60), st.booleans(), st.tuples(st.integers(1, 300), st.integers(1, 300)))
def test_any_bytes_are_events_or_one_file_error(content, marks, sensor):
    """Catches any other exception; what is read is written back as the same events."""
    try:
        events = decode(content, sensor, marks, "f")
    except FileError as error:
        assert "\n" not in str(error) and len(str(error)) < 300
        return
    assert len(events) and (np.diff(events.time) >= 0).all()
    if not marks:
        assert encode(events, marks) == content


ARCHIVE = encode_archive(some_events(2, count=20))
PLAIN = archived(**arrays_of(some_events(3, count=20)))


@settings(max_examples=400)
@given(st.sampled_from([ARCHIVE, PLAIN]), st.data())
def test_damaged_archives_are_events_or_one_file_error(content, data):
    """Catches what the zip library raises beside its own error: bytes are changed, cut out and put in anywhere."""
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        kind = data.draw(st.sampled_from(["change", "cut", "remove", "put", "field"]))
        if kind == "change":
            damaged[place] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del damaged[max(place, 1) :]
        elif kind == "remove":
            del damaged[place : place + data.draw(st.integers(1, 4))]
        elif kind == "field":  # sizes, offsets and methods are where the members are named a second time
            start = damaged.find(b"PK\x01\x02")
            damaged[(start + data.draw(st.integers(4, 46))) % len(damaged)] = data.draw(st.integers(0, 255))
        else:
            damaged[place:place] = data.draw(st.binary(min_size=1, max_size=4))
        if not damaged:
            break
    try:
        events = decode_archive(bytes(damaged), "f")
    except FileError as error:
        assert "\n" not in str(error)
        return
    assert len(events) == 20


@given(st.binary(max_size=80))
def test_anything_in_an_array_is_events_or_one_file_error(content):
    """Catches a header that is evaluated, or a shape that is believed, in an archive that is itself whole."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in (*FIELDS, "sensor"):
            archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00" + content)
    with pytest.raises(FileError):
        decode_archive(file.getvalue(), "f")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"x": None}, "arrays"),
        ({"more": np.zeros(1)}, "arrays"),
        ({"time": np.arange(20.0)}, "f, time: .*whole numbers"),
        ({"time": np.array([None] * 20)}, "f, time: .*whole numbers"),
        ({"x": np.zeros((20, 1), dtype=np.int64)}, "f, x: .*whole numbers"),
        ({"x": np.zeros(19, dtype=np.int64)}, "f, x, events: got 19; allowed: 20"),
        ({"x": np.full(20, 34)}, "f: Events, event 0, x: got 34; allowed: 0 to 33"),
        ({"time": np.arange(20)[::-1]}, "f: Events, event 1, time: got 18"),
        ({"time": np.full(20, 2**64 - 1, dtype=np.uint64)}, "f, time: got 18446744073709551615"),
        ({"sensor": np.array([34])}, "f, sensor: got"),
        ({"sensor": np.array([34, 0])}, r"f: Events.sensor\[1\]: got 0"),
        ({name: np.zeros(0, dtype=np.int64) for name in FIELDS}, "events: got 0"),
    ],
)
def test_wrong_arrays_are_named(changes, text):
    """Catches keys and kinds that are taken for others, and an unpickled object."""
    arrays = arrays_of(some_events(4, count=20)) | changes
    content = archived(**{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(FileError, match=text):
        decode_archive(content, "f")


def test_other_kinds_of_whole_numbers_are_read():
    """Catches numbers of another size or byte order read as 64-bit ones."""
    events = some_events(5, count=20)
    kinds = {"x": ">u2", "y": "|u1", "polarity": "|b1", "time": ">i8", "sensor": "<i4"}
    arrays = {name: array.astype(kinds[name]) for name, array in arrays_of(events).items()}
    assert same(decode_archive(archived(**arrays), "f"), events)


def test_a_shape_that_promises_more_than_there_is_allocates_nothing():
    """Catches an array of 8 TB allocated from a header of a few bytes."""
    right = archived(**arrays_of(some_events(6, count=20)))
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(right)) as source, zipfile.ZipFile(file, "w") as archive:
        for name in source.namelist():
            content = source.read(name)
            archive.writestr(name, content.replace(b"(20,), }          ", b"(999999999999,), }"))
    with pytest.raises(FileError, match="bytes: got 160; allowed: 7999999999992"):
        decode_archive(file.getvalue(), "f")


def test_files_that_are_none_are_refused(tmp_path):
    """Catches a pipe that is waited for, a folder, a missing file, and a file that fills the memory."""
    os.mkfifo(tmp_path / "pipe.bs2")
    (tmp_path / "folder.bs2").mkdir()
    for name in ("pipe.bs2", "folder.bs2", "missing.bs2", "nul\x00.bs2"):
        with pytest.raises(FileError, match="events"):
            read_events(tmp_path / name, (34, 34))
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate(256 * 2**20 + 5)
    with pytest.raises(FileError, match="bytes: got 268435461; allowed: at most 268435456"):
        read_events(tmp_path / "large.bin", (34, 34))


def test_what_five_bytes_cannot_hold_is_not_written(tmp_path):
    """Catches a time that wraps, and a row of `.bin` that would be read as a mark."""
    zero = np.zeros(1, dtype=np.int64)
    late = Events(zero, zero, zero, zero + 2**23, (256, 256))
    low = Events(zero, zero + 240, zero, zero, (256, 256))
    wide = Events(zero + 256, zero, zero, zero, (300, 300))
    none = Events(*[zero[:0]] * 4, (5, 5))
    for events, name in ((late, "a.bs2"), (low, "a.bin"), (wide, "a.bs2"), (none, "a.bs2"), (none, "a.npz")):
        with pytest.raises(DescriptionError, match="events"):
            write_events(tmp_path / name, events)
    assert not list(tmp_path.iterdir())
    write_events(tmp_path / "a.bs2", low)
    assert same(read_events(tmp_path / "a.bs2", (256, 256)), low)


def test_the_name_says_the_kind_and_the_sensor_is_asked_for(tmp_path):
    """Catches a file read as another kind, and a sensor that is guessed or contradicted."""
    events = some_events(7)
    write_events(tmp_path / "a.npz", events)
    assert same(read_events(tmp_path / "a.npz"), events)
    with pytest.raises(DescriptionError, match=r"allowed: \(34, 34\)"):
        read_events(tmp_path / "a.npz", (34, 35))
    with pytest.raises(DescriptionError, match="sensor"):
        read_events(tmp_path / "a.bs2")
    with pytest.raises(DescriptionError, match=r"\.bs2, \.bin, \.npz"):
        read_events(tmp_path / "a.aedat", (34, 34))
