"""How layers learn, described; no tensor among it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from spikerl.errors import DescriptionError, message, nearest
from spikerl.keywords import described
from spikerl.units import finite_number, whole_number

OPTIMISERS = ("adamax", "sgd")
SCHEDULES = ("steps", "chunks")
PRECISIONS = ("full", "bfloat16")


class Loss(Enum):
    """The loss of one layer, summed over outputs.

    "smooth_l1": ``e**2 / 2`` where ``|e| < 1``, else ``|e| - 1/2``, with ``e = y - target`` (Kaiser et al. 2020);
    "cross_entropy": ``-sum target log softmax(y)``.
    """

    SMOOTH_L1 = "smooth_l1"
    CROSS_ENTROPY = "cross_entropy"


@described
@dataclass(frozen=True)
class Training:
    """How layers learn.

    `loss`; `optimiser` "adamax" (betas 0 and .95, Kaiser et al. 2020) or "sgd"; `rate` (default 1e-3), of which each
    epoch keeps the share `keep` (1); `batch` samples (64); an update every so many steps, `every` (1), from `burn_in`
    (10) on; `dropout`, the share of spikes that layers do not hear of the one before while they learn (0). `gradient`:
    "hand" or "autograd". `schedule`: "steps", an update by the gradient of its own step alone, or "chunks", weights
    fixed for `every` steps, and then an update by the mean of their gradients, which is the faster the more steps.
    `precision` of the products with weights, by hand: "full", that of the weights, or "bfloat16"; weights, filters and
    thresholds keep theirs. Raises `DescriptionError`.
    """

    loss: Loss = Loss.CROSS_ENTROPY
    optimiser: str = "adamax"
    rate: float = 1e-3
    keep: float = 1.0
    batch: int = 64
    every: int = 1
    burn_in: int = 10
    dropout: float = 0.0
    gradient: str = "hand"
    schedule: str = "steps"
    precision: str = "full"

    def __post_init__(self) -> None:
        """Check every field."""
        if not isinstance(self.loss, Loss):
            raise DescriptionError(message("Training.loss", self.loss, "a dcll.Loss"))
        for name, chosen, known in (
            ("optimiser", self.optimiser, OPTIMISERS),
            ("gradient", self.gradient, ("hand", "autograd")),
            ("schedule", self.schedule, SCHEDULES),
            ("precision", self.precision, PRECISIONS),
        ):
            if chosen not in known:
                raise DescriptionError(message(f"Training.{name}", chosen, " or ".join(known), nearest(chosen, known)))
        if self.gradient != "hand" and (self.schedule, self.precision) != ("steps", "full"):
            allowed = "hand, with a schedule of chunks or a precision of bfloat16"
            raise DescriptionError(message("Training.gradient", self.gradient, allowed))
        for name, number, low, high in (
            ("rate", self.rate, 0.0, 1e3),
            ("keep", self.keep, 0.0, 1.0),
            ("dropout", self.dropout, 0.0, 0.99),
        ):
            if not low <= finite_number(number, f"Training.{name}") <= high:
                raise DescriptionError(message(f"Training.{name}", number, f"{low:g} to {high:g}"))
        whole_number(self.batch, 1, 1_000_000, "Training.batch")
        whole_number(self.every, 1, 1_000_000, "Training.every")
        whole_number(self.burn_in, 0, 1_000_000, "Training.burn_in")
