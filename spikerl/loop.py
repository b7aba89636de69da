"""The closed loop: every circuit in every task on every back end, trial by trial, all instances in lockstep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikerl.circuit import Circuit
from spikerl.session import Observation, Steppable
from spikerl.tasks.base import Task
from spikerl.tasks.protocol import PHASES, TrialProtocol, choose, rates


@dataclass(frozen=True)
class Trial:
    """One trial of all instances: its `columns`, each [batch], and what was observed in each phase."""

    number: int
    columns: dict[str, NDArray[Any]]
    phases: dict[str, Observation]


class ClosedLoop:
    """Joins a session and one task for each instance; `trial` plays the next trial.

    `seed` and `instances` fix the breaking of ties, and are those of the session.
    """

    def __init__(
        self,
        session: Steppable,
        circuit: Circuit,
        protocol: TrialProtocol,
        tasks: Sequence[Task],
        seed: int,
        instances: range,
    ) -> None:
        self._session = session
        self._circuit = circuit
        self._protocol = protocol
        self._tasks = tuple(tasks)
        self._seed = seed
        self._instances = instances
        self._number = 0
        self._shown = np.stack([task.reset()[0] for task in self._tasks]).astype(bool)

    def trial(self) -> Trial:
        """Play one trial: show the options, read the choice, deliver the outcome, wait."""
        shown, silent = self._shown, np.zeros((len(self._tasks), 1), dtype=bool)
        phases = {name: self._phase(name, shown, silent, silent) for name in ("cue", "decision")}
        choice = choose(self._circuit, phases["decision"].spikes, self._seed, self._instances, self._number)
        chosen = np.eye(self._circuit.actions, dtype=bool)[choice.action]
        phases["hold"] = self._phase("hold", chosen, silent, silent)
        outcomes = [task.step(action) for task, action in zip(self._tasks, choice.action, strict=True)]
        reward = np.array([outcome[1] for outcome in outcomes])
        phases["outcome"] = self._phase("outcome", chosen, ~silent, reward[:, None] > 0)
        phases["interval"] = self._phase("interval", np.zeros_like(shown), silent, silent)
        facts = [outcome[4] for outcome in outcomes]
        columns: dict[str, NDArray[Any]] = {
            "instance": np.array(self._instances),
            "block": np.array([fact["block"] for fact in facts]),
            "trial": np.array([fact["trial"] for fact in facts]),
            "choice": choice.action,
            "reward": reward,
            "better": (choice.action == [fact["better"] for fact in facts]).astype(np.int64),
            "better_option": np.array([fact["better"] for fact in facts]),
            "reversal": np.array([fact["reversal"] for fact in facts]),
            "tied": choice.tied.astype(np.int64),
        }
        columns |= {f"votes_{action}": choice.votes[:, action] for action in range(self._circuit.actions)}
        columns |= {f"dopamine_{name}": self._firing(phases[name]) for name in PHASES}
        if "animal_choice" in facts[0]:
            columns |= {
                name: np.array([fact[name] for fact in facts])
                for name in ("recorded_block", "animal_choice", "animal_better")
            }
        if "columns" in facts[0]:
            columns |= {name: np.array([fact["columns"][name] for fact in facts]) for name in facts[0]["columns"]}
        self._shown = np.stack(
            [
                task.reset()[0] if terminated or truncated else shown
                for task, (shown, _, terminated, truncated, _) in zip(self._tasks, outcomes, strict=True)
            ]
        ).astype(bool)
        trial = Trial(self._number, columns, phases)
        self._number += 1
        return trial

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the complete state of session, tasks and loop, for a checkpoint."""
        state = {f"session/{name}": array for name, array in self._session.state().items()}
        tasks = [task.state() for task in self._tasks]
        state |= {f"task/{key}": np.array([task[key] for task in tasks], dtype=np.int64) for key in tasks[0]}
        return state | {"loop/number": np.array(self._number, dtype=np.int64), "loop/shown": self._shown.copy()}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from `state`, which `state` returned; raises `DescriptionError` where it does not fit."""
        parts: dict[str, dict[str, NDArray[Any]]] = {"session": {}, "task": {}, "loop": {}}
        for name, array in state.items():
            part, _, key = name.partition("/")
            parts[part][key] = array
        self._session.restore(parts["session"])
        for k, task in enumerate(self._tasks):
            task.restore({key: int(values[k]) for key, values in parts["task"].items()})
        self._number = int(parts["loop"]["number"])
        self._shown = parts["loop"]["shown"].copy()

    def _phase(
        self, name: str, options: NDArray[np.bool_], feedback: NDArray[np.bool_], reward: NDArray[np.bool_]
    ) -> Observation:
        """Run one phase with the given groups of cue, feedback and reward switched on, each [batch, group]."""
        circuit = self._circuit
        driven = {
            drive.population: rates(self._session, drive, on)
            for drive, on in ((circuit.cue, options), (circuit.feedback, feedback), (circuit.reward, reward))
        }
        held = {circuit.modulator: 0.0} if circuit.clamped else {}
        return self._session.step(self._protocol.duration(name), rates=driven, modulators=held)

    def _firing(self, seen: Observation) -> NDArray[np.float64]:
        """Return the mean rate of the dopamine population in a phase, Hz, [batch]."""
        firing: NDArray[np.float64] = seen.spikes[self._circuit.dopamine].mean(axis=(0, 2)) / self._session.plan.dt
        return firing
