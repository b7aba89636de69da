"""Spike response neurons in fixed point: currents that cannot wrap, and voltages with room for what inputs bring.

With S volts a unit, ``v = rest + S v'``, ``(1 - a_m) u = S u'`` and ``b = S b'``; a weight w is the number
``W = w scale (1 - a_m) / (64 S) = mantissa 2**exponent``. Without a reset no threshold says how far v goes. Of n inputs
of one sign that spike in every step v would reach the sum of their weights; it is given room for that, or for 4 root
sums of squares where that is less, which it is of more than 16 like inputs; beyond, v is clipped. A source with a
schedule counts with what that brings. So S is known up to a power of two, within which it is the one with which the
weights of all projections fall best on their grids, or those of one that learns end where the chip ends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.signal import lfilter

from spikerl.discretise import NeuronPlan, Plan, ProjectionPlan, SourcePlan
from spikerl.hardware.lowering.losses import Loss, relative
from spikerl.hardware.lowering.neurons import decay_loss, voltage_decay
from spikerl.hardware.lowering.scales import Scale, Widths, current_decay, jumps, largest, reach, sign_mode
from spikerl.hardware.lowering.weights import alone, may_clip, nearest_exponent
from spikerl.hardware.program import SPIKE_RESPONSE, WHOLE, Neurons
from spikerl.neurons import SpikeResponse

_MOST = 2**23 - 1
_MOST_THRESHOLD = 131071 << 6
_ROOT_SUMS = 4
"""What v has room for, in root sums of squares of weights of one sign."""
_SETTLED = 1e-4
_SCALES = 16
"""How many scales within a power of two are tried."""


def is_response(neurons: NeuronPlan) -> bool:
    """Return whether `neurons` are of the law of `SpikeResponse`."""
    return neurons.equations == SpikeResponse.equations


def response_scale(
    neurons: NeuronPlan, arriving: Sequence[ProjectionPlan], plan: Plan, widths: Widths, exponents: tuple[int, int]
) -> Scale:
    """Return the scale of a population of `SpikeResponse` neurons."""
    c, share = neurons.constants, 1 - neurons.decays["v"]
    du, dv, db = _decays(neurons)
    summed = WHOLE / (du + 1) * WHOLE / max(dv, 1)  # what a unit that arrives in every step brings v to
    once = [_share(plan.sources.get(projection.pre), neurons) for projection in arriving]
    most, usual = _reached(arriving, neurons.size, widths, once)
    least = max(
        most * share * WHOLE / (du + 1) / _MOST,
        usual * share * summed / _MOST,
        abs(c["adapt"]) * WHOLE / max(db, 1) / _MOST,
        abs(c["threshold"] - c["rest"]) / _MOST_THRESHOLD,
    )
    there = [projection for projection in arriving if reach(projection) > 0]
    chosen = [_Weights(projection, widths[projection.name]) for projection in there]
    tried = [least * 2 ** (k / _SCALES) for k in range(_SCALES)] if chosen else [least or 1.0]
    learning = next((projection for projection in there if projection.rule), None)
    if learning is not None:
        exact = reach(learning) * learning.scale * share / (64 * largest(sign_mode(learning), 8))
        tried = [exact * 2.0 ** math.ceil(math.log2(least / exact))]
    volts = min(tried, key=lambda each: sum(one.error(share / (64 * each), exponents) for one in chosen))
    gap = c["threshold"] - c["rest"]
    return Scale(vth=round(gap / (64 * volts)), volts=volts, gap=gap, weight=share / (64 * volts), responds=True)


def lower_response(neurons: NeuronPlan, scale: Scale) -> tuple[Neurons, list[Loss]]:
    """Return a population of `SpikeResponse` neurons in fixed point, and what that loses."""
    c, decays = neurons.constants, neurons.decays
    du, dv, db = _decays(neurons)
    jump = round(c["adapt"] / scale.volts)
    lowered = Neurons(
        name=neurons.name,
        size=neurons.size,
        du=du,
        dv=dv,
        vth=scale.vth,
        volts=scale.volts,
        rest=c["rest"],
        model=SPIKE_RESPONSE,
        db=db,
        jump=jump,
    )
    where = f"population {neurons.name!r}"
    threshold = c["rest"] + (scale.vth << 6) * scale.volts
    losses = [
        decay_loss(where, "tau_syn", c["tau_syn"], decays["u"], (WHOLE - 1 - du) / WHOLE),
        decay_loss(where, "tau_mem", c["tau_mem"], decays["v"], (WHOLE - dv) / WHOLE),
        decay_loss(where, "tau_ref", c["tau_ref"], decays["b"], (WHOLE - db) / WHOLE),
        Loss(where, "adapt", "rounding", c["adapt"], jump * scale.volts, relative(c["adapt"], jump * scale.volts)),
    ]
    end = _MOST * scale.volts
    note = f"v is clipped beyond {end:.3g} from rest, further than inputs bring it that spike at random"
    losses.append(Loss(where, "range", "saturation", math.inf, end, None, note))
    if scale.gap:
        got = threshold - c["rest"]
        losses.append(Loss(where, "threshold", "rounding", c["threshold"], threshold, relative(scale.gap, got)))
    return lowered, losses


class _Weights:
    """The different weights of a projection, and how often each is there."""

    def __init__(self, projection: ProjectionPlan, bits: int) -> None:
        self._projection, self._bits = projection, bits
        self._weight, self._count = np.unique(projection.weight, return_counts=True)

    def error(self, scale: float, exponents: tuple[int, int]) -> float:
        """Return the squared error of the weights, in parts of their squares, times their number."""
        p = self._projection
        most, wanted = reach(p) * p.scale * scale, self._weight * p.scale * scale
        sign, clips = sign_mode(p), may_clip(p, self._bits)
        _, error = nearest_exponent(wanted, most, sign, self._bits, exponents, self._count, clips, alone(p))
        return error * float(self._count.sum())


def _decays(neurons: NeuronPlan) -> tuple[int, int, int]:
    """Return du, dv and db."""
    left = neurons.decays
    return current_decay(left["u"]), voltage_decay(left["v"]), min(max(round(WHOLE * (1 - left["b"])), 0), WHOLE)


def _share(source: SourcePlan | None, neurons: NeuronPlan) -> float:
    """Return how far the schedule of `source` brings v, in parts of where a spike in every step would; 1 without."""
    if source is None or source.poisson or not source.scheduled_steps.size:
        return 1.0
    a_s, a_m = neurons.decays["u"], neurons.decays["v"]
    lasting = round(math.log(_SETTLED) / math.log(max(a_s, a_m)))
    train = np.zeros(int(source.scheduled_steps.max()) + lasting + 1)
    train[source.scheduled_steps] = 1 - a_s
    response = lfilter([1 - a_m], [1, -a_m], lfilter([1], [1, -a_s], train))
    return float(response.max())


def _reached(
    arriving: Sequence[ProjectionPlan], size: int, widths: Widths, once: Sequence[float]
) -> tuple[float, float]:
    """Return two jumps of a neuron's current, in SI, by inputs of one sign: by all at once, and the room for v."""
    most = usual = 0.0
    for sign in (1, -1):
        whole, weighed, squares = (np.zeros(size) for _ in range(3))
        for projection, share in zip(arriving, once, strict=True):
            ruled, bits = projection.rule is not None, widths[projection.name]
            kept = np.where(ruled | (sign * projection.weight > 0), projection.weight, 0.0)
            whole += jumps(projection, size, bits, kept, 1)
            weighed += share * jumps(projection, size, bits, kept, 1)
            squares += share**2 * jumps(projection, size, bits, kept, 2)
        most = max(most, float(whole.max(initial=0.0)))
        usual = max(usual, float(np.minimum(weighed, _ROOT_SUMS * np.sqrt(squares)).max(initial=0.0)))
    return most, usual
