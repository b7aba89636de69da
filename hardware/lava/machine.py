"""Lava as a machine that runs fixed-point programs: one worker an instance, one round trip a window."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from spikerl.errors import DescriptionError, MissingSimulatorError, message
from spikerl.hardware.lava.checking import check_program, check_window
from spikerl.hardware.lava.process import PATIENCE, WorkerProcess
from spikerl.hardware.lava.setup import environment
from spikerl.hardware.lava.wire import Message
from spikerl.hardware.machine import FixedRun, FixedWindow, Integers, Learned
from spikerl.hardware.program import LIF, Program

_ARRAYS = ("pre_index", "post_index", "weight", "delay")
Answer = TypeVar("Answer")


def available() -> bool:
    """Return whether the environment of Lava has been set up; imports nothing of it."""
    return environment() is not None


class LavaMachine:
    """A program of `batch` instances under Lava 0.10, each in a worker of its own; close it, or use it in ``with``.

    All instances have the same random numbers, those of the rules' seeds. `python` is the side interpreter, by default
    that of ``spikerl lava setup``; `patience` the seconds after which a worker that takes no step is given up.

    Before the first step `learned` returns the weights as they will be cut. Of a rule whose epoch is not over it
    returns the traces x as they were at the end of the last epoch, plus the impulses that Lava adds at once, and as y
    those of a two-factor rule at the end of the last epoch, of a three-factor rule what it heard in the last step.

    Raises `MissingSimulatorError` where the environment is not set up, `DescriptionError` for a program that Lava
    cannot hold, `RunError` where a worker fails.
    """

    def __init__(
        self, program: Program, batch: int = 1, python: Path | None = None, patience: float = PATIENCE
    ) -> None:
        if batch < 1:
            raise DescriptionError(message("batch", batch, "1 or more"))
        chosen = python or environment()
        if chosen is None:
            allowed = "the environment of Lava, made once by: spikerl lava setup"
            raise MissingSimulatorError(message("back end 'lava'", "no side interpreter", allowed))
        check_program(program)
        self._program = program
        self._threads = ThreadPoolExecutor(batch, thread_name_prefix="lava")
        self._workers: list[WorkerProcess] = []
        fields, arrays = _described(program)
        try:
            with contextlib.ExitStack() as started:
                for worker in self._threads.map(lambda _: WorkerProcess(chosen, patience), range(batch)):
                    started.callback(worker.close)
                    self._workers.append(worker)
                self._all(lambda _, worker: worker.ask("program", {"program": fields}, arrays, answer="ready"))
                started.pop_all()
        except BaseException:
            self._threads.shutdown()
            raise

    def __enter__(self) -> LavaMachine:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def run(self, window: FixedWindow, watched: tuple[str, ...] = ()) -> FixedRun:
        """Run the window, and return u and v of the populations `watched`."""
        check_window(self._program, window, len(self._workers), watched)
        fields = {"steps": window.steps, "watched": list(watched)}

        def ask(at: int, worker: WorkerProcess) -> Message:
            arrays: dict[str, NDArray[Any]] = {}
            for name, given in window.messages.items():
                arrays[f"messages/{name}"] = given[:, at].astype(np.int32)
            for name, held in window.held.items():
                arrays[f"held/{name}"] = held[:, at].astype(np.int32)
            return worker.ask("run", fields, arrays, answer="ran")

        came = self._all(ask)

        def gathered(what: str, names: Any, dtype: type) -> dict[str, NDArray[Any]]:
            return {
                name: np.stack([each.arrays[f"{what}/{name}"] for each in came], axis=1).astype(dtype) for name in names
            }

        moving = [name for name in watched if self._program.neurons[name].model != LIF]
        return FixedRun(
            spikes=gathered("spikes", self._program.neurons, np.bool_),
            u=gathered("u", watched, np.int64),
            v=gathered("v", watched, np.int64),
            signals=gathered("signal", self._program.signals, np.int64),
            offsets=gathered("offset", moving, np.int64),
        )

    def learned(self, connection: str) -> Learned:
        """Return what `connection` holds now."""
        if connection not in self._program.connections:
            raise DescriptionError(message("a connection", connection, ", ".join(self._program.connections) or "none"))
        came = self._all(lambda _, worker: worker.ask("learned", {"connection": connection}, answer="learned"))
        chosen = self._program.connections[connection]
        empty = {"tag": np.zeros(len(chosen.weight), dtype=np.int64)}
        empty |= {"x": np.zeros((2, self._program.size(chosen.pre)), dtype=np.int64)}
        empty |= {"y": np.zeros((3, self._program.size(chosen.post)), dtype=np.int64)}

        def gathered(what: str, axis: int) -> Integers:
            found = [each.arrays[what] if what in each.arrays else empty[what] for each in came]
            return np.stack(found, axis=axis).astype(np.int64)

        return Learned(gathered("weight", 0), gathered("tag", 0), gathered("x", 1), gathered("y", 1))

    def close(self) -> None:
        """End the workers and all that they started."""
        for worker in self._workers:
            worker.close()
        self._workers = []
        self._threads.shutdown()

    def _all(self, ask: Callable[[int, WorkerProcess], Answer]) -> list[Answer]:
        """Ask all workers at once."""
        return list(self._threads.map(ask, range(len(self._workers)), self._workers))


def _described(program: Program) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return a program as JSON and arrays, among them the weights that the first step must use."""
    fields: dict[str, Any] = {"connections": {}}
    for part in ("inputs", "neurons", "signals", "given"):
        fields[part] = {name: dataclasses.asdict(given) for name, given in getattr(program, part).items()}
    arrays: dict[str, NDArray[Any]] = {}
    for name, connection in program.connections.items():
        rule = None if connection.rule is None else dataclasses.asdict(connection.rule)
        keys = ("pre", "post", "exponent", "bits", "sign")
        fields["connections"][name] = {key: getattr(connection, key) for key in keys} | {"rule": rule}
        arrays |= {f"{name}/{key}": getattr(connection, key) for key in _ARRAYS}
        arrays[f"{name}/cut"] = connection.cut()
    return fields, arrays
