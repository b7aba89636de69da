"""How the cost of ``native`` grows: with instances, with synaptic events, with threads; and the memory of an instance.

``python benchmarks/native_scaling.py [--picture docs/scaling.png]``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil
from networks import DOPAMINE, small
from pairs import ratio
from rows import Row, printed
from spikerl_session import session

import spikerl as sp
from spikerl.backends.base import Options
from spikerl.backends.native.engine import NativeEngine
from spikerl.backends.native.lowering import lower
from spikerl.discretise import discretise

INSTANCES = (64, 128, 256, 512, 1024, 2048, 4096)
DENSITIES = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8)
STRAIGHT = 0.05
"""How far a slope may be from 1, and memory from what is stated."""


def silent(density: float) -> sp.Network:
    """Return 1,000 neurons whose plastic synapses carry next to nothing: they spike alike, however many there are."""
    drive = sp.Population("drive", 500, sp.Poisson("20 Hz"))
    cells = sp.Population("cells", 1000, sp.LIF(rest="-70 mV", threshold="-50 mV", reset="-60 mV"))
    dopamine = sp.Modulator("dopamine", tau="200 ms")
    rule = sp.dopamine_stdp(dopamine, bounds=(0.0, 1e-12))
    fixed = sp.Projection(drive, cells, weight="4.3 mV", connectivity=sp.Probability(0.1, seed=1))
    if density == 0:
        return sp.Network(fixed, modulators=(dopamine,))
    connected = sp.Probability(density, seed=2)
    return sp.Network(fixed, sp.Projection(cells, cells, weight="0 mV", connectivity=connected, rule=rule))


def over_instances(repeats: int = 3, steps: int = 250) -> list[float]:
    """Return the seconds that so many steps of each number of circuits take."""
    seconds = []
    for instances in INSTANCES:
        seen = sp.Record(spikes=(), modulators=())
        with sp.open(small(), "native", seed=1, batch=instances, threads=1, record=seen) as opened:
            opened.step("10 ms", modulators={"dopamine": DOPAMINE})
            taken = []
            for _ in range(repeats):
                start = time.process_time()
                opened.step(f"{steps} ms", modulators={"dopamine": DOPAMINE})
                taken.append(time.process_time() - start)
        seconds.append(float(np.median(taken)))
    return seconds


def over_events(repeats: int = 5, seconds: float = 2.0) -> tuple[list[float], list[float]]:
    """Return the synaptic events of each density, and the seconds beyond those of the circuit without synapses."""
    bare = _timed(silent(0.0), seconds, repeats)[0]
    events, taken = [], []
    for density in DENSITIES:
        network = silent(density)
        time_of, spikes = _timed(network, seconds, repeats)
        synapses = discretise(network).projections["cells_to_cells"].weight.size
        events.append(2 * spikes * synapses / 1000)
        taken.append(time_of - bare)
    return events, taken


def _timed(network: sp.Network, seconds: float, repeats: int) -> tuple[float, float]:
    with session(network, "native", seconds) as run:
        runs = [run() for _ in range(repeats)]
    return float(np.median([one.seconds for one in runs])), runs[0].rate * seconds * 1000


def slope(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """Return the slope of log y over log x, and its standard error."""
    (gradient, _), covariance = np.polyfit(np.log(x), np.log(y), 1, cov=True)
    return float(gradient), float(np.sqrt(covariance[0, 0]))


def straight(name: str, x: Sequence[float], y: Sequence[float], unit: str) -> Row:
    """Return the row of a cost that should grow in proportion."""
    value, error = slope(x, y)
    source = "; ".join(f"{a:,.0f} {unit} in {b:.3g} s" for a, b in zip(x, y, strict=True))
    holds = abs(value - 1) <= STRAIGHT
    return Row(
        f"native: slope of log time over log {name}", value, value - error, value + error, "1 +- 0.05", holds, source
    )


def memory(few: int = 200, many: int = 700) -> Row:
    """Return the memory that an instance takes, as the system sees it, over what its arrays add up to.

    By the difference of two processes that have run one epoch of the rule, so that every array has been written.
    """
    resident = [
        int(
            subprocess.run(
                [sys.executable, __file__, "--resident", str(count)], check=True, stdout=subprocess.PIPE
            ).stdout
        )
        for count in (few, many)
    ]
    plan = discretise(small())
    stated = NativeEngine(plan, lower(plan), Options()).bytes_per_instance()
    measured = (resident[1] - resident[0]) / (many - few)
    value = measured / stated
    source = f"{stated:,} bytes stated, {measured:,.0f} measured, of 200 neurons and 9,000 plastic synapses"
    name = "native: memory of an instance, measured over stated"
    return Row(name, value, value, value, "<= 1.05", value <= 1 + STRAIGHT, source)


def resident(instances: int) -> int:
    """Return the memory of this process, in bytes, after it has run so many circuits for an epoch."""
    seen = sp.Record(spikes=(), modulators=())
    with sp.open(small(), "native", seed=1, batch=instances, threads=1, record=seen) as opened:
        for _ in range(42):
            opened.step("100 ms", modulators={"dopamine": DOPAMINE})
        return psutil.Process().memory_info().rss


def threads(repeats: int = 5) -> Row:
    """Return how many times faster two threads are than one."""
    with (
        session(small(), "native", 1.0, batch=256, threads=2) as two,
        session(small(), "native", 1.0, batch=256, threads=1) as one,
    ):
        return ratio("native: one thread over two", two, one, repeats, 1.7, simulated=1.0, circuits=256)


def picture(path: Path, instances: list[float], events: tuple[list[float], list[float]]) -> None:
    """Draw both costs on logarithmic axes, each with its fitted line and slope."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.4), layout="constrained")
    for axes, x, y, label in zip(
        figure.subplots(1, 2),
        (INSTANCES, events[0]),
        (instances, events[1]),
        ("instances of 200 neurons, 9,000 plastic synapses", "plastic synaptic events"),
        strict=True,
    ):
        gradient, error = slope(x, y)
        middle = np.exp(np.mean(np.log(y)) - gradient * np.mean(np.log(x)))
        axes.loglog(x, y, "o", color="#1f6f8b")
        axes.loglog(x, middle * np.asarray(x) ** gradient, "-", color="#1f6f8b", alpha=0.5)
        axes.set_xlabel(label)
        axes.set_ylabel("time, s")
        axes.set_title(f"slope {gradient:.3f} +- {error:.3f}", fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def rows(drawn: Path | None = None) -> list[Row]:
    """Return all figures of this benchmark, and draw them where a path is given."""
    instances, events = over_instances(), over_events()
    if drawn is not None:
        picture(drawn, instances, events)
    return [
        straight("instances", INSTANCES, instances, "circuits"),
        straight("synaptic events", *events, "events"),
        memory(),
        threads(),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--resident", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.resident:
        print(resident(chosen.resident))
        sys.exit()
    found = rows(chosen.picture)
    printed(found)
