"""The panel of rewards with sizes: there where they are, and with the figures of the analysis."""

from pathlib import Path

import numpy as np

from spikerl.analysis import distributional
from spikerl.report.distributional_section import distributional_panels
from spikerl.report.numbers import number
from tests.analysis.runs import table, write
from tests.analysis.test_distributional import CELLS, coded, run_of


def test_the_panel_says_what_the_analysis_found(tmp_path: Path) -> None:
    """Catches figures of other trials than those after learning, and a panel without its figure."""
    results = run_of(tmp_path / "run", *coded(np.linspace(0.1, 0.9, CELLS), 400), before=11)
    (panel,) = distributional_panels(results, "run-0")
    code = distributional.read(results, skip=100)
    assert panel.svg is not None and not panel.missing
    assert f"{CELLS} dopamine cells of instance 0 in 300 trials, after 100 to learn" in panel.caption
    assert f"it lies {number(code.distance)} ul" in panel.caption


def test_other_runs_have_no_such_panel(tmp_path: Path) -> None:
    """Catches a panel, or its excuse, on the page of every task; and a traceback where no spikes were kept."""
    assert distributional_panels(write(tmp_path / "other", table(reward=np.ones(4))), "run-0") == []
    silent = write(tmp_path / "silent", table(magnitude=np.array([100, 100, 5000, 5000])))
    (panel,) = distributional_panels(silent, "run-0")
    assert panel.svg is None and "record.spikes" in panel.missing
