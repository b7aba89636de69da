"""Training needs as much memory for 500 steps as for 25, beside the input: nothing is kept from step to step.

Catches: states, spikes, membranes or graphs that are held until the batch ends, on either schedule.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("norse", reason="norse is not installed")

MOST = {"steps": 5.0, "chunks": 15.0}
"""In MiB. What chunks take goes with their spikes, and the first 25 steps, from rest, have the fewest."""
LAYER = 64 * 256 * 4 * 475 / 2**20
"""What 475 more steps of a single tensor of the smaller layer would take."""
PROGRAM = """
import json, pathlib, sys
import numpy as np
import torch
from spikerl.dcll import Dense, Description, Network, Trainer, Training

torch.set_num_threads(1)
schedule, every = sys.argv[1], int(sys.argv[2])
network = Network(Description((784,), (Dense(512), Dense(256)), 10))
trainer = Trainer(network, Training(schedule=schedule, every=every))
spikes = np.random.default_rng(0).random((500, 64, 784), dtype=np.float32) < 0.05  # in memory, whole, in all runs
targets = np.eye(10)[np.zeros(500, dtype=int)]

def peak(steps):
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
    trainer.follow(spikes[:steps], targets[:steps])
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

peak(25)
print(json.dumps([peak(25), peak(500)]))
"""


@pytest.mark.parametrize(("schedule", "every"), [("steps", 1), ("chunks", 25)])
def test_memory_does_not_grow_with_time(schedule: str, every: int) -> None:
    """The high-water mark of a process of its own, in MiB."""
    if not os.access("/proc/self/clear_refs", os.W_OK):
        pytest.skip("the high-water mark of memory cannot be set back here")
    command = [sys.executable, "-c", PROGRAM, schedule, str(every)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    output = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    few, many = json.loads(output.splitlines()[-1])
    assert many - few <= MOST[schedule] < LAYER, (few, many)
