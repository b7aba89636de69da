"""Training layers that learn locally: ours against Norse with autograd on the same layers, and against snnTorch.

784-512-512 neurons with 10 outputs each, or convolutions; batches of 64, input spikes at 5 %, Adamax. Figures are how
many times longer a step of the other takes: seconds of one processor, not of the clock, in runs by turns. Where there
is a CUDA device, it says what both train there in a second.
``python benchmarks/dcll_training.py [--repeats N]``; without snnTorch its row is missing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from dcll_opponents import RATE, Norse, backpropagation, snntorch_version
from numpy.typing import NDArray
from pairs import Program, Timed, ratio
from rows import Row, printed

from spikerl.dcll import Convolution, Dense, Description, Network, Trainer, Training

BATCH, STEPS, SHARE, OUTPUTS = 64, 100, 0.05, 10
DENSE = Description((784,), (Dense(512), Dense(512)), OUTPUTS)
MAPS = Description((2, 16, 16), (Convolution(16, 3, pool=2), Convolution(32, 3, pool=2)), OUTPUTS)
STEP_BY_STEP = Training(rate=RATE, burn_in=0)
CHUNKS = Training(rate=RATE, burn_in=0, schedule="chunks", every=50)
BFLOAT16 = Training(rate=RATE, burn_in=0, precision="bfloat16")
BFLOAT16_INSTRUCTIONS = {"avx512_bf16", "amx_bf16"}


class Told:
    """What all are trained on: one batch of `spikes` bool [time, batch, ...], and `labels` without meaning."""

    def __init__(self, description: Description, steps: int = STEPS) -> None:
        draw = np.random.default_rng(1)
        self.labels = draw.integers(0, OUTPUTS, BATCH)
        self._spikes = draw.random((steps, BATCH, *description.inputs)) < SHARE

    def spikes(self, index: NDArray[np.int64], epoch: int = 0) -> NDArray[np.bool_]:
        """Return [time, batch, ...]."""
        return self._spikes[:, index]

    def tensors(self, device: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return spikes and labels there."""
        return torch.as_tensor(self._spikes).to(device), torch.as_tensor(self.labels).to(device)


def ours(description: Description, training: Training, device: str = "cpu") -> Program:
    """Return a batch of training with `spikerl.dcll`, from the same weights each time."""
    told, network = Told(description), Network(description, device=device)
    first = [[own.weight.clone(), own.bias.clone()] for own in network.parameters]
    trainer = Trainer(network, training)

    def run() -> Timed:
        with torch.no_grad():
            for own, (weight, bias) in zip(network.parameters, first, strict=True):
                own.weight.copy_(weight), own.bias.copy_(bias)
        return _timed(lambda: trainer.train(told), device)

    return run


def norse(description: Description, device: str = "cpu") -> Program:
    """Return the same with Norse and autograd."""
    spikes, labels = Told(description).tensors(device)
    opponent = Norse(Network(description, device=device))

    def run() -> Timed:
        opponent.again()
        return _timed(lambda: opponent.train(spikes, labels), device)

    return run


def through_time(description: Description) -> Program:
    """Return a batch of snnTorch's training."""
    spikes, labels = Told(description).tensors("cpu")
    train = backpropagation(Network(description))
    return lambda: _timed(lambda: train(spikes, labels), "cpu")


def _timed(run: Callable[[], object], device: str) -> Timed:
    """Return the seconds of the processor, or those of the clock on a device; without rates, which `alike` looks at."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    start = clock()
    run()
    if device != "cpu":
        torch.cuda.synchronize()
    return Timed(clock() - start, float("nan"))


def alike(description: Description) -> tuple[float, float]:
    """Return whether Norse's layers are ours: the share of spikes that differ, and the cosine of what two steps change.

    The last layer's, over 30 steps without learning; then the first layer's weights.
    """
    network = Network(description)
    opponent = Norse(network)
    before = network.parameters[0].weight.clone()
    spikes, labels = Told(description, 30).tensors("cpu")
    states, differ, said = network.silent(BATCH), 0.0, 0.0
    with torch.no_grad():
        for now in spikes:
            mine, its = network.advance(states, now.float())[-1].out, now.float()
            for layer in opponent.layers:
                its, _ = layer(its)
            differ, said = differ + float((mine != its).sum()), said + float(mine.sum())
    Trainer(network, STEP_BY_STEP).train(Told(description, 3))
    opponent.train(spikes[:3], labels)
    after = network.parameters[0].weight, opponent.layers[0].synapses.weight.detach()
    changes = [(weight - before).flatten() for weight in after]
    return differ / said, float(torch.nn.functional.cosine_similarity(*changes, dim=0))


def rows(repeats: int = 11) -> list[Row]:
    """Return all figures of this benchmark."""
    torch.set_num_threads(1)
    found = []
    theirs = "time of Norse with autograd over ours"
    cases = (
        (f"DCLL, 784-512-512, an update a step: {theirs}", DENSE, STEP_BY_STEP, 1.45),
        (f"DCLL, 784-512-512, chunks of 50 steps: {theirs}", DENSE, CHUNKS, 3.5),
        (f"DCLL, 784-512-512, bfloat16, an update a step: {theirs}", DENSE, BFLOAT16, 3.0),
        (f"DCLL, convolutions, an update a step: {theirs}", MAPS, STEP_BY_STEP, 1.8),
    )
    for name, description, training, target in cases:
        here, there = ours(description, training), norse(description)
        here(), there()
        differ, cosine = alike(description)
        row = ratio(name, here, there, repeats, target, simulated=STEPS / 1000)
        note = f"; spikes that differ before learning {differ:.1g}, cosine of the first changes {cosine:.4f}"
        if training is BFLOAT16:
            note += _instructions()
        note += "; times of the processor"
        found.append(row._replace(holds=row.holds and differ < 0.01 and cosine > 0.99, source=row.source + note))
    version = snntorch_version()
    if version is None:
        print("snnTorch is not there, its row is not measured: pip install snntorch")
    else:
        name = "DCLL, 784-512-512, an update a step: time of snnTorch's backpropagation over ours"
        here, there = ours(DENSE, STEP_BY_STEP), through_time(DENSE)
        here(), there()
        row = ratio(name, here, there, repeats, 1.45, simulated=STEPS / 1000)
        found.append(
            row._replace(source=f"{row.source}; times of the processor; snnTorch {version}, one update after all steps")
        )
    if torch.cuda.is_available():
        _on_cuda(repeats)
    return found


def _instructions() -> str:
    """Return what the processor has for bfloat16, and what its absence does."""
    information = Path("/proc/cpuinfo")
    flags = set(information.read_text(encoding="utf-8").split()) if information.is_file() else set()
    has = sorted(BFLOAT16_INSTRUCTIONS & flags)
    return f"; bfloat16 by {', '.join(has)}" if has else "; this processor has no bfloat16 instructions: emulated"


def _on_cuda(repeats: int) -> None:
    """Say what is trained in a second, on whole samples of so many steps."""
    name = torch.cuda.get_device_name()
    programs = {
        "ours, an update a step": ours(DENSE, STEP_BY_STEP, "cuda"),
        "ours, bfloat16, an update a step": ours(DENSE, BFLOAT16, "cuda"),
        "ours, chunks of 50 steps": ours(DENSE, CHUNKS, "cuda"),
        "Norse with autograd, an update a step": norse(DENSE, "cuda"),
    }
    for label, program in programs.items():
        program()
        seconds = float(np.median([program().seconds for _ in range(repeats)]))
        print(f"{name}, {label}: {BATCH / seconds:.0f} samples of {STEPS} steps a second")


def main() -> None:
    """Print the table, and where its figures come from."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=11)
    printed(rows(parser.parse_args().repeats))


if __name__ == "__main__":
    main()
