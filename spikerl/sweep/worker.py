"""A process that runs one experiment after another, as its standard input asks, and never outlives who asks.

In, a line a job: ``{"directory": ..., "text": ..., "performer": "module:name"}``. Out: ``{"share": s}`` as it goes on,
the share that is done, then ``{"finished": ""}`` or ``{"failed": message}``. The end of standard input ends the
process, also in the middle of a run: the system closes it when the other side dies, however it dies.
"""

from __future__ import annotations

import glob
import json
import os
import queue
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from spikerl.errors import SpikerlError
from spikerl.experiment.reading import assemble
from spikerl.files import TEMPORARY, sha256
from spikerl.results.manifest import NAME as MANIFEST
from spikerl.results.manifest import read_manifest
from spikerl.run import execute
from spikerl.sweep.work import load_performer
from spikerl.toml import parse_toml


def finished(directory: Path, text: str) -> bool:
    """Say whether `directory` holds the finished run of the experiment `text`; raises `FileError` for a damaged one."""
    if not (directory / MANIFEST).is_file():
        return False
    facts = read_manifest(directory)
    return facts.status == "finished" and facts.experiment == sha256(text.encode())


def perform(text: str, directory: Path, progress: Callable[[float], None]) -> None:
    """Run the experiment `text` in `directory`, or go on with the run of it there; do nothing where it is finished.

    The results are a function of `text` alone. `progress` is called with the share that is done. Raises what
    `spikerl.run` raises.
    """
    if finished(directory, text):
        return
    # What a kill has left of a directory about to be made.
    for left in directory.parent.glob(f".{glob.escape(directory.name)}.*{TEMPORARY}"):
        shutil.rmtree(left, ignore_errors=True)
    where = f"experiment of {directory}"
    experiment = assemble(directory.name, parse_toml(text, where), {"": f"{where}: "})
    resume = (directory / MANIFEST).is_file()
    execute(experiment, directory, resume, lambda at: progress(at.done / at.trials))


def main() -> None:
    """Serve standard input until it ends."""
    # What else reads or prints here, a compiler say, must not be among the lines.
    asked, answers = os.fdopen(os.dup(0), "rb"), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)

    def answer(line: dict[str, object]) -> None:
        # The system alone closes this end, so that it tells the other side that the process has ended.
        with open(answers, "w", encoding="utf-8", closefd=False) as file:
            file.write(json.dumps(line) + "\n")

    jobs: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    busy = threading.Event()
    threading.Thread(target=_listen, args=(asked, jobs, busy), daemon=True).start()
    while line := jobs.get():
        job = json.loads(line)
        try:
            performer = load_performer(job["performer"])
            performer(job["text"], Path(job["directory"]), lambda share: answer({"share": share}))
            last: dict[str, object] = {"finished": ""}
        except SpikerlError as error:
            last = {"failed": str(error)}
        except Exception as error:
            last = {"failed": f"a fault of spikerl itself, {type(error).__name__}: {error}"}
        busy.clear()
        answer(last)


def _listen(asked: BinaryIO, jobs: queue.SimpleQueue[bytes], busy: threading.Event) -> None:
    """Pass lines on; at the end let an idle process end by itself, and kill a busy one with all that it has started."""
    for line in asked:
        busy.set()
        jobs.put(line)
    if busy.is_set():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    jobs.put(b"")
