"""The closed loop: every circuit in every task on every back end, trial by trial, all instances in lockstep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikerl.circuit import Circuit, Drive
from spikerl.session import Observation, Steppable
from spikerl.tasks.base import Task
from spikerl.tasks.blocks import FREE, NO_CHOICE, Dictated
from spikerl.tasks.protocol import PHASES, TrialProtocol, choose, rates
from spikerl.units import steps


@dataclass(frozen=True)
class Trial:
    """One trial of all instances: its `columns`, each [batch], and what was observed in each phase."""

    number: int
    columns: dict[str, NDArray[Any]]
    phases: dict[str, Observation]


@dataclass(frozen=True)
class Events:
    """What happens in the outcome: the `reward` of each instance, [batch], and what their trials dictated."""

    reward: NDArray[np.float64]
    dictated: Sequence[Dictated]

    def level(self, circuit: Circuit, drive: Drive) -> NDArray[np.float64]:
        """Return how far `drive`, one of the circuit's events, is on, [batch]: 1 for its full rate."""
        if drive is circuit.reward:
            return np.maximum(self.reward, 0.0)
        if drive is circuit.punishment:
            return np.maximum(-self.reward, 0.0)
        heard = [one.laser if drive is circuit.laser else one.feedback for one in self.dictated]
        return np.array(heard, dtype=np.float64)


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
        instances: Sequence[int],
    ) -> None:
        self._session = session
        self._circuit = circuit
        self._protocol = protocol
        self._tasks = tuple(tasks)
        self._seed = seed
        self._instances = instances
        self._number = 0
        # Steps before the first trial: those of the rest, and the one in which it sets what it has found.
        self.before = 0 if circuit.rest is None else steps(circuit.rest.duration, session.plan.dt, "circuit.rest") + 1
        self._shown = np.stack([task.reset()[0] for task in self._tasks]).astype(bool)

    def trial(self) -> Trial:
        """Play one trial: show the options, read the choice, deliver the outcome, wait."""
        shown, dictated = self._shown, [task.dictated() for task in self._tasks]
        if self._number == 0:
            self.rest()
        phases = {name: self._phase(name, shown) for name in ("cue", "decision")}
        choice = choose(self._circuit, phases["decision"].spikes, shown, self._seed, self._instances, self._number)
        action = np.array(
            [free if one.choice == FREE else one.choice for free, one in zip(choice.action, dictated, strict=True)]
        )
        # Where nothing is chosen, the cues stay on.
        chosen = np.where(action[:, None] == NO_CHOICE, shown, np.arange(shown.shape[1]) == action[:, None])
        phases["hold"] = self._phase("hold", chosen)
        outcomes = [task.step(np.maximum(one, 0)) for task, one in zip(self._tasks, action, strict=True)]
        reward = np.array([outcome[1] for outcome in outcomes])
        phases["outcome"] = self._phase("outcome", chosen, Events(reward, dictated))
        phases["interval"] = self._phase("interval", np.zeros_like(shown))
        facts = [outcome[4] for outcome in outcomes]
        columns: dict[str, NDArray[Any]] = {
            "instance": np.array(self._instances),
            "block": np.array([fact["block"] for fact in facts]),
            "trial": np.array([fact["trial"] for fact in facts]),
            "choice": action,
            "reward": reward,
            "better": (action == [fact["better"] for fact in facts]).astype(np.int64),
            "better_option": np.array([fact["better"] for fact in facts]),
            "reversal": np.array([fact["reversal"] for fact in facts]),
            "tied": choice.tied.astype(np.int64),
        }
        columns |= {f"votes_{action}": choice.votes[:, action] for action in range(self._circuit.actions)}
        if self._circuit.dopamine is not None:
            columns |= {f"dopamine_{name}": self._firing(phases[name], self._circuit.dopamine) for name in PHASES}
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

    def rest(self) -> None:
        """Find the tonic rate of dopamine, where the circuit has a rest: before the first trial, which calls this.

        To go on from a state of another device, call it anew; signals of dopamine stand still meanwhile.
        """
        rest, circuit, session = self._circuit.rest, self._circuit, self._session
        if rest is None or circuit.dopamine is None:
            return
        still = dict.fromkeys(circuit.modulators, 0.0)
        count = steps(rest.duration, session.plan.dt, "circuit.rest")
        fired = session.step(rest.duration, modulators=still).spikes[circuit.dopamine][count // 5 :]
        rate, signal = fired.mean(axis=(0, 2)) / session.plan.dt, session.plan.modulators[rest.signal]
        found = {rest.tonic: (signal.gain * (rate - signal.baseline))[None]}
        session.step(f"{session.plan.dt!r} s", modulators=still | found)

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

    def _phase(self, name: str, options: NDArray[np.bool_], events: Events | None = None) -> Observation:
        """Run one phase in which the `options`, [batch, option], are shown and the `events` happen."""
        circuit, batch = self._circuit, len(options)
        levels: list[tuple[Drive, NDArray[Any]]] = [(drive, drive.of_options(options)) for drive in circuit.cues]
        for drive in circuit.events():
            share = np.zeros(batch) if events is None else events.level(circuit, drive)
            levels.append((drive, share[:, None]))
        driven = {drive.population: rates(self._session, drive, level) for drive, level in levels}
        held = {} if circuit.clamp is None else dict.fromkeys(circuit.modulators, circuit.clamp)
        return self._session.step(self._protocol.duration(name), rates=driven, modulators=held)

    def _firing(self, seen: Observation, population: str) -> NDArray[np.float64]:
        """Return the mean rate of `population` in a phase, Hz, [batch]."""
        firing: NDArray[np.float64] = seen.spikes[population].mean(axis=(0, 2)) / self._session.plan.dt
        return firing
