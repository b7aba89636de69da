"""The documents are true: their code runs as written, their commands exist, their tables are those of the code.

Python blocks run with Brian2 in its NumPy mode, since a document's circuit is new to the compiler each time.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from benchmarks.readme import shown
from spikerl.circuit import load_circuit
from spikerl.cli.program import app
from spikerl.experiment.acting_tables import ENVIRONMENTS, ActingRecord, LearningTable
from spikerl.experiment.data_tables import DATA
from spikerl.experiment.document import write
from spikerl.experiment.quantization_tables import DeviceTable, QuantizationTable
from spikerl.experiment.reading import shipped
from spikerl.experiment.tables import OnHardware, Protocol, Recording, Running
from spikerl.experiment.training_tables import (
    LayerQuantizationTable,
    NetworkTable,
    TrainingRecord,
    TrainingRun,
    TrainingTable,
)
from spikerl.registry import CIRCUITS, TASKS, registered
from spikerl.tasks import load_task
from tests.contract.running import interpreted
from tests.notebooks.documents import ROOT, Reader, blocks

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SECTION = re.compile(
    r"^## `\[(\w+)\]`(?: with `name = \"(\w+)\"`| where layers (learn|act))?\n(.*?)(?=^## |\Z)",
    re.MULTILINE | re.DOTALL,
)
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)
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


def test_fields_lists_every_key_with_its_default() -> None:
    """Catches a key that was added, renamed, removed, or given another default without a word to the user."""
    text = (ROOT / "docs" / "fields.md").read_text(encoding="utf-8")
    written = set()
    for table, name, learn, section in SECTION.findall(text):
        written |= {(f"{table} {name or learn}".strip(), key, default) for key, default in ROW.findall(section)}
    models = {f"circuit {name}": load_circuit(name).parameters for name in registered(CIRCUITS)}
    models |= {f"task {name}": load_task(name).parameters for name in registered(TASKS)}
    models |= {"protocol": Protocol, "run": Running, "record": Recording, "hardware": OnHardware}
    models |= {"quantization": QuantizationTable, "device": DeviceTable}
    models |= {f"data {name}": model for name, model in DATA.items()}
    models |= {"network": NetworkTable, "training": TrainingTable, "run learn": TrainingRun}
    models |= {"quantization learn": LayerQuantizationTable}
    models |= {"record learn": TrainingRecord, "learning": LearningTable, "record act": ActingRecord}
    models |= {f"environment {name}": model for name, model in ENVIRONMENTS.items()}
    there = {
        (table, key, _shown(field.default))
        for table, model in models.items()
        for key, field in model.model_fields.items()
        if (table.split()[0], key) not in {("circuit", "name"), ("task", "name")}
    }
    assert written == there


def _shown(default: object) -> str:
    """Return a default as a file would hold it; a key without a value has no place in TOML."""
    if default is PydanticUndefined:
        return "required"
    return "not given" if default is None else "`" + write({"t": {"k": default}}).split(" = ", 1)[1].strip() + "`"


@pytest.mark.parametrize(
    ("file", "heading", "spread"),
    [
        ("docs/evidence.json", "What it shows", "interval"),
        ("benchmarks/results.json", "How fast", "middle half"),
    ],
)
def test_readme_states_what_was_measured(file: str, heading: str, spread: str) -> None:
    """Catches a figure that was measured anew and not written down, a miss that is not called one."""
    measured = json.loads((ROOT / file).read_text(encoding="utf-8"))
    rows = {
        f"| {row['name'].split(' (n')[0]} | {_digits(row['value'])} | {_digits(row['low'])} to {_digits(row['high'])} "
        f"| {row['target']}{'' if row['holds'] else ': missed'} |"
        for row in (measured if heading == "How fast" else shown(measured))
    }
    section = (ROOT / "README.md").read_text(encoding="utf-8").split(f"## {heading}")[1].split("\n## ")[0]
    header = {f"| measure | value | {spread} | should be |", "|---|---|---|---|"}
    assert {line for line in section.splitlines() if line.startswith("|")} == rows | header
    if file == "docs/evidence.json":
        assert all(row["holds"] for row in shown(measured)), "the circuits must do what the README is about"
        text = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
        assert all(row["name"] in text and row["source"] in text for row in measured)
        assert text.count(": missed |") == sum(not row["holds"] for row in measured)


def _digits(value: float) -> str:
    return f"{value:.1e}" if 0 < abs(value) < 0.005 else f"{value:.2f}"


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
    commands |= {info.typer_instance.info.name for info in app.registered_groups}
    assert sorted(rows) == sorted(commands)


def test_readme_names_every_experiment_circuit_and_task() -> None:
    """Catches what is shipped and that nobody who reads README hears of."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Circuits and tasks")[1].split("\n## ")[0]
    named = set(re.findall(r"`([\w-]+)`", section))
    assert {*shipped(), *registered(CIRCUITS), *registered(TASKS)} <= named
