"""A network in fixed point for a chip, and what that loses."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from spikerl.discretise import Plan
from spikerl.errors import UnsupportedError, message
from spikerl.hardware.lowering.losses import Loss, require
from spikerl.hardware.lowering.neurons import lower_neurons
from spikerl.hardware.lowering.responses import is_response, lower_response, response_scale
from spikerl.hardware.lowering.rules import lower_rule
from spikerl.hardware.lowering.scales import scale_of
from spikerl.hardware.lowering.signals import Spoken, lower_modulator
from spikerl.hardware.lowering.weights import lower_weights, with_rule
from spikerl.hardware.program import Given, Input, Program, Signal
from spikerl.hardware.target import Target

_EXPONENTS = (-7, 7)
"""Where a target does not say which exponents it has, those of the first Loihi."""
_STREAMS = 4
"""The rule of each projection has as many random streams of its own in Lava."""


@dataclass(frozen=True)
class Lowered:
    """A `program`, what it loses, and how its signals say the modulators."""

    program: Program
    losses: tuple[Loss, ...]
    spoken: dict[str, Spoken]

    def require(self, tolerance: float, saturate: bool = False) -> None:
        """Raise `UnsupportedError` where an error is beyond `tolerance` and nobody has allowed it."""
        require(self.losses, tolerance, saturate)


def lower(plan: Plan, target: Target, weight_bits: int = 8, whole: Collection[str] = ()) -> Lowered:
    """Return the network of `plan` as a program for `target`.

    Weights have `weight_bits`, but all 8 where they learn, as the engine has it, and in the projections `whole`.

    Raises `UnsupportedError` naming what the chip's arithmetic does not have: neurons other than `LIF` and
    `SpikeResponse`, noise, post-shaped modulators that are not held, several synapses of one pair, delays of synapses
    that learn, rules with too many traces.
    """
    losses: list[Loss] = []
    for neurons in plan.neurons.values():
        if neurons.noise is not None:
            where, wrong = f"neurons of {neurons.name!r}", "noise from outside"
            raise UnsupportedError(message(where, wrong, "none in fixed point", "leave it out, or run on 'native'"))
    arriving = {name: [p for p in plan.projections.values() if p.post == name] for name in plan.neurons}
    widths = {name: 8 if p.rule or name in whole else weight_bits for name, p in plan.projections.items()}
    exponents = target.synapses.exponent.value or _EXPONENTS
    scales = {
        name: response_scale(neurons, arriving[name], plan, widths, exponents)
        if is_response(neurons)
        else scale_of(neurons, arriving[name], widths)
        for name, neurons in plan.neurons.items()
    }
    populations, spoken, connections = {}, {}, {}
    for name, neurons in plan.neurons.items():
        law = lower_response if is_response(neurons) else lower_neurons
        populations[name], lost = law(neurons, scales[name])
        losses += lost
    for name, modulator in plan.modulators.items():
        spoken[name], lost = lower_modulator(modulator, plan)
        losses += lost
    learning = 0
    for name, projection in plan.projections.items():
        connection, lost = lower_weights(projection, scales[projection.post], widths[name], exponents)
        losses += lost
        if projection.rule is not None:
            rule, lost = lower_rule(projection, connection, plan, spoken, seed=_STREAMS * learning)
            losses += lost
            connection = with_rule(connection, rule)
            learning += 1
        connections[name] = connection
    program = Program(
        inputs={name: Input(name, source.size) for name, source in plan.sources.items()},
        neurons=populations,
        signals={name: each.signal for name, each in spoken.items() if isinstance(each.signal, Signal)},
        connections=connections,
        dt=plan.dt,
        given={name: each.signal for name, each in spoken.items() if isinstance(each.signal, Given)},
    )
    return Lowered(program, tuple(losses), spoken)
