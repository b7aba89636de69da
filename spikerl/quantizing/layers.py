"""Layers that learn from data, in all cells of a comparison: each instance a network of its own seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from spikerl.errors import DescriptionError, message
from spikerl.experiment.training_tables import TrainingExperiment
from spikerl.hardware.quantize import FLOAT
from spikerl.quantizing.cells import Cell
from spikerl.quantizing.playing import Played
from spikerl.training.preparing import prepare


def check_layers(experiment: TrainingExperiment, cells: Sequence[Cell]) -> None:
    """Raise what is wrong with the experiment, or with `cells` of layers, before anything is trained."""
    if experiment.quantization.bits != FLOAT:
        remedy = "leave it out: --bits says which widths are compared"
        raise DescriptionError(message("quantization.bits", experiment.quantization.bits, "32 in quantize", remedy))
    for cell in cells:
        if cell.rounding == "dither":
            remedy = "take stochastic rounding; layers keep no eligibility"
            raise DescriptionError(message("rounding", "dither", "another one, where layers learn", remedy))
    prepare(experiment)


def train(
    experiment: TrainingExperiment,
    cells: Sequence[Cell],
    first: int,
    instances: int,
    seen: Callable[[int, int], None] | None,
) -> Played:
    """Train so many instances, from number `first` on, in all `cells`, and test them.

    Instance k has the seed ``run.seed + k``. `seen` is called with the networks done and all of them.
    """
    # Needs torch, which `prepare` has seen to be there.
    from spikerl.training.quantizing import Storing, base, quantized_cells

    beginning = base(experiment)
    asked = [Storing(cell.asked(beginning), cell.when, cell.method) for cell in cells]
    found = quantized_cells(experiment, asked, range(first, first + instances), seen)
    return Played(list(found.rows), list(found.bars))
