"""The circuit learns what pays, and only through plasticity that dopamine gates.

A short form of what `make evidence` measures over 64 whole blocks: here the first 30 trials of 24 blocks; in real
numbers, and in the fixed point of an emulated chip.
"""

from pathlib import Path

import numpy as np
import pytest

import spikerl as sp
from spikerl.analysis.blocks import blocks, column
from spikerl.analysis.intervals import Interval, proportion_over_blocks

BLOCKS, TRIALS = 24, 30
BACKENDS = ("native", "loihi")


def late_choices(backend: str, out: Path, **settings: object) -> Interval:
    """Return P(better) over the last 20 of the first 30 trials, with its interval over blocks."""
    circuit = {f"circuit.{key}": value for key, value in settings.items()}
    record = {"record.spikes": [], "record.weights": "never", "task.schedule": "80/20"}
    run = sp.run(
        "reversal", backend=backend, instances=BLOCKS, trials=TRIALS, seed=3, settings=circuit | record, out=out
    )
    better = blocks(run).table(column(run, "better"))[:, 10:]
    return proportion_over_blocks(better.sum(axis=1), np.full(BLOCKS, better.shape[1]))


@pytest.mark.parametrize("backend", BACKENDS)
def test_learns_the_better_option(backend: str, tmp_path: Path) -> None:
    """Catches a circuit that does not learn, or learns the worse option."""
    learned = late_choices(backend, tmp_path / "run")
    assert learned.low > 0.7, learned


@pytest.mark.parametrize("settings", [{"plasticity": False}, {"clamp_dopamine": True}], ids=["fixed", "clamped"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_without_dopamine_gated_plasticity_stays_at_chance(
    backend: str, settings: dict[str, object], tmp_path: Path
) -> None:
    """Catches a choice that knows the answer by another way than dopamine."""
    control = late_choices(backend, tmp_path / "run", **settings)
    assert control.low <= 0.5 <= control.high, control
