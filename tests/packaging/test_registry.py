"""What packages offer is read when it has changed, and then only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from spikerl import registry
from spikerl.registry import BACKENDS, TASKS, registered


def _installed(folder: Path, package: str, group: str, name: str) -> Path:
    """Put a package that offers `name` into `folder`."""
    metadata = folder / f"{package}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{name} = {package}:it\n", encoding="utf-8")
    _later(folder)
    return metadata


def _later(folder: Path) -> None:
    """Date `folder` a second on, since a file system's clock may tick more slowly than the test goes."""
    now = folder.stat().st_mtime_ns + 10**9
    os.utime(folder, ns=(now, now))


def test_what_is_installed_meanwhile_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a list that is kept when a package comes or goes, a folder is added, or the working folder is another."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    before = registered(BACKENDS)
    assert {"native", "reference"} <= set(before) and list(before) == sorted(before)
    _installed(here, "one", BACKENDS, "first")
    assert registered(BACKENDS) == before
    monkeypatch.syspath_prepend(here)
    assert set(registered(BACKENDS)) == {*before, "first"}
    second = _installed(here, "two", BACKENDS, "second")
    assert set(registered(BACKENDS)) == {*before, "first", "second"}
    for file in second.iterdir():
        file.unlink()
    second.rmdir()
    _later(here)
    assert set(registered(BACKENDS)) == {*before, "first"}
    _installed(there, "three", BACKENDS, "third")
    monkeypatch.syspath_prepend("")
    for folder, found in ((tmp_path, set()), (there, {"third"})):
        monkeypatch.chdir(folder)
        assert set(registered(BACKENDS)) == {*before, "first"} | found


def test_what_has_not_changed_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches every session, and every key of a bad experiment, that reads a file of each installed package."""
    before = registered(BACKENDS), registered(TASKS)
    monkeypatch.setattr(registry, "entry_points", lambda **given: pytest.fail("read again"))
    found = registered(BACKENDS), registered(TASKS)
    assert found == before and found[0].keys() != found[1].keys()
    found[0].clear()
    assert registered(BACKENDS) == before[0], "whoever asks has a list of their own"
