"""Making a run's directory, going on in it, and keeping others out of it."""

import os

import pytest

from spikerl.errors import FileError
from spikerl.results import Results, RunFacts, RunWriter
from tests.files.small_runs import EXPERIMENT, append, contents, create, play, start_child, write_run


@pytest.mark.parametrize("kind", ["full", "file", "run", "dangling"])
def test_an_existing_directory_is_refused_and_left_as_it_was(tmp_path, kind):
    """Catches a new run that mixes its files with others, or writes over an old one."""
    path = tmp_path / "run"
    if kind == "full":
        path.mkdir()
        (path / "thesis.txt").write_text("mine")
    elif kind == "file":
        path.write_text("mine")
    elif kind == "run":
        write_run(path)
    else:
        path.symlink_to(tmp_path / "nowhere")
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with pytest.raises(FileError, match=r"new or empty directory; resume it \(--resume\), or give another"):
        create(path)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_an_empty_directory_and_missing_parents_are_taken(tmp_path):
    """Catches a refusal of what holds nothing."""
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "a" / "b" / "run"):
        create(path).close()
        assert Results.open(path).manifest.status == "running"


def test_a_relative_directory_is_taken(tmp_path, monkeypatch):
    """Catches a path that is read from another folder than it was written to."""
    monkeypatch.chdir(tmp_path)
    create("run").close()
    assert Results.open("run").trials["trial"].size == 0 and os.listdir() == ["run"]


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    """Catches a traceback, and a folder left half made."""
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="place to write"):
        create(tmp_path / "file" / "run")


@pytest.mark.parametrize("text", ["a = ", "a = 1\na = 2", "a" + ".a" * 200 + " = 1"])
def test_a_run_of_no_experiment_is_refused(tmp_path, text):
    """Catches a run that could not be read back."""
    with pytest.raises(FileError, match=r"experiment\.toml"):
        RunWriter.create(tmp_path / "run", text, RunFacts(1, "brian2"), contents())
    assert list(tmp_path.iterdir()) == []


def test_another_experiment_is_not_resumed(tmp_path):
    """Catches a run of which one half was played by other rules; the first line that differs is named."""
    with create(tmp_path / "run") as writer:
        play(writer, 0, 2)
    with pytest.raises(FileError, match=r"line 5: got 'seed = 8'; allowed: 'seed = 7', as the run began"):
        RunWriter.resume(tmp_path / "run", EXPERIMENT.replace("seed = 7", "seed = 8"))
    for other in (EXPERIMENT + "\n", EXPERIMENT[:-1], ""):
        with pytest.raises(FileError, match="as the run began"):
            RunWriter.resume(tmp_path / "run", other)
    RunWriter.resume(tmp_path / "run", EXPERIMENT).writer.close()


def test_what_is_no_unfinished_run_is_not_resumed(tmp_path):
    """Catches rows added to a finished run, and a log left behind in a folder that is no run."""
    with pytest.raises(FileError, match="finished"):
        RunWriter.resume(write_run(tmp_path / "run"), EXPERIMENT)
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "absent"):
        with pytest.raises(FileError, match="manifest"):
            RunWriter.resume(path, EXPERIMENT)
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_failed_run_says_why_and_can_be_resumed(tmp_path):
    """Catches a reason that is lost, and a failure that throws its checkpoints away."""
    with create(tmp_path / "run") as writer:
        play(writer, 0, 3)
        append(writer, 3)
        writer.fail("weights of cue_to_d1 are not finite")
    results = Results.open(tmp_path / "run")
    assert results.manifest.status == "failed" and len(results.trials["trial"]) == 6
    assert results.manifest.failure == "weights of cue_to_d1 are not finite" and results.manifest.ended
    writer, state = RunWriter.resume(tmp_path / "run", EXPERIMENT)
    with writer:
        assert state["trial"] == 3
        manifest = Results.open(tmp_path / "run").manifest
        assert (manifest.status, manifest.failure, manifest.ended) == ("running", None, None)


def test_a_run_has_one_writer(tmp_path):
    """Catches two processes that write one run between each other; the lock goes with the process."""
    child = start_child(tmp_path / "run", "create")
    try:
        assert child.stdout.readline() == "ready\n"
        with pytest.raises(FileError, match="no other process writes|finished"):
            RunWriter.resume(tmp_path / "run", EXPERIMENT)
    finally:
        child.kill()
        child.communicate()
    with create(tmp_path / "mine"), pytest.raises(FileError, match="no other process writes"):
        RunWriter.resume(tmp_path / "mine", EXPERIMENT)
    RunWriter.resume(tmp_path / "mine", EXPERIMENT).writer.close()


def test_log_lines_are_single_lines_with_their_time(tmp_path):
    """Catches a line that breaks the log in two."""
    with create(tmp_path / "run") as writer:
        writer.log("trial 1\n  of 80")
    time, text = (tmp_path / "run" / "log.txt").read_text().split(" ", 1)
    assert text == "trial 1 of 80\n" and time.endswith("+00:00")
