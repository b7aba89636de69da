"""Back ends, circuits and tasks by name: what installed packages offer through entry points."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from spikerl.errors import DescriptionError, message, nearest

BACKENDS, CIRCUITS, TASKS = "spikerl.backends", "spikerl.circuits", "spikerl.tasks"


def registered(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of `group` by name, sorted; nothing is imported."""
    return {point.name: point for point in sorted(entry_points(group=group), key=lambda point: point.name)}


def find(group: str, name: str, where: str) -> EntryPoint:
    """Return the entry point called `name`; raises `DescriptionError`, beginning with `where`, with the nearest one."""
    known = registered(group)
    if name not in known:
        raise DescriptionError(message(where, name, ", ".join(known), nearest(str(name), known)))
    return known[name]
