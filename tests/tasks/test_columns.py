"""What a task tells of a step beside choice and reward stands in the rows of the results, as it was played."""

import numpy as np

import spikerl as sp
from tests.commands.programs import SHORT, short

TEXT = SHORT.replace('name = "striatum"', 'name = "striatum"\nactions = 4').replace('"reversal"', '"what_where"')


def test_rows_have_the_columns_of_the_task(tmp_path):
    """Object and side are those of the choice, where it was shown; catches columns of another trial or instance."""
    trials = sp.run(short(tmp_path, TEXT), out=tmp_path / "out", trials=12).trials
    chosen = (trials["object"] >= 0) & (trials["side"] >= 0)
    assert chosen.any()
    np.testing.assert_array_equal(2 * trials["object"][chosen] + trials["side"][chosen], trials["choice"][chosen])
    assert set(np.unique(trials["kind"])) <= {0, 1} and trials["shown"].dtype.kind == "i"
    better = trials["better_option"] == trials["choice"]
    np.testing.assert_array_equal(better, trials["better"] == 1)


def test_changes_are_counted_in_the_rows(tmp_path):
    text = SHORT.replace('"reversal"', '"volatile"').replace("reversal_window = [4, 6]", "volatility = 0.5")
    text = text.replace("trials_per_block = 12", "trials_per_block = 40\nminimum_between = 2")
    trials = sp.run(short(tmp_path, text), out=tmp_path / "out", trials=40).trials
    for instance in range(2):
        mine = trials["instance"] == instance
        moved = np.diff(trials["better_option"][mine]) != 0
        assert moved.sum() >= 3
        np.testing.assert_array_equal(trials["changes"][mine], [0, *np.cumsum(moved)])
