"""What few bits cost layers that learn: digits and a part of N-MNIST, bit widths, roundings, and methods against loss.

Networks are smaller than those of the shipped experiments and learn for a few epochs, as the names of the rows say, so
that the tables take minutes: ``python benchmarks/quantization_layers.py digits|nmnist [SEED ...]`` adds seeds to
docs/quantization, one after the other, and the rows of evidence are made of what lies there.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from dcll_evidence import RECORDINGS
from rows import Row

from spikerl.analysis.intervals import mean_over_blocks
from spikerl.experiment import TrainingExperiment, read
from spikerl.quantization import Quantization
from spikerl.training.quantizing import Storing, quantized_cells

SEEDS = 5
FOLDER = Path(__file__).resolve().parent.parent / "docs" / "quantization"
BITS = (16, 12, 8, 6, 5, 4, 3, 2, 1)
COLUMNS = "bits rounding when method hidden_bits memory_bits headroom instance test updates below stored".split()
HEADROOM = {4: 8.0, 2: 5.0, 1: 2.0}
"""That of the methods at so many bits."""

CLAIMS = (
    (8, "nearest", "after", "plain", 0, 0.01),
    (4, "nearest", "after", "plain", 0, 0.01),
    (4, "nearest", "during", "plain", 0, -0.2),
    (4, "stochastic", "during", "plain", 0, 0.02),
    (4, "stochastic", "during", "hidden", 8, 0.01),
    (2, "stochastic", "during", "hidden", 8, 0.03),
    (2, "stochastic", "during", "hidden 4", 4, 0.03),
)
"""Bits, rounding, when, method, hidden bits, and the most that is to be lost; below 0, the least."""


class Part(NamedTuple):
    """A data set, `settings` over its experiment, and the network in words."""

    experiment: str
    settings: dict[str, object]
    words: str


PARTS = {
    "digits": Part(
        "dcll-digits",
        {
            "network.layers": [{"units": 256}, {"units": 128}],
            "training.epochs": 6,
            "training.keep": 0.6,
            "data.shift": 0,
            "record.spikes": (),
        },
        "digits, 2 dense layers, 6 epochs",
    ),
    "nmnist": Part(
        "dcll-nmnist",
        {
            "network.layers": [{"units": 128}, {"units": 64}],
            "training.epochs": 4,
            "training.keep": 0.6,
            "training.every": 2,
            "record.spikes": (),
        },
        "N-MNIST subset, 2 dense layers, 4 epochs",
    ),
}


def cells(headroom: float) -> list[Storing]:
    """Return floating point, every width in both roundings after learning and during it, and methods at 4, 2 and 1."""
    found = [Storing(Quantization(headroom=headroom))]
    for when in ("after", "during"):
        for rounding in ("nearest", "stochastic"):
            found += [Storing(Quantization(bits=bits, rounding=rounding, headroom=headroom), when) for bits in BITS]
    return found + methods()


def methods() -> list[Storing]:
    """Return ways to learn in 4, 2 and 1 bits; the memory of a synapse is its bits and the hidden ones."""
    found = []
    for bits, headroom in HEADROOM.items():
        # An update moves as many steps as it would in 6 bits.
        steps = 31 / max(0.5, 2 ** (bits - 1) - 1)
        ways: dict[str, dict[str, Any]] = {
            "narrow": {},
            "scaled": {"rounding": "nearest", "rate": steps},
            "hidden": {"hidden_bits": 8},
            "hidden+nearest": {"hidden_bits": 8, "rounding": "nearest"},
            "hidden 4": {"hidden_bits": 4},
            "hidden 4+slow": {"hidden_bits": 4, "rate": 0.5},
            "metaplastic": {"hidden_bits": 4, "stickiness": 0.8},
        }
        if headroom == HEADROOM[4]:
            del ways["narrow"]  # the plain way
        for name, how in ways.items():
            asked = replace(Quantization(bits=bits, rounding="stochastic", headroom=headroom), **how)
            found.append(Storing(asked, "during", name))
    return found


def experiment(name: str) -> TrainingExperiment:
    """Return the experiment of a part; raises `KeyError` where N-MNIST's recordings are not named."""
    part = PARTS[name]
    paths = {"data.path": os.environ[RECORDINGS]} if name == "nmnist" else {}
    found = read(part.experiment, part.settings | paths)
    assert isinstance(found, TrainingExperiment)
    return found


def measure(name: str, seeds: Iterable[int]) -> None:
    """Add instances to the table of a part, those that are there already left out."""
    path = FOLDER / f"layers-{name}.csv"
    before: list[dict[str, Any]] = read_table(path) if path.is_file() else []
    asked = experiment(name)
    chosen = cells(asked.quantization.headroom)
    for seed in seeds:
        if any(int(row["instance"]) == seed for row in before):
            continue
        found = quantized_cells(asked, chosen, [seed]).rows
        before = read_table(path) if path.is_file() else []  # others may have added theirs
        tops = [f"{cell.asked.headroom:g}" for cell in chosen]
        before += [row._asdict() | {"headroom": top} for row, top in zip(found, tops, strict=True)]
        FOLDER.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(sorted(before, key=lambda row: int(row["instance"])))
        part.replace(path)
        print(f"{name}: instance {seed}", flush=True)


def read_table(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a table."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def digits() -> list[Row]:
    """Return the rows of digits."""
    measure("digits", range(SEEDS))
    return rows("digits")


def nmnist() -> list[Row]:
    """Return the rows of N-MNIST; none where its recordings are not there."""
    if not os.environ.get(RECORDINGS):
        print(f"N-MNIST is left out: {RECORDINGS} does not name its recordings")
        return []
    measure("nmnist", range(SEEDS))
    return rows("nmnist")


def rows(name: str) -> list[Row]:
    """Return what few bits lose of the last layer's accuracy, paired by instance, from the table of a part."""
    tests: dict[tuple[str, ...], dict[int, float]] = {}
    counts: dict[tuple[str, ...], list[int]] = {}
    for row in read_table(FOLDER / f"layers-{name}.csv"):
        key = row["bits"], row["rounding"], row["when"], row["method"]
        tests.setdefault(key, {})[int(row["instance"])] = float(row["test"])
        asked, below = counts.setdefault(key, [0, 0])
        counts[key] = [asked + int(row["updates"]), below + int(row["below"])]
    float_ = next(found for key, found in tests.items() if key[0] == "32")
    real = sum(float_.values()) / len(float_)
    found = []
    for bits, rounding, when, method, hidden, most in CLAIMS:
        key = str(bits), rounding, when, method
        lost = mean_over_blocks([float_[k] - right for k, right in tests[key].items()])
        words = f"{bits} bits {when} learning, {rounding}" + (f", {hidden} hidden" if hidden else "")
        said = f"of {real:.3f} in floating point; table in docs/quantization/layers-{name}.csv"
        if when == "during":
            said += f"; {counts[key][1] / max(1, counts[key][0]):.0%} of the updates below half a step"
        target = f"<= {most:g}" if most > 0 else f">= {-most:g}"
        holds = lost.value <= most if most > 0 else lost.value >= -most
        label = f"few bits, {PARTS[name].words}: accuracy lost, {words} (n = {lost.n} networks)"
        found.append(Row(label, lost.value, lost.low, lost.high, target, holds, said))
    return found


if __name__ == "__main__":
    measure(sys.argv[1], [int(text) for text in sys.argv[2:]] or range(SEEDS))
