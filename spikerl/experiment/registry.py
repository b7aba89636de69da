"""The tasks that are installed, by their entry points, as circuits and back ends are."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from spikerl.errors import DescriptionError, message, nearest
from spikerl.tasks.base import TaskFactory

GROUP = "spikerl.tasks"


def tasks() -> dict[str, EntryPoint]:
    """Return the entry points of all registered tasks, by name."""
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def load_task(name: str) -> TaskFactory:
    """Return the task called `name`; raises `DescriptionError` with the nearest name."""
    known = tasks()
    if name not in known:
        raise DescriptionError(message("task.name", name, ", ".join(known), nearest(name, known)))
    factory: TaskFactory = known[name].load()
    return factory
