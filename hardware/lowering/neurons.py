"""Populations in fixed point: decays, threshold and bias of 12, 17 and 13 bits."""

from __future__ import annotations

import math

from spikerl.discretise import NeuronPlan
from spikerl.hardware.lowering.losses import Loss, relative
from spikerl.hardware.lowering.scales import Scale, current_decay
from spikerl.hardware.program import WHOLE, Neurons

_MOST_MANTISSA = 4095
_MOST_EXPONENT = 7


def lower_neurons(neurons: NeuronPlan, scale: Scale) -> tuple[Neurons, list[Loss]]:
    """Return a population of LIF neurons in fixed point, and what that loses."""
    c, a_s, a_m = neurons.constants, neurons.decays["u"], neurons.decays["v"]
    du = current_decay(a_s)
    dv = voltage_decay(a_m)
    drive = (1 - a_m) * (c["rest"] - c["reset"] + c["bias"]) / scale.volts
    mantissa, exponent = _bias(drive)
    lowered = Neurons(
        name=neurons.name,
        size=neurons.size,
        du=du,
        dv=dv,
        vth=scale.vth,
        bias_mant=mantissa,
        bias_exp=exponent,
        refractory=neurons.refractory,
        volts=scale.volts,
        rest=c["reset"],
    )
    where = f"population {neurons.name!r}"
    losses = [
        decay_loss(where, "tau_syn", c["tau_syn"], a_s, (WHOLE - 1 - du) / WHOLE),
        decay_loss(where, "tau_mem", c["tau_mem"], a_m, (WHOLE - dv) / WHOLE),
    ]
    if drive:
        got, wanted = (mantissa << exponent) * scale.volts / (1 - a_m), drive * scale.volts / (1 - a_m)
        # The natural size of a bias is the distance that it must reach: a small one need not be right to a percent.
        error = abs(got - wanted) / max(abs(wanted), scale.gap / 10)
        held = abs(drive) <= _MOST_MANTISSA << _MOST_EXPONENT
        losses.append(Loss(where, "bias", "rounding" if held else "clipping", wanted, got, error))
    if c["rest"] != c["reset"]:
        note = "v starts at the reset, not at rest"
        losses.append(Loss(where, "first voltage", "approximation", c["rest"], c["reset"], None, note))
    return lowered, losses


def voltage_decay(left: float) -> int:
    """Return dv for a voltage of which a step leaves `left`."""
    return min(max(round(WHOLE * (1 - left)), 0), WHOLE - 1)


def decay_loss(where: str, name: str, tau: float, wanted: float, got: float) -> Loss:
    """Return the loss of a time constant whose decay in a step is `got`."""
    # log(wanted) is -dt/tau.
    lasting = tau * math.log(wanted) / math.log(got) if 0 < got < 1 else (0.0 if got == 0 else math.inf)
    return Loss(where, name, "rounding", tau, lasting, relative(tau, lasting))


def _bias(drive: float) -> tuple[int, int]:
    """Return mantissa and exponent of a bias, the finest that holds it."""
    for exponent in range(_MOST_EXPONENT + 1):
        mantissa = round(drive / 2**exponent)
        if abs(mantissa) <= _MOST_MANTISSA:
            return mantissa, exponent
    return int(math.copysign(_MOST_MANTISSA, drive)), _MOST_EXPONENT
