"""The worker: a script of the side interpreter that receives a program, runs it under Lava, and sends what happened.

It is started by the guardian as ``worker.py DESCRIPTOR NAME``: a connected socket, and the name that its shared memory
begins with. Messages are those of `wire`. While it is at work, a thread of its own says every second how far
it is, and looks after Lava's processes: one that dies would leave the others waiting for ever.
"""

import contextlib
import ctypes
import importlib.util
import multiprocessing
import os
import signal
import socket
import sys
import threading
import traceback
from multiprocessing import connection as pipes
from multiprocessing import shared_memory
from pathlib import Path


def _sibling():
    """Return `wire`, which lies in the folder above, without making that folder's other files importable."""
    spec = importlib.util.spec_from_file_location("wire", Path(__file__).resolve().parent.parent / "wire.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["wire"] = module
    spec.loader.exec_module(module)
    return module


wire = sys.modules.get("wire") or _sibling()


class Worker:
    """What is asked for over `channel`, done one request after the other."""

    def __init__(self, channel):
        self.channel = channel
        self.sending = threading.Lock()
        self.busy = threading.Event()
        self.failed = threading.Event()
        self.program = self.arrays = self.built = None
        self.steps = 0

    def send(self, kind, fields=None, arrays=None):
        """Send a message; the heart beats on the same channel."""
        with self.sending:
            wire.send(self.channel, kind, fields, arrays)

    def serve(self):
        """Answer until the other side is gone."""
        answers = {"hello": self.hello, "program": self.load, "run": self.run, "learned": self.learned}
        answers["provoke"] = self.provoke
        while True:
            try:
                asked = wire.receive(self.channel)
            except wire.Closed:
                return
            self.busy.set()
            try:
                if asked.kind not in answers:
                    raise ValueError(f"a request {asked.kind!r:.80}; allowed: {', '.join(answers)}")
                answers[asked.kind](asked)
            except wire.Closed:
                return
            except Exception as error:
                self.fail(f"{type(error).__name__}: {error}", traceback.format_exc() + self.traces())
                return
            finally:
                self.busy.clear()

    def fail(self, summary, trace):
        """Send an error, once."""
        if not self.failed.is_set():
            self.failed.set()
            with contextlib.suppress(wire.Closed):
                self.send("error", {"summary": summary[:2000], "trace": trace[-100_000:]})

    def hello(self, asked):
        """Agree on the protocol, and say with what versions."""
        if asked.fields.get("protocol") != wire.PROTOCOL:
            raise ValueError(f"protocol {asked.fields.get('protocol')!r:.80}; the worker speaks {wire.PROTOCOL}")
        from importlib.metadata import version

        versions = {"python": "{}.{}".format(*sys.version_info)}
        versions |= {"lava": version("lava-nc"), "numpy": version("numpy"), "scipy": version("scipy")}
        self.send("hello", {"protocol": wire.PROTOCOL, "versions": versions})

    def load(self, asked):
        """Build the processes of a program."""
        from building import build

        if self.built is not None:
            raise ValueError("a second program; a worker runs one")
        self.program, self.arrays = asked.fields["program"], asked.arrays
        self.built = build(self.program, self.arrays)
        self.send("ready", {"capacity": self.built.capacity})

    def run(self, asked):
        """Run a window, in pieces as long as the shared memory has rows."""
        import numpy as np

        steps, watched = asked.fields["steps"], asked.fields["watched"]
        pieces = []
        for first in range(0, steps, self.built.capacity):
            count = min(self.built.capacity, steps - first)
            self._give(asked, slice(first, first + count), count)
            self._step(count)
            pieces.append(self._taken(count, watched))
        self.send("ran", {}, {key: np.concatenate([piece[key] for piece in pieces]) for key in pieces[0]})

    def _give(self, asked, rows, count):
        for (kind, name), desk in self.built.desks.items():
            if kind == "input":
                desk.arrays["messages"][:count] = asked.arrays[f"messages/{name}"][rows]
            elif kind in ("signal", "given"):
                held = asked.arrays.get(f"held/{name}")
                desk.arrays["is_held"][:count] = held is not None
                if held is not None:
                    desk.arrays["held"][:count] = held[rows]

    def _step(self, count):
        from building import Chosen, check
        from lava.magma.core.run_conditions import RunSteps

        begin = self.steps
        for steps in (1, count - 1) if begin == 0 else (count,):
            if steps == 0:
                continue
            self.built.window[:] = begin, self.steps + steps
            for root in self.built.roots:
                root.run(condition=RunSteps(num_steps=steps), run_cfg=Chosen())
            if self.steps == 0:
                check(self.program, self.arrays, self.built)
            self.steps += steps

    def _taken(self, count, watched):
        taken = {}
        for (kind, name), desk in self.built.desks.items():
            if kind == "neurons":
                for what in ("spikes", *(("u", "v", "offset") if name in watched else ())):
                    if what in desk.arrays:
                        taken[f"{what}/{name}"] = desk.arrays[what][:count].copy()
            elif kind == "signal":
                taken[f"signal/{name}"] = desk.arrays["value"][:count].copy()
        return taken

    def learned(self, asked):
        """Send what a connection holds."""
        desk = self.built.desks["connection", asked.fields["connection"]].arrays
        if self.steps == 0:
            desk["weight"][:] = self.arrays[f"{asked.fields['connection']}/cut"]
        self.send("learned", {}, {key: desk[key].copy() for key in ("weight", "tag", "x", "y") if key in desk})

    def provoke(self, asked):
        """Fail on request, for tests: raise here, hang here, or hang without a heart beat."""
        fault = asked.fields["fault"]
        if fault == "raise":
            raise RuntimeError("provoked")
        if fault == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        threading.Event().wait()

    def actors(self):
        """Return Lava's processes."""
        if self.built is None:
            return []
        runtimes = [root.runtime for root in self.built.roots if root.runtime is not None]
        return [actor for runtime in runtimes for actor in runtime._messaging_infrastructure.actors]

    def traces(self):
        """Return the traces of those of Lava's processes that failed."""
        failed = [actor.exception for actor in self.actors()]
        return "".join(f"\nin one of Lava's processes:\n{error[1]}" for error in failed if error)

    def beat(self):
        """Say every second how far it is; report a process of Lava's that failed or died and that nobody heard of."""
        suspected = False
        while not self.failed.wait(wire.HEARTBEAT):
            if not self.busy.is_set():
                continue
            built = self.built
            done = sum(int(desk.progress[0]) for desk in list(built.desks.values())) if built else 0
            try:
                self.send("beat", {"done": done})
                dead = [actor for actor in self.actors() if not actor._is_done and pipes.wait([actor.sentinel], 0)]
                if suspected and dead:
                    self.fail("a process of Lava's ended", self.traces())
                    os._exit(1)
                suspected = bool(dead)
            except wire.Closed:
                os._exit(1)


def _die_with_parent():
    """Ask the kernel to end this process with the one that started it, whatever ends that one."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL, 0, 0, 0)


def _name_shared_memory(name):
    """Let every segment and semaphore begin with `name`, so that the guardian knows them."""
    shared_memory._SHM_NAME_PREFIX = f"/{name}"
    shared_memory._SHM_SAFE_NAME_LENGTH = len(name) + 1 + 16
    multiprocessing.current_process()._config["semprefix"] = f"/{name}"


def main():
    """Serve the socket that was inherited."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    if sys.platform == "linux":
        _die_with_parent()
        os.register_at_fork(after_in_child=_die_with_parent)
        _name_shared_memory(sys.argv[2])
    os.register_at_fork(after_in_child=channel.close)
    worker = Worker(channel)
    threading.Thread(target=worker.beat, daemon=True).start()
    with contextlib.suppress(wire.Closed):
        worker.send("beat", {"done": 0})  # it has started: from now on silence is a fault
    worker.serve()
    os._exit(0)  # the guardian ends Lava's processes; an orderly stop would wait for those that hang


if __name__ == "__main__":
    main()
