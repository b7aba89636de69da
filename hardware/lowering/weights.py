"""Weights in fixed point: mantissas of a projection that share an exponent."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from spikerl.discretise import ProjectionPlan
from spikerl.errors import UnsupportedError, message
from spikerl.hardware.lowering.losses import Kind, Loss, relative
from spikerl.hardware.lowering.scales import Scale, grid, largest, reach, sign_mode
from spikerl.hardware.program import WEIGHT_RANGE, Connection, Rule, SignMode

_COARSER = 2
"""By how many powers of two an exponent may lie above the finest, where few bits fall better there ..."""
_FINER = 2
"""... and below, where the largest weights may be clipped ..."""
_FEW = 0.05
"""... which they may where half a step between weights is more than this share of the largest."""


def lower_weights(
    projection: ProjectionPlan, scale: Scale, bits: int, exponents: tuple[int, int]
) -> tuple[Connection, list[Loss]]:
    """Return the synapses of a projection without their rule, and what fixed point loses of them.

    `bits` are those of the weights; `exponents`: least and largest.
    """
    where = f"projection {projection.name!r}"
    _check(projection, where)
    sign = sign_mode(projection)
    wanted = projection.weight * projection.scale * scale.weight
    exponent = _exponent(projection, wanted, scale, sign, bits, exponents)
    mantissa = _mantissas(wanted / 2.0**exponent, sign, bits)
    unit = float(2.0**exponent / (projection.scale * scale.weight))
    connection = Connection(
        name=projection.name,
        pre=projection.pre,
        post=projection.post,
        pre_index=projection.pre_index,
        post_index=projection.post_index,
        weight=mantissa,
        delay=projection.delay - 1,
        exponent=exponent,
        bits=bits,
        sign=sign,
        unit=unit,
    )
    losses = [*_changed(projection, mantissa, sign, unit, where), *_bounds(projection, sign, unit, where)]
    return connection, losses + (_cut_off(connection, where) if scale.responds else [])


def with_rule(connection: Connection, rule: Rule) -> Connection:
    """Return `connection` that learns by `rule`."""
    fields = {name: getattr(connection, name) for name in Connection.__dataclass_fields__}
    return Connection(**(fields | {"rule": rule}))


def _check(projection: ProjectionPlan, where: str) -> None:
    pairs = np.stack([projection.pre_index, projection.post_index])
    if len(np.unique(pairs, axis=1).T) != projection.weight.size:
        remedy = "join them to one, or write two projections"
        raise UnsupportedError(message(where, "several synapses of one pair of neurons", "one of each pair", remedy))
    if projection.rule is not None and (projection.delay > 1).any():
        wrong, remedy = f"{int(projection.delay.max())} steps", "leave the delay out"
        raise UnsupportedError(message(f"{where}: delay of synapses that learn", wrong, "one step", remedy))


def _exponent(
    projection: ProjectionPlan,
    wanted: NDArray[np.float64],
    scale: Scale,
    sign: SignMode,
    bits: int,
    exponents: tuple[int, int],
) -> int:
    """Return the exponent that holds the largest weight; among those near it, the one with the smallest error."""
    most = reach(projection) * projection.scale * scale.weight
    if most == 0:
        return min(max(0, exponents[0]), exponents[1])
    if projection.rule:
        return _finest(most, sign, bits, exponents)
    if not scale.responds:
        return nearest_exponent(wanted, most, sign, bits, exponents)[0]
    clips = may_clip(projection, bits)
    return nearest_exponent(wanted, most, sign, bits, exponents, clips=clips, single=alone(projection))[0]


def may_clip(projection: ProjectionPlan, bits: int) -> bool:
    """Return whether so few bits hold fixed weights that the largest may be clipped, where all gain by it."""
    sign = sign_mode(projection)
    return projection.rule is None and grid(sign, bits) > 2 * _FEW * largest(sign, bits)


def alone(projection: ProjectionPlan) -> bool:
    """Return whether no neuron has two synapses of a projection, so that a right shift cuts each weight."""
    return bool(projection.post_index.size) and int(np.bincount(projection.post_index).max()) == 1


def nearest_exponent(
    wanted: NDArray[np.float64],
    most: float,
    sign: SignMode,
    bits: int,
    exponents: tuple[int, int],
    count: NDArray[np.int64] | None = None,
    clips: bool = False,
    single: bool = False,
) -> tuple[int, float]:
    """Return the exponent with the smallest error, near the one that holds `most`, and the error.

    `count` says how often each number of `wanted` is there, once by default; `clips`, whether the largest may be
    clipped; `single`, whether they are shifted one by one, and not as a sum. The error is the sum of squares, in parts
    of that of the numbers.
    """
    finest = _finest(most, sign, bits, exponents)
    least = max(finest - _FINER, exponents[0]) if clips else finest
    end = max(finest + _COARSER, 0 if single else finest)
    times = np.ones(len(wanted), np.int64) if count is None else count
    whole = float((times * np.square(wanted)).sum()) or 1.0

    def error(exponent: int) -> float:
        got = _mantissas(wanted / 2.0**exponent, sign, bits) * 2.0**exponent
        got = np.floor(got) if single else got
        # Rounded, so that the finest exponent wins where only the last digits of a sum differ.
        return round(float((times * np.square(got - wanted)).sum()) / whole, 12)

    return min(((e, error(e)) for e in range(least, min(end, exponents[1]) + 1)), key=lambda p: p[::-1])


def _finest(most: float, sign: SignMode, bits: int, exponents: tuple[int, int]) -> int:
    """Return the exponent that just holds `most`."""
    # A threshold is a whole number, so that a bound meant to be 255 can come out as 255.0001.
    finest = math.ceil(math.log2(most / largest(sign, bits) * (1 - 1e-3)))
    return min(max(finest, exponents[0]), exponents[1])


def _mantissas(wanted: NDArray[np.float64], sign: SignMode, bits: int) -> NDArray[np.int64]:
    """Return the nearest weights that `bits` bits can hold."""
    step, (low, high) = grid(sign, bits), WEIGHT_RANGE[sign]
    rounded = np.rint(wanted / step).astype(np.int64) * step
    return np.clip(rounded, -(-low // step * step), high // step * step)


def _changed(
    projection: ProjectionPlan, mantissa: NDArray[np.int64], sign: SignMode, unit: float, where: str
) -> list[Loss]:
    """Return the loss of the weight that changes most, relative to the largest."""
    if not mantissa.size:
        return []
    got = mantissa.astype(np.float64) * unit
    error = np.abs(got - projection.weight)
    at = int(error.argmax())
    size = float(np.abs(projection.weight).max())
    lost = int(np.count_nonzero((got == 0) & (projection.weight != 0)))
    note = f"the largest error of {got.size} weights" + (f"; {lost} of them become 0" if lost else "")
    end = max(abs(limit) for limit in WEIGHT_RANGE[sign]) * unit
    outside = int(np.count_nonzero(np.abs(projection.weight) > end * (1 + 1e-3)))
    if outside:
        note += f"; {outside} lie beyond {end:.4g}, the largest that the chip holds beside the threshold"
    kind: Kind = "clipping" if outside else "rounding"
    return [Loss(where, "weight", kind, float(projection.weight[at]), float(got[at]), error[at] / size, note)]


def _cut_off(connection: Connection, where: str) -> list[Loss]:
    """Return what a negative exponent cuts off the sum of each step, in the unit of the weights."""
    finest = grid(connection.sign, connection.bits) * 2.0**connection.exponent
    if finest >= 1:
        return []
    lost = -(1 - finest) / 2 * connection.unit / 2.0**connection.exponent
    note = "on average, of each step's sum where spikes arrive: the exponent shifts it right, and down"
    return [Loss(where, "sum", "approximation", 0.0, lost, None, note)]


def _bounds(projection: ProjectionPlan, sign: SignMode, unit: float, where: str) -> list[Loss]:
    """Return the losses of a rule's bounds, relative to the larger: a chip clips at the ends of the sign mode alone."""
    if projection.rule is None:
        return []
    size = reach(projection)
    losses = []
    for name, wanted, end in zip(("lowest", "highest"), projection.rule.bounds, WEIGHT_RANGE[sign], strict=True):
        got = end * unit
        if not math.isfinite(wanted):
            note = "weights without a bound end where the chip ends"
            losses.append(Loss(where, f"{name} weight", "saturation", wanted, got, None, note))
        elif relative(wanted, got) > 0:
            losses.append(Loss(where, f"{name} weight", "rounding", wanted, got, abs(got - wanted) / size))
    return losses
