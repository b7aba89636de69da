"""How long a new process takes to the first step of the striatum on ``native``, its cache empty and full.

``python benchmarks/native_start.py [--repeats N]``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from rows import Row, table

TARGET = 1.0
PROGRAM = """
import spikerl as sp
from spikerl.circuit import load_circuit

factory = load_circuit("striatum")
with sp.open(factory.build(factory.parameters()).network, "native", batch=8) as session:
    session.step("1 ms")
"""


def rows(repeats: int = 5) -> list[Row]:
    """Return the seconds from the start of the interpreter to its end, which follows the first step."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"XDG_CACHE_HOME": folder}

        def started() -> float:
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=True)
            return time.perf_counter() - start

        first = started()
        again = [started() for _ in range(repeats)]
    low, value, high = (float(q) for q in np.percentile(again, (25, 50, 75)))
    source = f"striatum, 8 instances; {first:.1f} s with an empty cache; {repeats} starts"
    return [
        Row("native: second start to the first step, s", value, low, high, f"<= {TARGET:g}", value <= TARGET, source)
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    found = rows(parser.parse_args().repeats)
    print(table(found))
    print(found[0].source)
