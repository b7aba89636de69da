"""Sweeps on processes of this machine: what they write, and what becomes of them when something is killed."""

import contextlib
import json
import os
import signal
import subprocess
import time

import psutil
import pytest

import spikerl as sp
from spikerl.errors import FileError, RunError
from spikerl.results.runlog import RunLog
from spikerl.sweep.record import runs
from tests.commands.programs import command, invoke, program, short
from tests.sweep.sweeps import OVER, SLOW, alive, contents, logged, workers


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """The bytes of the points of the slow sweep, as `run` makes them one after another in this process."""
    folder = tmp_path_factory.mktemp("slow")
    path, found = short(folder), []
    for tau_elig in OVER["circuit.tau_elig"]:
        settings = {**SLOW, "circuit.tau_elig": tau_elig}
        run = sp.run(path, settings=settings, out=folder / tau_elig).path
        found.append([(run / name).read_bytes() for name in ("experiment.toml", "results.h5")])
    return found


def test_every_point_is_the_run_that_the_command_run_makes(tmp_path):
    """Catches a setting or seed that does not reach its point, points mixed up, and one written twice."""
    path, out, seen = short(tmp_path), tmp_path / "out", []
    over = {**OVER, "task.reversal_window": ["[4, 8]"]}
    swept = sp.sweep(path, over, seeds=2, trials=3, out=out, workers=2, progress=seen.append)
    assert [point.state for point in swept.points] == ["finished"] * 4
    assert sorted(file.name for file in out.iterdir() if file.is_dir()) == [point.name for point in swept.points]
    for point in swept.points:
        whole = tmp_path / "whole" / point.name
        given = {key: tuple(value) if isinstance(value, list) else value for key, value in point.settings.items()}
        run = sp.run(path, trials=3, seed=point.seed, settings=given, out=whole)
        assert sorted(file.name for file in point.directory.iterdir()) == sorted(file.name for file in whole.iterdir())
        for name in ("experiment.toml", "results.h5"):
            assert (point.directory / name).read_bytes() == (whole / name).read_bytes()
        found = point.results()
        assert found.manifest.resumed == () and found.manifest.status == "finished"
        assert found.experiment == run.experiment and found.experiment["run"]["seed"] == point.seed
        assert logged(out, f"{point.name} finished") == [f"{point.name} finished"]
    ended = [at for at in seen if at.state == "finished"]
    assert sorted(at.point for at in ended) == [point.name for point in swept.points]
    assert [at.done for at in ended] == list(range(1, 5)) and {at.points for at in seen} == {4}
    assert swept.axes == {**OVER, "task.reversal_window": [[4, 8]], "run.seed": [3, 4]}
    assert sp.Sweep.open(out) == swept and not workers()


def test_a_sweep_that_is_there_is_kept_and_another_one_refused(tmp_path):
    """Catches finished points that are run again, and points of two sweeps in one directory."""
    path, out, seen = short(tmp_path), tmp_path / "out", []
    first = sp.sweep(path, OVER, trials=2, out=out)
    before = {file: file.stat() for file in out.rglob("*") if file.parent != out}
    again = sp.sweep(path, OVER, trials=2, out=out, progress=seen.append)
    assert [at.state for at in seen] == ["kept", "kept"] and again == first
    for other in (
        {"over": {"circuit.tau_elig": ["200 ms", "600 ms"]}},
        {"over": {"circuit.tau_elig": ["500 ms", "200 ms"]}},
        {"over": {"circuit.tau_elig": ["200 ms"]}},
        {"over": OVER, "seeds": 2},
        {"over": OVER, "trials": 3},
    ):
        with pytest.raises(FileError, match="give another directory"):
            sp.sweep(path, **{"trials": 2, **other}, out=out)
    held = RunLog(out)
    with pytest.raises(FileError, match="another writer"):  # two sweeps at a time
        sp.sweep(path, OVER, trials=2, out=out)
    held.close()
    assert {file: file.stat() for file in before} == before
    assert sp.Sweep.open(out) == first


def test_a_process_that_is_killed_loses_no_point(tmp_path, slow, monkeypatch):
    """Catches a sweep that ends, hangs or leaves a point out when the system kills a process; and one that begins the
    point anew where a checkpoint stands. Processes have one thread, but for what the user has said."""
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    killed, seen = [], []

    def kill_one(at):
        seen.append(at)
        if not killed and at.state == "running" and at.share >= 0.5:
            (worker,) = workers()
            killed.append(worker.environ())
            worker.kill()

    swept = sp.sweep(short(tmp_path), OVER, settings=SLOW, out=tmp_path / "out", workers=1, progress=kill_one)
    assert list(contents(swept).values()) == slow
    assert (killed[0]["OMP_NUM_THREADS"], killed[0]["OPENBLAS_NUM_THREADS"]) == ("3", "1")
    first, second = swept.points
    assert [at.point for at in seen if at.state == "again"] == [first.name]
    assert [at.point for at in seen if at.state == "finished"] == [first.name, second.name]
    assert "signal SIGKILL; try 2 of 3" in (swept.path / "log.txt").read_text()
    assert (len(first.results().manifest.resumed), len(second.results().manifest.resumed)) == (1, 0)
    assert not workers()


def test_a_point_whose_processes_die_again_and_again_stops_no_other(tmp_path, slow):
    """Catches a point that is tried for ever, and a sweep that stops at it or hides it at the end."""
    path, out, killed = short(tmp_path), tmp_path / "out", []

    def kill(at):
        if at.state == "running" and at.point == "1-tau_elig=200ms-seed3":
            killed.append([worker.kill() for worker in workers()])

    with pytest.raises(RunError) as caught:
        sp.sweep(path, OVER, settings=SLOW, out=out, workers=1, progress=kill)
    assert len(killed) == 3 and "1 of 2 points" in str(caught.value)
    assert "1-tau_elig=200ms-seed3: its process ended 3 times, the last time with signal SIGKILL" in str(caught.value)
    left = sp.Sweep.open(out)
    assert [point.state for point in left.points] == ["failed", "finished"]
    seen = []
    swept = sp.sweep(path, OVER, settings=SLOW, out=out, workers=1, progress=seen.append)  # the same once more
    assert list(contents(swept).values()) == slow
    assert [(at.state, at.point[0]) for at in seen if at.state != "running"] == [("kept", "2"), ("finished", "1")]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_sweep_that_is_killed_leaves_no_process_and_goes_on(tmp_path, slow, number):
    """Catches processes that go on alone, and a directory with which the same command does not go on."""
    arguments = ("sweep", short(tmp_path), "--over", "circuit.tau_elig=200 ms,500 ms", "--workers", "2", "--out", "out")
    arguments += ("--set", "protocol.interval=400ms")
    process = subprocess.Popen(command(*arguments), cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    out = tmp_path / "out"
    while len(list(out.glob("*/checkpoint.h5"))) < 2 and process.poll() is None:
        time.sleep(0.01)
    there = workers(process.pid)
    assert len(there) == 2
    os.kill(process.pid, number)
    _, stderr = process.communicate(timeout=60)
    assert not alive(there)
    if number == signal.SIGINT:
        assert process.returncode == 130 and "Traceback" not in stderr
        assert stderr.splitlines()[-1].startswith("stopped; go on with: spikerl sweep")
    else:
        assert process.returncode == -signal.SIGKILL
    assert [point.state for point in sp.Sweep.open(out).points] == ["unfinished", "unfinished"]
    again = program(*arguments, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    swept = sp.Sweep.open(out)
    assert list(contents(swept).values()) == slow
    assert [len(point.results().manifest.resumed) for point in swept.points] == [1, 1]
    assert len(logged(out, "goes on from its last checkpoint")) == 2


def test_a_process_in_the_middle_of_a_trial_ends_with_its_parent(tmp_path):
    """Catches a process that finds out only when it next has something to say, up to hours later."""
    arguments = ("--seeds", "2", "--workers", "2", "--set", "protocol.interval=60s", "--out", "out")
    process = subprocess.Popen(command("sweep", short(tmp_path), *arguments), cwd=tmp_path, stderr=subprocess.DEVNULL)
    there = []
    try:
        while len(there) < 2 or any(worker.cpu_times().user < 1.5 for worker in there):  # past its imports
            assert process.poll() is None
            there = workers(process.pid)
            time.sleep(0.01)
        process.kill()
        assert process.wait(60) == -signal.SIGKILL and not alive(there, 20)  # a trial takes a minute or more
    finally:
        process.kill()
        for worker in there:
            with contextlib.suppress(psutil.Error):
                worker.kill()
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["log.txt", "sweep.json"]


def test_the_program_says_how_each_point_stands(tmp_path):
    """Catches a failed point without its reason, in the table, in the object or in the exit code."""
    arguments = ("sweep", short(tmp_path), "--over", "circuit.tau_elig=200 ms,500 ms", "--trials", "2", "--out", "out")
    done = program(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "point 2 of 2" in done.stderr and "\x1b" not in done.stdout + done.stderr
    table = [line.split() for line in done.stdout.splitlines()]
    assert table[0] == ["circuit.tau_elig", "run.seed", "P(better)"] and table[1][:3] == ["200", "ms", "3"]
    swept = sp.Sweep.open(tmp_path / "out")
    better = swept.points[1].results().trials["better"].mean()
    assert f"{better:.3f}, 95" in done.stdout.splitlines()[2]

    first = swept.points[0].directory  # a point that cannot be written
    for file in first.iterdir():
        file.unlink()
    first.rmdir()
    first.write_text("something else")
    failed = program(*arguments, "--json", cwd=tmp_path)
    assert failed.returncode == 1 and "1 of 2 points" in failed.stderr and "Traceback" not in failed.stderr
    one, two = json.loads(failed.stdout)["points"]
    assert (one["state"], two["state"]) == ("failed", "finished") and "new or empty directory" in one["failure"]
    assert two["settings"] == {"circuit.tau_elig": "500 ms"} and two["better"]["value"] == pytest.approx(better)
    first.unlink()
    whole = program(*arguments, "--json", cwd=tmp_path)
    assert whole.returncode == 0 and whole.stderr == ""
    facts = json.loads(whole.stdout)
    assert facts["axes"] == {"circuit.tau_elig": ["200 ms", "500 ms"], "run.seed": [3]} and facts["directory"] == "out"
    assert [point["state"] for point in facts["points"]] == ["finished"] * 2


def test_a_sweep_is_reported_as_a_whole(tmp_path):
    """Catches ``report DIR/*`` that stumbles over the files between the runs, and points left out without a word."""
    out = tmp_path / "out"
    swept = sp.sweep(short(tmp_path), OVER, trials=2, out=out)
    directories = [point.directory for point in swept.points]
    everything = sorted(out.iterdir())
    assert {out / "log.txt", out / "sweep.json"} < set(everything)
    for chosen in ([out], everything, [out / "sweep.json"], directories, [*directories, out]):
        assert runs(chosen) == (directories, [])
    assert runs([tmp_path / "other", directories[1], out])[0] == [tmp_path / "other", *directories[::-1]]
    record = out / "sweep.json"
    record.write_text(record.read_text().replace('"state":"finished"', '"state":"unfinished"', 1))
    done = invoke("report", out)
    assert done.exit_code == 0 and f"left out: {directories[0]} is unfinished" in done.stderr
    assert runs([out / "report.html"]) == runs([out]) == (directories[1:], [sp.Sweep.open(out).points[0]])
    record.write_text(record.read_text().replace('"state":"finished"', '"state":"failed"'))
    with pytest.raises(FileError, match="no finished point"):
        runs([out])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"format": 1', '"format": 2'),
        ('"name":"1-', '"name":"../1-'),
        ('"state":"finished"', '"state":"done"'),
        ('"seed":3', '"seed":"3"'),
        ('"points": [', '"point": ['),
        ("{", ""),
    ],
)
def test_a_damaged_record_is_refused(tmp_path, old, new):
    """Catches a name that leads out of the directory, and anything else that is not what a sweep has written."""
    (tmp_path / "sweep.json").write_text(RECORD.replace(old, new, 1))
    with pytest.raises(FileError, match="sweep.json"):
        sp.Sweep.open(tmp_path)
    assert invoke("report", tmp_path).exit_code == 2


RECORD = """{
  "format": 1,
  "experiment": "short",
  "axes": {},
  "points": [
    {"name":"1-seed3","settings":{},"seed":3,"experiment":"%s","state":"finished","failure":null}
  ]
}
""" % ("0" * 64)


def test_what_is_no_sweep_is_not_opened(tmp_path):
    """Catches a bare error of the system in the place of a message."""
    with pytest.raises(FileError, match="the directory of a sweep"):
        sp.Sweep.open(tmp_path)
    (tmp_path / "sweep.json").write_text(RECORD)
    swept = sp.Sweep.open(tmp_path)
    assert swept.point("1-seed3").name == "1-seed3"
    with pytest.raises(FileError, match="did you mean '1-seed3'"):
        swept.point("1-seed4")
    with pytest.raises(FileError):
        swept.points[0].results()
