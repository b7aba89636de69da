"""Sweeps on a dask cluster: two processes of this machine that share nothing with the one who asks but a connection."""

import asyncio
import json
import subprocess
import sys
import threading
import time

import psutil
import pytest

import spikerl as sp
from spikerl.errors import DescriptionError, FileError, RunError
from spikerl.experiment import read
from spikerl.sweep.cluster import FILES, connected, deliver, files_of
from spikerl.sweep.processes import Job
from tests.commands.programs import invoke, program, short
from tests.sweep.sweeps import OVER, alive, contents, logged, workers

distributed = pytest.importorskip("distributed", reason="distributed is not installed: pip install 'spikerl[cluster]'")
pytestmark = pytest.mark.xdist_group("cluster")

QUICK = {"run.trials": 2}
LONG = {"protocol.interval": "200ms"}
PROCESSES = {"threads_per_worker": 1, "processes": True, "dashboard_address": "127.0.0.1:0"}


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(n_workers=2, **PROCESSES) as found:
        yield found


@pytest.fixture(scope="module")
def client(cluster):
    with distributed.Client(cluster, set_as_default=False) as found:
        yield found


def kill_a_worker(killed):
    """Kill the first worker of the cluster that is in the middle of a point, and note its processes."""
    while not killed:
        for process in workers():
            results = [file.path for file in process.open_files() if file.path.endswith("log.txt")]
            if results:  # it has begun to write
                worker = process.parent()
                killed += [worker, process]
                worker.kill()
                return
        time.sleep(0.05)


def test_a_worker_that_is_killed_loses_nothing_and_doubles_nothing(tmp_path, cluster, monkeypatch):
    """Catches a point lost with its worker, one that is written twice, and other bytes than those of this machine."""
    path, out, seen, killed = short(tmp_path), tmp_path / "out", [], []
    here = sp.sweep(path, OVER, seeds=2, settings=LONG, out=tmp_path / "here")
    inodes, written = {}, []

    def note(at):
        seen.append((at.point, at.state))
        inodes[at.point] = [(out / at.point / name).stat().st_ino for name in FILES]

    def counted(job, files):
        written.append(job.name)
        deliver(job, files)

    monkeypatch.setattr(sys.modules["spikerl.sweep.cluster"], "deliver", counted)

    killer = threading.Thread(target=kill_a_worker, args=(killed,), daemon=True)
    killer.start()
    swept = sp.sweep(path, OVER, seeds=2, settings=LONG, out=out, scheduler=cluster.scheduler_address, progress=note)
    killer.join(60)
    worker, process = killed
    assert not worker.is_running() and not alive([process])  # nothing goes on without its worker
    names = [point.name for point in swept.points]
    assert sorted(seen) == [(name, "finished") for name in names] and len(names) == 4
    assert sorted(written) == names
    assert contents(swept) == contents(here)
    for point in swept.points:
        assert logged(out, f"{point.name} finished") == [f"{point.name} finished"]
        assert [(point.directory / name).stat().st_ino for name in FILES] == inodes[point.name]
        assert point.results().manifest.resumed == ()
    assert sorted(file.name for file in out.iterdir()) == [*names, "log.txt", "sweep.json"]


def test_a_task_is_a_function_of_its_text(tmp_path, client):
    """Catches a try that depends on what ran before it in its process, on the time, or on the worker."""
    text = read(short(tmp_path), QUICK).toml()
    one, two = client.gather([client.submit(files_of, text, key=f"try-{k}", pure=False) for k in range(2)])
    assert list(one) == list(FILES)
    for name in ("experiment.toml", "results.h5"):
        assert one[name] == two[name]
    assert one["experiment.toml"].decode() == text


def test_unfinished_points_are_run_anew_and_finished_ones_kept(tmp_path, cluster):
    """Catches a directory that is half of a run here and half of one on the cluster; an event loop is no hindrance."""
    path, out, address = short(tmp_path), tmp_path / "out", cluster.scheduler_address
    first = sp.sweep(path, OVER, settings=QUICK, out=out)
    whole = contents(first)
    for file in first.points[0].directory.iterdir():
        file.unlink()
    first.points[0].directory.rmdir()

    class Halt(Exception):
        pass

    def halt(_):
        raise Halt

    with pytest.raises(RunError):
        settings = {**QUICK, "circuit.tau_elig": "200 ms"}
        sp.run(path, settings=settings, out=first.points[0].directory, progress=halt)
    seen = []

    async def in_a_notebook():
        return sp.sweep(path, OVER, settings=QUICK, out=out, scheduler=address, progress=seen.append)

    again = asyncio.run(in_a_notebook())
    assert contents(again) == whole and [at.state for at in seen] == ["kept", "finished"]
    found = again.points[0].results().manifest
    assert found.resumed == () and found.status == "finished" and len(list(out.iterdir())) == 4


def test_a_point_that_fails_there_says_why(tmp_path, cluster, client):
    """Catches a failure on a worker that reaches the user as a trace, or not at all."""
    lost = client.submit(files_of, "[circuit]", pure=False)
    with pytest.raises(RunError, match="circuit.name: got 'nothing'"):
        lost.result()
    recorded = tmp_path / "recorded.csv"
    rows = [f"1,80/20,{trial},0.8,0.2,0,1" for trial in range(4)]
    recorded.write_text("\n".join(["block,schedule,trial,p_circle,p_square,choice,reward", *rows]) + "\n")
    text = read(short(tmp_path), {"task.blocks": str(recorded), **QUICK}).toml()
    recorded.unlink()
    with pytest.raises(RunError, match="recorded.csv: got 'No such file"):
        client.submit(files_of, text, pure=False).result()


def test_what_comes_back_is_checked_and_written_whole_or_not_at_all(tmp_path):
    """Catches files that were damaged on their way, and the run of another experiment taken for this one."""
    path = short(tmp_path)
    run = sp.run(path, settings=QUICK, out=tmp_path / "run").path
    files, text = {name: (run / name).read_bytes() for name in FILES}, read(path, QUICK).toml()
    place = tmp_path / "sweep" / "1-seed3"
    place.parent.mkdir()
    job = Job("1-seed3", text, place)
    damaged = bytearray(files["results.h5"])
    damaged[len(damaged) // 2] ^= 1
    version = files["manifest.json"].replace(b'"spikerl": "', b'"spikerl": "9')
    for wrong, said in (
        ({"results.h5": bytes(damaged)}, "SHA-256"),
        ({"experiment.toml": files["experiment.toml"] + b"\n"}, "SHA-256"),
        ({"manifest.json": files["manifest.json"].replace(b'"finished"', b'"running"')}, "status"),
        ({"manifest.json": version}, "spikerl: got '90.1.0'"),
        ({"manifest.json": b"{}"}, "manifest.json"),
    ):
        with pytest.raises(FileError, match=said):
            deliver(job, {**files, **wrong})
    with pytest.raises(FileError, match="experiment: got"):
        deliver(job._replace(text=read(path, {**QUICK, "run.seed": 4}).toml()), files)
    with pytest.raises(FileError, match="results.h5"):
        deliver(job, {name: content for name, content in files.items() if name != "results.h5"})
    assert not list(place.parent.iterdir())
    place.mkdir()
    (place / "results.h5").write_text("what was there")
    deliver(job, files)
    assert {file.name: file.read_bytes() for file in place.iterdir()} == files
    assert list(place.parent.iterdir()) == [place]


SABOTAGE = """
import sys
sys.path[:] = [{folder!r}, *(place for place in sys.path if "site-packages" not in place and place != {root!r})]
"""


@pytest.mark.parametrize(("version", "said"), [("9.9", "got '9.9'; allowed: 0.1.0"), (None, "got 'no spikerl'")])
def test_workers_with_another_spikerl_are_refused(tmp_path, version, said):
    """Catches points that are run by another program than the user's, or fail one by one for the lack of it."""
    if version:
        (tmp_path / "spikerl-9.9.dist-info").mkdir()
        (tmp_path / "spikerl-9.9.dist-info" / "METADATA").write_text(f"Name: spikerl\nVersion: {version}\n")
    with distributed.LocalCluster(n_workers=1, **PROCESSES) as cluster:
        with distributed.Client(cluster, set_as_default=False) as client:
            client.run(exec, SABOTAGE.format(folder=str(tmp_path), root=str(sp.__path__[-1])), {})
        with pytest.raises(DescriptionError) as caught:
            sp.sweep(short(tmp_path), OVER, out=tmp_path / "out", scheduler=cluster.scheduler_address)
    assert "spikerl of worker tcp://" in str(caught.value) and said in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_cluster_without_workers_is_refused(tmp_path):
    """Catches a sweep that waits for ever."""
    with distributed.LocalCluster(n_workers=0, **PROCESSES) as cluster:
        with pytest.raises(DescriptionError, match="one worker at least; start one with: dask worker tcp://"):
            sp.sweep(short(tmp_path), OVER, out=tmp_path / "out", scheduler=cluster.scheduler_address)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "address", ["", "nowhere", "localhost", "http://localhost:8786", "localhost:port", "tls://localhost:9"]
)
def test_what_is_no_address_is_refused(tmp_path, address):
    """Catches a trace of dask in the place of a message, and a directory made for nothing."""
    options = ("--over", "circuit.tau_elig=200 ms,500 ms", "--out", tmp_path / "out")
    done = invoke("sweep", short(tmp_path), *options, "--scheduler", address)
    assert done.exit_code == 2 and "the address of a dask scheduler that is running" in done.stderr
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "out").exists()


def test_where_nobody_answers_the_program_says_so(tmp_path):
    """Catches a wait for minutes, and noise of a client that is left half open."""
    options = ("--over", "circuit.tau_elig=200 ms,500 ms", "--out", "out", "--scheduler", "tcp://127.0.0.1:1")
    done = program("sweep", short(tmp_path), *options, cwd=tmp_path)
    assert done.returncode == 2 and "Timed out trying to connect to tcp://127.0.0.1:1 after 5 s" in done.stderr
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "out").exists()


def test_a_scheduler_that_is_lost_ends_the_sweep(tmp_path, caplog):
    """Catches a sweep that waits for a scheduler that is gone, or shows the traces of dask; what has come by then
    stays, and the rest goes on with the same command."""
    path, out, seen = short(tmp_path), tmp_path / "out", []
    (tmp_path / "cluster").mkdir()
    file = tmp_path / "cluster" / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    options = ["--scheduler-file", str(file), "--dashboard-address", "127.0.0.1:0"]
    commands = [
        [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", *options],
        [*dask, "worker", "--nthreads", "1", "--no-nanny", *options],
    ]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    parts = [subprocess.Popen(command, cwd=file.parent, **quiet) for command in commands]
    try:
        while not file.exists():
            assert parts[0].poll() is None
            time.sleep(0.05)
        address = json.loads(file.read_text())["address"]
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=60)

        def lose(at):
            seen.append(at.state)
            parts[0].kill()

        sizes = {"circuit.tau_elig": ["200 ms"], "run.trials": [2, 2_000_000]}  # the second would take days
        with pytest.raises(RunError, match="was lost; the same command goes on"):
            sp.sweep(path, sizes, out=out, scheduler=address, progress=lose)
    finally:
        there = workers()
        for part in parts:
            part.kill()
            part.wait()
    assert [point.state for point in sp.Sweep.open(out).points] == ["finished", "unfinished"]
    assert seen == ["finished"] and not alive(there)
    assert "distributed.client" not in {entry.name for entry in caplog.records}


def test_without_distributed_the_program_says_how_to_get_it(tmp_path, monkeypatch):
    """Catches a command line that needs dask where no cluster is asked for, and a trace where one is."""
    # A module of that name that cannot be imported stands in front of the real one.
    text = "raise ModuleNotFoundError(\"No module named 'distributed'\", name='distributed')\n"
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "distributed.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "hidden"))
    options = ("--over", "circuit.tau_elig=200 ms,500 ms", "--trials", "1", "--out", "out")
    refused = program("sweep", short(tmp_path), *options, "--scheduler", "tcp://127.0.0.1:8786", cwd=tmp_path)
    assert refused.returncode == 2 and "pip install 'spikerl[cluster]'" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1 and not (tmp_path / "out").exists()
    done = program("sweep", short(tmp_path), *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_nobody_is_left_behind(cluster):
    """Catches processes of tasks that were withdrawn or lost."""
    assert not [process for process in workers() if process.status() != psutil.STATUS_ZOMBIE]
    with connected(cluster.scheduler_address):
        pass
