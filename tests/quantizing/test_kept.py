"""A comparison that was stopped goes on with the instances that it has."""

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikerl.errors import FileError
from spikerl.files import TEMPORARY
from spikerl.quantizing import quantizing
from spikerl.quantizing.kept import left
from spikerl.quantizing.parts import Group
from tests.commands.programs import invoke
from tests.quantizing.small import compared, small

FILES = ("cells.csv", "histograms.csv", "table.csv", "limits.csv", "experiment.toml")
TRIALS = 4 + 3


class Stopped(Exception):
    """Somebody stops the comparison."""


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch):
    """Keep each instance as a part of its own."""
    monkeypatch.setattr(quantizing, "MOST", 1)


def stop(folder, after, **given):
    """Stop a comparison `after` so many trials."""

    def progress(at):
        if at.done == after:
            raise Stopped

    with pytest.raises(Stopped):
        compared(folder, progress=progress, **given)


def test_it_goes_on_to_the_same_bytes(tmp_path):
    """Catches instances that are lost, doubled, out of order, or played again, and parts that are left behind."""
    stop(tmp_path, 2 * TRIALS + 3)
    kept = sorted(folder.name for folder in (tmp_path / "out.parts").iterdir())
    assert kept == ["instances-0-to-0", "instances-1-to-1"]
    assert not (tmp_path / "out").exists()
    seen = []
    compared(tmp_path, resume=True, progress=lambda at: seen.append((at.done, at.total)))
    assert seen == [(done, 3 * TRIALS) for done in range(2 * TRIALS + 1, 3 * TRIALS + 1)]
    assert not (tmp_path / "out.parts").exists()
    compared(tmp_path, "whole")
    for name in FILES:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_parts_in_the_way_and_parts_that_are_missing_are_said(tmp_path):
    """Catches a comparison that begins anew over what another has, and one that goes on with nothing."""
    with pytest.raises(FileError, match=r"out\.parts: got 'none'.*leave --resume out"):
        compared(tmp_path, resume=True)
    stop(tmp_path, TRIALS + 1)
    with pytest.raises(FileError, match=r"out\.parts.*--resume"):
        compared(tmp_path)
    (tmp_path / "nothing.parts").mkdir()
    done = invoke("quantize", small(tmp_path), "--bits", "2", "--out", tmp_path / "nothing", "--resume")
    assert done.exit_code == 2 and "leave --resume out" in done.output


def test_what_was_stopped_before_anything_was_finished_is_in_nobodys_way(tmp_path):
    """Catches an empty folder of parts that is taken for a comparison to go on with."""
    stop(tmp_path, TRIALS - 1)
    (tmp_path / "out.parts").mkdir(exist_ok=True)
    compared(tmp_path)
    assert not (tmp_path / "out.parts").exists()


@pytest.mark.parametrize(
    ("other", "said"), [({"seed": 9}, "experiment"), ({"bits": 2}, "cells and instances"), ({"test": 2}, "trials of")]
)
def test_parts_of_another_comparison_are_refused(tmp_path, other, said):
    """Catches a table half of which was asked for in another way."""
    stop(tmp_path, TRIALS + 1)
    with pytest.raises(FileError, match=said):
        compared(tmp_path, resume=True, **other)
    assert (tmp_path / "out.parts" / "instances-0-to-0").is_dir()


def test_a_part_that_was_changed_is_refused_and_half_of_one_is_played_again(tmp_path):
    """Catches scores that nobody played, a folder that a kill has left, and files of others that go with it."""
    stop(tmp_path, TRIALS + 1)
    (tmp_path / "out.parts" / f".instances-1-to-1.77{TEMPORARY}").mkdir()
    part = tmp_path / "out.parts" / "instances-0-to-0" / "cells.csv"
    good = part.read_bytes()
    part.write_bytes(good.replace(b"nearest", b"nearer") if b"nearest" in good else good + b"\n")
    with pytest.raises(FileError, match="SHA-256"):
        compared(tmp_path, resume=True)
    part.write_bytes(good)
    (tmp_path / "out.parts" / "notes").mkdir()
    assert len(compared(tmp_path, resume=True).rows) == 3 * 5
    assert [path.name for path in (tmp_path / "out.parts").iterdir()] == ["notes"]


def test_an_instance_in_two_parts_is_refused(tmp_path):
    """Catches an instance that counts twice."""
    stop(tmp_path, TRIALS + 1)
    parts = tmp_path / "out.parts"
    shutil.copytree(parts / "instances-0-to-0", parts / "instances-0-to-1")
    with pytest.raises(FileError, match="each of 3 instances once"):
        compared(tmp_path, resume=True)
    shutil.rmtree(parts / "instances-0-to-1")
    (parts / "instances-0-to-0").rename(parts / "instances-2-to-3")
    with pytest.raises(FileError, match="each of 3 instances once"):
        compared(tmp_path, resume=True)


@given(
    instances=st.integers(1, 30),
    cuts=st.sets(st.integers(0, 30)),
    most=st.integers(1, 10),
    least=st.integers(1, 5),
    kept=st.randoms(use_true_random=False),
)
def test_what_is_left_is_each_other_instance_once(instances, cuts, most, least, kept):
    """Catches an instance that is forgotten, or played though it is there."""
    edges = sorted({0, instances, *(cut for cut in cuts if cut < instances)})
    groups = [Group(low, high - low) for low, high in zip(edges[:-1], edges[1:], strict=True)]
    done = [group for group in groups if kept.random() < 0.5]
    ahead = left(instances, done, most, least)
    every = sorted(k for group in (*done, *ahead) for k in range(group.first, group.first + group.instances))
    assert every == list(range(instances))
    assert all(group.instances <= most for group in ahead)
