"""The documents are true: their code runs as written, their commands exist, their tables are those of the code.

Python blocks run with Brian2 in its NumPy mode, since a document's circuit is new to the compiler each time.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

from spikerl.cli.program import app
from tests.contract.running import interpreted
from tests.notebooks.documents import ROOT, Reader, blocks

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)#\s]+)\)")
NAMES = [str(document.relative_to(ROOT)) for document in DOCUMENTS]


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_block_runs(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches an example that a change of the code has left behind."""
    folder, site = tmp_path / "work", tmp_path / "site"
    folder.mkdir()
    site.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    reader = Reader(document, folder, site)
    with interpreted("brian2"):
        for block in blocks(document):
            importlib.invalidate_caches()
            reader.follow(block)


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_link_leads_somewhere(document: Path) -> None:
    """Catches a file that was moved or renamed."""
    for link in LINK.findall(document.read_text(encoding="utf-8")):
        if not link.startswith("https://"):
            assert (document.parent / link).exists(), f"{document.name}: {link}"


def test_architecture_names_every_module_and_no_other() -> None:
    """Catches a module that was added, moved or removed without a word in the house's plan."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:spikerl|models|hardware)/[\w/]+\.py)`", text))
    folders = (ROOT / "spikerl", ROOT / "models", ROOT / "hardware")
    there = {str(path.relative_to(ROOT)) for folder in folders for path in folder.rglob("*.py")}
    assert named == {path for path in there if (ROOT / path).read_text(encoding="utf-8").count("\n") > 1}


def test_readme_lists_every_command() -> None:
    """Catches a command without its row in the table."""
    rows = re.findall(r"^\| `spikerl (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    commands = {info.name or info.callback.__name__ for info in app.registered_commands if info.callback}
    assert sorted(rows) == sorted(commands)
