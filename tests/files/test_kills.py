"""A run may be killed at any moment, or the disk be full: it can be read, and it goes on to equal bytes."""

import os
import random
import time

import pytest

from spikerl.errors import FileError
from spikerl.results import Results, RunWriter
from spikerl.results import writer as writer_module
from tests.files.small_runs import EXPERIMENT, TRIALS, append, create, play, start_child, state, write_run


def test_twenty_kills_leave_a_readable_run_that_ends_in_equal_bytes(tmp_path):
    """Catches a file replaced before its digest is known, and rows that a kill makes double or loses.

    The child is killed at a random moment of its checkpoints, the next one resumes, and so on.
    """
    whole = write_run(tmp_path / "whole").joinpath("results.h5").read_bytes()
    chance, path, kills, runs = random.Random(3), tmp_path / "run0", 0, 0
    while kills < 20:
        child = start_child(path, "resume" if path.exists() else "create")
        assert child.stdout.readline() == "ready\n", child.communicate()[1]
        time.sleep(chance.uniform(0.0, 0.15))
        child.kill()
        child.communicate()
        kills += child.returncode < 0
        results = Results.open(path)
        assert len(results.trials["trial"]) % 2 == 0
        if results.manifest.status == "finished":
            assert (path / "results.h5").read_bytes() == whole
            runs += 1
            path = tmp_path / f"run{runs}"
    if path.exists():
        finish = start_child(path, "resume")
        assert finish.wait(60) == 0, finish.communicate()[1]
        assert (path / "results.h5").read_bytes() == whole


class Killed(BaseException):
    """What stands for the kill: nothing catches it."""


@pytest.mark.parametrize("ending", ["checkpoint", "finish"])
@pytest.mark.parametrize("after", range(1, 5))
def test_a_kill_between_any_two_writes_leaves_a_consistent_run(tmp_path, monkeypatch, ending, after):
    """Catches any other order of the writes of a checkpoint: each gap between two of them is tried."""
    whole = write_run(tmp_path / "whole").joinpath("results.h5").read_bytes()
    run = create(tmp_path / "run")
    play(run, 0, 4)
    append(run, 4)
    done = []
    replace = os.replace

    def replace_and_die(source, target):
        if len(done) == after - 1:
            raise Killed
        replace(source, target)
        done.append(target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace_and_die)
        try:
            run.checkpoint(state(5)) if ending == "checkpoint" else run.finish()
            survived = True
        except Killed:
            survived = False
    run.close()
    assert survived == (ending == "finish" and after > 3)
    results = Results.open(tmp_path / "run")
    assert len(results.trials["trial"]) == (8 if after <= 2 else 10)
    if results.manifest.status == "running":
        resumed, found = RunWriter.resume(tmp_path / "run", EXPERIMENT)
        assert found["trial"] == (5 if ending == "checkpoint" and after == 4 else 4)
        with resumed:
            play(resumed, int(found["trial"]))
            resumed.finish()
        assert (tmp_path / "run" / "results.h5").read_bytes() == whole


def test_a_full_disk_is_one_error_and_keeps_the_last_checkpoint(tmp_path):
    """Catches a crash of the HDF5 library at exit, and an old file that is cut before the new one is whole.

    The limit on the size of a file stands for the full disk: both fail while bytes are being written.
    """
    path = tmp_path / "run"
    with create(path) as writer:
        play(writer, 0, 2)
    limit = (path / "results.h5").stat().st_size + 400
    child = start_child(path, "resume", limit)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 1, errors
    last = errors.strip().splitlines()[-1]
    assert last.startswith("spikerl.errors.FileError: writing") and "the old content stands" in last
    assert not list(path.glob("*.tmp"))
    results = Results.open(path)
    rows = len(results.trials["trial"])
    assert 4 <= rows < 2 * TRIALS
    finish = start_child(path, "resume")
    assert finish.wait(60) == 0, finish.communicate()[1]
    whole = write_run(tmp_path / "whole").joinpath("results.h5").read_bytes()
    assert (path / "results.h5").read_bytes() == whole


def test_a_checkpoint_that_failed_can_be_tried_again(tmp_path, monkeypatch):
    """Catches a writer that forgets, after an error, which files stand on the disk."""
    run = create(tmp_path / "run")
    play(run, 0, 3)
    for failing in ("results.h5", "checkpoint.h5", "manifest.json"):
        append(run, 3)
        with monkeypatch.context() as patch:
            replace = os.replace

            def refuse(source, target, name=failing, replace=replace):
                if str(target).endswith(name):
                    raise OSError(28, "No space left on device")
                replace(source, target)

            patch.setattr(os, "replace", refuse)
            with pytest.raises(FileError, match="No space left"):
                run.checkpoint(state(4))
        Results.open(tmp_path / "run")
        run.close()
        run, found = RunWriter.resume(tmp_path / "run", EXPERIMENT)
        assert found["trial"] == 3
    append(run, 3)
    with monkeypatch.context() as patch:
        patch.setattr(writer_module, "replace_whole", refusing_twice(writer_module.replace_whole))
        for _ in range(2):
            with pytest.raises(FileError, match="refused"):
                run.checkpoint(state(4))
            assert len(Results.open(tmp_path / "run").trials["trial"]) == 8
        run.checkpoint(state(4))
    run.close()
    results = Results.open(tmp_path / "run")
    assert len(results.manifest.sha256) == len(results.manifest.checkpoint) == 1


def refusing_twice(replace):
    """Return `replace`, but the first two writes of a checkpoint fail."""
    refused = []

    def write(path, content):
        if path.name == "checkpoint.h5" and len(refused) < 2:
            refused.append(path)
            raise FileError("refused")
        replace(path, content)

    return write
