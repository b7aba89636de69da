"""Tests that share what is costly to make, or must not run side by side, run on one worker."""

import os

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="tests run one after another here")
@pytest.mark.xdist_group("together")
def test_groups_are_kept(request):
    """Catches a pytest and a pytest-xdist that do not fit: groups are then scattered without a word."""
    assert request.node.nodeid.endswith("@together")
