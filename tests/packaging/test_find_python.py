"""What `make` says on a machine that lacks something: one line that names it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.tree import ROOT

FINDER = ROOT / ".ci" / "find-python"


def _find(path, **variables):
    environment = {"PATH": str(path), **variables}
    return subprocess.run(
        ["/bin/sh", str(FINDER)], env=environment, capture_output=True, text=True, check=False
    )


def _python(folder: Path, answers: str) -> None:
    """Write a python3 that runs this Python, but for code in `answers` (branches of a `case`)."""
    _program(folder, "python3", f'case "$2" in {answers} esac; exec {sys.executable} "$@"')


def _program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


@pytest.fixture
def programs(tmp_path):
    """Return a folder to be the whole PATH, with this Python as python3 and a compiler."""
    _program(tmp_path, "python3", f'exec {sys.executable} "$@"')
    _program(tmp_path, "g++", "exit 0")
    return tmp_path


def test_finds_the_python_that_runs(programs):
    """Catches a shim without an interpreter behind it, taken because its name is on the PATH."""
    _program(programs, "python3.13", "exit 0")
    os.rename(programs / "python3", programs / "python3.12")
    _program(programs, "python3", "echo 'command not found' >&2; exit 127")
    _program(programs, "python3.13", "exit 127")
    assert _find(programs).stdout.strip() == "python3.12"


@pytest.mark.parametrize(
    ("missing", "variables", "said"),
    [
        ("python3", {}, "no Python 3.11 or newer among: python3 python3.13 python3.12 python3.11"),
        ("", {"PYTHON": "/no/such/python"}, "no Python 3.11 or newer among: /no/such/python"),
        ("g++", {}, "no C++ compiler among: c++ g++ clang++"),
        ("", {"CXX": "no-such-compiler"}, "no C++ compiler among: no-such-compiler"),
    ],
)
def test_says_in_one_line_what_is_missing(programs, missing, variables, said):
    """Catches an installation that goes on for minutes and then fails in a compiler's output."""
    if missing:
        (programs / missing).unlink()
    done = _find(programs, **variables)
    assert done.returncode == 1 and done.stdout == ""
    assert said in done.stderr and done.stderr.count("\n") == 1


def test_says_that_the_venv_module_is_missing(programs):
    """Catches Debian's Python without python3-venv, which fails half-way through making the environment."""
    _python(programs, "*ensurepip*) exit 1;;")
    done = _find(programs)
    assert done.returncode == 1 and "no venv module" in done.stderr and done.stderr.count("\n") == 1


def test_says_that_the_headers_are_missing(programs):
    """Catches Debian's Python without python3-dev, on which Brian2's generated code does not compile."""
    _python(programs, "*sysconfig*) echo /no/headers; exit;;")
    done = _find(programs)
    assert done.returncode == 1 and "no C headers" in done.stderr and done.stderr.count("\n") == 1
