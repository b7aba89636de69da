"""Where the recorded blocks lie, and small files of the same form."""

import os
from pathlib import Path

import pytest

HEADER = "block,schedule,trial,p_circle,p_square,choice,reward"


def recorded_path() -> Path:
    """Return the path of the recorded macaque blocks, or skip the test with the reason."""
    folder = os.environ.get("SPIKERL_DATA") or Path(__file__).parents[3] / "shared" / "data"
    path = Path(folder) / "macaque_reversal.csv"
    if not path.is_file():
        pytest.skip(
            f"no recorded blocks at {path}; name their folder in the environment variable SPIKERL_DATA"
        )
    return path


def small_rows(blocks: int = 3, trials: int = 6) -> list[str]:
    """Return the rows of a valid file: block b has number 2 b, and reverses on trial 3."""
    rows = []
    for block in range(blocks):
        for trial in range(trials):
            chances = "0.8,0.2" if trial < 3 else "0.2,0.8"
            choice = "circle" if trial < 4 else "square"
            rows.append(f"{2 * block},80/20,{trial},{chances},{choice},{(block + trial) % 2}")
    return rows


def write(path: Path, rows: list[str], header: str = HEADER) -> Path:
    """Write a file of recorded blocks."""
    path.write_text("\n".join([header, *rows]) + "\n")
    return path
