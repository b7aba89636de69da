"""What a task is: a Gymnasium environment with its state out and in, and the factory of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from gymnasium.spaces import Discrete, MultiBinary
from numpy.typing import NDArray
from pydantic import BaseModel

from spikerl.errors import DescriptionError, message
from spikerl.registry import TASKS, find
from spikerl.tasks.blocks import Dictated


class Task(Protocol):
    """A Gymnasium environment in which one step is one trial and one episode is one block.

    The observation, int8 [options], is 1 for each option that is shown, in most tasks all of them; the action is the
    index of the chosen one, and one that is not shown never pays. The `info` of `reset` describes the first trial,
    that of `step` the trial just played: `block`, `trial`, `schedule`, `probabilities` (one an option), `better` (the
    option that pays most), `reversal` (its first trial, -1 for none), `reversed`; in a replay also `recorded_block`,
    `animal_choice` and `animal_better`. A task that has more to say of a trial that was played adds `columns` to the
    info of `step`: names and whole numbers, the same names in every step. `dictated` says what the coming trial does
    not leave to the circuit; where nothing is chosen, the action of its step is 0 and means nothing.
    """

    action_space: Discrete
    observation_space: MultiBinary

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.int8], dict[str, Any]]:
        """Begin the next block, or `options["block"]`; a `seed` goes back to block 0."""

    def step(self, action: np.int64) -> tuple[NDArray[np.int8], float, bool, bool, dict[str, Any]]:
        """Play one trial: observation of the next one, reward, terminated, truncated, info."""

    def dictated(self) -> Dictated:
        """Return what the coming trial leaves to nobody's choice: choice, feedback, laser."""

    def state(self) -> dict[str, int]:
        """Return the complete state, for a checkpoint."""

    def restore(self, state: Mapping[str, int]) -> None:
        """Go to a state that `state` returned."""


Parameters = TypeVar("Parameters", bound=BaseModel, contravariant=True)


class Opener(Protocol[Parameters]):
    """Reads what the parameters name, once, and returns the function that makes the task of one instance."""

    def __call__(self, parameters: Parameters, seed: int) -> Callable[[int], Task]:
        """Return ``instance -> task``."""


@dataclass(frozen=True)
class TaskFactory:
    """How an experiment file's ``[task]`` table becomes environments.

    `name` is the table's ``name``; `parameters` is the model of its other keys; `opener` reads files once and
    returns ``instance -> task``; `summary` is the line that ``spikerl list tasks`` prints.
    """

    name: str
    parameters: type[BaseModel]
    opener: Opener[Any]
    summary: str

    def make(self, parameters: BaseModel, seed: int, instance: int) -> Task:
        """Return the task of one instance."""
        return self.batch(parameters, seed, (instance,))[0]

    def batch(self, parameters: BaseModel, seed: int, instances: Iterable[int]) -> list[Task]:
        """Return the tasks of several instances; each equals the one that `make` returns for it."""
        if not isinstance(parameters, self.parameters):
            where = f"parameters of task {self.name!r}"
            raise DescriptionError(message(where, parameters, f"a {self.parameters.__name__}"))
        task = self.opener(parameters, seed)
        return [task(instance) for instance in instances]


def load_task(name: str) -> TaskFactory:
    """Return the task called `name`; raises `DescriptionError` with the nearest name."""
    factory: TaskFactory = find(TASKS, name, "task.name").load()
    return factory
