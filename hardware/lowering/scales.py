"""What one unit of v stands for in each population: the threshold is as large as resolution and overflow allow.

With ``gap = threshold - reset`` and ``S = gap / (64 vth)`` volts a unit, ``v = reset + S v'`` and
``(1 - a_m) R u = S u'``, the fixed-point law is the description's, and a weight w is the number
``W = w scale R (1 - a_m) vth / gap = mantissa 2**exponent``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikerl.discretise import NeuronPlan, ProjectionPlan
from spikerl.errors import UnsupportedError, message
from spikerl.hardware.program import WEIGHT_RANGE, WHOLE, SignMode
from spikerl.neurons import LIF

Widths = Mapping[str, int]
"""The bits of the weights of each projection, by name."""
_MOST_THRESHOLD = 2**15 - 1  # v is held within 4 thresholds of the reset
_LEAST_THRESHOLD = 2**10
_WRAP = 2**23
_LEAST_MANTISSA = 128  # of the largest weight of a projection


@dataclass(frozen=True)
class Scale:
    """How a population's voltages and weights become integers.

    `vth`, the threshold; `volts`, what a unit of v is; `gap`, threshold minus reset; `weight`, W for ``w scale = 1``;
    `responds`, whether it is that of neurons without a reset.
    """

    vth: int
    volts: float
    gap: float
    weight: float
    responds: bool = False


def sign_mode(projection: ProjectionPlan) -> SignMode:
    """Return the sign mode that holds all weights of a projection, now and within the bounds of its rule."""
    ends = [float(projection.weight.min(initial=0.0)), float(projection.weight.max(initial=0.0))]
    if projection.rule:
        ends += projection.rule.bounds
    if min(ends) >= 0:
        return "excitatory"
    return "inhibitory" if max(ends) <= 0 else "mixed"


def reach(projection: ProjectionPlan) -> float:
    """Return the largest magnitude that weights can have: of a rule, its bounds where they are finite."""
    most = float(np.abs(projection.weight).max(initial=0.0))
    if projection.rule is None:
        return most
    finite = [abs(end) for end in projection.rule.bounds if math.isfinite(end)]
    return max([*finite, *([] if len(finite) == 2 else [4 * most])])


def largest(sign: SignMode, bits: int) -> int:
    """Return the largest weight of a sign mode that has no more than `bits` bits; mixed with 1, there is -256 alone."""
    step = grid(sign, bits)
    low, high = WEIGHT_RANGE[sign]
    return max(-low if sign == "inhibitory" else high, 0) // step * step or step


def grid(sign: SignMode, bits: int) -> int:
    """Return the distance between weights that `bits` bits can tell apart."""
    return 1 << (8 - bits + (sign == "mixed"))


def scale_of(neurons: NeuronPlan, arriving: Sequence[ProjectionPlan], widths: Widths) -> Scale:
    """Return the scale of a population; raises `UnsupportedError` for neurons that are no `LIF`.

    The threshold is the largest with which the weights of the first projection that learns, else of the strongest one,
    end at the largest mantissa, and with which u cannot wrap even if all inputs spike in every step.
    """
    if neurons.equations != LIF.equations:
        allowed = "LIF neurons and SpikeResponse; chips here have no other"
        remedy = "use sp.LIF(...), or run on 'native'"
        raise UnsupportedError(message(f"neurons of {neurons.name!r}", "another law", allowed, remedy))
    c = neurons.constants
    gap = c["threshold"] - c["reset"]
    share = c["resistance"] * (1 - neurons.decays["v"]) / gap  # of the threshold, for a weight of 1 in SI
    worst = _worst(arriving, neurons.size, widths) * share * WHOLE / (current_decay(neurons.decays["u"]) + 1)
    most = _MOST_THRESHOLD if worst <= 0 else int(min(_MOST_THRESHOLD, _WRAP / 64 / worst))
    most = max(most, _LEAST_THRESHOLD)
    chosen = max(arriving, key=lambda p: (p.rule is not None, reach(p) * p.scale), default=None)
    vth = most
    if chosen is not None and reach(chosen) > 0:
        mantissa = largest(sign_mode(chosen), widths[chosen.name])
        exact = mantissa / (reach(chosen) * chosen.scale * share)
        vth = round(exact * 2.0 ** math.floor(math.log2(most / exact)))
        vth = vth if _LEAST_THRESHOLD <= vth <= most else most
    return Scale(vth=vth, volts=gap / (64 * vth), gap=gap, weight=share * vth)


def current_decay(left: float) -> int:
    """Return du for a current of which a step leaves `left`; it has an offset of 1 (Lava's ds_offset)."""
    return min(max(round(WHOLE * (1 - left)) - 1, 0), WHOLE - 1)


def _worst(arriving: Sequence[ProjectionPlan], size: int, widths: Widths) -> float:
    """Return the largest jump of a neuron's current, in SI, if all inputs spike at once, weights rounded up."""
    totals = sum((jumps(p, size, widths[p.name], p.weight) for p in arriving), np.zeros(size))
    return float(totals.max(initial=0.0))


def jumps(
    projection: ProjectionPlan, size: int, bits: int, weight: NDArray[np.float64], power: int = 1
) -> NDArray[np.float64]:
    """Return the jump of each current, in SI, by all inputs of `weight`, rounded up; of rules, their bounds.

    Of `power` 2, the sum of the squares of the jumps that inputs make.
    """
    each = np.full(weight.size, reach(projection)) if projection.rule else np.abs(weight)
    up = 1 + grid(sign_mode(projection), bits) / _LEAST_MANTISSA / 2
    moved = (each * projection.scale * up) ** power
    return np.bincount(projection.post_index, moved, minlength=size).astype(np.float64)
