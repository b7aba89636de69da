"""The step as a pure function of program, state and inputs; its order is that of the definition."""

from __future__ import annotations

import torch
from torch import Tensor

from spikerl.backends.norse.cells import fire
from spikerl.backends.norse.learning import Held, learn
from spikerl.backends.norse.program import Inflow, Inputs, NetworkState, Outputs, Program
from spikerl.backends.norse.rules import Signals


def step(program: Program, state: NetworkState, inputs: Inputs, donate: bool = False) -> tuple[NetworkState, Outputs]:
    """Advance all instances by one step; gradients flow through all of it, through spikes by the surrogate.

    With `donate` the weights and eligibilities of `state` are written over, which is faster and excludes gradients.
    """
    outputs, cells = [], []
    for cell, inflows, before in zip(program.cells, program.inflows, state.cells, strict=True):
        arrived = [_arrived(program, state, inflow, inputs.spikes) for inflow in inflows]
        spikes, after = fire(cell, before, arrived[0] if len(arrived) == 1 else torch.cat(arrived, 1))
        outputs.append(spikes)
        cells.append(after)
    emitted = torch.cat(outputs, 1) if outputs else inputs.spikes[:, :0]
    fired = torch.cat((inputs.spikes, emitted), 1)
    values, filters = _modulators(program, state, inputs)
    traces = torch.addcmul(fired.index_select(1, program.trace_index), state.traces, program.trace_decay)
    cut = traces.split(program.trace_sizes, 1) if program.trace_sizes else ()
    signals = Signals(fired.split(program.sizes, 1), cut, values)
    held = [
        learn(synapses, Held(weight, eligibilities), signals, donate)
        for synapses, weight, eligibilities in zip(program.synapses, state.weights, state.eligibilities, strict=True)
    ]
    after_step = NetworkState(
        cells=tuple(cells),
        history=(fired, *state.history[:-1]) if program.longest else (),
        traces=traces,
        bundles=state.bundles,
        weights=tuple(item.weight for item in held),
        eligibilities=tuple(item.eligibilities for item in held),
        modulators=_followed(program, filters, fired),
    )
    return after_step, Outputs(emitted, values)


def unroll(
    program: Program, state: NetworkState, spikes: Tensor, held: tuple[Tensor | None, ...] | None = None
) -> tuple[NetworkState, Outputs, tuple[Tensor, ...]]:
    """Run a window with gradients: return the last state, the stacked outputs, and ``v`` of each cell.

    `spikes` [time, batch, source neuron]; `held`: for each modulator [time, batch(, neuron)] or None, default none.
    Outputs and voltages are [time, batch, neuron]. Lower with a `Surrogate` other than "heaviside" for gradients
    through spikes; they reach whatever `state` was packed from.
    """
    outputs, voltages = [], []
    for k in range(spikes.shape[0]):
        now = tuple(None if value is None else value[k] for value in held or (None,) * len(program.modulators))
        state, output = step(program, state, Inputs(spikes[k], now))
        outputs.append(output)
        voltages.append([cell.variables[1] for cell in state.cells])
    stacked = Outputs(
        torch.stack([output.spikes for output in outputs]),
        tuple(torch.stack(values) for values in zip(*(output.modulators for output in outputs), strict=True)),
    )
    return state, stacked, tuple(torch.stack(values) for values in zip(*voltages, strict=True))


def _arrived(program: Program, state: NetworkState, inflow: Inflow, like: Tensor) -> Tensor:
    """``sum w s(n - d)`` over all projections onto one population, [batch, neuron]."""
    if inflow.bundle is None:
        total = like.new_zeros(like.shape[0], inflow.size)
    else:
        total = program.bundles[inflow.bundle].arrive(state.history, state.bundles[inflow.bundle])
    for number in inflow.synapses:
        synapses = program.synapses[number]
        total = synapses.place.arrive(total, state.history, state.weights[number], synapses.scale)
    return total


def _modulators(program: Program, state: NetworkState, inputs: Inputs) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return the value of each modulator in this step, and the filters, those of held ones where they belong."""
    values, filters = [], []
    for plan, before, held in zip(program.modulators, state.modulators, inputs.held, strict=True):
        values.append(plan.gain * (before - plan.baseline) if held is None else held)
        filters.append(before if held is None else plan.baseline + held / plan.gain)
    return tuple(values), tuple(filters)


def _followed(program: Program, filters: tuple[Tensor, ...], fired: Tensor) -> tuple[Tensor, ...]:
    """``r <- a r + (1 - a) drive``: each filter follows its source, for the next step."""
    followed = []
    for plan, before in zip(program.modulators, filters, strict=True):
        after = plan.decay * before
        if plan.source is not None:
            start, stop = program.places[plan.source]
            drive = fired[:, start:stop].mean(1)
            after = torch.add(after, drive, alpha=(1 - plan.decay) / program.plan.dt)
        followed.append(after)
    return tuple(followed)
