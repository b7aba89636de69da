"""The worker as the program sees it: started under a guardian, spoken to in messages, found out when it hangs."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

from spikerl.errors import RunError, message
from spikerl.hardware.lava import wire

START = 30.0
"""Seconds that the side interpreter may take to start: its heart does not beat yet, and the machine may be busy."""
GRACE = 4.0
"""Seconds beyond a heart beat after which a silent worker is taken for hanging, so that it is ended within 5."""
_END = 5.0  # seconds that a guardian may take to end everything
PATIENCE = 120.0
"""Seconds without a step of any population after which a worker whose heart beats is taken for hanging."""
LAVA = "0.10.0"
_HERE = Path(__file__).resolve().parent
_LOG_LIMIT = 20_000


class WorkerProcess:
    """A worker of the side interpreter `python`; `close` it, or let it be collected.

    Every request has one answer. A worker that fails, dies, or is silent for a heart beat and `GRACE` seconds (for
    `START` at first), or takes no step for `patience` seconds, is ended, with all that it started, and the request
    raises `RunError`.
    """

    def __init__(self, python: Path, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._name = f"spikerl-{secrets.token_hex(6)}-"
        self._log = tempfile.TemporaryFile()  # closed with the worker
        self._channel, theirs = socket.socketpair()
        self._channel.settimeout(START)
        here = [sys.executable, "-I", "-S", str(_HERE / "guardian.py")]
        given = [str(os.getpid()), self._name, str(theirs.fileno())]
        try:
            self.guardian = subprocess.Popen(
                [*here, *given, str(python), "-s", "-E", "-u", "-B", str(_HERE / "worker" / "worker.py")],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=self._log,
                start_new_session=True,
            )
        finally:
            theirs.close()
        self.close = weakref.finalize(self, _end, self.guardian, self._channel, self._log)
        try:
            hello = self.ask("hello", {"protocol": wire.PROTOCOL}, answer="hello")
            self._check(hello)
        except BaseException:
            self.close()
            raise

    def ask(
        self,
        kind: str,
        fields: Mapping[str, Any] | None = None,
        arrays: Mapping[str, Any] | None = None,
        *,
        answer: str,
    ) -> wire.Message:
        """Send a request and return its answer, of kind `answer`."""
        if not self.close.alive:
            raise RunError(message(f"Lava worker, {kind!r}", "a worker that has ended", "one that runs"))
        try:
            wire.send(self._channel, kind, fields, arrays)
            return self._answer(kind, answer)
        except wire.Silent:
            self._silent(kind)
        except wire.Closed as error:
            self._fail(kind, self._ended(str(error)))
        except wire.WireError as error:
            self._fail(kind, f"it sent what is no message: {error}")
        except BaseException:  # whatever interrupts: the answer under way would be taken for the next one's
            self.close()
            raise

    def _answer(self, kind: str, answer: str) -> wire.Message:
        done: Any = None
        since = time.monotonic()
        while True:
            came = wire.receive(self._channel, waiting=lambda: self._silent(kind))
            self._channel.settimeout(wire.HEARTBEAT + GRACE)
            if came.kind == "beat":
                if came.fields.get("done") != done:
                    done, since = came.fields.get("done"), time.monotonic()
                elif time.monotonic() - since > self.patience:
                    self._fail(kind, f"it hangs: no step in {self.patience:g} s")
                continue
            if came.kind == "error":
                summary, trace = (str(came.fields.get(key)) for key in ("summary", "trace"))
                self._fail(kind, summary, trace)
            if came.kind != answer:
                self._fail(kind, f"it answered {came.kind!r:.80} in place of {answer!r}")
            return came

    def _ended(self, said: str) -> str:
        """Return what became of a worker whose channel is closed; its guardian ends with it, and tells."""
        try:
            status = self.guardian.wait(timeout=_END)
        except subprocess.TimeoutExpired:
            return f"it closed its channel ({said})"
        who, number = ("its guardian", -status) if status < 0 else ("it", status - 128)
        if number <= 0:
            return f"it ended, with status {status} ({said})"
        return f"{who} was ended by signal {number} ({signal.strsignal(number)})"

    def _silent(self, kind: str) -> NoReturn:
        self._fail(kind, f"it hangs: no sign of life in {self._channel.gettimeout():g} s")

    def _check(self, hello: wire.Message) -> None:
        protocol, versions = hello.fields.get("protocol"), hello.fields.get("versions")
        lava = versions.get("lava") if isinstance(versions, dict) else None
        if protocol != wire.PROTOCOL or lava != LAVA:
            found = f"protocol {protocol}, Lava {lava}"
            wanted = f"protocol {wire.PROTOCOL}, Lava {LAVA}"
            raise RunError(message("Lava worker", found, wanted, "make its environment anew: spikerl lava setup"))

    def _fail(self, kind: str, why: str, trace: str = "") -> NoReturn:
        """End the worker and raise, with the worker's own trace and the end of what it printed."""
        log = _tail(self._log)
        self.close()
        told = "".join(f"\n--- {what} ---\n{text.strip()}" for what, text in (("trace", trace), ("log", log)) if text)
        raise RunError(f"Lava worker, {kind!r}: {why}{told}") from None


def _tail(log: IO[bytes]) -> str:
    with contextlib.suppress(OSError, ValueError):
        size = log.seek(0, 2)
        log.seek(max(0, size - _LOG_LIMIT))
        return log.read().decode("utf-8", "replace")
    return ""


def _end(guardian: subprocess.Popen[bytes], channel: socket.socket, log: IO[bytes]) -> None:
    """Close what is open; the guardian then ends the worker and itself. Waits for that."""
    channel.close()
    if guardian.stdin is not None:
        with contextlib.suppress(OSError):
            guardian.stdin.close()
    try:
        guardian.wait(timeout=_END)
    except subprocess.TimeoutExpired:
        guardian.kill()
        guardian.wait()
    log.close()
