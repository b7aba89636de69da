"""A finished run for the tests of damaged files: one that stays, and a copy to damage."""

import shutil

import pytest

from tests.files.small_runs import write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run that no test changes."""
    return write_run(tmp_path_factory.mktemp("finished") / "run")


@pytest.fixture
def copy(run, tmp_path):
    """A copy of it that a test may change."""
    return shutil.copytree(run, tmp_path / "copy")
