"""Recorded monkeys: which model foresees their choices in blocks that it was not fitted to."""

import numpy as np
import pytest

from spikerl.analysis.intervals import mean_over_blocks
from spikerl.analysis.published import figures
from spikerl.behaviour.comparing import compare
from spikerl.behaviour.fitting import fit
from spikerl.behaviour.models import ChoiceModel
from spikerl.behaviour.trials import Trials, read_trials
from tests.tasks.recorded_blocks import recorded_path


@pytest.fixture(scope="module")
def monkeys() -> Trials:
    return read_trials(recorded_path())


@pytest.mark.parametrize(("initial", "splits"), [(0.0, 3), (0.5, 3)])
def test_forgetting_and_stickiness_foresee_more_than_rescorla_wagner(
    monkeys: Trials, initial: float, splits: int
) -> None:
    """Catches a family without its forgetting: on held-out halves the full model wins wherever values begin.

    The published likelihoods belong to values that begin at 0.5, and move by 0.02 from split to split.
    """
    simple, full = ChoiceModel(initial=initial), ChoiceModel(True, True, True, initial)
    found = compare(monkeys, seed=2016, models=(simple, full), splits=splits, starts=1)
    test = found.test()
    assert test.shape == (splits, 2)
    assert (test[:, 1] < test[:, 0]).all()
    gain = mean_over_blocks(found.by_block()[0] - found.by_block()[1])
    assert gain.low > 0.03
    if initial == 0.5:
        assert np.abs(test.mean(axis=0) - (0.352, 0.261)).max() < 0.02


def test_fitted_numbers_are_near_the_published_ones(monkeys: Trials) -> None:
    """Catches a decay that is a share kept, a slope in other units, and gains and losses exchanged."""
    published = {figure.key: figure.value for figure in figures() if figure.group == "control" and "fit_" in figure.key}
    found = fit(ChoiceModel(True, True), monkeys, seed=2016, starts=3)
    assert found.n == 44240 and found.agreed >= 3
    within = {"alpha_plus": 0.05, "alpha_minus": 0.05, "decay": 0.05, "beta": 0.5}
    for name, value in found.parameters.items():
        assert abs(value - published[f"fit_{name}"]) < within[name]
