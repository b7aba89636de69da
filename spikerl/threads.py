"""How many threads there are to share work among."""

from __future__ import annotations

import os

MOST_THREADS = 1024


def available_threads() -> int:
    """Return OMP_NUM_THREADS where it is a number, which says it for all numerical programs; else the cores.

    The cores are those that this process may use, which can be fewer than the machine has.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and 1 <= int(asked) <= MOST_THREADS:
        return int(asked)
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1
