"""The claims about layers that learn from reward, over five networks, each with cues and episodes of its own."""

from __future__ import annotations

import time

import numpy as np
import torch
from dcll_linear import Linear
from rows import Row

from spikerl.analysis.intervals import Interval, mean_over_blocks
from spikerl.datasets.codes import RateCode
from spikerl.datasets.digits import DigitsSettings, open_digits
from spikerl.dcll import Dense, Description, Filters, Network, Readout
from spikerl.dcll.actor_critic import ActorCritic, Learner
from spikerl.dcll.cartpole import CartPole, CartPoleSettings
from spikerl.dcll.cues import CueBandit, CueSettings
from spikerl.dcll.rewarded import Learning

NETWORKS = 5
EPISODES = 100
CUES = DigitsSettings(RateCode("400 Hz"), window="40 ms")
BETTER = CueSettings((0, 0, 0, 0, 0, 1, 1, 1, 1, 1), (0.8, 0.2))
ROUNDS, TOGETHER = 1500, 16
CUE_LEARNING = Learning(critic=0.3, rate=2e-3)
CUE_LINEAR = Learning(critic=0.3, rate=0.03)
"""The best of .001 to .3 for a line; above .1 it no longer learns."""
DECISIONS, POLES = 8000, 32
POLE_LEARNING = Learning(discount=0.99, trace=0.9, rate=1e-3, halving=2000)
"""The best of .001 to .03 for a line, too."""


def cues() -> list[Row]:
    """Return the rows of the bandit whose better option is to be seen in a digit: 0 to 4, or 5 to 9."""
    found = np.array([_cued(seed) for seed in range(NETWORKS)])
    before, one, two, line = found.T
    after = mean_over_blocks(two)
    chance, gain, depth = mean_over_blocks(before), mean_over_blocks(two - line), mean_over_blocks(two - one)
    trials = f"{ROUNDS * TOGETHER} trials at 80/20, tested on 500 digits by other writers, learning off"
    supervised = f"a logistic regression that is told the better option has {_told():.3f}"
    return [
        _row("cue bandit, P(better)", after, ">= 0.85", after.value >= 0.85, f"two layers; {trials}; {supervised}"),
        _row("cue bandit, P(better), not learned", chance, "0.5 within", chance.low <= 0.5 <= chance.high, "chance"),
        _row(
            "cue bandit, two layers - linear actor-critic",
            gain,
            "> 0",
            gain.low > 0,
            f"paired; on the same spikes the line has {line.mean():.3f}",
        ),
        _row(
            "cue bandit, two layers - one layer",
            depth,
            "> 0",
            depth.low > 0,
            f"paired; no error goes from layer to layer; one layer has {one.mean():.3f}",
        ),
    ]


def cartpole() -> list[Row]:
    """Return the rows of CartPole-v1: means over 100 episodes not learned from, the likeliest action taken."""
    found = np.array([_balanced(seed) for seed in range(NETWORKS)])
    random, drawn, layers, line = found.T
    value, linear, blind = (mean_over_blocks(each) for each in (layers, line, random))
    enough = int((layers >= 400).sum())
    seeds = f"{enough} of {NETWORKS} networks at 400 or more; {drawn.mean():.0f} where actions are drawn"
    easy = "on the same spikes: CartPole can be solved by a line"
    return [
        _row("CartPole, mean return", value, ">= 400", enough >= NETWORKS - 1, f"two layers; 500 is the most; {seeds}"),
        _row("CartPole, mean return, linear actor-critic", linear, ">= 400", linear.value >= 400, easy),
        _row("CartPole, mean return, drawn, not learned", blind, "< 50", blind.value < 50, "a random policy has 22"),
    ]


def _cued(seed: int) -> tuple[float, float, float, float]:
    """Return P(better) of unseen digits: of two layers before they learn, of one layer, of two, and of a line."""
    digits = open_digits(CUES, seed)

    def learned(learner: Learner, rounds: int = ROUNDS) -> float:
        bandit, started = CueBandit(learner, digits.train, BETTER, seed), time.perf_counter()
        if rounds:
            bandit.play(rounds)
        found = float(bandit.evaluate(digits.test).better.mean())
        taken = time.perf_counter() - started
        print(f"cue bandit, seed {seed}, {type(learner).__name__}: {found:.3f} in {taken:.0f} s")
        return found

    def layers(depth: int) -> ActorCritic:
        filters = Filters("10 ms", "5 ms", "2.5 ms")
        stack = Description(digits.train.shape, (Dense(256),) * depth, 3, filters, Readout(4.0), gain=2.0)
        return ActorCritic(_network(stack, seed), CUE_LEARNING, TOGETHER)

    line = Linear(int(np.prod(digits.train.shape)), 2, CUE_LINEAR, TOGETHER)
    return learned(layers(2), 0), learned(layers(1)), learned(layers(2)), learned(line)


def _told() -> float:
    """Return the share of unseen digits that a logistic regression of pixels tells, given the better option of each."""
    from sklearn.linear_model import LogisticRegression

    digits, better = open_digits(CUES), np.array(BETTER.better)
    seen, unseen = (part.intensities.reshape(len(part.labels), -1) for part in (digits.train, digits.test))
    fitted = LogisticRegression(max_iter=5000).fit(seen, better[digits.train.labels])
    return float(fitted.score(unseen, better[digits.test.labels]))


def _balanced(seed: int) -> tuple[float, float, float, float]:
    """Return mean returns: drawn before learning, drawn after it, of the likeliest actions, and those of a line."""
    settings = CartPoleSettings()
    shape = settings.code.shape
    stack = Description(shape, (Dense(128), Dense(128)), 3, Filters("4 ms", "2 ms", "2 ms"), Readout(4.0))
    layers = CartPole(ActorCritic(_network(stack, seed), POLE_LEARNING, POLES), settings, seed)
    line = CartPole(Linear(shape[0], 2, POLE_LEARNING, POLES), settings, seed)
    blind, started = layers.evaluate(EPISODES, drawn=True), time.perf_counter()
    layers.play(DECISIONS)
    taken = time.perf_counter() - started
    line.play(DECISIONS)
    returns = blind, layers.evaluate(EPISODES, drawn=True), layers.evaluate(EPISODES), line.evaluate(EPISODES)
    means = tuple(float(each.mean()) for each in returns)
    print(f"CartPole, seed {seed}: {', '.join(f'{mean:.1f}' for mean in means)}; learned in {taken:.0f} s")
    return means[0], means[1], means[2], means[3]


def _network(stack: Description, seed: int) -> Network:
    # Products this small are slower on several threads.
    torch.set_num_threads(1)
    return Network(stack, seed)


def _row(name: str, interval: Interval, target: str, holds: bool, source: str) -> Row:
    value, low, high, n = interval
    return Row(f"{name} (n = {n} networks)", value, low, high, target, bool(holds), source)
