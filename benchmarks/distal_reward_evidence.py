"""The claims about the distal reward network: an hour of its time, ten networks, each with noise of its own.

A network's control hears as many rewards, of the same size, at times drawn without regard to its pair.
"""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
from rows import Row
from scipy.stats import binomtest

import spikerl as sp
from spikerl.analysis.intervals import mean_over_blocks
from spikerl.delayed_reward import Course, Watched, play
from spikerl.models.distal_reward import STEP, DistalReward, Rewarded, build
from spikerl.seeding import generator

SEEDS = tuple(range(1, 11))
SECONDS = 3600
TOP = 0.01
COMPARED = 3000
"""Steps over which back ends are held against one another."""
BACKENDS = ("brian2", "native")
PROCESSES = 2


class Hour(NamedTuple):
    """Of one network, rewarded for its pair and at random: standing and weight of the chosen synapse, and rewards."""

    standing: tuple[float, float]
    weight: tuple[float, float]
    rewards: int
    rate: float


def rows() -> list[Row]:
    """Return the rows of all claims."""
    alike = agreement()
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        hours = list(pool.map(hour, SEEDS))
    standing = np.array([one.standing for one in hours])
    weights = np.array([one.weight for one in hours])
    rewards = np.array([one.rewards for one in hours])
    published = f"Izhikevich 2007; {SECONDS} s; {rewards.min()} to {rewards.max()} rewards; ties count against it"
    places = "its places: " + ", ".join(f"{100 * share:.2f} %" for share in np.sort(standing[:, 0]))
    shuffled = "as many rewards at random times; its places: " + ", ".join(
        f"{100 * share:.1f} %" for share in np.sort(standing[:, 1])
    )
    nearer, stronger = (mean_over_blocks(each[:, 0] - each[:, 1]) for each in (standing, weights))
    return [
        _share("rewarded synapse in the top 1 %", standing[:, 0], ">= 0.9", 9, len(SEEDS), f"{published}; {places}"),
        _share("the same, rewards shuffled", standing[:, 1], "0", 0, 0, shuffled),
        Row(
            f"distal reward, place of the synapse, rewarded - shuffled (n = {nearer.n} networks)",
            *nearer[:3],
            "< 0",
            bool(nearer.high < 0),
            "paired: the same network and noise; share of excitatory synapses as strong or stronger",
        ),
        Row(
            f"distal reward, weight of the synapse, rewarded - shuffled (n = {stronger.n} networks)",
            *stronger[:3],
            "> 0",
            bool(stronger.low > 0),
            f"paired; weights are 0 to 4; rewarded {weights[:, 0].mean():.2f}, shuffled {weights[:, 1].mean():.2f}",
        ),
        alike,
    ]


def hour(seed: int) -> Hour:
    """Play one network twice."""
    started = time.perf_counter()
    model = build(DistalReward(seed=seed))
    course = _played(model, seed)
    count = len(course.rewards[0])
    steps = generator(seed, "shuffled rewards").choice(SECONDS * 1000, count, replace=False)
    control = _played(model, seed, np.sort(steps))
    standing = tuple(float(model.standing(one.weights)[0]) for one in (course, control))
    weight = tuple(float(one.weights[model.pair.projection][0, model.pair.synapse]) for one in (course, control))
    taken = time.perf_counter() - started
    print(f"distal reward, network {seed}: {standing}, {weight}, {count} rewards, {taken:.0f} s", flush=True)
    return Hour((standing[0], standing[1]), (weight[0], weight[1]), count, course.rate)


def agreement() -> Row:
    """Return the row of the whole network on several back ends: the largest difference of a weight, in weights."""
    model = build(DistalReward(seed=SEEDS[0]))
    record = sp.Record(modulators=())
    expected = None
    worst, alike, spikes = 0.0, True, 0
    for name in ("reference", *BACKENDS):
        with sp.open(model.network, name, seed=SEEDS[0], dt=STEP, record=record) as session:
            rewards = np.zeros((COMPARED, 1), dtype=bool)
            rewards[COMPARED // 3 :: 500] = True
            seen = session.step(f"{COMPARED} ms", spikes={model.reward: rewards})
            found = seen.spikes["excitatory"], seen.spikes["inhibitory"], [session.weights(w) for w in model.excitatory]
        if expected is None:
            expected, spikes = found, int(found[0].sum() + found[1].sum())
            continue
        alike = alike and all(np.array_equal(found[k], expected[k]) for k in (0, 1))
        pairs = zip(found[2], expected[2], strict=True)
        worst = max(worst, *(float(np.abs(one - other).max()) for one, other in pairs))
    names = ", ".join(BACKENDS)
    source = f"1,000 neurons, {COMPARED} steps, {spikes} spikes {'identical' if alike else 'DIFFERENT'} on {names}"
    name = "distal reward, largest difference of a weight from the reference's"
    return Row(name, worst, worst, worst, "<= 4e-9, spikes identical", alike and worst <= 4e-9, source)


def _played(model: Rewarded, seed: int, given: np.ndarray | None = None) -> Course:
    watched = Watched(model.pair.population, model.pair.pre, model.pair.post, model.reward)
    chosen = None if given is None else [given]
    return play(model.network, watched, f"{SECONDS} s", weights=model.excitatory, seed=seed, dt=STEP, given=chosen)


def _share(name: str, standing: np.ndarray, target: str, least: int, most: int, source: str) -> Row:
    inside = int((standing <= TOP).sum())
    low, high = binomtest(inside, len(standing)).proportion_ci()
    share = inside / len(standing)
    holds = least <= inside <= most
    return Row(f"distal reward, {name} (n = {len(standing)} networks)", share, low, high, target, holds, source)
