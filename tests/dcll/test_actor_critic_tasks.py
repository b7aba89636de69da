"""Tasks of an actor and a critic: cues that tell which option pays, and CartPole.

Catches: cues that slip against their options, luck that depends on the choice, an evaluation that learns or sees what
was trained on, a value taken of a pole that fell, an episode that runs on past its end, a run that does not go on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("norse", reason="norse is not installed")

import gymnasium  # noqa: E402

from spikerl.dcll import Dense, Description, Filters, Network, Readout  # noqa: E402
from spikerl.dcll.actor_critic import ActorCritic, Decision  # noqa: E402
from spikerl.dcll.cartpole import CartPole, CartPoleSettings  # noqa: E402
from spikerl.dcll.cues import CueBandit, CueSettings  # noqa: E402
from spikerl.dcll.poles import Poles, longest  # noqa: E402
from spikerl.dcll.population_code import PopulationCode  # noqa: E402
from spikerl.dcll.rewarded import Learning  # noqa: E402
from spikerl.errors import DescriptionError  # noqa: E402
from spikerl.seeding import generator  # noqa: E402

CHANNELS, STEPS, CLASSES = 12, 20, 3
FILTERS = Filters("4 ms", "2 ms", "2 ms")
SETTINGS = CueSettings((1, 0, 1))


@dataclass(frozen=True)
class Bars:
    """Noisy rows of cells, of which a third, that of the class, is busy."""

    labels: NDArray[np.int64]
    seed: int

    def spikes(self, index: NDArray[np.int64], epoch: int = 0) -> NDArray[np.bool_]:
        """Return [time, batch, channel]."""
        busy = np.arange(CHANNELS) // (CHANNELS // CLASSES) == self.labels[index][:, None]
        chance = np.where(busy, 0.4, 0.1)
        drawn = [generator(self.seed, "bars", int(k), epoch).random((STEPS, CHANNELS)) for k in index]
        return np.stack(drawn, axis=1) < chance


def bars(count: int, seed: int) -> Bars:
    return Bars(generator(seed, "labels").integers(0, CLASSES, count), seed)


def bandit(batch: int = 8, seed: int = 1, rate: float = 5e-3) -> CueBandit:
    layers = Description((CHANNELS,), (Dense(24), Dense(24)), 3, FILTERS, Readout(4.0), gain=2.0)
    learner = ActorCritic(Network(layers, seed), Learning(critic=0.3, rate=rate), batch)
    return CueBandit(learner, bars(60, 1), SETTINGS, seed)


def weights(learner: ActorCritic) -> list[NDArray[np.float32]]:
    return [own.weight.numpy().copy() for own in learner.network.parameters]


def test_the_better_option_of_a_cue_is_learned_from_reward_alone() -> None:
    """On cues that were not trained on; and not where the rate is 0."""
    for rate, least, most in ((5e-3, 0.9, 1.0), (0.0, 0.0, 0.75)):
        played = bandit(rate=rate)
        trials = played.play(150)
        answers = played.evaluate(bars(100, 2))
        assert least <= answers.better.mean() <= most, (rate, answers.better.mean())
        np.testing.assert_array_equal(answers.better, answers.choice == np.array(SETTINGS.better)[answers.cue])
        if rate:
            assert trials.better[-20:].mean() > 0.75 and abs(trials.dopamine[-20:].mean()) < 0.15


def test_trials_say_what_happened() -> None:
    """Rewards at their chances; cues, options and dopamine as they belong together."""
    played = bandit(batch=500, rate=0.0)
    trials = played.play(4)
    np.testing.assert_array_equal(trials.cue, bars(60, 1).labels[trials.sample])
    np.testing.assert_array_equal(trials.better, trials.choice == np.array(SETTINGS.better)[trials.cue])
    for better, chance in ((True, 0.8), (False, 0.2)):
        assert abs(trials.reward[trials.better == better].mean() - chance) < 0.05
    value = trials.reward - trials.dopamine
    assert np.ptp(value) > 0 and np.abs(value).max() < 3
    sure = CueBandit(played.learner, bars(60, 1), replace(SETTINGS, chances=(1.0, 0.0)), seed=1).play(1)
    np.testing.assert_array_equal(sure.reward, sure.better)


def test_evaluation_changes_nothing_and_a_restored_bandit_goes_on_to_the_same_bits() -> None:
    whole, stopped, resumed = (bandit() for _ in range(3))
    first = whole.play(6)
    stopped.play(3)
    before = weights(stopped.learner)
    stopped.evaluate(bars(40, 2))
    assert all(np.array_equal(a, b) for a, b in zip(before, weights(stopped.learner), strict=True))
    resumed.restore(stopped.state())
    for ours, theirs in zip(first, resumed.play(3), strict=True):
        np.testing.assert_array_equal(ours[3:], theirs)
    for ours, theirs in zip(weights(whole.learner), weights(resumed.learner), strict=True):
        np.testing.assert_array_equal(ours, theirs)


CODE = PopulationCode((2.4, 2.5, 0.2095, 2.5), cells=8, steps=6)


def cartpole(batch: int = 4, seed: int = 1) -> CartPole:
    layers = Description(CODE.shape, (Dense(32), Dense(16)), 3, FILTERS, Readout(4.0))
    return CartPole(ActorCritic(Network(layers, seed), Learning(), batch), CartPoleSettings(CODE), seed)


def test_poles_are_gymnasiums() -> None:
    """Step for step what gymnasium.make gives, from its seeds, until the end of an episode."""
    poles, choices = Poles(3, 5, "train"), generator(5, "pushes").integers(0, 2, (600, 3))
    made = gymnasium.make("CartPole-v1")
    seed = int(generator(5, "cartpole", "train", 1, 0).integers(2**31))
    seen, _ = made.reset(seed=seed)
    for choice in choices:
        np.testing.assert_array_equal(poles.seen()[1], seen)
        fell = poles.push(choice, np.array([False, True, False]))
        seen, _, over, late, _ = made.step(int(choice[1]))
        assert fell.tolist() == [False, over, False]
        if over or late:
            break
    assert over and poles.steps.tolist()[::2] == [0, 0] and poles.steps[1] > 5
    poles.begin(fell)
    assert poles.numbers.tolist() == [0, 1, 0] and poles.steps.tolist() == [0, 0, 0]
    assert longest() == made.spec.max_episode_steps == 500


def test_a_restored_cartpole_goes_on_to_the_same_bits() -> None:
    """From the midst of episodes, and from the decision in which a last state is shown."""
    whole = cartpole()
    seen = whole.play(60)
    for stop in (17, int(seen.decision[0]) + 1, int(seen.decision[0]) + 2):
        stopped, resumed = cartpole(), cartpole()
        stopped.play(stop)
        resumed.restore(stopped.state())
        resumed.evaluate(3)
        rest = resumed.play(60 - stop)
        for ours, theirs in zip(seen, rest, strict=True):
            np.testing.assert_array_equal(ours[seen.decision >= stop], theirs)
        for ours, theirs in zip(weights(whole.learner), weights(resumed.learner), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_cartpole_is_learned() -> None:
    """Some way: a policy that was not learned falls after 20 steps; the whole way is `make evidence`."""
    played = cartpole(batch=16)
    before = played.evaluate(20, drawn=True).mean()
    played.play(700)
    assert before < 30 and played.evaluate(20).mean() > 70


class Told:
    """A learner that does as it is told: values that are known, always to the right; it keeps what it hears."""

    learning, batch, actions = Learning(discount=0.9), 2, 2

    def __init__(self) -> None:
        self.shown: list[NDArray[np.float64]] = []
        self.dopamine: list[NDArray[np.float64]] = []
        self.begins: list[NDArray[np.bool_]] = []

    def decide(self, spikes: NDArray[np.bool_], hold: bool = True) -> Decision:
        value = np.arange(len(self.shown), len(self.shown) + 2, dtype=np.float64)
        self.shown.append(value)
        return Decision(np.tile([0.0, 1.0], (spikes.shape[1], 1)), value)

    def mark(self, decision: Decision, choice: NDArray[np.int64], begins: NDArray[np.bool_]) -> None:
        assert (choice == 1).all()
        self.begins.append(np.array(begins))

    def learn(self, dopamine: NDArray[np.float64]) -> None:
        self.dopamine.append(np.array(dopamine))

    def state(self) -> dict[str, NDArray]:
        return {}

    def restore(self, state: dict[str, NDArray]) -> None:
        pass


@pytest.mark.filterwarnings("error")  # as Gymnasium warns where a pole that fell is pushed
@pytest.mark.parametrize("late", [False, True], ids=["fell", "time is up"])
def test_dopamine_of_an_episodes_end(late: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """No value of a pole that fell, one where the time was up; nothing for the decision that shows the last state."""
    if late:
        monkeypatch.setattr(import_module("spikerl.dcll.cartpole"), "longest", lambda: 5)
    told = Told()
    played = CartPole(told, CartPoleSettings(CODE, reward=0.25))
    episodes = played.play(30)
    last = int(episodes.decision[episodes.instance == 0][0])
    assert episodes.returns[0] == (5 if late else last + 1) and episodes.number[0] == 0
    values, errors = (np.array(kept)[:, 0] for kept in (told.shown, told.dopamine))
    np.testing.assert_allclose(errors[:last], 0.25 + 0.9 * values[1 : last + 1] - values[:last])
    assert errors[last] == pytest.approx(0.25 + 0.9 * late * values[last + 1] - values[last])
    assert errors[last + 1] == 0 and errors[last + 2] != 0
    assert np.flatnonzero(np.array(told.begins)[:, 0])[:2].tolist() == [0, last + 2]


def test_a_population_code_tells_numbers_apart() -> None:
    """Rates as counts, each cell most at its centre, ends clipped; the same numbers the same spikes."""
    code = PopulationCode((1.0, 10.0), cells=5, steps=200)
    numbers = np.array([[0.0, 0.0], [0.5, -5.0], [9.0, -10.0]])
    spikes = code.spikes(numbers)
    assert spikes.shape == (200, 3, 10) and code.shape == (10,)
    np.testing.assert_allclose(spikes.mean(axis=0), code.rates(numbers), atol=0.006)
    peaks = spikes.sum(axis=0).reshape(3, 2, 5).argmax(axis=2)
    assert peaks.tolist() == [[2, 2], [3, 1], [4, 0]]
    np.testing.assert_array_equal(spikes[:, 1], code.spikes(numbers[1:2])[:, 0])


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: CueSettings(()), "an option for each class"),
        (lambda: CueSettings((0, -1)), r"better\[1\]"),
        (lambda: CueSettings((0, 1), (0.2, 0.8)), "the first above the second"),
        (lambda: CueSettings((0, 1), (0.8,)), "two, of the better option"),  # type: ignore[arg-type]
        (lambda: CueBandit(bandit().learner, bars(9, 1), CueSettings((0, 1, 2))), "options from 0 to 1"),
        (lambda: CueBandit(bandit().learner, bars(9, 1), CueSettings((0, 1))), "classes from 0 to 1"),
        (lambda: bandit().play(0), "rounds"),
        (lambda: CartPoleSettings(reward=0.0), "above 0"),
        (lambda: CartPoleSettings(PopulationCode((1.0,))), "angular velocity"),
        (lambda: CartPoleSettings("code"), "a PopulationCode"),  # type: ignore[arg-type]
        (lambda: PopulationCode((1.0, -1.0)), r"reach\[1\]"),
        (lambda: PopulationCode((1.0,), most=1.5), "at most 1"),
        (lambda: PopulationCode((1.0,), width=0), "above 0"),
        (lambda: PopulationCode((1.0,), cells=1), "cells"),
        (lambda: cartpole().play(-1), "decisions"),
        (lambda: cartpole(seed=-1), "seed"),
    ],
)
def test_what_cannot_be_is_refused(make: object, told: str) -> None:
    with pytest.raises(DescriptionError, match=told):
        make()  # type: ignore[operator]


def test_a_learner_of_other_actions_is_refused() -> None:
    layers = Description(CODE.shape, (Dense(4),), 4, FILTERS)
    with pytest.raises(DescriptionError, match="to the left and to the right"):
        CartPole(ActorCritic(Network(layers), Learning(), 2))
