"""Time the back ends, print the table, and write benchmarks/results.json: ``python benchmarks/bench.py [NAME ...]``.

Each benchmark is a function that returns rows; without names all of them run, else the rows of the others stay, and so
do those of NEST, Lava and snnTorch where they are not installed. Times depend on the machine, ratios of programs timed
side by side hardly do: targets are set on ratios.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import brian2_plastic
import dcll_memory
import dcll_opponents
import dcll_precision
import dcll_training
import emulator
import native_batch
import native_loop
import native_network
import native_scaling
import native_single
import native_start
import nest_program
import norse_batch
import quantization_cost
from rows import Row, table, write

OUT = Path(__file__).resolve().parent / "results.json"
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "scaling.png"
BENCHMARKS: dict[str, Callable[[], list[Row]]] = {
    "brian2_plastic": brian2_plastic.rows,
    "norse_batch": norse_batch.rows,
    "quantization_cost": quantization_cost.rows,
    "native_network": native_network.rows,
    "native_batch": native_batch.rows,
    "native_loop": native_loop.rows,
    "native_scaling": lambda: native_scaling.rows(PICTURE),
    "native_start": native_start.rows,
    "native_single": native_single.rows,
    "emulator": emulator.rows,
    "dcll_training": dcll_training.rows,
    "dcll_memory": dcll_memory.rows,
    "dcll_precision": dcll_precision.rows,
}


def main() -> None:
    """Run the chosen benchmarks and keep their rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    names = parser.parse_args().names or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"NAME: got {unknown[0]}; allowed: {', '.join(BENCHMARKS)}")
    rows = [row for name in names for row in BENCHMARKS[name]()]
    print(table(rows))
    for row in rows:
        print(f"{row.name}: {row.source}")
    there = nest_program.installed() and emulator.available() and dcll_opponents.snntorch_version() is not None
    complete = len(names) == len(BENCHMARKS) and there
    write(OUT, rows, keep=not complete)
    print(f"written: {OUT}")


if __name__ == "__main__":
    main()
