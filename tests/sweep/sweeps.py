"""What the tests of sweeps share: short experiments of slow or fast trials, and the processes that run them."""

from pathlib import Path

import psutil

import spikerl as sp

OVER = {"circuit.tau_elig": ["200 ms", "500 ms"]}
SLOW = {"protocol.interval": "400ms"}  # trials long enough to be interrupted
FILES = ("experiment.toml", "results.h5")


def contents(sweep: sp.Sweep) -> dict[str, list[bytes]]:
    """Return the files of each point that are a function of its experiment."""
    return {point.name: [(point.directory / name).read_bytes() for name in FILES] for point in sweep.points}


def logged(directory: Path, words: str) -> list[str]:
    """Return the lines of the sweep's log that end in `words`, without their time."""
    lines = [line.partition(" ")[2] for line in (directory / "log.txt").read_text().splitlines()]
    return [line for line in lines if line.endswith(words)]


def workers(process: int | None = None) -> list[psutil.Process]:
    """Return the processes below `process` (default: this one) that run experiments."""
    found = []
    for child in psutil.Process(process).children(recursive=True):
        try:
            if "spikerl.sweep.worker" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.Error:  # it ended meanwhile
            continue
    return found


def alive(processes: list[psutil.Process], seconds: float = 60) -> list[psutil.Process]:
    """Return which of `processes` are still there after a while (those that only wait to be counted are not)."""
    _, left = psutil.wait_procs([p for p in processes if p.is_running()], timeout=seconds)
    return [process for process in left if process.status() != psutil.STATUS_ZOMBIE]
