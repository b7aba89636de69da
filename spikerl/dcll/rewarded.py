"""How layers learn from reward, described; no tensor among it."""

from __future__ import annotations

from dataclasses import dataclass

from spikerl.errors import DescriptionError, message, nearest
from spikerl.keywords import described
from spikerl.units import finite_number, whole_number

OPTIMISERS = ("adam", "sgd")


@described
@dataclass(frozen=True)
class Learning:
    """``rate_k = rate / 2**(k / halving)``, for change k.

    `discount` gamma (default .99) and `trace` lambda (.9) of the traces, `critic` c, the critic's share in them (1);
    `rate` (1e-3), halved in `halving` changes (0: never). `optimiser`: "adam", which has no momentum here and holds
    each synapse's change against the root mean square of its earlier ones, or "sgd". Raises `DescriptionError`.
    """

    discount: float = 0.99
    trace: float = 0.9
    critic: float = 1.0
    rate: float = 1e-3
    halving: int = 0
    optimiser: str = "adam"

    def __post_init__(self) -> None:
        """Check every field."""
        for name, number, high in (
            ("discount", self.discount, 1.0),
            ("trace", self.trace, 1.0),
            ("critic", self.critic, 1e3),
            ("rate", self.rate, 1e3),
        ):
            if not 0 <= finite_number(number, f"Learning.{name}") <= high:
                raise DescriptionError(message(f"Learning.{name}", number, f"0 to {high:g}"))
        whole_number(self.halving, 0, 10**12, "Learning.halving")
        if self.optimiser not in OPTIMISERS:
            remedy = nearest(self.optimiser, OPTIMISERS)
            raise DescriptionError(message("Learning.optimiser", self.optimiser, " or ".join(OPTIMISERS), remedy))

    def rate_after(self, changes: int) -> float:
        """Return the rate of the change that follows `changes` others."""
        return self.rate * 0.5 ** (changes / self.halving) if self.halving else self.rate
