"""What products in bfloat16 cost in accuracy: the handwritten digits of scikit-learn, learned in both precisions.

Two dense layers of 128, the same seeds for both; the accuracy is that of the last layer on digits by other writers,
told with float32. The figure is the mean difference, its interval from the least to the largest of the seeds.
``python benchmarks/dcll_precision.py [--seeds N] [--epochs N]``.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import torch
from rows import Row, printed

from spikerl.datasets import DigitsSettings, RateCode, load_dataset
from spikerl.dcll import Dense, Description, Filters, Network, Readout, Trainer, Training

LEAST = -0.01
TRAINING = Training(rate=1e-3, keep=0.9, burn_in=10, every=2)
FILTERS = Filters("10 ms", "4 ms", "2.5 ms")


def accuracy(training: Training, seed: int, epochs: int) -> float:
    """Return the share of test digits that the last layer tells."""
    data = load_dataset("digits", DigitsSettings(RateCode("600 Hz"), window="60 ms"), seed)
    layers = (Dense(128), Dense(128))
    network = Network(Description(data.train.shape, layers, data.train.classes, FILTERS, Readout(12.0), 2.0), seed)
    trainer = Trainer(network, training, seed)
    for _ in range(epochs):
        trainer.train(data.train)
    return float(trainer.evaluate(data.test).accuracy()[-1])


def rows(seeds: int = 3, epochs: int = 8) -> list[Row]:
    """Return all figures of this benchmark."""
    torch.set_num_threads(1)
    both = TRAINING, replace(TRAINING, precision="bfloat16")
    found = np.array([[accuracy(training, seed, epochs) for training in both] for seed in range(seeds)])
    differences = found[:, 1] - found[:, 0]
    value = float(differences.mean())
    full, small = found.mean(axis=0)
    source = f"{full:.1%} in float32, {small:.1%} with products in bfloat16; {seeds} seeds, {epochs} epochs"
    name = "DCLL, digits: accuracy with products in bfloat16 less that in float32"
    bounds = float(differences.min()), float(differences.max())
    return [Row(name, value, *bounds, f">= {LEAST:g}", value >= LEAST, source)]


def main() -> None:
    """Print the table, and where its figures come from."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=8)
    chosen = parser.parse_args()
    printed(rows(chosen.seeds, chosen.epochs))


if __name__ == "__main__":
    main()
