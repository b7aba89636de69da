"""The figures that runs are held against, and the verdicts on them."""

import math
from pathlib import Path

import pytest

from spikerl.analysis.held import held, judge, measures
from spikerl.analysis.intervals import Interval
from spikerl.analysis.published import Figure, Relation, figures, parse
from spikerl.errors import FileError
from tests.analysis.runs import EXPERIMENT, complete, learner, write

HEADER = "key,value,low,high,unit,relation,group,task,schedule,source,note\n"


def figure(relation: Relation, value: float = math.nan, low: float = math.nan, high: float = math.nan) -> Figure:
    return Figure("p", value, low, high, "1", relation, "", "", "", "someone (1999)", "")


@pytest.mark.parametrize(
    ("interval", "against", "verdict"),
    [
        ((0.80, 0.76, 0.84), figure("at least", low=0.75), "held"),
        ((0.80, 0.74, 0.86), figure("at least", low=0.75), "open"),
        ((0.70, 0.66, 0.74), figure("at least", low=0.75), "not held"),
        ((-0.5, -0.8, -0.2), figure("below", high=0.0), "held"),
        ((-0.5, -1.0, 0.0), figure("below", high=0.0), "open"),
        ((0.5, 0.0, 1.0), figure("below", high=0.0), "not held"),
        ((6.0, 5.9, 6.1), figure("between", low=5.0, high=6.4), "held"),
        ((6.4, 6.3, 6.5), figure("between", low=5.0, high=6.4), "open"),
        ((4.0, 3.9, 4.1), figure("between", low=5.0, high=6.4), "not held"),
        ((0.85, 0.80, 0.90), figure("equal", value=0.853), "agrees"),
        ((0.70, 0.65, 0.75), figure("equal", value=0.853), "lower"),
        ((0.95, 0.90, 0.99), figure("equal", value=0.853), "higher"),
        ((0.80, math.nan, math.nan), figure("at least", low=0.75), "open"),
        ((0.853, math.nan, math.nan), figure("equal", value=0.853), "open"),
    ],
)
def test_a_verdict_is_of_the_whole_interval(
    interval: tuple[float, float, float], against: Figure, verdict: str
) -> None:
    """Catches a verdict on the estimate alone, which a run of one lucky block would pass."""
    assert judge(Interval(*interval, 10), against) == verdict


def test_the_shipped_figures_are_whole_and_each_has_a_source() -> None:
    found = figures()
    assert all(row.source and row.unit for row in found)
    for row in found:
        bounded = math.isfinite(row.low) or math.isfinite(row.high)
        assert math.isfinite(row.value) != bounded
    by_group = {(row.group, row.schedule): row.value for row in found if row.key == "p_better" and row.group}
    assert by_group["control", "80/20"] == 0.853
    assert len(by_group) == 12
    for schedule in ("100/0", "80/20", "70/30", "60/40"):
        amygdala, striatum = by_group["amygdala lesion", schedule], by_group["ventral striatum lesion", schedule]
        assert amygdala < striatum < by_group["control", schedule]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("p,0.5,,,1,equal,,,,,\n", "source"),
        ("p,0.5,,,1,about,,,,someone,\n", "about"),
        ("p,half,,,1,equal,,,,someone,\n", "line 2"),
        ("p,0.5\n", "line 2"),
    ],
)
def test_a_row_that_cannot_be_is_refused(text: str, named: str) -> None:
    with pytest.raises(FileError, match=named):
        parse(HEADER + text, "figures.csv")


def test_a_run_is_held_against_its_own_schedule_and_controls(tmp_path: Path) -> None:
    """Catches figures of another schedule, of lesioned animals, or of the reversal task beside a bandit."""
    lines = {line.measure.key: line for line in held(complete(tmp_path / "run"))}
    against = [comparison.figure for comparison in lines["p_better"].comparisons]
    assert [(row.relation, row.group, row.schedule) for row in against] == [
        ("at least", "", "80/20"),
        ("equal", "control", "80/20"),
    ]
    other = held(write(tmp_path / "other", learner(4), experiment=EXPERIMENT.replace("80/20", "55/45")))
    assert not {line.measure.key: line for line in other}["p_better"].comparisons
    bandit = EXPERIMENT.replace('"reversal"', '"bandit"')
    bandits = {line.measure.key: line for line in held(write(tmp_path / "bandit", learner(4), experiment=bandit))}
    assert not bandits["p_better"].comparisons
    assert bandits["dopamine_late_omitted"].comparisons


def test_measures_are_those_that_the_columns_allow(tmp_path: Path) -> None:
    keys = {measure.key for measure in measures(complete(tmp_path / "all"))}
    assert {"p_better", "win_stay", "p_better_reversal_10", "dopamine_late_omitted"} <= keys
    columns = {name: values for name, values in learner(2).items() if not name.startswith(("dopamine", "reversal"))}
    keys = {measure.key for measure in measures(write(tmp_path / "few", columns))}
    assert keys == {"p_better", "win_stay", "lose_switch"}
