"""Back ends, circuits and tasks by name: what installed packages offer through entry points."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points

from spikerl.errors import DescriptionError, message, nearest

BACKENDS, CIRCUITS, TASKS = "spikerl.backends", "spikerl.circuits", "spikerl.tasks"


def registered(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of `group` by name, sorted; nothing is imported.

    The folders of `sys.path` are read again when one of them has changed since the last call, as an installation does.
    """
    return dict(_offered(group, tuple(_dated(folder) for folder in sys.path)))


def find(group: str, name: str, where: str) -> EntryPoint:
    """Return the entry point called `name`; raises `DescriptionError`, beginning with `where`, with the nearest one."""
    known = registered(group)
    if name not in known:
        raise DescriptionError(message(where, name, ", ".join(known), nearest(str(name), known)))
    return known[name]


@lru_cache(maxsize=16)
def _offered(group: str, folders: tuple[tuple[str, int], ...]) -> tuple[tuple[str, EntryPoint], ...]:
    """Read what all packages offer, a file for each; `folders` says where, and when that was changed."""
    return tuple((point.name, point) for point in sorted(entry_points(group=group), key=lambda point: point.name))


def _dated(folder: str) -> tuple[str, int]:
    """Return where `folder` is and when it was last changed, 0 where there is none."""
    try:
        place = os.path.abspath(folder)
        return place, os.stat(place).st_mtime_ns
    except OSError:
        return folder, 0
