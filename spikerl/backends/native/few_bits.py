"""What a session in few bits keeps beside a program: the numbers of each instance, and codes for weights."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from spikerl.backends.base import Options, State
from spikerl.backends.native.laws import FLOATING, Way
from spikerl.discretise import Plan
from spikerl.errors import UnsupportedError, message
from spikerl.hardware.quantize import PLACE, ROUNDINGS, law
from spikerl.quantized import Kept, Synapses, kept, of_projections, thresholds

Floats = NDArray[np.float64]

NUMBERS = ("way", "unit", "offset", "ratio", "least", "most", "rate", "probability", "endurance", "noise", "floating")
"""Of each instance, in this order; `way` is a place in `ways`, `least` and `most` are the levels at the ends."""
_MOST_SINGLE = 24
"""Bits of a whole number that single precision holds."""
KEPT = ("step", "origin", "lowest", "highest", "rounding")


@dataclasses.dataclass(frozen=True)
class FewBits:
    """The quantised `synapses` by projection, the states `kept` in few bits by key, and `thresholds` by population."""

    synapses: dict[str, Synapses]
    kept: dict[str, Kept]
    thresholds: dict[str, Floats]

    def laid(self, state: State) -> State:
        """Return `state` with weights on their grids."""
        return state | {f"weight/{name}": one.laid(state[f"weight/{name}"]) for name, one in self.synapses.items()}

    def codes(self, name: str, stored: Floats) -> Floats:
        """Return the codes of what is `stored`, [batch, synapse]; in floating point, the weight itself."""
        one = self.synapses[name]
        origin, step = one.offset[:, None] * one.scale, one.unit[:, None] * one.scale
        codes = np.rint(law(PLACE, {"x": stored, "origin": origin, "step": step}))
        return np.where(one.floating[:, None], stored, codes)

    def stored(self, name: str, codes: Floats) -> Floats:
        """Return what is stored from its codes, [batch, synapse]."""
        one = self.synapses[name]
        origin, step = one.offset[:, None] * one.scale, one.unit[:, None] * one.scale
        return np.where(one.floating[:, None], codes, origin + codes * step)

    def constants(self, orders: dict[str, NDArray[np.int64]], precision: str) -> dict[str, NDArray[np.generic]]:
        """Return the arrays [batch, ...] that kernels read, by name; `orders`: synapses as they are stored."""
        found: dict[str, NDArray[np.generic]] = {}
        for name, one in self.synapses.items():
            if name not in orders:
                continue
            found[f"numbers/{name}"] = _numbers(one)
            found[f"keys/{name}"] = np.ascontiguousarray(one.keys)
            found[f"powers/{name}"] = _powers(one)
            if not one.even:
                found[f"factor/{name}"] = np.ascontiguousarray(one.factor[:, orders[name]])
        for name, states in self.kept.items():
            columns = [getattr(states, column) for column in KEPT]
            found[f"levels/{name}"] = np.stack(columns, axis=1).astype(np.float64)
            found[f"level_keys/{name}"] = np.ascontiguousarray(states.keys[:, None])
        for name, values in self.thresholds.items():
            found[f"threshold/{name}"] = values.astype(precision)
        return found


def few_bits(plan: Plan, options: Options) -> FewBits | None:
    """Return what `options` ask for; None where that is nothing.

    Raises `UnsupportedError` for codes that single precision does not hold.
    """
    asked, seed, instances = options.quantization, options.seed, options.instances
    if not asked:
        return None
    for one in asked:
        if options.precision == "float32" and not one.floating and one.memory > _MOST_SINGLE:
            where, allowed = "quantization: bits and hidden bits", f"at most {_MOST_SINGLE} in float32"
            raise UnsupportedError(message(where, one.memory, allowed, "take precision='float64'"))
    mismatched = {}
    if any(one.device.threshold_mismatch for one in asked):
        for name, neurons in plan.neurons.items():
            rest = neurons.constants["rest"]
            factors = thresholds(asked, name, neurons.size, seed, instances)
            mismatched[name] = rest + factors * (neurons.constants["threshold"] - rest)
    return FewBits(of_projections(plan, asked, seed, instances), kept(plan, asked, seed, instances), mismatched)


def ways(synapses: Synapses) -> list[Way]:
    """Return the ways of rounding of the batch, each once, in order."""
    return list(dict.fromkeys(_ways(synapses)))


def _ways(synapses: Synapses) -> list[Way]:
    return [
        Way(FLOATING) if floating else Way(ROUNDINGS[rounding], bool(stickiness != 1))
        for floating, rounding, stickiness in zip(
            synapses.floating, synapses.rounding, synapses.stickiness, strict=True
        )
    ]


def _numbers(one: Synapses) -> Floats:
    different = ways(one)
    columns = (
        *(np.array([different.index(way) for way in _ways(one)]), one.unit, one.offset, one.ratio, one.lowest),
        *(one.highest, one.rate, one.probability, one.endurance, one.read_noise * np.sqrt(12.0), one.floating),
    )
    return np.stack(columns, axis=1).astype(np.float64)


def _powers(one: Synapses) -> Floats:
    """Return the powers of the stickiness of each instance, for each depth there is."""
    sticky = one.stickiness != 1
    deepest = int(one.ratio[sticky].max(initial=0.0)) // 2
    return np.ascontiguousarray(one.stickiness[:, None] ** np.arange(deepest + 1.0))
