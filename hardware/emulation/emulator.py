"""The emulator: many instances, of one program or of several that differ in numbers, a window at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spikerl.errors import DescriptionError, message
from spikerl.hardware.emulation.memory import FREE, Heard, Memory, Seen, fresh
from spikerl.hardware.emulation.packing import check_alike, layout, numbers, orders
from spikerl.hardware.emulation.room import Room, room
from spikerl.hardware.emulation.stepping import advance
from spikerl.hardware.emulation.traces import SharedStreams
from spikerl.hardware.machine import FixedRun, FixedWindow, Learned, MachineState
from spikerl.hardware.program import LIF, Program

Streams = Literal["lava", "per-synapse"]


class Emulator:
    """Runs `programs` bit for bit as Lava does; instance k of the `batch` runs program k modulo their number.

    `streams`: "lava" rounds all neurons of a connection, and all its synapses, by one shared number a step, as Lava
    does, and all instances alike; "per-synapse" draws one for each from `seed` and the instance's number, from
    `first_instance` on. `threads` share the instances and change no bit. Raises `DescriptionError` for programs that
    differ in more than numbers.
    """

    def __init__(
        self,
        programs: Sequence[Program] | Program,
        batch: int = 1,
        streams: Streams = "lava",
        seed: int = 0,
        first_instance: int = 0,
        threads: int = 1,
    ) -> None:
        self.programs = (programs,) if isinstance(programs, Program) else tuple(programs)
        if not self.programs or batch % len(self.programs):
            allowed = f"a multiple of {len(self.programs)}, the number of programs"
            raise DescriptionError(message("Emulator.batch", batch, allowed))
        if streams not in ("lava", "per-synapse"):
            raise DescriptionError(message("Emulator.streams", streams, "'lava' or 'per-synapse'"))
        check_alike(self.programs)
        self.batch = batch
        self._own = streams == "per-synapse"
        self._layout, self._numbers = layout(self.programs[0]), numbers(self.programs)
        self._which = np.arange(batch) % len(self.programs)
        keys = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
        self._keys = keys + np.arange(first_instance, first_instance + batch, dtype=np.uint64)
        self._threads = ThreadPoolExecutor(threads) if threads > 1 else None
        parts = min(batch, 4 * threads) if threads > 1 else 1
        self._edges = np.linspace(0, batch, parts + 1).astype(int).tolist()
        self._rooms = [room(self._layout) for _ in range(parts)]
        self._memory = fresh(self._layout, self._numbers, self.programs, self._which)
        self._step = 0
        self._streams = self._at(0)

    def run(self, window: FixedWindow, watched: tuple[str, ...] = ()) -> FixedRun:
        """Run the window, and return u and v of the populations `watched`."""
        program, steps, batch = self.programs[0], window.steps, self.batch
        places, first = {}, 0
        for name, neurons in program.neurons.items():
            places[name] = slice(first, first + neurons.size)
            first += neurons.size
        moving = tuple(name for name in watched if program.neurons[name].model != LIF)
        heard = Heard(
            sent=self._sent(window),
            messages=self._messages(window),
            held=np.stack(
                [window.held.get(name, np.full((steps, batch), FREE)) for name in program.signals], axis=2
            ).astype(np.int16)
            if program.signals
            else np.zeros((steps, batch, 0), np.int16),
            given=self._given(window),
            random=np.array([stream.draw(steps) for stream in self._streams]).reshape(-1, 3, steps),
            keys=self._keys,
            own=self._own,
            watched=_joined(places[name] for name in watched),
            watched_offsets=_joined(places[name] for name in moving),
        )
        seen = Seen(
            spikes=np.zeros((steps, batch, first), np.uint8),
            u=np.zeros((steps, batch, heard.watched.size), np.int32),
            v=np.zeros((steps, batch, heard.watched.size), np.int32),
            offset=np.zeros((steps, batch, heard.watched_offsets.size), np.int32),
            signals=np.zeros((steps, batch, len(program.signals)), np.int64),
        )
        self._advance(heard, seen)
        self._step += steps
        parts, moved = (dict(_parts(program, names)) for names in (watched, moving))
        return FixedRun(
            spikes={name: seen.spikes[:, :, place].view(bool) for name, place in places.items()},
            u={name: seen.u[:, :, part].astype(np.int64) for name, part in parts.items()},
            v={name: seen.v[:, :, part].astype(np.int64) for name, part in parts.items()},
            signals={name: seen.signals[:, :, k] for k, name in enumerate(program.signals)},
            offsets={name: seen.offset[:, :, part].astype(np.int64) for name, part in moved.items()},
        )

    def learned(self, connection: str) -> Learned:
        """Return the weights of `connection`, and if it learns its tags and traces; copies."""
        described = self.programs[0].connections[connection]
        place = list(self.programs[0].connections).index(connection)
        order, learner = orders(described), int(self._layout.rule[place])
        sizes = self.programs[0].size(described.pre), self.programs[0].size(described.post)
        weight, tag = (np.zeros((self.batch, order.size), np.int64) for _ in range(2))
        if learner < 0:
            first = self._layout.first_synapse[place]
            weight[:, order] = self._numbers.weight[self._which, first : first + order.size]
            x, y = (np.zeros((k, self.batch, n), np.int64) for k, n in zip((2, 3), sizes, strict=True))
            return Learned(weight, tag, x, y)
        own, at_pre, at_post = (
            slice(*(int(edge) for edge in first[learner : learner + 2]))
            for first in (self._layout.first_learned, self._layout.first_x, self._layout.first_y)
        )
        weight[:, order], tag[:, order] = self._memory.weight[:, own], self._memory.tag[:, own]
        x, y = (
            traces[:, :, at].transpose(1, 0, 2).astype(np.int64)
            for traces, at in ((self._memory.x, at_pre), (self._memory.y, at_post))
        )
        return Learned(weight, tag, x, y)

    def state(self) -> MachineState:
        """Return the complete state, as copies."""
        arrays = {name: array.copy() for name, array in self._memory._asdict().items()}
        return {"step": np.array(self._step, dtype=np.int64), **arrays}

    def restore(self, state: MachineState) -> None:
        """Go on from `state`, which `state` of an emulator of the same programs and batch has returned."""
        self._step = int(state["step"])
        self._memory = Memory(**{name: state[name].copy() for name in Memory._fields})
        self._streams = self._at(self._step)

    def close(self) -> None:
        """End the threads."""
        if self._threads:
            self._threads.shutdown()

    def _at(self, step: int) -> list[SharedStreams]:
        rules = [c.rule for c in self.programs[0].connections.values() if c.rule is not None]
        return [SharedStreams(rule.seed, rule.epoch, step) for rule in rules]

    def _sent(self, window: FixedWindow) -> NDArray[np.uint64]:
        """Return who sends as bits, the words of the inputs side by side, [step, batch, word]."""
        first = self._layout.first_word
        octets = np.zeros((window.steps, self.batch, 8 * int(first[-1])), np.uint8)
        for k, (name, population) in enumerate(self.programs[0].inputs.items()):
            given = np.broadcast_to(window.messages[name], (window.steps, self.batch, population.size))
            bits = np.packbits(given.astype(np.bool_, copy=False), axis=2, bitorder="little")
            octets[:, :, 8 * first[k] : 8 * first[k] + bits.shape[2]] = bits
        return octets.view(np.uint64)

    def _messages(self, window: FixedWindow) -> NDArray[np.int32]:
        """Return what the inputs send, side by side, [step, batch, neuron]; of no neuron where none is graded."""
        inputs = self.programs[0].inputs
        graded = any(population.message_bits for population in inputs.values())
        messages = np.empty((window.steps, self.batch, graded * sum(p.size for p in inputs.values())), np.int32)
        first = 0
        for name, population in inputs.items() if graded else ():
            messages[:, :, first : first + population.size] = window.messages[name]
            first += population.size
        return messages

    def _given(self, window: FixedWindow) -> NDArray[np.int16]:
        """Return the third factors that are given, side by side, [steps, batch, neuron]; of none where none is held."""
        given = self.programs[0].given
        if not any(name in window.held for name in given):
            return np.zeros((window.steps, self.batch, 0), np.int16)
        found = np.full((window.steps, self.batch, int(self._layout.first_given[-1])), FREE, np.int16)
        for name, first, stop in zip(given, self._layout.first_given, self._layout.first_given[1:], strict=False):
            if name in window.held:
                found[:, :, first:stop] = window.held[name]
        return found

    def _advance(self, heard: Heard, seen: Seen) -> None:
        """Run all instances, shared among threads."""

        def part(first: int, last: int, where: Room) -> None:
            advance(self._layout, self._numbers, self._which, self._memory, heard, seen, self._step, first, last, where)

        if self._threads is None:
            part(0, self.batch, self._rooms[0])
            return
        parts = zip(self._edges, self._edges[1:], self._rooms, strict=False)
        for done in [self._threads.submit(part, *each) for each in parts]:
            done.result()


def _joined(places: Iterable[slice]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(0, np.int64), *(np.arange(place.start, place.stop) for place in places)])


def _parts(program: Program, names: tuple[str, ...]) -> Iterator[tuple[str, slice]]:
    """Yield where each population lies among those of `names`, side by side."""
    first = 0
    for name in names:
        stop = first + program.neurons[name].size
        yield name, slice(first, stop)
        first = stop
