"""The step as a pure function of program, state and inputs; its order is that of the definition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikerl.backends.norse.cells import Cell, CellState, fire
from spikerl.backends.norse.learning import Held, learn
from spikerl.backends.norse.program import Inflow, Inputs, NetworkState, Outputs, Program
from spikerl.backends.norse.rules import Signals
from spikerl.errors import UnsupportedError, message
from spikerl.inputs import Window


def step(program: Program, state: NetworkState, inputs: Inputs, donate: bool = False) -> tuple[NetworkState, Outputs]:
    """Advance all instances by one step; gradients flow through all of it, through spikes by the surrogate.

    With `donate` the weights and eligibilities of `state` are written over, which is faster and excludes gradients.
    """
    outputs, cells = [], []
    heard = iter(inputs.noise)
    for cell, inflows, before in zip(program.cells, program.inflows, state.cells, strict=True):
        arrived = [_arrived(program, state, inflow, inputs) for inflow in inflows]
        noise = [next(heard, None) for _ in inflows]
        arrived = [onto if own is None else onto + own for onto, own in zip(arrived, noise, strict=True)]
        spikes, after = fire(cell, before, arrived[0] if len(arrived) == 1 else torch.cat(arrived, 1))
        outputs.append(spikes)
        cells.append(_kept(cell, after, inputs.drawn))
    emitted = torch.cat(outputs, 1) if outputs else inputs.spikes[:, :0]
    fired = torch.cat((inputs.spikes, emitted), 1)
    values, filters = _modulators(program, state, inputs)
    parts, traces, cut = fired.split(program.sizes, 1), state.traces, ()
    if program.traced:
        traced = torch.cat([parts[number] for number in program.traced], 1)
        traces = torch.addcmul(traced, state.traces, program.trace_decay)
        if program.trace_keeper is not None:
            traces = program.trace_keeper.rounded(traces, inputs.drawn)
        cut = traces.split(program.trace_sizes, 1)
    signals = Signals(parts, cut, values, inputs.drawn)
    held = [
        learn(synapses, Held(weight, eligibilities, stock), signals, donate)
        for synapses, weight, eligibilities, stock in zip(
            program.synapses, state.weights, state.eligibilities, state.stocks, strict=True
        )
    ]
    after_step = NetworkState(
        cells=tuple(cells),
        history=(fired, *state.history[:-1]) if program.longest else (),
        traces=traces,
        bundles=state.bundles,
        weights=tuple(item.weight for item in held),
        eligibilities=tuple(item.eligibilities for item in held),
        modulators=_followed(program, filters, fired),
        stocks=tuple(item.stock for item in held),
    )
    return after_step, Outputs(emitted, values)


class Unrolled(NamedTuple):
    """The `state` after a window and, by name, [time, batch, neuron]: `spikes`, `voltages` (after the reset).

    `modulators`: [time, batch] or [time, batch, neuron].
    """

    state: NetworkState
    spikes: dict[str, Tensor]
    voltages: dict[str, Tensor]
    modulators: dict[str, Tensor]


def unroll(program: Program, state: NetworkState, window: Window) -> Unrolled:
    """Run `window` with gradients, which reach whatever `state` was packed from.

    Gradients pass spikes where the program was lowered with a `Surrogate` other than "heaviside". Raises
    `UnsupportedError` for a quantised program: rounding is flat, so its gradient is zero wherever there is one.
    """
    if program.quantised:
        remedy = "unroll the program without quantization, and quantise what it has learned"
        raise UnsupportedError(message("unroll", "a quantised program", "one in floating point", remedy))
    outputs, voltages = [], []
    for now in listen(program, window, batch=state.traces.shape[0]):
        state, output = step(program, state, now)
        outputs.append(output)
        voltages.append([voltage(program, state, name) for name in program.plan.neurons])
    emitted = torch.stack([output.spikes for output in outputs])
    used = zip(*(output.modulators for output in outputs), strict=True)
    return Unrolled(
        state,
        {name: emitted[:, :, start:stop] for name, (start, stop) in program.emitted.items()},
        dict(zip(program.plan.neurons, map(torch.stack, zip(*voltages, strict=True)), strict=True)),
        dict(zip(program.plan.modulators, map(torch.stack, used), strict=True)),
    )


def listen(program: Program, window: Window, batch: int) -> Iterator[Inputs]:
    """Yield the inputs of each step of `window`, which goes to the device once."""
    given = [window.spikes[name] for name in program.plan.sources]
    nothing = np.zeros((window.steps, batch, 0), dtype=bool)
    heard = torch.from_numpy(np.concatenate([nothing, *given], 2)).to(program.device)
    held = {
        name: torch.tensor(value, dtype=program.dtype, device=program.device) for name, value in window.held.items()
    }
    populations = [name for cell in program.cells for name in cell.populations] if window.noise else []
    noise = {name: source.each(window.first, window.steps) for name, source in window.noise.items()}
    streams = [one.each(window.first, window.steps, program.dtype, program.device) for one in program.streams]
    for k in range(window.steps):
        now = tuple(held[m.name][k] if m.name in held else None for m in program.modulators)
        currents = tuple(_sent(program, next(noise[name])) if name in noise else None for name in populations)
        drawn = tuple(next(numbers) for numbers in streams)
        yield Inputs(heard[k].to(program.dtype), now, currents, drawn)


def _sent(program: Program, values: NDArray[np.float64]) -> Tensor:
    return torch.tensor(values, dtype=program.dtype, device=program.device)


def voltage(program: Program, state: NetworkState, population: str) -> Tensor:
    """Return ``v`` of `population`, [batch, neuron]."""
    start, stop = program.emitted[population]
    first = 0
    for cell, now in zip(program.cells, state.cells, strict=True):
        if start < first + cell.size:
            return now.variables[cell.variables.index("v")][:, start - first : stop - first]
        first += cell.size
    raise AssertionError(f"{population} lies in no cell")


def _kept(cell: Cell, state: CellState, drawn: tuple[Tensor, ...]) -> CellState:
    """Return `state` with the membranes in few bits, where they are."""
    if cell.keeper is None:
        return state
    place = cell.variables.index("v")
    kept = cell.keeper.rounded(state.variables[place], drawn)
    return state._replace(variables=(*state.variables[:place], kept, *state.variables[place + 1 :]))


def _arrived(program: Program, state: NetworkState, inflow: Inflow, inputs: Inputs) -> Tensor:
    """``sum w s(n - d)`` over all projections onto one population, [batch, neuron]."""
    if inflow.bundle is None:
        total = inputs.spikes.new_zeros(inputs.spikes.shape[0], inflow.size)
    else:
        total = program.bundles[inflow.bundle].arrive(state.history, state.bundles[inflow.bundle])
    for number in inflow.synapses:
        synapses, weight, stock = program.synapses[number], state.weights[number], state.stocks[number]
        if synapses.stored is not None and stock is not None:
            weight = synapses.stored.transmitted(weight, stock, inputs.drawn)
        total = synapses.place.arrive(total, state.history, weight, synapses.scale)
    return total


def _modulators(program: Program, state: NetworkState, inputs: Inputs) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return the value of each modulator in this step, and the filters, those of held ones where they belong."""
    values, filters = [], []
    for plan, before, held in zip(program.modulators, state.modulators, inputs.held, strict=True):
        above = before - plan.baseline if held is None else held / plan.gain
        gain: Tensor | float = plan.gain
        if plan.bent:
            below = torch.full_like(above, plan.gain_below)
            gain = torch.where(above < 0, below, plan.gain)
        values.append(gain * above if held is None else held)
        filters.append(before if held is None else plan.baseline + held / gain)
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
