"""A run that was stopped, by an error, by the keyboard, or by the system, goes on to the bytes it would have had."""

import os
import signal
import subprocess
import time

import pytest

import spikerl as sp
from spikerl.errors import FileError, RunError
from tests.commands.programs import command, invoke, program, short


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    return (sp.run(short(folder), out=folder / "out").path / "results.h5").read_bytes()


class Halt(Exception):
    """What stops a run in these tests."""


def halt_after(trials):
    def progress(at):
        if at.done == trials:
            raise Halt

    return progress


@pytest.mark.parametrize("trials", [1, 2, 5])  # before the first checkpoint, at it, past the second
def test_a_run_that_failed_goes_on_to_the_same_bytes(tmp_path, unbroken, trials):
    path, out = short(tmp_path), tmp_path / "out"
    with pytest.raises(RunError, match="--resume"):
        sp.run(path, out=out, progress=halt_after(trials))
    assert sp.Results.open(out).manifest.status == "failed"
    played = []
    resumed = sp.run(path, out=out, resume=True, progress=lambda at: played.append(at.done))
    assert played[0] == trials // 2 * 2 + 1  # from the last checkpoint, not from the beginning
    assert resumed.manifest.status == "finished"
    assert (out / "results.h5").read_bytes() == unbroken


def stopped(folder, number):
    """Start a run of its own process and send it the signal `number` in its fourth trial or later."""
    out = folder / "out"
    arguments = ("run", short(folder), "--out", "out", "--set", "protocol.interval=400ms")
    process = subprocess.Popen(command(*arguments), cwd=folder, stderr=subprocess.PIPE, text=True)
    while not (out / "checkpoint.h5").exists() and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, number)
    _, stderr = process.communicate(timeout=60)
    return arguments, process.returncode, stderr


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_killed_goes_on_to_the_same_bytes(tmp_path, number):
    arguments, code, stderr = stopped(tmp_path, number)
    out = tmp_path / "out"
    if number == signal.SIGINT:
        assert code == 130 and stderr.splitlines()[-1].startswith("stopped; go on with: spikerl run")
        assert "--resume" in stderr and "Traceback" not in stderr
    else:
        assert code == -signal.SIGKILL
    assert 0 < len(sp.Results.open(out).trials["better"]) < 12
    again = program(*arguments, "--resume", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    whole = program(*arguments[:-4], "--out", "whole", *arguments[-2:], cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    assert (out / "results.h5").read_bytes() == (tmp_path / "whole" / "results.h5").read_bytes()


def test_another_experiment_cannot_go_on_with_a_run(tmp_path):
    path, out = short(tmp_path), tmp_path / "out"
    with pytest.raises(RunError):
        sp.run(path, out=out, progress=halt_after(3))
    refused = invoke("run", path, "--seed", "4", "--out", out, "--resume")
    assert refused.exit_code == 2 and "seed = 4" in refused.stderr and "seed = 3" in refused.stderr


def test_what_is_no_stopped_run_cannot_be_resumed(tmp_path):
    path, out = short(tmp_path), tmp_path / "out"
    refused = invoke("run", path, "--out", out, "--resume")
    assert refused.exit_code == 2 and str(out) in refused.stderr and not out.exists()
    sp.run(path, trials=1, out=out)
    with pytest.raises(FileError, match="finished"):
        sp.run(path, trials=1, out=out, resume=True)
