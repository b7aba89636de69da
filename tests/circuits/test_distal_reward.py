"""The distal reward network and its loop: who is rewarded, when, and that all back ends tell the same story.

What it learns in an hour of its time, over seeds, is in `benchmarks/distal_reward_evidence.py`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import spikerl as sp
from spikerl.delayed_reward import DelayedReward, Watched, play
from spikerl.errors import DescriptionError, UnitError
from spikerl.models.distal_reward import DistalReward, Rewarded, build
from tests.contract.comparison import close, largest, same
from tests.contract.running import exact, interpreted, require

SMALL = DistalReward(excitatory=40, inhibitory=10, synapses=12, weight=7.0, weight_max=9.0, noise=10.0, seed=3)
"""A network so small is driven more, so that it fires and its pair is rewarded within seconds."""


def watched(model: Rewarded, **changed: str) -> Watched:
    """Return what is watched in `model`."""
    return Watched(model.pair.population, model.pair.pre, model.pair.post, model.reward, **changed)


def played(backend: str, model: Rewarded, lengths: list[int], batch: int = 2, **changed: str):
    """Return spikes, last weights, pairs and rewards of instance 0 onwards, and how the loop stands at the end."""
    with interpreted(backend), sp.open(model.network, backend, seed=6, batch=batch) as session:
        loop = DelayedReward(session, watched(model, **changed), 6, range(batch))
        seen = [loop.play(f"{length} ms") for length in lengths]
        spikes = {name: np.concatenate([one.seen.spikes[name] for one in seen]) for name in seen[0].seen.spikes}
        weights = {name: session.weights(name) for name in model.excitatory}
        pairs = [np.concatenate([one.pairs[k] for one in seen]) for k in range(batch)]
        rewards = [np.concatenate([one.rewards[k] for one in seen]) for k in range(batch)]
        return spikes, weights, pairs, rewards, loop.state()


SOON = {"soonest": "200 ms", "latest": "400 ms"}


@pytest.mark.parametrize("backend", [name for name in exact() if name != "reference"])
def test_all_back_ends_play_the_same(backend: str) -> None:
    """Noise, Izhikevich's step, tags, dopamine and clipping together: spikes identical, weights to 1e-9.

    Catches noise that is heard a step late on one of them, and a reward that is delivered by the wall of its window.
    """
    require(backend)
    model = build(SMALL)
    expected = played("reference", model, [200] * 9, **SOON)
    found = played(backend, model, [200] * 9, **SOON)
    assert sum(one.size for one in expected[3]) >= 3
    for name, spikes in expected[0].items():
        same(f"spikes of {name}", found[0][name], spikes)
    for name, weights in expected[1].items():
        close(f"weights of {name}", found[1][name], weights, largest(weights))
        assert np.ptp(weights) > 0.1
    for ours, theirs in zip((*found[2], *found[3]), (*expected[2], *expected[3]), strict=True):
        assert np.array_equal(ours, theirs)


def test_the_whole_network_is_the_same_on_native_and_reference() -> None:
    """A thousand neurons with the published numbers, over a second."""
    model = build(DistalReward(seed=2))
    expected, found = (played(name, model, [1000], batch=1) for name in ("reference", "native"))
    for name, spikes in expected[0].items():
        same(f"spikes of {name}", found[0][name], spikes)
    for name, weights in expected[1].items():
        close(f"weights of {name}", found[1][name], weights, largest(weights))
    rate = expected[0]["excitatory"].mean() * 1000
    assert 1.0 < rate < 1.7, f"the published network fires about once a second, this one at {rate:.2f} Hz"


def test_windows_may_be_cut_anywhere() -> None:
    """Catches a pair that is lost, or found twice, where a window ends between its two spikes, and rewards likewise."""
    model = build(SMALL)
    whole, cut = (played("native", model, lengths, **SOON) for lengths in ([200] * 15, [7, 193, 1, 99] * 10))
    for name, spikes in whole[0].items():
        assert np.array_equal(spikes, cut[0][name]), name
    for ours, theirs in zip((*whole[2], *whole[3]), (*cut[2], *cut[3]), strict=True):
        assert np.array_equal(ours, theirs)
    for name, array in whole[4].items():
        assert np.array_equal(array, cut[4][name]), name


def test_a_reward_follows_each_pair_in_order_and_nothing_else() -> None:
    """From the spikes alone: 0 < post - last pre < 20 steps; each reward 200 to 400 steps after its pair, and drawn."""
    model = build(SMALL)
    spikes, _, pairs, rewards, state = played("native", model, [200] * 40, batch=3, **SOON)
    delays: list[int] = []
    for k in range(3):
        fired = spikes["excitatory"][:, k]
        pre, post = (np.flatnonzero(fired[:, neuron]) for neuron in (model.pair.pre, model.pair.post))
        last = [pre[pre <= step].max(initial=-99) for step in post]
        expected = [step for step, before in zip(post, last, strict=True) if 0 < step - before < 20]
        assert pairs[k].tolist() == expected
        assert np.array_equal(np.flatnonzero(spikes["reward"][:, k, 0]), rewards[k])
        to_come = state["due"][state["due"][:, 0] == k, 1]
        every = np.concatenate([rewards[k], to_come])
        assert every.size <= pairs[k].size  # two may fall together
        for step in every:
            lags = step - pairs[k]
            delays.extend(lags[(lags >= 200) & (lags <= 400)].tolist()[:1])
            assert ((lags >= 200) & (lags <= 400)).any()
    assert len(delays) > 20 and len(set(delays)) > len(delays) / 2


def test_a_run_is_its_windows_one_after_the_other() -> None:
    """Catches a last window that is left out, or weights of before it."""
    model = build(SMALL)
    whole = played("native", model, [200, 200, 200, 150], **SOON)
    course = play(
        model.network, watched(model, **SOON), "750 ms", weights=model.excitatory, backend="native", seed=6, batch=2
    )
    for name, weights in whole[1].items():
        assert np.array_equal(course.weights[name], weights)
    for ours, theirs in zip((*course.pairs, *course.rewards), (*whole[2], *whole[3]), strict=True):
        assert np.array_equal(ours, theirs)
    assert course.rate == pytest.approx(whole[0]["excitatory"].mean() * 1000)


@pytest.mark.parametrize("length", [100, 1, 50])
def test_pairs_are_found_across_the_ends_of_windows(length: int) -> None:
    """Spikes at known steps: 7 after, in one step, 20 after, one step after another spike of the first, 11 after.

    Catches a last spike that is forgotten where a window ends, and either end of the interval.
    """
    pre, post = (98, 150, 199), (105, 150, 170, 199, 210)
    times = tuple(f"{step} ms" for step in (*pre, *post))
    cells = sp.Population("cells", 2, sp.SpikeSource((0,) * len(pre) + (1,) * len(post), times))
    reward = sp.Population("reward", 1, sp.SpikeSource())
    network = sp.Network(populations=(cells, reward, sp.Population("others", 1, sp.LIF())))
    with sp.open(network, "reference") as session:
        loop = DelayedReward(session, Watched("cells", 0, 1, "reward", soonest="100 ms"), 0, range(1))
        found = np.concatenate([loop.play(f"{length} ms").pairs[0] for _ in range(300 // length)])
    assert found.tolist() == [105, 210]


def test_rewards_that_are_given_have_nothing_to_do_with_the_pair() -> None:
    """They come in the steps that were said, of each instance its own; those of before the first step never."""
    model = build(SMALL)
    given: list[NDArray[np.int64]] = [np.array([3, 500, 501]), np.array([-4, 250, 250])]
    with sp.open(model.network, "native", seed=1, batch=2) as session:
        loop = DelayedReward(session, watched(model), 1, range(2), given)
        seen = [loop.play("300 ms") for _ in range(3)]
    found = [np.concatenate([one.rewards[k] for one in seen]).tolist() for k in range(2)]
    assert found == [[3, 500, 501], [250]]
    dopamine = np.concatenate([one.seen.modulators["dopamine"] for one in seen])
    # As much as the published jump of 0.5, in area: that of a step lies within it.
    assert dopamine[3, 0] == 0 and dopamine[4, 0] == pytest.approx(0.5, rel=0.003)
    assert dopamine[4:, 0].sum() == pytest.approx(0.1 * 1000 * (1 + 2), rel=0.15)
    assert dopamine[204, 0] == pytest.approx(dopamine[4, 0] * np.exp(-1), rel=1e-9)


def test_a_reward_changes_a_tagged_synapse_by_what_the_published_program_does() -> None:
    """Every step by a tenth, or every tenth by all of it: with the place of its step among the ten, 3 % at most.

    0.5 % on average. Catches a jump of dopamine, a time constant, or a tonic level of another size.
    """
    model = build(replace(SMALL, noise=0.0, weight=1.0))
    ratios = np.array([_learned(model, step) / _published(step) for step in range(30, 40)])
    assert np.abs(ratios - 1).max() < 0.031
    assert abs(ratios.mean() - 1) < 0.005


def _learned(model: Rewarded, step: int) -> float:
    """Return the weight that a reward in `step` makes of a tag of 0.1 in 5 s without a spike."""
    name = model.pair.projection
    with sp.open(model.network, "native") as session:
        state = session.state()
        state[f"eligibility/{name}/0"][:] = 0.1
        session.restore(state)
        loop = DelayedReward(session, watched(model), 0, range(1), [np.array([step])])
        for _ in range(5):
            assert not loop.play("1 s").seen.spikes["excitatory"].any()
        return float(session.weights(name)[0, model.pair.synapse])


def _published(step: int) -> float:
    """Return the same of the published program, whose steps are counted from 1."""
    weight, tag, dopamine = 0.0, 0.1, 0.0
    for t in range(5000):
        dopamine *= 0.995
        if (t + 1) % 10 == 0:
            weight, tag = weight + (0.002 + dopamine) * tag, 0.99 * tag
        if t == step:
            dopamine += 0.5
    return weight


def test_a_loop_goes_on_from_its_state() -> None:
    """Catches rewards under way, or the last spike of the pair's first neuron, that are left out of the state."""
    model = build(SMALL)
    with sp.open(model.network, "native", seed=6, batch=2) as session:
        loop = DelayedReward(session, watched(model, **SOON), 6, range(2))
        for _ in range(15):
            loop.play("150 ms")
        stand, state = loop.state(), session.state()
        expected = [loop.play("150 ms").seen.spikes["excitatory"] for _ in range(8)]
    with sp.open(model.network, "native", seed=6, batch=2) as session:
        session.restore(state)
        loop = DelayedReward(session, watched(model, **SOON), 6, range(2))
        loop.restore(stand)
        found = [loop.play("150 ms").seen.spikes["excitatory"] for _ in range(8)]
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(found, expected, strict=True))


def test_the_network_is_joined_as_published() -> None:
    """A hundred different targets of each neuron, none itself; inhibition onto excitatory neurons alone; the pair."""
    model = build(DistalReward(seed=5))
    network, pair = model.network, model.pair
    onto, across, back = (p.edges() for p in network.projections)
    assert len(onto.pre) + len(across.pre) == 80_000 and len(back.pre) == 20_000
    some = range(0, 800, 37)
    targets = [set(onto.post[onto.pre == k]) | {800 + j for j in across.post[across.pre == k]} for k in some]
    assert all(len(one) == 100 for one in targets)
    assert not (onto.pre == onto.post).any()
    assert (np.bincount(back.pre) == 100).all()
    assert (onto.pre[pair.synapse], onto.post[pair.synapse]) == (pair.pre, pair.post)
    weights = network.projection(pair.projection).weights(len(onto.pre)).values
    assert weights[pair.synapse] == 0 and (np.delete(weights, pair.synapse) == 1).all()
    other = build(DistalReward(seed=6)).network.projections[0].edges()
    assert len(other.pre) != len(onto.pre) or (other.post != onto.post).any()


def test_the_standing_counts_those_as_strong_or_stronger() -> None:
    """Ties count against the chosen synapse, and it counts itself; catches a rank that begins at none."""
    model = build(SMALL)
    chosen, inner, across = model.pair.synapse, *(p.edges().pre.size for p in model.network.projections[:2])
    weights = {model.pair.projection: np.zeros((3, inner)), "excitatory_to_inhibitory": np.zeros((3, across))}
    weights[model.pair.projection][:, chosen] = [1.0, 1.0, 0.0]
    weights["excitatory_to_inhibitory"][1, :3] = [1.0, 2.0, 0.5]
    every = inner + across
    assert model.standing(weights) == pytest.approx([1 / every, 3 / every, 1.0])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"synapses": 40}, "synapses"), ({"a_minus": -0.1}, "a_minus"), ({"excitatory": 1}, "excitatory")],
)
def test_wrong_parameters_are_refused_by_name(wrong: dict[str, float], told: str) -> None:
    """Catches a network that cannot be drawn, which would draw for ever."""
    with pytest.raises(DescriptionError, match=f"DistalReward.{told}"):
        replace(SMALL, **wrong)
    with pytest.raises(UnitError, match="DistalReward.tau_elig"):
        replace(SMALL, tau_elig="1 mV")


def test_a_window_longer_than_the_shortest_delay_is_refused() -> None:
    """Its rewards could not be known when it begins."""
    model = build(SMALL)
    with sp.open(model.network, "native") as session:
        loop = DelayedReward(session, watched(model, **SOON), 0, range(1))
        with pytest.raises(DescriptionError, match="duration: got '201 ms'.*200 ms"):
            loop.play("201 ms")
        with pytest.raises(DescriptionError, match=r"Watched\.latest"):
            DelayedReward(session, watched(model, latest="100 ms"), 0, range(1))
        with pytest.raises(DescriptionError, match="given: got '2 arrays'"):
            DelayedReward(session, watched(model), 0, range(1), [np.zeros(0, int)] * 2)
