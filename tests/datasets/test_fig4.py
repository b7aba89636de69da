"""The regression: Poisson inputs that are frozen, and the three curves."""

import math

import numpy as np
import pytest

from spikerl.datasets import Fig4Settings, open_fig4
from spikerl.errors import DescriptionError, UnitError


def test_the_curves_are_the_ones_that_are_written():
    """Catches time in milliseconds, waves swapped, 2 pi multiplied instead of divided."""
    targets = open_fig4(Fig4Settings()).targets
    assert targets.shape == (500, 3)
    for step in (0, 1, 99, 499):
        t = step * 1e-3
        expected = [t / 0.5, 0.5 * math.cos(200 * t / (2 * math.pi)), 0.5 * math.sin(100 * t / (2 * math.pi))]
        assert targets[step].tolist() == pytest.approx(expected, abs=1e-12)
    crossings = (np.diff(np.sign(targets[:, 1])) != 0).sum()
    assert crossings == 5  # 2.53 periods of the cosine in 500 ms


def test_the_curves_do_not_depend_on_the_step():
    """Catches curves that are functions of the step's number."""
    fine = open_fig4(Fig4Settings(dt="0.5 ms")).targets
    assert np.allclose(fine[::2], open_fig4(Fig4Settings()).targets)


def test_inputs_are_poisson():
    """Catches a wrong rate and inputs that spike together: means, variances and correlations of 1,000,000 draws."""
    data = open_fig4(Fig4Settings(rate="100 Hz", batch=20), seed=1)
    assert data.inputs.shape == (500, 20, 100) and data.inputs.dtype == bool
    assert data.inputs.mean() == pytest.approx(0.1, abs=4 * math.sqrt(0.09 / 1e6))
    counts = data.inputs.sum(axis=0)
    assert counts.var() == pytest.approx(45, rel=0.12)
    flat = data.inputs.reshape(500, -1).astype(float)
    correlation = np.corrcoef(flat[:, :200].T)[np.triu_indices(200, 1)]
    assert abs(correlation.mean()) < 0.002 and correlation.std() == pytest.approx(1 / math.sqrt(500), rel=0.1)


def test_the_pattern_is_frozen():
    """Catches an instance that changes with the batch, equal instances, and arrays that can be written."""
    many, one = open_fig4(Fig4Settings(batch=3), 2), open_fig4(Fig4Settings(), 2)
    assert np.array_equal(many.inputs[:, :1], one.inputs)
    assert not np.array_equal(many.inputs[:, 0], many.inputs[:, 1])
    assert not np.array_equal(one.inputs, open_fig4(Fig4Settings(), 3).inputs)
    with pytest.raises(ValueError, match="read-only"):
        one.inputs[0] = True
    with pytest.raises(ValueError, match="read-only"):
        one.targets[0] = 1.0


@pytest.mark.parametrize(
    "changes",
    [{"inputs": 0}, {"rate": "1.1 kHz"}, {"rate": 50}, {"batch": 0}, {"dt": "1 s"}, {"window": "500"}],
)
def test_wrong_settings_are_refused(changes):
    """Catches more than one spike a step."""
    with pytest.raises((DescriptionError, UnitError), match="Fig4Settings"):
        Fig4Settings(**changes)
