"""Differences, shares and limits of bit widths are those of a calculation by hand.

Catches: differences that are not paired, a score taken from the wrong column, a limit that is sought from below, and a
share of updates that is a mean of shares.
"""

import math

import pytest

from spikerl.analysis.quantizing import floating, limits, measured, points_lost, summarise
from spikerl.errors import FileError
from spikerl.results.quantizing import Row
from tests.report.comparisons import made_up

NONE = float("nan")
T_2 = 4.302652729749464  # Student's 97.5 % quantile with 2 degrees of freedom


def cell(bits, scores, rounding="nearest", when="during", method="plain", hidden=0, counts=(10, 6, 4), tests=None):
    """Return the rows of a cell: `scores` while it learned, or in the test where it was quantised after learning."""
    tests = tests or scores
    learned = [score if when == "during" else NONE for score in scores]
    values = zip(learned, tests, strict=True)
    stored = (hidden, bits + hidden)
    return [(bits, rounding, when, method, *stored, k, *both, *counts) for k, both in enumerate(values)]


FLOAT = cell(32, [0.80, 0.70, 0.90], tests=[0.95, 0.85, 0.90])


def test_differences_are_paired_by_instance():
    """Catches intervals of two means: they would be as wide as the spread between instances, 0.1."""
    low = cell(4, [0.77, 0.68, 0.89])
    found = summarise([*FLOAT, *low[::-1]])[1]
    assert found.difference.value == pytest.approx(-0.02)
    half = T_2 * 0.01 / math.sqrt(3)
    assert found.difference.low == pytest.approx(-0.02 - half)
    assert found.difference.high == pytest.approx(-0.02 + half)
    assert found.measure.value == pytest.approx(0.78)
    assert found.n == found.measure.n == found.difference.n == 3
    loss = points_lost(found)
    assert (loss.value, loss.low, loss.high) == pytest.approx((2.0, 2.0 - 100 * half, 2.0 + 100 * half))


def test_cells_quantised_after_learning_are_held_against_the_test():
    """Catches a comparison of the score in the test with the score while learning."""
    after = cell(4, [0.90, 0.82, 0.83], when="after", counts=(0, 0, 0))
    found = summarise([*FLOAT, *after])[1]
    assert found.difference.value == pytest.approx((-0.05 - 0.03 - 0.07) / 3)
    assert math.isnan(found.lost) and math.isnan(found.below) and found.stored == 0
    rows = [Row(*row) for row in [*FLOAT, *after]]
    assert floating(rows, "after").value == pytest.approx(0.90)
    assert floating(rows, "during").value == pytest.approx(0.80)


def test_what_floating_point_learned_is_no_score_of_what_was_rounded_after():
    """Catches the score of learning where a cell that was quantised after it has that of floating point too."""
    rows = [Row(*row)._replace(learning=0.1) for row in cell(4, [0.94, 0.84, 0.89], when="after", counts=(0, 0, 0))]
    assert measured("after", rows) == "test"
    assert summarise([*FLOAT, *rows])[1].difference.value == pytest.approx(-0.01)


def test_layers_without_a_score_of_learning_are_held_against_the_test():
    rows = [Row(*row)._replace(learning=NONE) for row in [*FLOAT, *cell(4, [0.9, 0.8, 0.85])]]
    assert measured("during", rows) == "test"
    assert summarise(rows)[1].difference.value == pytest.approx(-0.05)


def test_the_float_that_is_most_like_a_cell_is_its_own():
    """Catches a comparison with the floating point of another `when`, where there is one for each."""
    other = cell(32, [0.5, 0.5, 0.5], when="after", rounding="stochastic", tests=[0.6, 0.6, 0.6])
    after = cell(4, [0.59, 0.58, 0.57], when="after", counts=(0, 0, 0))
    for rows in ([*FLOAT, *other, *after], [*other, *FLOAT, *after]):
        found = next(one for one in summarise(rows) if one.bits == 4)
        assert found.difference.value == pytest.approx(-0.02)


def test_shares_of_updates_are_those_of_all_together():
    """Catches a mean of the shares of instances, 0.55 here."""
    rows = [Row(*row) for row in cell(4, [0.7, 0.7])]
    rows = [rows[0]._replace(updates=100, below=20, stored=90), rows[1]._replace(updates=10, below=10, stored=0)]
    found = summarise([*FLOAT, *rows])[1]
    assert found.lost == pytest.approx(20 / 110)
    assert found.below == pytest.approx(30 / 110)
    assert found.stored == 45


def test_limits_go_down_from_sixteen_bits():
    """Catches a limit sought from below, 1 bit here, and one at the last width that is still good."""
    losses = {16: 0.0, 8: 0.009, 4: 0.012, 3: 0.008, 2: 0.06, 1: 0.2}
    rows = [*FLOAT]
    for bits, loss in losses.items():
        rows += cell(bits, [0.80 - loss, 0.70 - loss, 0.90 - loss])
    found = limits(summarise(rows))
    assert [(one.points, one.bits) for one in found] == [(1, 4), (5, 2)]
    assert found[0].loss.value == pytest.approx(1.2)
    assert [(one.rounding, one.when, one.method) for one in found] == [("nearest", "during", "plain")] * 2


def test_a_limit_that_is_never_reached():
    found = limits(summarise([*FLOAT, *cell(1, [0.85, 0.75, 0.95])]))
    assert [one.bits for one in found] == [None, None]
    assert all(math.isnan(one.loss.value) for one in found)


def test_every_way_of_storing_has_its_own_limits():
    ways = (("nearest", "plain", 0), ("stochastic", "hidden", 8))
    found = limits(summarise(made_up(ways=ways)), points=(3,))
    keys = [(one.rounding, one.when, one.method) for one in found]
    assert len(keys) == 4 == len(set(keys))


def test_one_instance_has_no_interval():
    found = summarise([FLOAT[0], cell(4, [0.7])[0]])[1]
    assert found.difference.value == pytest.approx(-0.1)
    assert not found.difference.known() and not found.measure.known()


def test_floating_point_alone_has_no_limits():
    assert limits(summarise(FLOAT)) == []


def test_without_floating_point_there_is_nothing_to_compare_with():
    with pytest.raises(FileError, match="32 among the bits"):
        summarise(cell(4, [0.7, 0.8]))


@pytest.mark.parametrize(
    "rows",
    [
        [*FLOAT[:2], *cell(4, [0.7, 0.7, 0.7])],
        [*FLOAT, *cell(4, [0.7, NONE, 0.7])],
        [*[Row(*row)._replace(test=NONE) for row in FLOAT], *cell(4, [0.7, 0.7, 0.7], when="after")],
    ],
    ids=["no float", "no score", "no test of float"],
)
def test_an_instance_without_its_pair_is_refused(rows):
    """Catches pairs made by place, and instances left out in silence."""
    with pytest.raises(FileError, match="instance"):
        summarise(rows)
