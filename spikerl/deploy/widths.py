"""At which bits of weights layers that learned are compared on a chip."""

from __future__ import annotations

from spikerl.backends.base import Hardware
from spikerl.experiment.training_tables import TrainingExperiment
from spikerl.hardware.target import load_target

_WIDEST = 8


def widths_of(hardware: Hardware) -> list[int]:
    """Return the bits of weights to compare: all that the chip has, from 8 down to 1, and the chosen ones."""
    known = load_target(hardware.target).synapses.weight_bits.value or range(1, _WIDEST + 1)
    return sorted({hardware.weight_bits, *(bits for bits in known if 1 <= bits <= _WIDEST)}, reverse=True)


def stages(experiment: TrainingExperiment) -> int:
    """Return what `progress` counts: epochs, and then networks at a width."""
    return experiment.training.epochs + experiment.run.instances * len(widths_of(experiment.hardware))
