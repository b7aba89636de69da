"""A circuit: a network plus roles, which populations hear the task, which are read as the action, what is dopamine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from spikerl.errors import DescriptionError, message
from spikerl.network import Network
from spikerl.registry import CIRCUITS, find


@dataclass(frozen=True)
class Drive:
    """A Poisson population that the protocol drives: at `rate` Hz while it is on, at its own rate otherwise.

    `groups` equal parts can be driven one by one; 1 for a population driven as a whole. Of a cue, `hears` says which
    group each option switches on, [option]: by default its own, and the same for several where these have something
    in common, an object or a side.
    """

    population: str
    rate: float
    groups: int = 1
    hears: tuple[int, ...] | None = None

    def of_options(self, on: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which groups are on, [batch, group], where the options `on`, [batch, option], are shown."""
        if self.hears is None:
            return on
        groups = np.zeros((len(on), self.groups), dtype=bool)
        for option, group in enumerate(self.hears):
            groups[:, group] |= on[:, option]
        return groups


@dataclass(frozen=True)
class Vote:
    """Spikes of `population`, in as many equal groups as there are actions, count `sign` each for their action."""

    population: str
    sign: int


@dataclass(frozen=True)
class Rest:
    """What is measured before the first trial, while nothing is shown and dopamine teaches nothing.

    For `duration` a time, whose first fifth is left out, the rate of dopamine is counted in each instance. From then
    on `tonic`, a modulator that stays as it is set, has the value that the modulator `signal`, which follows dopamine,
    has at this rate.
    """

    duration: str
    signal: str
    tonic: str


@dataclass(frozen=True)
class Circuit:
    """A network and its roles in a trial.

    The `cues` hear the options, `feedback` that there is an outcome, `reward` how large it is, as a share of the
    drive's rate, `punishment` the same of a loss, and the `laser` that the experimenter switches on in some trials'
    outcomes; None for what the circuit has no ear for. `votes` are read as the action; `dopamine` is the population
    (None where there is none), and `modulators` are the signals that gate plasticity, which `clamp` holds at its value
    in all trials (0, their baseline; None leaves them free). `learning` names the plastic projections that a page
    should show. `rest`, where there is one, comes before the first trial and finds the tonic rate of dopamine.
    """

    network: Network
    actions: int
    cues: tuple[Drive, ...]
    reward: Drive
    votes: tuple[Vote, ...]
    dopamine: str | None
    modulators: tuple[str, ...]
    learning: tuple[str, ...]
    feedback: Drive | None = None
    punishment: Drive | None = None
    laser: Drive | None = None
    clamp: float | None = None
    rest: Rest | None = None

    def __post_init__(self) -> None:
        """Check that every role is played by something in the network, in equal groups."""
        for drive in (*self.cues, *self.events()):
            self._check_groups(drive.population, drive.groups)
        for drive in self.cues:
            if drive.hears is None and drive.groups != self.actions:
                where = f"Circuit: groups of cue {drive.population!r}"
                raise DescriptionError(message(where, drive.groups, f"{self.actions}, the actions, or give hears"))
            if drive.hears is not None and (
                len(drive.hears) != self.actions or not all(0 <= group < drive.groups for group in drive.hears)
            ):
                allowed = f"{self.actions} groups from 0 to {drive.groups - 1}"
                raise DescriptionError(message(f"Circuit: hears of cue {drive.population!r}", drive.hears, allowed))
        for vote in self.votes:
            self._check_groups(vote.population, self.actions)
        if self.dopamine is not None:
            self.network.population(self.dopamine)
        for modulator in self.modulators:
            self.network.modulator(modulator)
        for projection in self.learning:
            self.network.projection(projection)
        if self.rest is not None:
            signal, tonic = (self.network.modulator(name) for name in (self.rest.signal, self.rest.tonic))
            if signal.source is None or signal.source.name != self.dopamine or signal.gain_below is not None:
                allowed = f"a modulator that follows {self.dopamine!r}, with one gain"
                raise DescriptionError(message("Circuit.rest.signal", signal.name, allowed))
            if tonic.source is not None or tonic.tau is not None:
                allowed = "a modulator that stays as it is set, without source and tau"
                raise DescriptionError(message("Circuit.rest.tonic", tonic.name, allowed))

    def events(self) -> tuple[Drive, ...]:
        """Return the drives that are no cues: of feedback, reward, punishment and laser, those that there are."""
        every = (self.feedback, self.reward, self.punishment, self.laser)
        return tuple(drive for drive in every if drive is not None)

    def read(self) -> tuple[str, ...]:
        """Return the populations whose spikes a trial reads: dopamine, and those that vote."""
        dopamine = () if self.dopamine is None else (self.dopamine,)
        return tuple(dict.fromkeys((*dopamine, *(vote.population for vote in self.votes))))

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
