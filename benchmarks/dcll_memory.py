"""What training on 500 steps takes in memory over training on 25: ours, and backpropagation through time with Norse.

784-512-512 neurons with 10 outputs, a batch of 64. The high-water mark of a process of its own for each, set back
before each run; the input of 500 steps, 24 MiB, is there in all runs and so not counted.
``python benchmarks/dcll_memory.py [--repeats N]``; Linux alone has what it needs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rows import Row, printed

FEW, MANY = 25, 500
MOST = 5.0
INPUTS, UNITS, OUTPUTS, BATCH, SHARE = 784, 512, 10, 64, 0.05
_RESET, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def local() -> Callable[[NDArray[np.bool_]], object]:
    """Return our training, an update a step."""
    from spikerl.dcll import Dense, Description, Network, Trainer, Training

    trainer = Trainer(Network(Description((INPUTS,), (Dense(UNITS), Dense(UNITS)), OUTPUTS)), Training())
    return lambda spikes: trainer.follow(spikes, np.eye(OUTPUTS)[np.zeros(len(spikes), dtype=int)])


def through_time() -> Callable[[NDArray[np.bool_]], object]:
    """Return the same layers of Norse's cells, trained through time."""
    import torch
    from norse.torch import LICell, LIFCell
    from torch import nn

    sizes = (INPUTS, UNITS, UNITS, OUTPUTS)
    synapses = nn.ModuleList(nn.Linear(*pair) for pair in zip(sizes, sizes[1:], strict=False))
    neurons = [LIFCell(), LIFCell(), LICell()]
    optimiser = torch.optim.Adamax(synapses.parameters())
    labels = torch.zeros(BATCH, dtype=torch.long)

    def train(spikes: NDArray[np.bool_]) -> None:
        states, loss = [None] * len(neurons), torch.zeros(())
        for now in torch.as_tensor(spikes):
            said = now.float()
            for place, (synapse, neuron) in enumerate(zip(synapses, neurons, strict=True)):
                said, states[place] = neuron(synapse(said), states[place])
            loss = loss + nn.functional.cross_entropy(said, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return train


WAYS = {"local": local, "through time": through_time}


def peaks(way: str) -> list[float]:
    """Return the high-water marks of both lengths in MiB, in this process; a run of the first goes before."""
    import torch

    torch.set_num_threads(1)
    train = WAYS[way]()
    spikes = np.random.default_rng(0).random((MANY, BATCH, INPUTS), dtype=np.float32) < SHARE
    train(spikes[:FEW])
    found = []
    for steps in (FEW, MANY):
        _RESET.write_text("5", encoding="ascii")
        train(spikes[:steps])
        found.append(int(_STATUS.read_text(encoding="ascii").partition("VmHWM:")[2].split()[0]) / 1024)
    return found


def rows(repeats: int = 3) -> list[Row]:
    """Return all figures of this benchmark."""
    if not os.access(_RESET, os.W_OK):
        print("The high-water mark of memory cannot be set back here, its rows are not measured")
        return []
    extra = {}
    for way in WAYS:
        command = [sys.executable, str(Path(__file__).resolve()), "--way", way]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        runs = [
            json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout)
            for _ in range(repeats)
        ]
        extra[way] = [many - few for few, many in runs]
    low, value, high = (float(q) for q in np.percentile(extra["local"], (25, 50, 75)))
    theirs = float(np.median(extra["through time"]))
    name = f"DCLL, 784-512-512: MiB for {MANY} steps over those for {FEW}"
    source = f"an update a step; backpropagation through time with Norse's cells {theirs:.0f} MiB; {repeats} processes"
    return [Row(name, value, low, high, f"<= {MOST:g}", value <= MOST, source)]


def main() -> None:
    """Print the table, or, in a process of its own, the two marks of one way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--way", choices=list(WAYS), help="measure it here")
    chosen = parser.parse_args()
    if chosen.way:
        print(json.dumps(peaks(chosen.way)))
    else:
        printed(rows(chosen.repeats))


if __name__ == "__main__":
    main()
