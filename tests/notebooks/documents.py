"""The fenced blocks of a document, and how each kind is executed.

A fence names the language, and after it what it is for: ``file=NAME`` is written to that file, ``run`` marks shell
lines that are really run, ``text`` is shown only. Blocks are executed in the order of the document, Python in one
namespace, in a folder of its own.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_group

from spikerl.backends import base
from spikerl.cli.program import app
from spikerl.errors import MissingSimulatorError
from spikerl.run import run

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(.*)$")


@dataclass(frozen=True)
class Block:
    """The `code` of one fence; `line` is the document's line before its first; `file` where it is to be written."""

    language: str
    file: str
    really: bool
    line: int
    code: str


def blocks(document: Path) -> list[Block]:
    """Return the fenced blocks of `document` in its order; a fence that is not closed is an error."""
    found: list[Block] = []
    lines = document.read_text(encoding="utf-8").splitlines()
    opened: int | None = None
    for number, line in enumerate(lines, 1):
        fence = _FENCE.match(line)
        if fence is None:
            continue
        if opened is None:
            opened = number
            continue
        language, _, rest = lines[opened - 1].removeprefix("```").partition(" ")
        words = rest.split()
        file = next((word.removeprefix("file=") for word in words if word.startswith("file=")), "")
        found.append(Block(language, file, "run" in words, opened, "\n".join(lines[opened : number - 1]) + "\n"))
        opened = None
    assert opened is None, f"{document}: the fence of line {opened} is not closed"
    return found


@dataclass
class Reader:
    """Follows one document as a reader would, in `folder`; `site` is where what it installs goes."""

    document: Path
    folder: Path
    site: Path
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "document"})

    def follow(self, block: Block) -> None:
        """Execute `block`; whatever it raises is the test's failure."""
        if block.file:
            path = self.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code, encoding="utf-8")
        elif block.language == "python":
            text = "\n" * block.line + _installed(block.code)  # so that a traceback names the document's line
            exec(compile(text, str(self.document), "exec", dont_inherit=True), self.names)
        elif block.language == "toml":
            path = self.folder / f"line-{block.line}.toml"
            path.write_text(block.code, encoding="utf-8")
            if "[data]" in block.code:
                pytest.importorskip("norse", reason="norse is not installed")
                run(path, instances=1, settings={"training.epochs": 0}, out=self.folder / path.stem)
            elif "[environment]" in block.code:
                pytest.importorskip("norse", reason="norse is not installed")
                run(path, instances=1, settings={"learning.decisions": 0}, out=self.folder / path.stem)
            else:
                run(path, backend="reference", instances=1, trials=1, out=self.folder / path.stem)
        elif block.language == "sh":
            for line in block.code.splitlines():
                self.shell(line, block.really)
        else:
            assert block.language == "text", f"{self.document}, line {block.line}: no such kind: {block.language!r}"

    def shell(self, line: str, really: bool) -> None:
        """Run a line or, unless `really`, hold it against the program that would take it."""
        program, *arguments = shlex.split(line, comments=True)
        if program == "make":
            subprocess.run(["make", "--dry-run", *arguments], cwd=ROOT, check=True, capture_output=True)
        elif not really:
            _parsed(program, arguments)
        else:
            command, folder = self._command(program, arguments)
            subprocess.run(command, cwd=folder, env=self._environment(), check=True)

    def _command(self, program: str, arguments: list[str]) -> tuple[list[str], Path]:
        if program == "pip":  # to a folder of its own, with the tools that are here
            assert arguments == ["install", "."], arguments
            options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(self.site)]
            return [sys.executable, "-m", "pip", "install", *options, "."], self.folder
        if program == "spikerl":
            return [sys.executable, "-m", "spikerl", *arguments], self.folder
        assert program == "python", program
        tests = arguments[:2] == ["-m", "pytest"]
        quietly = ["-q", "-p", "no:cacheprovider"] if tests else []
        return [sys.executable, *arguments, *quietly], ROOT if tests else self.folder

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(self.site), str(ROOT)])
        return os.environ | {"PYTHONPATH": path, "HYPOTHESIS_PROFILE": "document"}


def _parsed(program: str, arguments: list[str]) -> None:
    """Let the program's own parser read the options; it raises for one that does not exist or lacks its value."""
    assert program == "spikerl", f"{program} can only be run"
    group = get_group(app)
    name, *rest = arguments
    if name != "--help":
        group.commands[name].make_context(name, rest)


def _installed(code: str) -> str:
    """Return `code` with back ends whose simulator is not installed replaced by the reference."""
    for name in base.names():
        try:
            base.load(name)
        except MissingSimulatorError:
            code = code.replace(f'"{name}"', '"reference"')
    return code
