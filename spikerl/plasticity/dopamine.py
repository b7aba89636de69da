"""Dopamine-gated three-factor plasticity, with opposite signs for D1 and D2 receptors; strengths scaled by dopamine."""

from __future__ import annotations

import math
from typing import Literal

from spikerl.errors import DescriptionError, message, nearest
from spikerl.keywords import checked
from spikerl.neurons import Written
from spikerl.plasticity.algebra import (
    Modulator,
    Rule,
    eligibility,
    every_step,
    on_post,
    on_pre,
    post_trace,
    pre_trace,
    weight,
)
from spikerl.units import finite_number

_SIGNS = {"D1": 1.0, "D2": -1.0}


@checked
def dopamine_stdp(
    dopamine: Modulator,
    tau_elig: Written = "1 s",
    a_plus: float = 0.01,
    a_minus: float = 0.012,
    rate: float = 1e-3,
    receptor: Literal["D1", "D2"] = "D1",
    tau_plus: Written = "20 ms",
    tau_minus: Written = "20 ms",
    forgetting: float = 0.0,
    rest: float = 0.0,
    bounds: tuple[float, float] = (0.0, 1.0),
    tonic: Modulator | None = None,
) -> Rule:
    """``dw = +-rate dopamine c`` at every step: + for D1, - for D2 receptors; c is an eligibility fed by pair STDP.

    ``c <- exp(-dt/tau_elig) c + a_plus x`` at post- and ``- a_minus y`` at pre-synaptic spikes, with traces x
    (`tau_plus`) and y (`tau_minus`). Amplitudes, `rate` (per step), `rest` and `bounds` are in the weight's unit.
    With `forgetting`, ``dw = forgetting (rest - w)`` is added at every step, so that a value that is not renewed fades.
    With `tonic`, a modulator in the same unit, ``dw = +-rate (dopamine - tonic) c``: errors count from there.
    Izhikevich (2007); opposite signs in the two pathways: Shen et al. (2008), Neftci and Averbeck (2019).
    Raises `DescriptionError` for another receptor, and for what is no modulator or no number in its place.
    """
    if not isinstance(dopamine, Modulator):
        raise DescriptionError(message("dopamine_stdp.dopamine", dopamine, "an sp.Modulator(...)"))
    if not isinstance(tonic, (Modulator, type(None))):
        raise DescriptionError(message("dopamine_stdp.tonic", tonic, "an sp.Modulator(...), or None"))
    numbers = {"a_plus": a_plus, "a_minus": a_minus, "rate": rate, "forgetting": forgetting, "rest": rest}
    for name, number in numbers.items():
        finite_number(number, f"dopamine_stdp.{name}")
    if not isinstance(receptor, str) or receptor not in _SIGNS:
        raise DescriptionError(message("dopamine_stdp.receptor", receptor, "D1 or D2", nearest(receptor, _SIGNS)))
    x, y = pre_trace(tau_plus), post_trace(tau_minus)
    elig = eligibility(tau_elig, on_post(a_plus * x), on_pre(-a_minus * y))
    error = dopamine.expression() if tonic is None else dopamine - tonic
    gated = every_step(_SIGNS[receptor] * rate * error * elig)
    return Rule(gated, every_step(forgetting * (rest - weight)), bounds=bounds)


@checked
def scaled(
    heard: Modulator,
    weight_at_rest: float,
    gain: float = 0.5,
    offset: float = 0.0,
    rate: float = 0.01,
    bounds: tuple[float, float] | None = None,
) -> Rule:
    """``dw = rate (weight_at_rest (1 + gain (heard + offset)) - w)`` at every step: a strength that `heard` scales.

    Dopamine at the terminals of striatal neurons, where it makes release stronger by D1 receptors (Floran et al. 1990)
    and weaker by D2 receptors (Floran et al. 1997), a `gain` below 0. `offset` stands for a drug, in units of `heard`;
    `rate` is the share of the way that is gone in a step. `weight_at_rest` and `bounds` are in the weight's unit; by
    default no weight changes its sign. Raises `DescriptionError` for what is no modulator or no number in its place.
    """
    if not isinstance(heard, Modulator):
        raise DescriptionError(message("scaled.heard", heard, "an sp.Modulator(...)"))
    numbers = {"weight_at_rest": weight_at_rest, "gain": gain, "offset": offset, "rate": rate}
    for name, number in numbers.items():
        finite_number(number, f"scaled.{name}")
    ends = bounds or ((-math.inf, 0.0) if weight_at_rest < 0 else (0.0, math.inf))
    moved = every_step(rate * weight_at_rest * gain * heard)
    return Rule(moved, every_step(rate * (weight_at_rest * (1.0 + gain * offset) - weight)), bounds=ends)
