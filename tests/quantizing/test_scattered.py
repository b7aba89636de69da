"""A comparison on a dask cluster is the one that is played here."""

import pytest

from spikerl.errors import DescriptionError, FileError
from spikerl.experiment import read
from spikerl.quantizing.cells import cells
from spikerl.quantizing.kept import check_part
from spikerl.quantizing.parts import Asked, Group, perform, text_of
from tests.quantizing.small import compared, small

distributed = pytest.importorskip("distributed", reason="distributed is not installed: pip install 'spikerl[cluster]'")
pytestmark = pytest.mark.xdist_group("cluster")

PROCESSES = {"threads_per_worker": 1, "processes": True, "dashboard_address": "127.0.0.1:0"}
ASKED = {"bits": 2, "rounding": "stochastic", "method": ("plain", "hidden")}


def test_a_cluster_plays_what_is_played_here(tmp_path):
    """Catches parts that are lost, doubled or out of order, and instances that take their numbers from their part."""
    seen: list[tuple[int, int]] = []
    with distributed.LocalCluster(n_workers=2, **PROCESSES) as cluster:
        address = cluster.scheduler_address
        there = compared(
            tmp_path, "there", scheduler=address, progress=lambda at: seen.append((at.done, at.total)), **ASKED
        )
    here = compared(tmp_path, "here", **ASKED)
    for name in ("cells.csv", "histograms.csv", "table.csv", "limits.csv", "experiment.toml"):
        assert (there.path / name).read_bytes() == (here.path / name).read_bytes()
    assert seen == [(1, 2), (2, 2)]


def test_no_cluster_is_said_before_anything_is_played(tmp_path):
    """Catches an address that is tried after hours."""
    with pytest.raises(DescriptionError, match="scheduler: got 'tcp://127.0.0.1:1'"):
        compared(tmp_path, scheduler="tcp://127.0.0.1:1", **ASKED)
    assert not (tmp_path / "out").exists()


def test_a_part_of_something_else_is_refused(tmp_path):
    """Catches files of other instances, cells, or another experiment that are taken for those that were asked for."""
    experiment = read(small(tmp_path), {"run.backend": "reference", "run.trials": 1})
    asked = Asked(experiment, list(cells(2, "nearest", "during", "plain")), Group(0, 1), 1)
    perform(text_of(asked), tmp_path / "part", lambda share: None)
    check_part("one", text_of(asked), tmp_path / "part")
    other = read(small(tmp_path), {"run.backend": "reference", "run.trials": 1, "run.seed": 9})
    for wrong, said in (
        (asked._replace(group=Group(1, 1)), "cells and instances"),
        (asked._replace(cells=asked.cells[:1]), "cells and instances"),
        (asked._replace(experiment=other), "experiment"),
    ):
        with pytest.raises(FileError, match=said):
            check_part("one", text_of(wrong), tmp_path / "part")
