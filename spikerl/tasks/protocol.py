"""The trial protocol: what a circuit hears in each phase of a trial, and how its spikes are read as a choice.

A trial is cue, decision, hold, outcome, interval. Both options are shown through cue and decision; spikes of the
decision are counted as votes; the chosen option alone stays on through hold and outcome; in the outcome the feedback,
and the reward if there is one, are heard; the interval is silent (Costa et al. 2016).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikerl.circuit import Circuit, Drive, Vote
from spikerl.errors import DescriptionError, message
from spikerl.seeding import generator
from spikerl.session import Steppable

PHASES = ("cue", "decision", "hold", "outcome", "interval")


@dataclass(frozen=True)
class TrialProtocol:
    """The lengths of the phases, in order; each a time that is a multiple of the step."""

    cue: str = "50 ms"
    decision: str = "250 ms"
    hold: str = "150 ms"
    outcome: str = "250 ms"
    interval: str = "150 ms"

    def duration(self, phase: str) -> str:
        """Return the length of `phase`; raises `DescriptionError` for an unknown one."""
        lengths = dict(zip(PHASES, (self.cue, self.decision, self.hold, self.outcome, self.interval), strict=True))
        if phase not in lengths:
            raise DescriptionError(message("phase", phase, ", ".join(PHASES)))
        return lengths[phase]


def rates(session: Steppable, drive: Drive, level: NDArray[Any]) -> NDArray[np.float64]:
    """``background + level (drive.rate - background)`` in Hz, [batch, neuron]; `level` [batch, group], 1 for on."""
    source = session.plan.sources[drive.population]
    background = source.probability / session.plan.dt
    share = level.astype(np.float64)
    # In this form a level of 0 and of 1 are the two rates to the last bit.
    return np.repeat(share * drive.rate + (1.0 - share) * background, source.size // drive.groups, axis=1)


def count_votes(votes: tuple[Vote, ...], actions: int, spikes: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.int64]:
    """``votes[b, a] = sum of sign * spikes`` of action a's groups over the window; shape [batch, action]."""
    total: NDArray[np.int64] = np.zeros((), dtype=np.int64)
    for vote in votes:
        window = spikes[vote.population]
        total = total + vote.sign * window.sum(axis=0, dtype=np.int64).reshape(window.shape[1], actions, -1).sum(axis=2)
    return total


@dataclass(frozen=True)
class Choice:
    """The action of each instance, [batch], the votes behind it, [batch, action], and whether a draw broke a tie."""

    action: NDArray[np.int64]
    votes: NDArray[np.int64]
    tied: NDArray[np.bool_]


def choose(
    circuit: Circuit,
    spikes: Mapping[str, NDArray[np.bool_]],
    shown: NDArray[np.bool_],
    seed: int,
    instances: Sequence[int],
    trial: int,
) -> Choice:
    """Return the action with the most votes of those `shown`, [batch, action]: what is not there cannot be taken.

    Ties are broken by the stream of seed, instance and trial.
    """
    votes = count_votes(circuit.votes, circuit.actions, spikes)
    worst = np.iinfo(np.int64).min
    there = np.where(shown, votes, worst)
    best = there == there.max(axis=1, keepdims=True)
    tied = best.sum(axis=1) > 1
    action = best.argmax(axis=1)
    for k in np.flatnonzero(tied):
        action[k] = generator(seed, "tie", instances[k], trial).choice(np.flatnonzero(best[k]))
    return Choice(action, votes, tied)
