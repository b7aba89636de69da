"""Modulators in fixed point: a filter of a population's spikes, read as a number of 8 bits."""

from __future__ import annotations

import math
from dataclasses import dataclass

from spikerl.discretise import ModulatorPlan, Plan
from spikerl.errors import UnsupportedError, message
from spikerl.hardware.lowering.losses import Loss, relative
from spikerl.hardware.program import SIGNAL_RANGE, WHOLE, Given, Signal

FULL_SCALE = 8.0
"""The highest rate that a signal can say, in baselines of its source."""
LEAST_FULL_SCALE = 40.0
"""... and at least, in Hz."""
HELD_RANGE = 2.0
"""The largest magnitude of a modulator without a source."""
_MOST_FILTER = 2**23
_MOST_JUMP = 2**12
_MOST_MANTISSA = 2**15
_MOST_SHIFT = 40


@dataclass(frozen=True)
class Spoken:
    """A modulator as a signal, or as given to each neuron: ``value = (y - offset) unit``; y is never below 0."""

    signal: Signal | Given
    offset: int

    @property
    def unit(self) -> float:
        """The value of one unit of y."""
        return self.signal.unit

    def integers(self, value: float) -> int:
        """Return the y that says `value`, before it is clipped."""
        return round(value / self.unit) + self.offset


def lower_modulator(modulator: ModulatorPlan, plan: Plan) -> tuple[Spoken, list[Loss]]:
    """Return a modulator as a signal, and what that loses.

    A post-shaped one is given from outside. Raises `UnsupportedError` for one that changes by itself, and for one with
    a gain of its own below its baseline: a signal is the product of its filter with one mantissa.
    """
    where = f"modulator {modulator.name!r}"
    if modulator.bent:
        wrong, allowed = f"gain_below = {modulator.gain_below:g}", f"as gain ({modulator.gain:g}), or None"
        raise UnsupportedError(message(where, wrong, allowed, "leave gain_below out, or run on 'native' or 'norse'"))
    if modulator.target is not None:
        return _given(where, modulator), [_ends(where, -HELD_RANGE, HELD_RANGE)]
    decay = round(WHOLE * (1 - modulator.decay))
    if modulator.source is None:
        return _held(modulator, decay), [
            *_lasting(where, modulator, decay, plan.dt),
            _ends(where, -HELD_RANGE, HELD_RANGE),
        ]
    decay = max(decay, 1)
    rates = FULL_SCALE * modulator.baseline, LEAST_FULL_SCALE
    low, high = (modulator.gain * (rate - modulator.baseline) for rate in (0.0, max(rates)))
    # Of 0 to 127, so that the value 0 is a whole number, and both ends are within.
    unit = (max(low, high) - min(low, high)) / (SIGNAL_RANGE[1] - 1)
    offset = math.ceil(-min(low, high) / unit - 1e-9)
    size = plan.size(modulator.source)
    most = _MOST_FILTER * decay // (WHOLE * size)  # every neuron in every step
    jump = min(_MOST_JUMP, 2 ** max(0, most.bit_length() - 1))
    per_hertz = jump * WHOLE * size * plan.dt / decay
    mantissa, shift = _ratio(modulator.gain / (per_hertz * unit))
    got = mantissa / 2**shift * per_hertz * unit
    # Half a unit more, since the shift rounds down.
    baseline = round(per_hertz * modulator.baseline - (offset + 0.5) * 2**shift / mantissa)
    signal = Signal(
        name=modulator.name,
        source=modulator.source,
        decay=decay,
        jump=jump,
        baseline=baseline,
        mantissa=mantissa,
        shift=shift,
        start=round(per_hertz * modulator.baseline),
        unit=unit,
    )
    gain = Loss(where, "gain", "rounding", modulator.gain, got, relative(modulator.gain, got))
    ends = ((y - offset) * unit for y in (0, SIGNAL_RANGE[1]))
    return Spoken(signal, offset), [*_lasting(where, modulator, decay, plan.dt), gain, _ends(where, *ends)]


def _held(modulator: ModulatorPlan, decay: int) -> Spoken:
    """Return the signal of a modulator that only the protocol sets."""
    offset = (SIGNAL_RANGE[1] + 1) // 2
    shift = 12
    signal = Signal(
        name=modulator.name,
        source=None,
        decay=decay,
        jump=0,
        baseline=-(2 * offset + 1 << shift) // 2,
        mantissa=1,
        shift=shift,
        start=0,
        unit=HELD_RANGE / offset,
    )
    return Spoken(signal, offset)


def _given(where: str, modulator: ModulatorPlan) -> Spoken:
    """Return what says a post-shaped modulator."""
    if modulator.source is not None or modulator.decay != 1.0:
        wrong, allowed = f"a filter for each neuron of {modulator.target!r}", "values that are held, with no tau"
        raise UnsupportedError(message(where, wrong, allowed, "leave tau out, or run on 'native' or 'norse'"))
    offset = (SIGNAL_RANGE[1] + 1) // 2
    return Spoken(Given(modulator.name, str(modulator.target), offset, HELD_RANGE / offset), offset)


def _lasting(where: str, modulator: ModulatorPlan, decay: int, dt: float) -> list[Loss]:
    if modulator.decay == 1.0:
        return []
    tau, got = (-dt / math.log(share) if 0 < share < 1 else 0.0 for share in (modulator.decay, 1 - decay / WHOLE))
    got = math.inf if decay == 0 else got
    return [Loss(where, "tau", "rounding", tau, got, relative(tau, got))]


def _ends(where: str, low: float, high: float) -> Loss:
    note = f"values beyond {low:.3g} to {high:.3g} are clipped, in steps of {(high - low) / SIGNAL_RANGE[1]:.3g}"
    return Loss(where, "range", "saturation", math.inf, high, None, note)


def _ratio(number: float) -> tuple[int, int]:
    """Return mantissa and shift with ``mantissa / 2**shift`` near `number`, the mantissa of 15 bits."""
    shift = max(0, min(_MOST_SHIFT, math.floor(math.log2(_MOST_MANTISSA / abs(number)))))
    return round(number * 2**shift) or int(math.copysign(1, number)), shift
