"""The tasks by name, and their registration with Gymnasium."""

from __future__ import annotations

import gymnasium

from spikerl.tasks.bandit import Bandit, BanditParameters
from spikerl.tasks.base import Task, TaskFactory, load_task
from spikerl.tasks.pavlovian import Pavlovian, PavlovianParameters
from spikerl.tasks.payoffs import Payoffs, PayoffsParameters
from spikerl.tasks.reversal import Reversal, ReversalParameters
from spikerl.tasks.variable_magnitude import VariableMagnitude, VariableMagnitudeParameters
from spikerl.tasks.volatile import Volatile, VolatileParameters
from spikerl.tasks.what_where import WhatWhere, WhatWhereParameters

__all__ = [
    "Bandit",
    "BanditParameters",
    "Pavlovian",
    "PavlovianParameters",
    "Payoffs",
    "PayoffsParameters",
    "Reversal",
    "ReversalParameters",
    "Task",
    "TaskFactory",
    "VariableMagnitude",
    "VariableMagnitudeParameters",
    "Volatile",
    "VolatileParameters",
    "WhatWhere",
    "WhatWhereParameters",
    "load_task",
    "register",
]


def register() -> None:
    """Make ``gymnasium.make("spikerl/Reversal-v0")`` work, and so for every other task; again does nothing.

    Gymnasium 1 looks for no entry points of other packages, and importing this package changes no registry,
    so a program that wants the names says so.
    """
    for environment in (Bandit, Pavlovian, Payoffs, Reversal, VariableMagnitude, Volatile, WhatWhere):
        name = f"spikerl/{environment.__name__}-v0"
        if name not in gymnasium.registry:
            gymnasium.register(name, entry_point=f"{environment.__module__}:{environment.__name__}")
