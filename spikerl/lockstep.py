"""Back ends in lockstep: one loop, every session given the same input, and the first thing in which two part.

Spikes must be identical. Voltages, modulators and weights must agree within ``|x - y| <= 1e-9 max(|x|, |y|, floor)``;
the floor is the natural size of the variable, so that a value near zero is not held to a fraction of nothing: the
distance from rest to threshold for a voltage, the gain times the baseline rate (1 at least) for a modulator, the
largest initial weight of its projection for a weight.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spikerl.backends import base
from spikerl.discretise import Plan
from spikerl.errors import DescriptionError, DivergenceError, message
from spikerl.experiment.building import build
from spikerl.experiment.reading import changed
from spikerl.experiment.tables import Experiment
from spikerl.loop import ClosedLoop
from spikerl.neurons import Written
from spikerl.session import Observation, Record, Session, open

TOLERANCE = 1e-9
EVERYTHING = Record(voltages=None)


@dataclass
class Agreement:
    """What has been compared: `windows`, `steps`, `spikes` (of the first back end), `seconds` spent in each back end.

    `largest`: for each other back end, the largest relative deviation of each kind of variable.
    """

    windows: int = 0
    steps: int = 0
    spikes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    largest: dict[str, dict[str, float]] = field(default_factory=dict)


class _Part(NamedTuple):
    """The first place in a window where two arrays part; sorted by time, then by what is easiest to understand."""

    step: int
    rank: int
    variable: str
    name: str
    place: tuple[int, ...]
    ours: float
    theirs: float


class Lockstep:
    """Has a session's `step`, `state`, `restore`, `weights`, `close`, and does each in every one of `sessions`.

    What it returns is the first one's. Sessions are named, open on one network, seed and batch, and must observe all
    spikes, voltages and modulators (`EVERYTHING`). Raises `DivergenceError` at the end of the window in which one
    parts from the first.
    """

    def __init__(self, sessions: Mapping[str, Session]) -> None:
        self._sessions = dict(sessions)
        self._first, *self._others = self._sessions
        leader = self._sessions[self._first]
        self.network, self.plan, self.batch = leader.network, leader.plan, leader.batch
        self.agreement = Agreement(
            seconds=dict.fromkeys(self._sessions, 0.0),
            largest={name: {"voltage": 0.0, "modulator": 0.0, "weight": 0.0} for name in self._others},
        )
        self._floors = _floors(self.plan)

    def step(
        self,
        duration: Written,
        *,
        spikes: Mapping[str, ArrayLike] | None = None,
        rates: Mapping[str, ArrayLike] | None = None,
        modulators: Mapping[str, ArrayLike] | None = None,
    ) -> Observation:
        """Advance every session by `duration` with the same input, and compare."""
        seen: dict[str, Observation] = {}
        for name, session in self._sessions.items():
            before = time.perf_counter()
            seen[name] = session.step(duration, spikes=spikes, rates=rates, modulators=modulators)
            self.agreement.seconds[name] += time.perf_counter() - before
        ours = seen[self._first]
        weights = {name: self._sessions[self._first].weights(name) for name in self.plan.projections}
        steps = len(next(iter(ours.spikes.values())))
        for name in self._others:
            self._compare_steps(name, ours, seen[name])
            self._compare_weights(name, ours.first + steps - 1, weights)
        self.agreement.windows += 1
        self.agreement.steps += steps
        self.agreement.spikes += sum(int(fired.sum()) for fired in ours.spikes.values())
        return ours

    def weights(self, projection: str) -> NDArray[np.float64]:
        """Return the present weights of the first session."""
        return self._sessions[self._first].weights(projection)

    def state(self) -> base.State:
        """Return the complete state of the first session."""
        return self._sessions[self._first].state()

    def restore(self, state: base.State) -> None:
        """Go on from `state` in every session."""
        for session in self._sessions.values():
            session.restore(state)

    def close(self) -> None:
        """Close every session."""
        for session in self._sessions.values():
            session.close()

    def _compare_steps(self, other: str, ours: Observation, theirs: Observation) -> None:
        parts = []
        for name, fired in ours.spikes.items():
            wrong = fired != theirs.spikes[name]
            parts.append(_part(wrong, 0, "spike", name, fired, theirs.spikes[name]))
        for rank, kind, mine, others in (
            (1, "modulator", ours.modulators, theirs.modulators),
            (2, "voltage", ours.voltages, theirs.voltages),
        ):
            for name, values in mine.items():
                wrong = self._deviating(other, kind, name, values, others[name])
                parts.append(_part(wrong, rank, kind, name, values, others[name]))
        found = [part for part in parts if part is not None]
        if found:
            part = min(found)
            self._raise(other, part._replace(step=ours.first + part.step))

    def _compare_weights(self, other: str, step: int, weights: dict[str, NDArray[np.float64]]) -> None:
        for name, ours in weights.items():
            theirs = self._sessions[other].weights(name)
            wrong = self._deviating(other, "weight", name, ours, theirs)[None]
            part = _part(wrong, 3, "weight", name, ours[None], theirs[None])
            if part is not None:
                self._raise(other, part._replace(step=step))

    def _deviating(
        self, other: str, kind: str, name: str, ours: NDArray[np.float64], theirs: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Return where the two deviate too far, and note the largest relative deviation."""
        size = np.maximum(np.maximum(np.abs(ours), np.abs(theirs)), self._floors[kind, name])
        deviation = np.abs(ours - theirs) / size
        largest = self.agreement.largest[other]
        largest[kind] = max(largest[kind], float(deviation.max(initial=0.0)))
        wrong: NDArray[np.bool_] = ~(deviation <= TOLERANCE)  # not (NaN <= x): a NaN parts
        return wrong

    def _raise(self, other: str, part: _Part) -> None:
        if part.variable == "weight":
            projection, synapse = self.plan.projections[part.name], part.place[1]
            pre, post = projection.pre_index[synapse], projection.post_index[synapse]
            pair = f"{projection.pre}[{pre}] -> {projection.post}[{post}]"
            facts: dict[str, object] = {"projection": part.name, "synapse": synapse, "between": pair}
            place = f"projection {part.name!r}, synapse {synapse} ({pair}), at the end of the window"
        elif part.variable == "modulator":
            facts, place = {"modulator": part.name}, f"modulator {part.name!r}"
            if len(part.place) > 1:
                facts, place = facts | {"neuron": part.place[1]}, f"{place}, neuron {part.place[1]}"
        else:
            facts = {"population": part.name, "neuron": part.place[1]}
            place = f"population {part.name!r}, neuron {part.place[1]}"
        # A number that is none is said in words, so that the facts can be written as JSON.
        values = {
            name: value if math.isfinite(value) else str(value)
            for name, value in ((self._first, part.ours), (other, part.theirs))
        }
        facts = {"step": part.step, "variable": part.variable, "instance": part.place[0]} | facts | {"values": values}
        said = ", ".join(f"{name} has {value}" for name, value in values.items())
        where = f"step {part.step} ({part.step * self.plan.dt:g} s), {place}, instance {part.place[0]}"
        allowed = "the same spikes" if part.variable == "spike" else f"a relative deviation of {TOLERANCE:g}"
        text = f"{other} parts from {self._first}: {where}, {part.variable}: {said}; allowed: {allowed}"
        raise DivergenceError(text, facts)


class Comparison(NamedTuple):
    """Back ends that agreed: `backends`, the first one the measure; `trials`, `choices` made alike, `agreement`."""

    backends: tuple[str, ...]
    trials: int
    choices: int
    agreement: Agreement


def compare(
    experiment: Experiment, backends: Sequence[str], progress: Callable[[int, int], None] | None = None
) -> Comparison:
    """Run `experiment` on all `backends` in lockstep, in float64, and return what was compared.

    `progress` is called with trials done and trials in all. Raises `DivergenceError` where they part,
    `DescriptionError` for fewer than two back ends or one named twice, and what `build` raises.
    """
    if len(backends) < 2 or len(set(backends)) != len(backends):
        raise DescriptionError(message("backends", ",".join(backends), "two or more, each once"))
    settings = {"run.precision": "float64"}
    each = {name: changed(experiment, settings | {"run.backend": name}) for name in backends}
    built = [build(one) for one in each.values()][0]
    run = experiment.run
    sessions: dict[str, Session] = {}
    try:
        for name in backends:
            sessions[name] = open(
                built.circuit.network,
                name,
                seed=run.seed,
                batch=run.instances,
                dt=run.dt,
                record=EVERYTHING,
                device=run.device,
                hardware=each[name].hardware,
                quantization=each[name].quantization or (),
            )
        lockstep = Lockstep(sessions)
        instances = range(run.instances)
        loop = ClosedLoop(lockstep, built.circuit, experiment.trial_protocol, built.tasks, run.seed, instances)
        for number in range(run.trials):
            loop.trial()
            if progress:
                progress(number + 1, run.trials)
    finally:
        for opened in sessions.values():
            opened.close()
    return Comparison(tuple(backends), run.trials, run.trials * run.instances, lockstep.agreement)


def _floors(plan: Plan) -> dict[tuple[str, str], float]:
    floors = {("voltage", n.name): abs(n.constants["threshold"] - n.constants["rest"]) for n in plan.neurons.values()}
    floors |= {
        ("modulator", m.name): max(abs(m.gain), abs(m.gain_below)) * max(abs(m.baseline), 1.0)
        for m in plan.modulators.values()
    }
    floors |= {("weight", p.name): float(np.abs(p.weight).max(initial=0.0)) or 1.0 for p in plan.projections.values()}
    return floors


def _part(
    wrong: NDArray[np.bool_], rank: int, variable: str, name: str, ours: NDArray[Any], theirs: NDArray[Any]
) -> _Part | None:
    """Return the first true place of `wrong` [time, batch, ...], in the order of time, or None."""
    flat = int(wrong.argmax()) if wrong.size else 0
    if not wrong.size or not wrong.flat[flat]:
        return None
    step, *index = (int(k) for k in np.unravel_index(flat, wrong.shape))
    there = (step, *index)
    return _Part(step, rank, variable, name, tuple(index), ours[there].item(), theirs[there].item())
