"""What ``spikerl doctor`` looks at: interpreter, compiler, back ends, devices, Lava.

Each back end is tried in a process of its own: an installation that is broken enough to end the interpreter is one of
the things to find.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from spikerl.backends import base
from spikerl.errors import MissingSimulatorError
from spikerl.hardware.lava.finding import find_python
from spikerl.hardware.lava.setup import environment

SECONDS = 120
_TRY_BACKEND = "import sys; from spikerl.backends.base import load; print(*load(sys.argv[1]).capabilities.needs)"
_TRY_DEVICES = """
import json, torch
found = ["cpu"] + [f"cuda:{k} ({torch.cuda.get_device_name(k)})" for k in range(torch.cuda.device_count())]
print(json.dumps(found + (["mps"] if torch.backends.mps.is_available() else [])))
"""


def examine() -> Iterator[str]:
    """Give one line for each thing looked at, and what to do where something is missing."""
    yield _line("spikerl", version("spikerl"))
    yield _line("python", f"{platform.python_version()}, {sys.executable}")
    yield _line("platform", f"{platform.platform()}, {os.cpu_count()} processors")
    compilers = [os.environ.get("CXX", ""), "c++", "g++", "clang++"]
    compiler = next((found for name in compilers if name and (found := shutil.which(name))), None)
    remedy = "missing: Brian2 falls back to slow NumPy code; install g++ or clang++"
    yield _line("compiler", compiler or remedy)
    for name in base.names():
        yield _line(f"back end {name}", _backend(name))
    yield _line("torch devices", _devices())
    yield _line("sweeps on a cluster", _cluster())
    yield _line("Lava", _lava())


def _backend(name: str) -> str:
    answer = _tried(_TRY_BACKEND, name)
    if answer.returncode:
        last = (answer.stderr.strip().splitlines() or [f"the interpreter ended with {answer.returncode}"])[-1]
        return f"missing: {last.partition(': ')[2] or last}"
    packages = [f"{package} {_version(package)}" for package in answer.stdout.split()]
    return f"ready{', with ' if packages else ''}{', '.join(packages)}"


def _devices() -> str:
    answer = _tried(_TRY_DEVICES)
    if answer.returncode:
        return "none; torch comes with: pip install 'spikerl[norse]'"
    return ", ".join(json.loads(answer.stdout))


def _cluster() -> str:
    try:
        return f"ready, with distributed {version('distributed')}"
    except PackageNotFoundError:
        return "missing: install it with: pip install 'spikerl[cluster]'"


def _lava() -> str:
    made = environment()
    if made is not None:
        return f"ready, in {made}"
    try:
        return f"missing: make its environment with: spikerl lava setup (it will use {find_python()})"
    except MissingSimulatorError as error:
        return f"missing: {error}; then: spikerl lava setup"


def _tried(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"no answer within {SECONDS} s")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


def _line(what: str, found: str) -> str:
    return f"{what:20s} {found}"
