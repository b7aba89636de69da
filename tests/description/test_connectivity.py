"""Who is connected to whom: the recipes against their own words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spikerl as sp
from spikerl.connectivity import Connectivity
from spikerl.errors import DescriptionError

SIZES = st.integers(1, 12)


def pairs(connectivity: Connectivity, pre: int, post: int, where: str = "q") -> list[tuple[int, int]]:
    edges = connectivity.edges(pre, post, where)
    assert edges.pre.dtype == edges.post.dtype == np.int64
    return list(zip(edges.pre.tolist(), edges.post.tolist(), strict=True))


@given(SIZES, SIZES)
def test_all_to_all_holds_every_pair_once(pre: int, post: int) -> None:
    """And without self-connections all but i = j; pre-synaptic index slowest."""
    every = [(i, j) for i in range(pre) for j in range(post)]
    assert pairs(sp.AllToAll(), pre, post) == every
    assert pairs(sp.AllToAll(self_connections=False), pre, post) == [(i, j) for i, j in every if i != j]


@given(SIZES)
def test_one_to_one_holds_the_diagonal(size: int) -> None:
    """And nothing else."""
    assert pairs(sp.OneToOne(), size, size) == [(i, i) for i in range(size)]


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
def test_blocks_are_the_groups_and_what_is_across_them(groups: int, pre: int, post: int) -> None:
    """Within and across together are all pairs, without overlap."""
    within = pairs(sp.Blocks(groups), groups * pre, groups * post)
    across = pairs(sp.Blocks(groups, across=True), groups * pre, groups * post)
    assert all(i // pre == j // post for i, j in within)
    assert sorted(within + across) == pairs(sp.AllToAll(), groups * pre, groups * post)
    assert len(within) == groups * pre * post


@pytest.mark.parametrize("p", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("recipe", ["probability", "blocks"])
def test_pairs_are_drawn_with_the_probability_that_was_asked_for(recipe: str, p: float) -> None:
    """The count of 40,000 pairs lies in the binomial interval of one in a million, for each seed."""
    for seed in range(5):
        made = sp.Probability(p, seed) if recipe == "probability" else sp.Blocks(2, p=p, seed=seed)
        possible = 40_000 if recipe == "probability" else 20_000
        count = len(pairs(made, 200, 200))
        assert abs(count - p * possible) < 4.9 * math.sqrt(possible * p * (1 - p)) + 1


def test_seed_and_name_fix_the_drawn_pairs() -> None:
    """One seed on two projections gives two graphs; the same projection twice gives one."""
    drawn = pairs(sp.Probability(0.5, seed=1), 20, 20, "q")
    assert drawn == pairs(sp.Probability(0.5, seed=1), 20, 20, "q")
    assert drawn != pairs(sp.Probability(0.5, seed=2), 20, 20, "q")
    assert drawn != pairs(sp.Probability(0.5, seed=1), 20, 20, "another")
    assert pairs(sp.Probability(0), 5, 5) == [] and len(pairs(sp.Probability(1), 5, 5)) == 25
    assert all(i != j for i, j in pairs(sp.Probability(1, self_connections=False), 5, 5))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), max_size=20))
def test_explicit_edges_are_what_was_given_in_their_order(edges: list[tuple[int, int]]) -> None:
    """Repeated pairs stay, as synapses of their own; arrays and lists are taken alike, and kept as tuples."""
    pre, post = [i for i, _ in edges], [j for _, j in edges]
    assert pairs(sp.Explicit(pre, np.array(post, dtype=np.int32)), 5, 3) == edges
    assert sp.Explicit(pre, post) == sp.Explicit(tuple(pre), tuple(post))


@given(st.integers(1, 12), st.integers(1, 9), st.integers(0, 99), st.data())
def test_each_neuron_hears_as_many_as_its_in_degree(pre: int, post: int, seed: int, data: st.DataObject) -> None:
    """Catches a draw with repetition, or one that leaves neurons with other numbers of inputs."""
    inputs = data.draw(st.integers(1, pre))
    drawn = pairs(sp.InDegree(inputs, seed), pre, post)
    assert len(set(drawn)) == len(drawn) == inputs * post
    assert [sum(j == target for _, j in drawn) for target in range(post)] == [inputs] * post


def test_in_degree_draws_all_sources_alike_and_no_more_than_there_are() -> None:
    """Catches a draw that favours some sources, and an in-degree beyond the population."""
    heard = np.bincount([i for i, _ in pairs(sp.InDegree(5, seed=3), 20, 2000)], minlength=20)
    assert abs(heard - 500).max() < 4.9 * math.sqrt(2000 * 0.25 * 0.75)
    with pytest.raises(DescriptionError, match="4 inputs.*at most 3 inputs"):
        pairs(sp.InDegree(4), 3, 2)


def test_a_projection_too_large_to_draw_is_refused() -> None:
    """Catches ten million neurons all to all, which no memory holds."""
    large = sp.Population("large", 10_000_000, sp.LIF())
    for recipe in (sp.AllToAll(), sp.Probability(0.1), sp.InDegree(2), sp.Blocks(2)):
        with pytest.raises(DescriptionError, match="pairs of neurons"):
            sp.Projection(large, large, 0.1, recipe)


def test_weights_and_delays_are_drawn_in_their_own_unit() -> None:
    """Catches a unit lost between the two ends of a range, and a delay that is off the grid."""
    cue = sp.Population("cue", 30, sp.SpikeSource())
    msn = sp.Population("msn", 30, sp.LIF(threshold="-50 mV", rest="-70 mV"))
    uniform = sp.Projection(cue, msn, sp.Uniform("500 uV", "0.002 V"), delay=sp.Values(tuple(range(1, 901)), "ms"))
    drawn = uniform.weights(900)
    assert drawn.unit == "uV" and drawn.scale == 1e-6
    assert 500 <= drawn.values.min() < 520 and 1980 < drawn.values.max() <= 2000
    normal = sp.Projection(cue, msn, sp.Normal("1 mV", "200 uV", seed=2)).weights(900).values
    assert abs(normal.mean() - 1) < 4.9 * 0.2 / 30 and abs(normal.std() - 0.2) < 4.9 * 0.2 / math.sqrt(1800)
    with sp.open(sp.Network(uniform), "reference") as session:
        assert session.plan.projections["cue_to_msn"].delay.tolist() == list(range(1, 901))
