"""Measure what is claimed, print the table, and write docs/evidence.json: ``python benchmarks/evidence.py [PART ...]``.

Each part is a function that returns rows; without names all of them run, else the rows of the others stay.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import circuit_evidence
import dcll_evidence
import dcll_reward_evidence
import distal_reward_evidence
import distributional_evidence
import dopamine_evidence
import extinction_evidence
import fit_evidence
import opponent_evidence
import quantization_evidence
import quantization_layers
import system_evidence
from rows import Row, printed, write

OUT = Path(__file__).resolve().parent.parent / "docs" / "evidence.json"
PARTS: dict[str, Callable[[], list[Row]]] = {
    "circuit": circuit_evidence.rows,
    "lesions": system_evidence.lesions,
    "course": system_evidence.course,
    "what-where": system_evidence.what_where,
    "speed-noise": system_evidence.speed_and_noise,
    "opponent": opponent_evidence.rows,
    "distributional": distributional_evidence.rows,
    "dopamine": dopamine_evidence.rows,
    "extinction": extinction_evidence.rows,
    "dcll-digits": dcll_evidence.digits,
    "dcll-fig4": dcll_evidence.fig4,
    "dcll-randman": dcll_evidence.randman,
    "dcll-nmnist": dcll_evidence.nmnist,
    "dcll-cues": dcll_reward_evidence.cues,
    "dcll-cartpole": dcll_reward_evidence.cartpole,
    "quantization-reversal": quantization_evidence.table,
    "quantization-methods": quantization_evidence.methods,
    "quantization-mismatch": quantization_evidence.mismatch,
    "quantization-emulator": quantization_evidence.emulator,
    "quantization-digits": quantization_layers.digits,
    "quantization-nmnist": quantization_layers.nmnist,
    "distal-reward": distal_reward_evidence.rows,
    "fit": fit_evidence.rows,
}


def main() -> int:
    """Run the chosen parts, print and keep their rows; return 1 where a claim fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--out", type=Path, default=OUT, help="the file to write (default docs/evidence.json)")
    chosen = parser.parse_args()
    parts = chosen.parts or list(PARTS)
    unknown = [name for name in parts if name not in PARTS]
    if unknown:
        parser.error(f"PART: got {unknown[0]}; allowed: {', '.join(PARTS)}")
    rows = [row for name in parts for row in PARTS[name]()]
    printed(rows)
    # What needs recordings that are not here keeps the figures that it had.
    write(chosen.out, rows, keep=True)
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
