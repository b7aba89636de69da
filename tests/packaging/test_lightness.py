"""The command line answers at once because nothing slow is imported before it is used."""

import subprocess
import sys

import pytest

SIMULATORS = ("brian2", "norse", "torch")
CLUSTERS = ("dask", "distributed")
MODULES = ("spikerl", "spikerl.cli", "spikerl.models", "spikerl.session", "spikerl.sweep", "spikerl.tasks")


@pytest.mark.parametrize("module", MODULES)
def test_import_loads_no_simulator(module):
    """Catches a simulator imported at module level: without it installed, spikerl would not start at all."""
    code = f"import sys, {module}; print(*sorted(set({SIMULATORS + CLUSTERS}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
