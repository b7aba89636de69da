"""The neuron of Izhikevich (2003), in the form in which his programs compute it, and its published parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from spikerl.errors import UnitError, message
from spikerl.keywords import described
from spikerl.neurons import Equations, Relaxation, SpikingNeuron, Update, Written
from spikerl.units import Dimension, finite_number, to_nonnegative_si

# `step` is in s, v and recovery move by ms: half a step of v is 500 of it.
_VOLTAGE = Update("v", "v + 500 * step * ((0.04 * v + 5) * v + 140 - recovery + u)")
_RECOVERY = Update("recovery", "recovery + 1000 * step * a * (b * v - recovery)")


@described
@dataclass(frozen=True)
class Izhikevich(SpikingNeuron):
    """``dv/dt = 0.04 v^2 + 5 v + 140 - recovery + u``, ``d recovery/dt = a (b v - recovery)``, v in mV and t in ms.

    A step is Euler's, as in the published programs: two half steps of v, then a whole one of the recovery with the new
    v; where ``v > threshold`` the neuron fires, then ``v <- c`` and ``recovery <- recovery + d``. Numbers are plain,
    as published. Without memory (`tau_syn` 0, as published) the current u of a step is the sum of what arrives in it;
    with a `tau_syn` of a step or more it decays from there. v begins at c and the recovery at ``b c``.

    Parameters: `a` (1/ms, default 0.02), `b` (0.2), `c` (mV, -65), `d` (8), `threshold` (mV, 30), `tau_syn` (0 ms);
    the defaults are regular spiking. Raises `UnitError`. Source: Izhikevich 2003, IEEE Trans. Neural Networks 14:1569.
    """

    a: float = 0.02
    b: float = 0.2
    c: float = -65.0
    d: float = 8.0
    threshold: float = 30.0
    tau_syn: Written = "0 ms"

    equations: ClassVar[Equations] = Equations(
        (Relaxation("u", "tau_syn", "0"),),
        threshold="v > threshold",
        reset=(("v", "c"), ("recovery", "recovery + d")),
        updates=(_VOLTAGE, _VOLTAGE, _RECOVERY),
        start=(("recovery", "b * c"),),
    )

    def __post_init__(self) -> None:
        """Check every parameter, so that a wrong one is refused where it is written."""
        self.constants()

    def constants(self) -> dict[str, float]:
        """Return the parameters of the equations by name, times in s."""
        names = ("a", "b", "c", "d", "threshold")
        numbers = {name: finite_number(getattr(self, name), f"Izhikevich.{name}") for name in names}
        if numbers["threshold"] <= numbers["c"]:
            raise UnitError(message("Izhikevich.threshold", self.threshold, f"above c ({self.c:g})"))
        tau = to_nonnegative_si(self.tau_syn, Dimension.TIME, "Izhikevich.tau_syn")
        return numbers | {"rest": numbers["c"], "refractory": 0.0, "tau_syn": tau}

    @property
    def weight_dimension(self) -> Dimension:
        """The dimension of the weights onto this neuron: plain numbers."""
        return Dimension.NUMBER


REGULAR_SPIKING = Izhikevich()
INTRINSICALLY_BURSTING = Izhikevich(c=-55.0, d=4.0)
CHATTERING = Izhikevich(c=-50.0, d=2.0)
FAST_SPIKING = Izhikevich(a=0.1, d=2.0)
LOW_THRESHOLD_SPIKING = Izhikevich(b=0.25, d=2.0)
THALAMO_CORTICAL = Izhikevich(b=0.25, d=0.05)
RESONATOR = Izhikevich(a=0.1, b=0.26, d=2.0)
"""The published kinds (Izhikevich 2003, figure 2): three excitatory, two inhibitory, and two more."""
