"""Lava's own environment: a side interpreter in the user's data folder, made once from locked requirements."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import platformdirs

from spikerl.errors import FileError, RunError, UnsupportedError, message
from spikerl.files import read_whole, replace_whole, sha256
from spikerl.hardware.lava.finding import find_python

if sys.platform != "win32":
    import fcntl

READY = "spikerl-ready"
SECONDS = 120  # for the trial, which takes about one
_LIMIT = 1 << 20
_BROKEN = re.compile(r"connection broken by '(\w+)|Max retries exceeded with url: \S+ \(Caused by (\w+)")
# Two inputs, a Dense and three LIF neurons in fixed point: the spikes of twelve steps, then u and v.
_TRIAL = """
import json
import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF

source = Source(data=np.array([[1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0], [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]]))
dense = Dense(weights=np.array([[40, -20], [10, 30], [-6, 64]]), weight_exp=-1)
lif = LIF(shape=(3,), du=400, dv=200, vth=60, bias_mant=2, bias_exp=3)
sink = Sink(shape=(3,), buffer=12)
source.s_out.connect(dense.s_in)
dense.a_out.connect(lif.a_in)
lif.s_out.connect(sink.a_in)
lif.run(condition=RunSteps(12), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
found = sink.data.get().astype(int).tolist() + [lif.u.get().astype(int).tolist(), lif.v.get().astype(int).tolist()]
lif.stop()
print(json.dumps(found))
"""
_KNOWN = [
    [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0],
    [0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0],
    [0, 0, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1],
    [1084, 3758, 5915],
    [1100, 3774, 0],
]


class DownloadError(RunError):
    """The packages of Lava's environment cannot be loaded: no package index answers."""


@dataclass(frozen=True)
class Recipe:
    """What an environment is made of: the file of its locked `requirements`; a `trial`, and what it must print."""

    requirements: Path
    trial: str
    known: object

    @property
    def folder(self) -> Path:
        """Where this environment lies: other requirements are another environment."""
        content = read_whole(self.requirements, _LIMIT, "requirements")
        return platformdirs.user_data_path("spikerl") / "lava" / sha256(content)[:12]


LAVA = Recipe(Path(__file__).with_name("requirements.lock"), _TRIAL, _KNOWN)


def environment(recipe: Recipe = LAVA) -> Path | None:
    """Return the side interpreter that has been set up, or None. Looks at files only, and starts nothing."""
    return _made(recipe.folder)


def set_up(report: Callable[[str], None], recipe: Recipe = LAVA) -> Path:
    """Make the environment where it is not there yet, and return its interpreter; `report` hears each step.

    It is built in place, since environments cannot be moved, and marked at the end: a half-made one is built anew.
    Others who ask meanwhile wait. Raises `MissingSimulatorError` where there is no Python 3.10, `DownloadError` where
    no package index answers, `RunError` where an installation or the trial fails, `FileError` where the user's data
    folder cannot be written.
    """
    if sys.platform == "win32":
        raise UnsupportedError(message("Lava", "Windows", "Linux or macOS", "the emulator runs the same programs"))
    folder = recipe.folder
    made = _made(folder)
    if made is None:
        python = find_python()
        try:
            with _alone(folder, report) as lock:
                made = _made(folder) or _build(python, folder, recipe, lock, report)
        except OSError as error:
            raise FileError(message(f"Lava's environment {folder}", str(error), "a place to write")) from error
    report(f"Lava is set up: {made}")
    return made


def _made(folder: Path) -> Path | None:
    python = folder / "bin" / "python"  # a link, which leads nowhere when the Python behind it was removed
    return python if (folder / READY).is_file() and python.exists() else None


@contextlib.contextmanager
def _alone(folder: Path, report: Callable[[str], None]) -> Iterator[IO[bytes]]:
    """Hold the lock of `folder`; the system lets go of it when the last process that has the file open ends."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("waiting for another process that sets Lava up")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def _build(python: Path, folder: Path, recipe: Recipe, lock: IO[bytes], report: Callable[[str], None]) -> Path:
    if folder.exists():
        report(f"removing a half-made environment: {folder}")
        shutil.rmtree(folder)
    report(f"making an environment of {python}: {folder}")
    _install(lock, python, "venv", str(folder))
    made = folder / "bin" / "python"
    names = re.findall(r"^([\w.-]+)==(\S+)", recipe.requirements.read_text(encoding="utf-8"), re.MULTILINE)
    report(f"installing {', '.join(f'{name} {version}' for name, version in names) or 'nothing'}")
    exactly = ("--require-hashes", "--no-deps", "--only-binary=:all:")
    _install(lock, made, *("pip", "install", "--quiet", *exactly, "-r", str(recipe.requirements)))
    report("trying it")
    _try(made, recipe)
    replace_whole(folder / READY, b"")
    return made


def _install(lock: IO[bytes], python: Path, module: str, *arguments: str) -> None:
    """Run a module of `python`. It keeps the lock too: killed alone, we leave nobody beside it who builds as well."""
    command = [str(python), "-I", "-m", module, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, check=False,
        pass_fds=(lock.fileno(),), env=os.environ | {"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )  # fmt: skip
    if done.returncode:
        said = done.stdout + done.stderr
        cause = _unanswered(said)
        failure = _failure(f"{module} for Lava's environment", said)
        raise DownloadError(f"no package index answers ({cause}): {failure}") if cause else failure


def _unanswered(said: str) -> str:
    """Return why nothing was heard of a package; nothing where an index answered, whatever it said."""
    if os.environ.get("PIP_NO_INDEX", "0") not in ("", "0") and "(from versions: none)" in said:
        return "PIP_NO_INDEX is set"
    broken = _BROKEN.findall(said)
    silent = "(from versions: none)" in said or "Max retries exceeded" in said
    return "".join(broken[-1]) if broken and silent else ""


def _try(python: Path, recipe: Recipe) -> None:
    """Run the trial in a group of processes that ends with it: Lava starts several, and may hang with one broken."""
    command = [str(python), "-I", "-c", recipe.trial]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        errors="replace", start_new_session=True,
    ) as process:  # fmt: skip
        try:
            output, faults = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise _failure("a trial of Lava's environment", f"no end within {SECONDS} s") from None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        raise _failure("a trial of Lava's environment", faults)
    try:
        found = json.loads(output)
    except ValueError:
        found = output
    if found != recipe.known:
        allowed = f"{recipe.known}, which the definition gives"
        raise RunError(message("a trial of Lava's environment", found, allowed, "Lava computes wrongly here"))


def _failure(what: str, output: str) -> RunError:
    said = [line for line in output.splitlines() if line.strip()]
    tail = "\n  ".join(said[-8:]) or "no word of why"
    return RunError(f"{what} failed; the same command tries again from the start. It said:\n  {tail}")
