"""Zip files are hostile: sizes, names and packings are held to limits before anything is unpacked."""

import io
import struct
import zipfile

import pytest

from spikerl.datasets.archive import Archive
from spikerl.errors import FileError


def zip_of(members, method=zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def test_members_are_read_by_name_up_to_a_limit():
    """Catches a member of 16 MB unpacked from 16 kB where a recording has a few thousand bytes."""
    archive = Archive(zip_of([("small", b"abc"), ("bomb", bytes(2**24))]), "f")
    assert archive.names() == ("small", "bomb") and archive.read("small", 3) == b"abc"
    with pytest.raises(FileError, match="f, bomb, bytes: got 16777216; allowed: at most 1000"):
        archive.read("bomb", 1000)
    with pytest.raises(FileError, match="f, other"):
        archive.read("other", 1000)


@pytest.mark.parametrize("declared", [0, 7, 999])
def test_a_declared_size_that_is_none_is_found(declared):
    """Catches a bomb behind a small declared size, and a short member behind a large one."""
    content = bytearray(zip_of([("member", bytes(2**16))]))
    struct.pack_into("<I", content, content.find(b"PK\x01\x02") + 24, declared)
    with pytest.raises(FileError, match="f, member"):
        Archive(bytes(content), "f").read("member", 1000)


@pytest.mark.parametrize("name", ["../up", "a/../../up", "/root", "..\\up", "C:/root", "a//b"])
def test_a_name_that_leads_elsewhere_is_refused(name):
    """Catches names that another program would follow out of the folder."""
    with pytest.raises(FileError, match="a name inside the archive"):
        Archive(zip_of([("good", b""), (name, b"")]), "f")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_refused():
    """Catches a member that is another for another reader."""
    with pytest.raises(FileError, match="each name once"):
        Archive(zip_of([("a", b"1"), ("a", b"2")]), "f")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_packings_are_refused(method):
    """Catches packings that unpack as far as they like before a limit is looked at."""
    with pytest.raises(FileError, match="stored or deflated"):
        Archive(zip_of([("a", bytes(2**20))], method), "f").read("a", 2**20)


def test_passwords_are_refused():
    """Catches the library's RuntimeError."""
    content = bytearray(zip_of([("a", b"abc")]))
    content[content.find(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(FileError, match="open to all"):
        Archive(bytes(content), "f").read("a", 3)


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all" * 100])
def test_what_is_no_zip_is_refused(content):
    """Catches the library's BadZipFile."""
    with pytest.raises(FileError, match="an undamaged zip file"):
        Archive(content, "f")


def test_a_changed_member_is_found():
    """Catches a checksum that is not held."""
    content = bytearray(zip_of([("a", b"abcdefgh")], zipfile.ZIP_STORED))
    content[content.find(b"abcdefgh")] ^= 1
    with pytest.raises(FileError, match="f, a: .*CRC"):
        Archive(bytes(content), "f").read("a", 100)


def test_files_that_are_none_are_refused(tmp_path):
    """Catches a folder or a missing file as the library's own error."""
    for name in ("missing.zip", "", "nul\x00"):
        with pytest.raises(FileError):
            Archive(tmp_path / name, "f")
