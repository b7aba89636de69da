"""The back ends on which the closed forms are held: each that is installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from spikerl.backends import base
from tests.contract.running import interpreted, require


@pytest.fixture(params=base.names())
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of each registered back end in turn, skipped with the reason where it is not installed."""
    require(request.param)
    with interpreted(request.param):
        yield request.param
