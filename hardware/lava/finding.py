"""A Python 3.10 that really starts: Lava 0.10 runs on no other."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from spikerl.errors import MissingSimulatorError, message

VARIABLE = "SPIKERL_LAVA_PYTHON"
SECONDS = 30
_ASK = "import sys; print('%d.%d' % sys.version_info[:2], flush=True); import ensurepip, venv"
_REMEDY = (
    "install it with one of: uv python install 3.10; pyenv install 3.10; conda create -n python3.10 python=3.10; "
    f"or name its program in {VARIABLE}"
)


def find_python() -> Path:
    """Return the first of `candidates` that starts, is Python 3.10 and can make environments.

    Each is executed: a `python3.10` on the PATH may be a shim with no interpreter behind it. Raises
    `MissingSimulatorError`, which says what was tried, and why each was passed over.
    """
    refused = []
    for candidate in candidates():
        reason = _refusal(candidate)
        if not reason:
            return candidate
        refused.append(f"{candidate} {reason}")
    tried = f"tried: {'; '.join(refused)}; " if refused else ""
    where = VARIABLE if os.environ.get(VARIABLE) else "the Python for Lava"
    allowed = "a Python 3.10 that starts and has the modules venv and ensurepip"
    raise MissingSimulatorError(message(where, os.environ.get(VARIABLE) or None, allowed, tried + _REMEDY))


def candidates() -> Iterator[Path]:
    """Give every program that may be a Python 3.10, each once, untried.

    The one that SPIKERL_LAVA_PYTHON names, and then no other; else `python3.10` in the folders of the PATH, those of
    pyenv (newest first), uv's, those of conda environments.
    """
    named = os.environ.get(VARIABLE)
    if named:
        yield Path(shutil.which(named) or named).expanduser().absolute()
        return
    seen = set()
    for path in _everywhere():
        if path not in seen and path.is_file() and os.access(path, os.X_OK):
            seen.add(path)
            yield path


def _everywhere() -> Iterator[Path]:
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if folder:
            yield Path(folder).absolute() / "python3.10"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for version in sorted((pyenv / "versions").glob("3.10*"), key=_numbers, reverse=True):
        yield version / "bin" / "python"
    uv = shutil.which("uv")
    if uv:
        found = _answer(uv, "python", "find", "3.10")
        if found is not None and found.returncode == 0 and found.stdout.strip():
            yield Path(found.stdout.strip())
    for environment in _conda_environments():
        yield environment / "bin" / "python3.10"


def _conda_environments() -> Iterator[Path]:
    """Give the active environment, those beside conda itself, and those that conda has noted for this user."""
    if os.environ.get("CONDA_PREFIX"):
        yield Path(os.environ["CONDA_PREFIX"])
    conda = os.environ.get("CONDA_EXE") or shutil.which("conda")
    if conda:
        root = Path(conda).absolute().parent.parent
        yield root
        yield from sorted((root / "envs").glob("*"))
    try:
        noted = (Path.home() / ".conda" / "environments.txt").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):  # no conda, or none that this user has used
        return
    yield from (Path(line.strip()) for line in noted if line.strip())


def _numbers(path: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", path.name))


def _refusal(python: Path) -> str:
    """Say why `python` cannot be used; nothing where it can."""
    answer = _answer(str(python), "-I", "-c", _ASK)
    version = answer.stdout.strip() if answer is not None else ""
    if answer is None or not re.fullmatch(r"\d+\.\d+", version):
        return "does not start"
    if version != "3.10":
        return f"is Python {version}"
    return "has no venv or no ensurepip" if answer.returncode else ""


def _answer(*command: str) -> subprocess.CompletedProcess[str] | None:
    """Return what a program says; None where it cannot be executed or says nothing in time."""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL,
            timeout=SECONDS, check=False,
        )  # fmt: skip
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
