"""A running program: arrays of all instances, the table of kernels, and threads that take instances each."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikerl.backends.base import Options, State, Trajectory, initial_state
from spikerl.backends.native.compiling import DRIVER, kernel
from spikerl.backends.native.few_bits import FewBits
from spikerl.backends.native.memory import Held, allocate, put, stored_weights, take
from spikerl.backends.native.program import QUANTIZED, Operation, Program
from spikerl.discretise import Plan
from spikerl.inputs import Window

Floats = NDArray[np.float64]


class NativeEngine:
    """Runs a window by one call a thread; instances share nothing that is written, so threads change no bit."""

    def __init__(self, plan: Plan, program: Program, options: Options, few: FewBits | None = None) -> None:
        self._plan, self._program, self._options, self._few = plan, program, options, few
        orders = {name: stored.order for name, stored in program.synapses.items() if stored.form == QUANTIZED}
        self._constants = few.constants(orders, options.precision) if few else {}
        self._step = 0
        self._arrays = allocate(program, options.batch, options.precision)
        self._threads = ThreadPoolExecutor(options.threads) if options.threads > 1 else None
        self._table = _Table(self._recorded(program.step), options.precision)
        self._readers = {name: _Table((o,), options.precision) for name, o in program.read.items()}
        self.restore(initial_state(plan, options.batch, few.synapses if few else ()))

    def advance(self, window: Window) -> Trajectory:
        """Run the window."""
        plan, options, steps = self._plan, self._options, window.steps
        bound: Held = dict(self._constants)
        for name, source in window.poisson.items():
            held = source.thresholds()
            drawn = {**held._asdict(), "limit": source.limits(held.group_top), "key": source.keys}
            drawn["draws"] = source.draws(held.group_top)
            bound |= {f"{part}/{name}": np.ascontiguousarray(values) for part, values in drawn.items()}
        bound |= {f"noise/{name}": noise.keys for name, noise in window.noise.items()}
        bound |= {f"given/{name}": spikes.view(np.uint8) for name, spikes in window.given.items()}
        bound |= {f"held/{name}": np.ascontiguousarray(values) for name, values in window.held.items()}
        spikes = PackedSpikes(steps, options.batch, {name: plan.size(name) for name in options.spikes})
        voltages = {name: np.empty((steps, options.batch, plan.size(name))) for name in options.voltages}
        modulators = {
            name: np.empty((steps, options.batch, *(() if modulator.size is None else (modulator.size,))))
            for name, modulator in plan.modulators.items()
        }
        bound |= {f"spikes/{name}": bits for name, bits in spikes.bits.items()}
        bound |= {f"voltages/{name}": array for name, array in voltages.items()}
        bound |= {f"modulators/{name}": array for name, array in modulators.items()}
        self._drive(self._table, bound, steps)
        self._step += steps
        return Trajectory(spikes, voltages, modulators)

    def weights(self, projection: str) -> Floats:
        """Return the present weights, [batch, synapse]; what is read stays as it is."""
        weights = self._stored(projection)
        few = self._few
        return few.synapses[projection].visible(weights) if few and projection in few.synapses else weights

    def _stored(self, projection: str) -> Floats:
        """Return what synapses store, [batch, synapse]."""
        stored, batch = self._program.synapses[projection], self._options.batch
        weights = np.empty((batch, stored.order.size))
        if not stored.order.size:
            return weights
        if stored.form == "static":
            weights[:, stored.order] = self._arrays[f"weight/{projection}"]
        elif self._few and stored.form == QUANTIZED:
            return stored_weights(self._program, self._arrays, projection, self._few)
        else:
            self._drive(self._readers[projection], {f"weights/{projection}": weights}, 1)
        return weights

    def state(self) -> State:
        """Return the complete state, and go on from it as any other session would that is given it."""
        weights = {name: self._stored(name) for name in self._plan.projections}
        state = take(self._plan, self._program, self._arrays, self._step, weights)
        self.restore(state)
        return state

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        self._step = int(state["step"])
        laid = self._few.laid(state) if self._few else state
        put(self._plan, self._program, self._arrays, laid, self._few)
        for table in (self._table, *self._readers.values()):
            table.settle(self._arrays)

    def close(self) -> None:
        """End the threads and let go of the arrays."""
        if self._threads:
            self._threads.shutdown()
        self._arrays = {}

    def bytes_per_instance(self) -> int:
        """Return the memory that each further instance takes."""
        batch = self._options.batch
        return sum(array.nbytes for array in self._arrays.values() if array.ndim == 2) // batch

    def _recorded(self, operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
        """Leave out what records something that nobody asked for."""
        wanted = {f"spikes/{name}" for name in self._options.spikes}
        wanted |= {f"voltages/{name}" for name in self._options.voltages}
        return tuple(o for o in operations if not o.name.startswith("record_") or o.arrays[-1] in wanted)

    def _drive(self, table: _Table, bound: Held, steps: int) -> None:
        """Run the kernels of `table` over `steps`, all instances; `bound` are the arrays of this window."""
        batch = self._options.batch
        addresses, strides = table.places(bound)

        def part(first: int, last: int) -> None:
            table.drive(addresses, strides, np.array([first, last, self._step, steps, batch]))

        if self._threads is None or batch == 1:
            part(0, batch)
            return
        # Several parts a thread, since some finish sooner.
        edges = np.linspace(0, batch, min(batch, 8 * self._options.threads) + 1).astype(int).tolist()
        for done in [self._threads.submit(part, a, b) for a, b in zip(edges, edges[1:], strict=False)]:
            done.result()


class PackedSpikes(Mapping[str, NDArray[np.bool_]]):
    """Spikes by population, bool [time, batch, neuron], made from bits when asked for.

    Memory that is touched for the first time costs more than many kernels, and most windows are read in parts.
    """

    def __init__(self, steps: int, batch: int, sizes: dict[str, int]) -> None:
        self._sizes = sizes
        self.bits = {name: np.zeros((steps, batch, -(-size // 8)), np.uint8) for name, size in sizes.items()}

    def __getitem__(self, name: str) -> NDArray[np.bool_]:
        """Return the spikes of population `name`."""
        return np.unpackbits(self.bits[name], axis=2, count=self._sizes[name], bitorder="little").view(bool)

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._sizes)

    def __len__(self) -> int:
        """Return how many populations there are."""
        return len(self._sizes)


class _Table:
    """The operations of a program as numbers: what the driver reads."""

    def __init__(self, operations: tuple[Operation, ...], precision: str) -> None:
        self._driver = kernel(DRIVER, "drive", precision)
        self._drive = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)(self._driver.address)
        self._kernels = [kernel(o.module, o.name, precision) for o in operations]
        self._names = [name for o in operations for name in o.arrays]
        self._addresses = np.array([k.address for k in self._kernels], dtype=np.int64)
        self._integers = np.array([number for o in operations for number in o.integers] or [0], dtype=np.int64)
        self._reals = np.array([number for o in operations for number in o.reals] or [0.0], dtype=np.float64)
        self._first = [_starts([len(part) for part in parts]) for parts in _parts(operations)]

    def settle(self, arrays: Held) -> None:
        """Take note of where the arrays of the program are: [batch, ...], or [...] where instances share them."""
        self._addresses_of = np.zeros(len(self._names), dtype=np.int64)
        self._strides_of = np.zeros(len(self._names), dtype=np.int64)
        self._open: dict[str, list[int]] = {}
        for place, name in enumerate(self._names):
            if name in arrays:
                array = arrays[name]
                self._addresses_of[place] = array.ctypes.data
                self._strides_of[place] = array.strides[0] if array.ndim == 2 else 0
            else:
                self._open.setdefault(name, []).append(place)

    def places(self, bound: Held) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return address in instance 0, and bytes to the next instance, of each array in turn; 0 where there is none.

        `bound` are the arrays of a window: [step, batch, ...], or [batch, ...] where they do not depend on the step.
        """
        addresses, strides = self._addresses_of.copy(), self._strides_of.copy()
        for name, places in self._open.items():
            if name in bound:
                addresses[places] = bound[name].ctypes.data
                strides[places] = bound[name].strides[_batch_axis(name)]
        return addresses, strides

    def drive(self, addresses: NDArray[np.int64], strides: NDArray[np.int64], window: NDArray[np.int64]) -> None:
        """Run; `window`: first instance, the one after the last, first step, steps, size of the batch.

        Python's lock is free meanwhile, so that threads run at once.
        """
        here, now = np.empty_like(addresses), np.zeros(3, dtype=np.int64)
        arrays = (self._addresses, addresses, strides, *self._first, self._integers, self._reals, here)
        pointers = np.array([array.ctypes.data for array in arrays])
        numbers = np.concatenate([[self._addresses.size, addresses.size], window])
        self._drive(pointers.ctypes.data, numbers.ctypes.data, 0, now.ctypes.data)


def _parts(operations: tuple[Operation, ...]) -> list[list[Any]]:
    return [[o.arrays for o in operations], [o.integers for o in operations], [o.reals for o in operations]]


def _starts(lengths: list[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)


def _batch_axis(name: str) -> int:
    return 1 if name.partition("/")[0] in ("given", "held", "spikes", "voltages", "modulators") else 0
