"""A loop of its own: a pair of neurons is watched, and rewarded long after it has fired in order.

A window is as long as the shortest delay at most, so that all of its rewards are known when it begins. Rewards are
spikes of a source population, which the network hears as it does any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.errors import DescriptionError, message
from spikerl.network import Network
from spikerl.neurons import Written
from spikerl.seeding import check_seed, philox
from spikerl.session import Observation, Record, Steppable
from spikerl.session import open as open_session
from spikerl.units import steps

Steps = NDArray[np.int64]
State = dict[str, NDArray[np.int64]]


@dataclass(frozen=True)
class Watched:
    """A reward follows where `post` fires less than `within` after the last spike of `pre`, both of `population`.

    Not where both fire in one step. It comes `soonest` to `latest` later, uniformly, drawn for each such event by
    itself (Izhikevich 2007: 20 ms, 1 to 3 s), as a spike of `reward`, a spike source of one neuron.
    """

    population: str
    pre: int
    post: int
    reward: str
    within: Written = "20 ms"
    soonest: Written = "1 s"
    latest: Written = "3 s"


class Stretch(NamedTuple):
    """One window: what was observed, and the steps of pairs and of rewards in it, an array for each instance."""

    seen: Observation
    pairs: tuple[Steps, ...]
    rewards: tuple[Steps, ...]


class Course(NamedTuple):
    """A whole run: the steps of pairs and rewards, an array for each instance, and the last weights by projection.

    `weights` [batch, synapse]; `rate`: how often a neuron of the watched population fires, in Hz, over all instances.
    """

    pairs: tuple[Steps, ...]
    rewards: tuple[Steps, ...]
    weights: dict[str, NDArray[np.float64]]
    rate: float


def play(
    network: Network,
    watched: Watched,
    duration: Written,
    *,
    weights: Sequence[str],
    backend: str = "native",
    seed: int = 0,
    batch: int = 1,
    first_instance: int = 0,
    dt: Written = "1 ms",
    given: Sequence[Steps] | None = None,
) -> Course:
    """Open `network` and play it for `duration`, rewarding what `watched` says, in windows of the shortest delay.

    `weights`: the projections whose last weights are returned; `given` as in `DelayedReward`, the rest as in
    `spikerl.open`. The last window is shorter where `duration` is no multiple of it. Raises what these do.
    """
    instances, record = range(first_instance, first_instance + batch), Record((watched.population,), modulators=())
    with open_session(
        network, backend, seed=seed, batch=batch, first_instance=first_instance, dt=dt, record=record
    ) as session:
        step = session.plan.dt
        loop = DelayedReward(session, watched, seed, instances, given)
        left, window = steps(duration, step, "duration"), steps(watched.soonest, step, "Watched.soonest")
        count, fired, seen = left, 0, []
        while left:
            stretch = loop.play(f"{min(window, left) * step * 1e3!r} ms")
            fired += int(stretch.seen.spikes[watched.population].sum())
            seen.append((stretch.pairs, stretch.rewards))
            left -= min(window, left)
        pairs, rewards = (
            tuple(np.concatenate([one[kind][k] for one in seen]) for k in range(batch)) for kind in (0, 1)
        )
        last = {name: session.weights(name) for name in weights}
        return Course(pairs, rewards, last, fired / (count * step * batch * session.plan.size(watched.population)))


class DelayedReward:
    """Plays `session` window by window, rewarding what `watched` says.

    `seed` and `instances` are those of the session and fix the delays. `given`: rewards in these steps instead, an
    array for each instance, whatever the pair does. Raises `DescriptionError`, `UnitError`.
    """

    def __init__(
        self,
        session: Steppable,
        watched: Watched,
        seed: int,
        instances: range,
        given: Sequence[Steps] | None = None,
    ) -> None:
        dt = session.plan.dt
        self._session, self._watched = session, watched
        self._seed, self._instances = check_seed(seed), instances
        self._within = steps(watched.within, dt, "Watched.within")
        self._soonest, self._latest = (
            steps(time, dt, f"Watched.{name}")
            for name, time in (("soonest", watched.soonest), ("latest", watched.latest))
        )
        if not 1 <= self._soonest <= self._latest:
            raise DescriptionError(message("Watched.latest", watched.latest, f"from soonest ({watched.soonest}) on"))
        if given is not None and len(given) != len(instances):
            allowed = f"one array for each of {len(instances)} instances"
            raise DescriptionError(message("given", f"{len(given)} arrays", allowed))
        self._step = 0
        self._follow = given is None
        self._last = np.full(len(instances), -self._within, dtype=np.int64)
        none = [np.zeros(0, dtype=np.int64)] * len(instances)
        self._due = none if given is None else [np.unique(np.asarray(one, dtype=np.int64)) for one in given]

    def play(self, duration: Written) -> Stretch:
        """Advance by `duration`, at most the shortest delay; return what happened."""
        first, count = self._step, steps(duration, self._session.plan.dt, "duration")
        if not 1 <= count <= self._soonest:
            allowed = f"from a step to the shortest delay of a reward ({self._watched.soonest})"
            raise DescriptionError(message("duration", duration, allowed))
        spikes = np.zeros((count, len(self._instances), 1), dtype=bool)
        rewards = []
        for k, due in enumerate(self._due):
            now = due[(due >= first) & (due < first + count)]
            spikes[now - first, k] = True
            rewards.append(now)
        seen = self._session.step(duration, spikes={self._watched.reward: spikes})
        fired = seen.spikes[self._watched.population]
        ends = fired[:, :, self._watched.pre], fired[:, :, self._watched.post]
        pairs = tuple(self._paired(k, *(end[:, k] for end in ends)) for k in range(len(self._instances)))
        self._step += count
        for k, found in enumerate(pairs):
            more = [int(step) + self._delay(k, int(step)) for step in found] if self._follow else []
            after = self._due[k][self._due[k] >= self._step]
            self._due[k] = np.union1d(after, np.array(more, dtype=np.int64))
        return Stretch(seen, pairs, tuple(rewards))

    def state(self) -> State:
        """Return what is to come: the step, the last spikes of `pre`, and rewards under way as pairs of numbers."""
        due = [(k, int(step)) for k, own in enumerate(self._due) for step in own]
        return {
            "step": np.array(self._step),
            "last": self._last.copy(),
            "due": np.array(due, dtype=np.int64).reshape(-1, 2),
        }

    def restore(self, state: State) -> None:
        """Go on from `state`, which `state` returned of a loop over as many instances."""
        self._step, self._last = int(state["step"]), state["last"].copy()
        self._due = [state["due"][state["due"][:, 0] == k, 1] for k in range(len(self._instances))]

    def _paired(self, instance: int, pre: NDArray[np.bool_], post: NDArray[np.bool_]) -> Steps:
        """Return the steps in which the pair has fired in order, and note the last spike of its first neuron."""
        before = np.concatenate([[self._last[instance]], self._step + np.flatnonzero(pre)])
        late = self._step + np.flatnonzero(post)
        last = before[np.searchsorted(before, late, side="right") - 1]
        self._last[instance] = before[-1]
        return late[(late > last) & (late - last < self._within)]

    def _delay(self, instance: int, step: int) -> int:
        """Return after how many steps the reward of a pair at `step` comes: a function of that alone."""
        stream = philox(self._seed, "delay of reward", self._instances[instance], count=step)
        drawn = np.random.Generator(stream).random()
        return self._soonest + int(np.ceil(drawn * (self._latest - self._soonest)))
