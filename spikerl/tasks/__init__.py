"""The tasks by name, and their registration with Gymnasium."""

from __future__ import annotations

import gymnasium

from spikerl.tasks.bandit import Bandit, BanditParameters
from spikerl.tasks.base import Task, TaskFactory, load_task
from spikerl.tasks.reversal import Reversal, ReversalParameters

__all__ = [
    "Bandit",
    "BanditParameters",
    "Reversal",
    "ReversalParameters",
    "Task",
    "TaskFactory",
    "load_task",
    "register",
]


def register() -> None:
    """Make ``gymnasium.make("spikerl/Reversal-v0")`` work, and Bandit-v0; a second call does nothing.

    Gymnasium 1 looks for no entry points of other packages, and importing this package changes no registry,
    so a program that wants the names says so.
    """
    for name, environment in (("spikerl/Bandit-v0", Bandit), ("spikerl/Reversal-v0", Reversal)):
        if name not in gymnasium.registry:
            gymnasium.register(name, entry_point=f"{environment.__module__}:{environment.__name__}")
