"""A circuit: a network plus roles, which populations hear the task, which are read as the action, what is dopamine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from spikerl.errors import DescriptionError, message
from spikerl.network import Network
from spikerl.registry import CIRCUITS, find


@dataclass(frozen=True)
class Drive:
    """A Poisson population that the protocol drives: at `rate` Hz while it is on, at its own rate otherwise.

    `groups` equal parts can be driven one by one (one an option); 1 for a population driven as a whole.
    """

    population: str
    rate: float
    groups: int = 1


@dataclass(frozen=True)
class Vote:
    """Spikes of `population`, in as many equal groups as there are actions, count `sign` each for their action."""

    population: str
    sign: int


@dataclass(frozen=True)
class Circuit:
    """A network and its roles in a trial.

    `cue` hears the options, `feedback` that there is an outcome, `reward` that it was rewarded; `votes` are read as
    the action; `dopamine` is the population, and `modulator` the signal that gates plasticity. `clamped` holds the
    modulator at its baseline in all trials. `learning` names the plastic projections that a page should show.
    """

    network: Network
    actions: int
    cue: Drive
    feedback: Drive
    reward: Drive
    votes: tuple[Vote, ...]
    dopamine: str
    modulator: str
    clamped: bool
    learning: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check that every role is played by something in the network, in equal groups."""
        for drive in (self.cue, self.feedback, self.reward):
            self._check_groups(drive.population, drive.groups)
        for vote in self.votes:
            self._check_groups(vote.population, self.actions)
        self.network.population(self.dopamine)
        self.network.modulator(self.modulator)
        for projection in self.learning:
            self.network.projection(projection)

    def _check_groups(self, population: str, groups: int) -> None:
        size = self.network.population(population).size
        if size % groups:
            where = f"Circuit: population {population!r}"
            raise DescriptionError(message(where, size, f"a multiple of its {groups} groups"))


@dataclass(frozen=True)
class CircuitFactory:
    """A circuit by name: its `parameters` (the ``[circuit]`` table of an experiment) and how it is built from them."""

    name: str
    parameters: type[BaseModel]
    build: Callable[[Any], Circuit]
    summary: str


def load_circuit(name: str) -> CircuitFactory:
    """Return the circuit called `name`; raises `DescriptionError` with the nearest name."""
    factory: CircuitFactory = find(CIRCUITS, name, "circuit.name").load()
    return factory
