"""A Python 3.10 is found where one starts, and Lava's environment is made of it once, whole or not at all."""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from spikerl.cli.examination import examine
from spikerl.errors import MissingSimulatorError, RunError
from spikerl.hardware.emulation.emulator import Emulator
from spikerl.hardware.lava.finding import VARIABLE, candidates, find_python
from spikerl.hardware.lava.setup import LAVA, READY, DownloadError, Recipe, environment, set_up
from spikerl.hardware.machine import FixedWindow
from spikerl.hardware.program import Connection, Input, Neurons, Program
from tests.commands.programs import invoke

PIN = re.compile(r"([a-z0-9-]+)==([0-9.]+)((?: --hash=sha256:[0-9a-f]{64})+)")


def _program(path, script):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A machine without any Python 3.10: all that is looked at lies in `tmp_path`, and is empty."""
    for name in (VARIABLE, "PYENV_ROOT", "CONDA_PREFIX", "CONDA_EXE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", os.pathsep.join(str(tmp_path / name) for name in ("shims", "bin")))
    return tmp_path


@pytest.fixture
def recipe(bare, monkeypatch):
    """An environment of one small wheel, made by this Python, which says that it is 3.10; no index is asked."""
    python = _program(bare / "python", f'[ "$2" = -c ] && {{ echo 3.10; exit; }}; exec {sys.executable} "$@"')
    monkeypatch.setenv(VARIABLE, str(python))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(bare))
    digest = _wheel(bare / "seven-1.0-py3-none-any.whl")
    lock = bare / "requirements.lock"
    lock.write_text(f"seven==1.0 --hash=sha256:{digest}\n", encoding="utf-8")
    return Recipe(lock, "import json, seven; print(json.dumps([seven.value]))", [7])


def _wheel(path):
    contents = {
        "seven.py": "value = 7\n",
        "seven-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: seven\nVersion: 1.0\n",
        "seven-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "seven-1.0.dist-info/RECORD,,\n"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in contents.items():
            wheel.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record += f"{name},sha256={digest},{len(text)}\n"
        wheel.writestr("seven-1.0.dist-info/RECORD", record)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_does_not_start_is_passed_over(bare):
    """Catches a shim taken because its name is on the PATH, another version, and one that can make no environment."""
    _program(bare / "shims" / "python3.10", "echo 'command not found' >&2; exit 127")
    _program(bare / "bin" / "python3.10", "echo 3.12")
    versions = bare / "home" / ".pyenv" / "versions"
    good = _program(versions / "3.10.9" / "bin" / "python", "echo 3.10")
    _program(versions / "3.10.13" / "bin" / "python", "echo 3.10; exit 1")
    assert find_python() == good
    (bare / "shims" / "python3.10").write_text("no program", encoding="utf-8")
    assert find_python() == good
    _program(bare / "bin" / "python3.10", "echo 3.10")
    assert find_python() == bare / "bin" / "python3.10"


def test_candidates_come_in_their_order(bare, monkeypatch):
    """Catches pyenv's oldest taken for its newest, 3.10.9 for newer than 3.10.13, and a conda that goes before it."""
    on_path = _program(bare / "bin" / "python3.10", "echo 3.10")
    versions = bare / "home" / ".pyenv" / "versions"
    pyenv = [_program(versions / name / "bin" / "python", "echo 3.10") for name in ("3.10.13", "3.10.9", "3.10.2")]
    for other in ("3.9.18", "3.11.7", "3.1.0"):
        _program(versions / other / "bin" / "python", "echo 3.10")
    of_uv = _program(bare / "uv" / "python3.10", "echo 3.10")
    _program(bare / "bin" / "uv", f"echo {of_uv}")
    monkeypatch.setenv("CONDA_PREFIX", str(bare / "conda"))
    of_conda = _program(bare / "conda" / "bin" / "python3.10", "echo 3.10")
    expected = [on_path, *pyenv, of_uv, of_conda]
    assert list(candidates()) == expected
    for k, refuses in enumerate(expected):
        assert find_python() == refuses
        _program(refuses, "exit 127")
        assert list(candidates()) == expected, f"what refuses to start, candidate {k}, is still tried"
    with pytest.raises(MissingSimulatorError) as caught:
        find_python()
    told = [str(caught.value).index(f"{path} does not start") for path in expected]
    assert told == sorted(told)


@pytest.mark.parametrize("where", ["uv", "noted by conda", "beside conda", "active conda"])
def test_looks_where_tools_put_pythons(bare, monkeypatch, where):
    """Catches a place that is named in the documents and not looked at."""
    root = bare / "conda"
    python = _program(root / "envs" / "lava" / "bin" / "python3.10", "echo 3.10")
    if where == "uv":
        _program(bare / "bin" / "uv", f'[ "$*" = "python find 3.10" ] && echo {python}')
    elif where == "noted by conda":
        (bare / "home" / ".conda").mkdir(parents=True)
        (bare / "home" / ".conda" / "environments.txt").write_text(f"/no/such/place\n{root}/envs/lava\n")
    elif where == "beside conda":
        monkeypatch.setenv("CONDA_EXE", str(root / "bin" / "conda"))
    else:
        monkeypatch.setenv("CONDA_PREFIX", str(root / "envs" / "lava"))
    assert find_python() == python


def test_without_a_python_one_message_says_what_was_tried_and_how_to_get_one(bare):
    """Catches a failure deep in an installation, and a doctor that ends with it."""
    shim = _program(bare / "shims" / "python3.10", "exit 127")
    other = _program(bare / "bin" / "python3.10", "echo 3.11")
    done = invoke("lava", "setup")
    assert done.exit_code == 2 and done.stdout == "" and done.stderr.count("\n") == 1
    for said in (f"{shim} does not start", f"{other} is Python 3.11", "uv python install 3.10", VARIABLE):
        assert said in done.stderr
    assert not (bare / "data").exists()
    line = next(line for line in examine() if line.startswith("Lava "))
    assert "missing: the Python for Lava" in line and line.endswith("then: spikerl lava setup")


def test_the_python_that_is_named_is_the_only_one(bare, monkeypatch):
    """Catches another Python taken without a word in the place of the one that the user named."""
    _program(bare / "bin" / "python3.10", "echo 3.10")
    monkeypatch.setenv(VARIABLE, str(_program(bare / "mine", "exit 1")))
    with pytest.raises(MissingSimulatorError, match=f"{VARIABLE}: got '{bare}/mine'"):
        find_python()
    monkeypatch.setenv(VARIABLE, "also-mine")
    named = _program(bare / "bin" / "also-mine", "echo 3.10")
    assert find_python() == named


def test_two_who_ask_at_once_make_one(recipe):
    """Catches two installations into one folder, and a second call that installs again."""
    assert environment(recipe) is None
    said = [[], []]
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda heard: set_up(heard.append, recipe), said))
    assert made[0] == made[1] == environment(recipe) == recipe.folder / "bin" / "python"
    assert sorted(any("installing seven 1.0" in line for line in heard) for heard in said) == [False, True]
    again = []
    assert set_up(again.append, recipe) == made[0] and again == [f"Lava is set up: {made[0]}"]
    value = subprocess.run([made[0], "-I", "-c", recipe.trial], capture_output=True, text=True, check=True).stdout
    assert json.loads(value) == [7]
    made[0].unlink()
    made[0].symlink_to("/no/such/python")
    assert environment(recipe) is None, "the Python behind it was removed"


def test_a_half_made_one_is_made_anew(recipe):
    """Catches an interrupted installation that is taken for a whole one, or that the next one is laid over."""
    left = recipe.folder / "lib" / "left"
    left.parent.mkdir(parents=True)
    left.touch()
    _program(recipe.folder / "bin" / "python", "exit 1")
    assert environment(recipe) is None
    set_up(lambda line: None, recipe)
    assert environment(recipe) and not left.exists()


def test_another_file_than_the_locked_one_is_refused(recipe, bare):
    """Catches an installation that does not ask for the digests."""
    _wheel(bare / "seven-1.0-py3-none-any.whl")
    with zipfile.ZipFile(bare / "seven-1.0-py3-none-any.whl", "a") as wheel:
        wheel.writestr("more.py", "")
    with pytest.raises(RunError, match="(?s)pip for Lava's environment failed.*(?i:hash)"):
        set_up(lambda line: None, recipe)
    assert environment(recipe) is None


@pytest.fixture
def offline(recipe, bare, monkeypatch):
    """The same on a machine whose package index does not answer."""
    (bare / "seven-1.0-py3-none-any.whl").unlink()
    monkeypatch.delenv("PIP_NO_INDEX")
    for name, value in (("CONFIG_FILE", os.devnull), ("INDEX_URL", "http://127.0.0.1:9/simple"), ("RETRIES", "1")):
        monkeypatch.setenv(f"PIP_{name}", value)
    return recipe


def test_an_index_that_does_not_answer_is_named(offline, monkeypatch):
    """Catches a machine without a network told that a version does not exist, or nothing but what pip printed."""
    with pytest.raises(DownloadError, match=r"^no package index answers \(\w*Connection\w*\): pip for Lava's"):
        set_up(lambda line: None, offline)
    assert environment(offline) is None
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(DownloadError, match=r"no package index answers \(PIP_NO_INDEX is set\)"):
        set_up(lambda line: None, offline)


def test_an_index_that_answers_is_no_missing_network(offline, bare, monkeypatch):
    """Catches a package that no index has, or a file that is another, taken for a machine without a network."""

    class Empty(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(404)

        def log_message(self, *said):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
            with pytest.raises(RunError, match="No matching distribution") as caught:
                set_up(lambda line: None, offline)
            assert not isinstance(caught.value, DownloadError)
        finally:
            server.shutdown()
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    _wheel(bare / "seven-1.0-py3-none-any.whl")
    offline.requirements.write_text(f"seven==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    with pytest.raises(RunError, match="(?i)hash") as caught:
        set_up(lambda line: None, offline)
    assert not isinstance(caught.value, DownloadError)


def test_a_machine_without_a_network_skips_what_needs_lava(offline):
    """Catches tests of Lava that fail where it cannot be loaded, and a skip that does not say why."""
    which = f"{__file__}::test_the_environment_holds_what_the_lock_says"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", which]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    assert done.returncode == 0 and "1 skipped" in done.stdout, done.stdout
    assert "no package index answers" in done.stdout


@pytest.mark.parametrize(
    ("trial", "said"),
    [("print('[8]')", r"got \[8\]; allowed: \[7\]"), ("print('no')", "got 'no"), ("raise OSError('x')", "OSError: x")],
)
def test_an_environment_whose_trial_fails_is_not_ready(recipe, trial, said):
    """Catches an environment that installs well and computes something else."""
    with pytest.raises(RunError, match=said):
        set_up(lambda line: None, replace(recipe, trial=trial))
    assert environment(recipe) is None and not (recipe.folder / READY).exists()


def test_the_lock_names_exact_versions_and_digests():
    """Catches a package without its digest, at any version, or bound to one place to load it from."""
    text = LAVA.requirements.read_text(encoding="utf-8")
    logical = re.sub(r" \\\n +", " ", re.sub(r"(?m)^#.*\n", "", text)).splitlines()
    pins = [PIN.fullmatch(line) for line in logical]
    assert all(pins), [line for line, pin in zip(logical, pins, strict=True) if not pin]
    versions = {pin[1]: pin[2] for pin in pins}
    assert len(versions) == len(pins) and versions["lava-nc"] == "0.10.0"
    assert int(versions["numpy"].split(".")[0]) < 2


def test_the_trial_is_known_from_the_definition():
    """Catches an answer that was copied from a Lava that computes otherwise: the emulator gives the same integers."""
    heard = np.array([[1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0], [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]])
    weight = np.array([[40, -20], [10, 30], [-6, 64]]).T
    pre, post = (index.ravel() for index in np.indices((2, 3)))
    dense = Connection("dense", "in", "out", pre, post, weight.ravel(), np.zeros(6, np.int64), exponent=-1)
    program = Program({"in": Input("in", 2)}, {"out": Neurons("out", 3, 400, 200, 60, 2, 3)}, {}, {"dense": dense})
    run = Emulator(program).run(FixedWindow(12, {"in": heard.T[:, None]}), ("out",))
    spikes = run.spikes["out"][:, 0].T.astype(int).tolist()
    assert [*spikes, run.u["out"][-1, 0].tolist(), run.v["out"][-1, 0].tolist()] == LAVA.known


@pytest.mark.xdist_group("lava")
def test_the_environment_holds_what_the_lock_says(lava_python):
    """Catches an environment of another Python, or with a package more or less than the lock has."""
    names = "sorted({found.metadata['Name'] for found in distributions()})"
    listed = f"import sys; from importlib.metadata import distributions; print(*sys.version_info[:2], *{names})"
    done = subprocess.run([lava_python, "-I", "-c", listed], capture_output=True, text=True, check=True)
    locked = re.findall(r"(?m)^([\w-]+)==", LAVA.requirements.read_text(encoding="utf-8"))
    assert done.stdout.split() == ["3", "10", *sorted({*locked, "pip", "setuptools"})]
