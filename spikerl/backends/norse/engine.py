"""The engine: a thin shell that holds the tensors, feeds windows to the step, and brings recordings home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikerl.backends.base import Capabilities, Options, State, Trajectory, initial_state
from spikerl.backends.norse.lowering import lower
from spikerl.backends.norse.portable import pack, to_numpy, unchanging, unpack
from spikerl.backends.norse.program import NetworkState, Program
from spikerl.backends.norse.quantising import quantised
from spikerl.backends.norse.stepping import listen, step, voltage
from spikerl.discretise import Plan
from spikerl.errors import UnsupportedError, message
from spikerl.inputs import Window
from spikerl.quantized import of_projections

_PRECISIONS = {"float64": torch.float64, "float32": torch.float32}

_WORTH_SHARING = 500_000
"""Weights of all instances from which more threads pay; below, they only wait for one another."""


@dataclass(frozen=True)
class Norse:
    """The back end ``norse``: Norse's cells and surrogates on torch, all instances in one batch, on any device."""

    name: str = "norse"
    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(
            devices=("cpu", "cuda", "mps", "xpu"),
            precisions=tuple(_PRECISIONS),
            updates=True,
            noise=True,
            quantization=True,
            needs=("torch", "norse"),
            summary="Norse cells on torch, batched, on CPU or GPU, with gradients",
        )
    )

    def lower(self, plan: Plan) -> Program:
        """Return the program of `plan` for the CPU in float64; `lowering.lower` takes others, and a surrogate."""
        return lower(plan)

    def open(self, plan: Plan, options: Options) -> NorseEngine:
        """Start an engine at step 0; raises `UnsupportedError` where the device is not there or lacks the precision."""
        dtype = _PRECISIONS[options.precision]
        program = lower(plan, _device(options.device, dtype), dtype)
        return NorseEngine(quantised(program, options), options)


class NorseEngine:
    """Runs windows under inference mode, where weights and eligibilities are changed in place."""

    def __init__(self, program: Program, options: Options) -> None:
        self._program = program
        self._options = options
        self._quantized = of_projections(program.plan, options.quantization, options.seed, options.instances)
        start = self._laid(initial_state(program.plan, options.batch, self._quantized))
        self._tensors = self._packed(start)
        self._fixed = unchanging(program, start)
        self._step = 0

    def advance(self, window: Window) -> Trajectory:
        """Run the window: inputs go to the device once before it, recordings come back once after it."""
        program = self._program
        with torch.inference_mode(), _few_threads(self._tensors):
            spikes = self._record(window, sum(program.sizes) - program.sources, dtype=torch.bool)
            voltages = {name: self._record(window, program.plan.size(name)) for name in self._options.voltages}
            values = [self._record(window, *value.shape[1:]) for value in self._tensors.modulators]
            for k, inputs in enumerate(listen(program, window, self._options.batch)):
                self._tensors, outputs = step(program, self._tensors, inputs, donate=True)
                spikes[k] = outputs.spikes
                for record, value in zip(values, outputs.modulators, strict=True):
                    record[k] = value
                for name, record in voltages.items():
                    record[k] = voltage(program, self._tensors, name)
        self._step += window.steps
        home = spikes.cpu().numpy()
        return Trajectory(
            spikes={name: home[:, :, start:stop] for name, (start, stop) in program.emitted.items()},
            voltages={name: to_numpy(record) for name, record in voltages.items()},
            modulators={m.name: to_numpy(r) for m, r in zip(program.modulators, values, strict=True)},
        )

    def weights(self, projection: str) -> NDArray[np.float64]:
        """Return the present weights of `projection`, [batch, synapse], in the unit they were written in."""
        for synapses, weight in zip(self._program.synapses, self._tensors.weights, strict=True):
            if synapses.projection == projection and synapses.rule is not None:
                found = to_numpy(synapses.place.unpack(weight))
                return self._quantized[projection].visible(found) if projection in self._quantized else found
        fixed: NDArray[np.float64] = self._fixed[f"weight/{projection}"].copy()
        return fixed

    def state(self) -> State:
        """Return the complete state, as copies."""
        return unpack(self._program, self._tensors, self._fixed, self._step)

    def restore(self, state: State) -> None:
        """Go on from `state`, which has been checked."""
        laid = self._laid(state)
        self._tensors = self._packed(laid)
        self._fixed = unchanging(self._program, laid)
        self._step = int(state["step"])

    def close(self) -> None:
        """Nothing is held but tensors, which go with the engine."""

    def _laid(self, state: State) -> State:
        """Return `state` with the weights that are quantised on their grids."""
        laid = {f"weight/{name}": one.laid(state[f"weight/{name}"]) for name, one in self._quantized.items()}
        return state | laid

    def _packed(self, state: State) -> NetworkState:
        with torch.inference_mode():
            return pack(self._program, state, self._options.batch)

    def _record(self, window: Window, *size: int, dtype: torch.dtype | None = None) -> Tensor:
        shape = (window.steps, self._options.batch, *size)
        return torch.empty(shape, dtype=dtype or self._program.dtype, device=self._program.device)


@contextmanager
def _few_threads(state: NetworkState) -> Iterator[None]:
    """Compute small steps on one thread: on a busy machine, threads that wait cost a hundred times the step."""
    before = torch.get_num_threads()
    if sum(weight.numel() for weight in state.weights) < _WORTH_SHARING:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _device(name: str, dtype: torch.dtype) -> torch.device:
    """Return the device called `name`; raises `UnsupportedError` where torch cannot use it, or not with `dtype`."""
    try:
        device = torch.device(name)
        torch.zeros(1, dtype=dtype, device=device).sum().item()
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        reason = str(error).strip().splitlines()[0]
        allowed = f"a device on which torch computes in {str(dtype).removeprefix('torch.')} here, such as 'cpu'"
        raise UnsupportedError(message("device of back end 'norse'", name, allowed, f"torch says: {reason}")) from error
    return device
