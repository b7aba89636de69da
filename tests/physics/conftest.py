"""The back ends on which the closed forms are held: each that is installed and computes in real numbers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.running import exact, interpreted, require


@pytest.fixture(params=exact())
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of each registered back end in turn, skipped with the reason where it is not installed."""
    require(request.param)
    with interpreted(request.param):
        yield request.param
