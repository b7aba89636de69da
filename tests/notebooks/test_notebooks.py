"""Every notebook runs from its first cell to its last, and its own assertions hold.

Notebooks are kept as text without outputs; the kernel is the interpreter that runs the tests, whatever kernels the
machine has.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jupytext
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from spikerl.backends import base
from spikerl.errors import MissingSimulatorError
from tests.notebooks.documents import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
KERNEL = "tests"
SECONDS_A_CELL = 300


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_notebook_runs(notebook: Path, tmp_path: Path) -> None:
    """Catches a notebook that the code has left behind, and a claim in it that no longer holds."""
    try:
        base.load("norse")
    except MissingSimulatorError as error:
        pytest.skip(str(error))
    folder = tmp_path / "kernels" / KERNEL
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": KERNEL, "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    kernels = KernelSpecManager(kernel_dirs=[str(tmp_path / "kernels")])
    manager = AsyncKernelManager(kernel_name=KERNEL, kernel_spec_manager=kernels)
    book = jupytext.read(notebook)
    client = NotebookClient(book, km=manager, timeout=SECONDS_A_CELL, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs), "no cell draws"


def test_there_is_a_notebook_and_none_has_outputs() -> None:
    """Catches a notebook that was saved as .ipynb, outputs and all, where the tests would not run it."""
    assert NOTEBOOKS and not list((ROOT / "notebooks").glob("*.ipynb"))
