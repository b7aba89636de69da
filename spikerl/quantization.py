"""Few bits, and devices that are no two alike: what is asked of a session.

In each step, after the rule, a synapse that learns stores ``w <- Q(clip(w + dw))``; what it transmits is the visible
level of what it stores. The laws are those of `spikerl.hardware.quantize`; `spikerl.quantized` has their numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from spikerl.errors import DescriptionError, message, nearest
from spikerl.hardware.quantize import FLOAT, MOST_BITS, Levels, Rounding, check_rounding
from spikerl.keywords import described
from spikerl.units import finite_number, whole_number

SCALES = ("projection", "neuron")
ENDLESS = 2**62


@described
@dataclass(frozen=True)
class Device:
    """What tells one synapse from another on a chip, drawn once for each instance, and what wears or fails.

    `weight_mismatch`, `threshold_mismatch`: coefficients of variation (0 to 2, log-normal, mean 1) by which transmitted
    weights, and the distances from rest to threshold, differ. `read_noise`: standard deviation (0 to 2), as a share of
    the weight, of each transmission (uniform). `dead`: share of synapses (0 to 1) that transmit nothing.
    `update_probability` (0 to 1, default 1) of a change being stored; `endurance`: stored changes that a synapse
    survives (None: all). Raises `DescriptionError`.
    """

    weight_mismatch: float = 0.0
    threshold_mismatch: float = 0.0
    read_noise: float = 0.0
    dead: float = 0.0
    update_probability: float = 1.0
    endurance: int | None = None

    def __post_init__(self) -> None:
        """Check every field."""
        for name, most in (("weight_mismatch", 2), ("threshold_mismatch", 2), ("read_noise", 2), ("dead", 1)):
            _share(getattr(self, name), most, f"Device.{name}")
        _share(self.update_probability, 1, "Device.update_probability")
        if self.endurance is not None:
            whole_number(self.endurance, 0, ENDLESS, "Device.endurance")


@described
@dataclass(frozen=True)
class Quantization:
    """How the weights that learn are stored, and other states beside them.

    `bits` that are transmitted: 1 to 16, or 32 (default) for floating point; `rounding` of every update ("nearest",
    "floor", "zero", "stochastic", "dither"). The grid ends at `top`, in the unit of the weights, by default at the
    bounds of the rule; with `scale` "neuron", at `headroom` (2) times the greatest initial weight of each post-synaptic
    neuron. `hidden_bits` (0 to 16) finer than what is transmitted, which gather small updates; `stickiness` (above 0
    to 1): factor of the probability of leaving a hidden state, for each state that lies between it and the edge of its
    level; `rate`: factor of every update. `membrane`, `trace`, `eligibility`: `Levels` of these, None for floating
    point. `device`: its imperfections. Raises `DescriptionError`.
    """

    bits: int = FLOAT
    rounding: Rounding = "nearest"
    scale: Literal["projection", "neuron"] = "projection"
    top: float | None = None
    headroom: float = 2.0
    hidden_bits: int = 0
    stickiness: float = 1.0
    rate: float = 1.0
    membrane: Levels | None = None
    trace: Levels | None = None
    eligibility: Levels | None = None
    device: Device = field(default_factory=Device)

    def __post_init__(self) -> None:
        """Check every field."""
        if self.bits != FLOAT or isinstance(self.bits, bool):
            try:
                whole_number(self.bits, 1, MOST_BITS, "bits")
            except DescriptionError:
                allowed = f"a whole number from 1 to {MOST_BITS}, or {FLOAT} for floating point"
                raise DescriptionError(message("Quantization.bits", self.bits, allowed)) from None
        check_rounding(self.rounding, "Quantization.rounding")
        if self.scale not in SCALES:
            remedy = nearest(self.scale, SCALES)
            raise DescriptionError(message("Quantization.scale", self.scale, " or ".join(SCALES), remedy))
        for name in ("top", "headroom", "rate"):
            value = getattr(self, name)
            if value is not None and finite_number(value, f"Quantization.{name}") <= 0:
                raise DescriptionError(message(f"Quantization.{name}", value, "a number above 0"))
        whole_number(self.hidden_bits, 0, MOST_BITS, "Quantization.hidden_bits")
        if not 0 < finite_number(self.stickiness, "Quantization.stickiness") <= 1:
            raise DescriptionError(message("Quantization.stickiness", self.stickiness, "above 0, at most 1"))
        if self.floating and (self.hidden_bits or self.stickiness != 1):
            remedy = f"take 1 to {MOST_BITS} bits"
            raise DescriptionError(message("Quantization.hidden_bits", self.hidden_bits, "0 at 32 bits", remedy))
        for name in ("membrane", "trace", "eligibility"):
            if not isinstance(getattr(self, name), (Levels, type(None))):
                raise DescriptionError(message(f"Quantization.{name}", getattr(self, name), "Levels, or None"))
        if not isinstance(self.device, Device):
            raise DescriptionError(message("Quantization.device", self.device, "an sp.Device(...)"))

    @property
    def floating(self) -> bool:
        """Whether weights are in floating point."""
        return self.bits == FLOAT

    @property
    def memory(self) -> int:
        """Bits that a synapse stores for its weight, hidden ones counted."""
        return self.bits + self.hidden_bits


def _share(value: float, most: int, where: str) -> None:
    if not 0 <= finite_number(value, where) <= most:
        raise DescriptionError(message(where, value, f"0 to {most}"))
