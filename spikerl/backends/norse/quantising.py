"""From a program to the same in few bits: grids, roundings and random streams for the conditions of a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from spikerl import quantized
from spikerl.backends.base import Options
from spikerl.backends.norse.cells import Cell
from spikerl.backends.norse.drawing import stream
from spikerl.backends.norse.grids import Draws, Storing, laid, numbered, shape_of
from spikerl.backends.norse.keeping import Keeper, keeper
from spikerl.backends.norse.program import Program
from spikerl.backends.norse.rounding import Number
from spikerl.backends.norse.synapses import Synapses
from spikerl.errors import UnsupportedError, message
from spikerl.hardware.quantize import ROUNDINGS
from spikerl.quantized import Kept

_WHOLE_IN_SINGLE = 22
"""Bits of a code that float32 holds with room for what is to be rounded."""


def quantised(program: Program, options: Options) -> Program:
    """Return `program` as `options` ask: the same where they ask for no quantization.

    Raises `DescriptionError` for grids without an end, `UnsupportedError` for codes longer than the precision holds.
    """
    asked = options.quantization
    if not asked:
        return program
    for one in asked:
        if program.dtype == torch.float32 and not one.floating and one.memory > _WHOLE_IN_SINGLE:
            allowed, remedy = f"at most {_WHOLE_IN_SINGLE} in float32", "take float64, or fewer hidden bits"
            raise UnsupportedError(message("bits with hidden bits on back end 'norse'", one.memory, allowed, remedy))
    plan, seed, instances = program.plan, options.seed, options.instances
    of = quantized.of_projections(plan, asked, seed, instances)
    kept = quantized.kept(plan, asked, seed, instances)
    draws: Draws = []
    cells = [_mismatched(program, cell, options) for cell in program.cells]
    cells = [replace(cell, keeper=_membranes(program, cell, kept, len(asked), draws)) for cell in cells]
    synapses = [_synapses(program, one, of, kept, len(asked), draws) for one in program.synapses]
    traces = [kept[f"trace/{name}"] for name in plan.traces if f"trace/{name}" in kept]
    own = _keeper(program, traces, program.trace_sizes, len(asked), 0.0, draws) if traces else None
    return replace(
        program, cells=tuple(cells), synapses=tuple(synapses), trace_keeper=own, streams=tuple(draws), quantised=True
    )


def _mismatched(program: Program, cell: Cell, options: Options) -> Cell:
    """Return `cell` with a threshold for each neuron of each instance, where devices differ."""
    asked = options.quantization
    if not any(one.device.threshold_mismatch for one in asked):
        return cell
    found = []
    for name in cell.populations:
        k = program.plan.neurons[name].constants
        factors = quantized.thresholds(asked, name, program.plan.size(name), options.seed, options.instances)
        found.append(k["rest"] + factors * (k["threshold"] - k["rest"]))
    thresholds = torch.tensor(np.concatenate(found, 1), dtype=program.dtype, device=program.device)
    box = None if cell.box is None else cell.box._replace(v_th=thresholds)
    return replace(cell, box=box, thresholds=thresholds)


def _membranes(program: Program, cell: Cell, kept: Mapping[str, Kept], conditions: int, draws: Draws) -> Keeper | None:
    levels = [kept[f"v/{name}"] for name in cell.populations if f"v/{name}" in kept]
    if not levels:
        return None
    sizes = [program.plan.size(name) for name in cell.populations]
    return _keeper(program, levels, sizes, conditions, cell.constants["rest"], draws)


def _keeper(
    program: Program, levels: Sequence[Kept], sizes: Sequence[int], conditions: int, rest: Number, draws: Draws
) -> Keeper:
    """Return what keeps `levels` side by side, which have one grid and random numbers of their own."""
    instances = len(levels[0].keys) // conditions
    drawn = None
    if ROUNDINGS.index("stochastic") in levels[0].rounding[levels[0].step != 0]:
        drawn = numbered(draws, stream([one.keys[:instances] for one in levels], sizes))
    return keeper(levels[0], conditions, [sum(sizes)], rest, program.trace_decay, drawn)


def _synapses(
    program: Program,
    synapses: Synapses,
    of: Mapping[str, quantized.Synapses],
    kept: Mapping[str, Kept],
    conditions: int,
    draws: Draws,
) -> Synapses:
    """Return `synapses` with what they store and how their eligibilities are kept."""
    rule = synapses.rule
    if rule is None:
        return synapses
    keepers: list[Keeper | None] = []
    for index in range(len(rule.eligibilities)):
        levels = kept.get(f"eligibility/{synapses.projection}/{index}")
        if levels is None:
            keepers.append(None)
            continue
        keys, drawn = levels.keys[: len(levels.keys) // conditions], None
        if ROUNDINGS.index("stochastic") in levels.rounding[levels.step != 0]:
            drawn = numbered(draws, laid(synapses, keys))
        keepers.append(keeper(levels, conditions, shape_of(synapses), 0.0, program.trace_decay, drawn))
    stored = Storing(program, synapses, of[synapses.projection], conditions, draws).stored()
    # The old weights are read after the rule, so they are not written over.
    changed = replace(rule, weights=replace(rule.weights, keep=True))
    return replace(synapses, rule=changed, stored=stored, keepers=tuple(keepers))
