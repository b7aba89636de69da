"""Counter-based randomness: a number depends on its seed, labels and place alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import spikerl as sp
from spikerl.seeding import generator, uniforms


@given(st.integers(0, 2**63 - 1), st.integers(0, 1000), st.integers(1, 30), st.integers(1, 30), st.integers(1, 13))
def test_a_row_does_not_depend_on_the_window_it_is_asked_for_in(
    seed: int, first: int, before: int, after: int, size: int
) -> None:
    """Catches a stream that is consumed in order, and rows that share a counter."""
    whole = uniforms(seed, ("x",), first, before + after, size)
    parts = uniforms(seed, ("x",), first, before, size), uniforms(seed, ("x",), first + before, after, size)
    assert np.array_equal(whole, np.concatenate(parts))
    assert len(np.unique(whole)) == whole.size


@given(st.integers(0, 2**62), st.text(max_size=5), st.text(max_size=5))
def test_seeds_and_labels_give_streams_of_their_own(seed: int, one: str, other: str) -> None:
    """Catches labels that are joined without a separator, so that ('ab', 'c') is ('a', 'bc'), and 1 that is '1'."""
    streams = [
        (seed,),
        (seed + 1,),
        (seed, one + "x"),
        (seed, one, "x"),
        (seed, one, "x", other),
        (seed, 1),
        (seed, "1"),
    ]
    drawn = {stream: generator(*stream).random() for stream in streams}
    assert len(set(drawn.values())) == len(drawn)
    assert drawn[streams[0]] == generator(seed).random()


def test_uniform_numbers_are_uniform_and_independent_across_labels() -> None:
    """A chi-square of 64 bins and the correlation of two streams, each within its 1e-6 interval."""
    draws = uniforms(1, ("a",), 0, 20_000, 5).ravel()
    counts = np.bincount((draws * 64).astype(int), minlength=64)
    expected = len(draws) / 64
    assert ((counts - expected) ** 2 / expected).sum() < 63 + 4.9 * np.sqrt(2 * 63) + 16
    other = uniforms(1, ("b",), 0, 20_000, 5).ravel()
    assert abs(np.corrcoef(draws, other)[0, 1]) < 4.9 / np.sqrt(len(draws))


def test_an_instance_hears_its_own_number_and_every_population_its_own_stream() -> None:
    """Catches instances or populations that share their input."""
    cells = [sp.Population(name, 20, sp.Poisson("100 Hz")) for name in ("a", "b")]
    network = sp.Network(populations=tuple(cells))
    with sp.open(network, "reference", seed=3, batch=3) as session:
        seen = session.step("200 ms").spikes
    with sp.open(network, "reference", seed=3, batch=1, first_instance=2) as session:
        alone = session.step("200 ms").spikes
    assert np.array_equal(alone["a"][:, 0], seen["a"][:, 2])
    with sp.open(network, "reference", seed=4, batch=1) as session:
        other = session.step("200 ms").spikes
    trains = [seen["a"][:, 0], seen["a"][:, 1], seen["b"][:, 0], other["a"][:, 0]]
    for i, train in enumerate(trains):
        assert not any(np.array_equal(train, another) for another in trains[i + 1 :])
