"""Lava's own interpreter, for the tests that run Lava itself."""

import os
from pathlib import Path

import pytest

from spikerl.errors import MissingSimulatorError
from spikerl.hardware.lava.setup import DownloadError, set_up


@pytest.fixture(scope="session")
def lava_python():
    """Return the interpreter that `spikerl lava setup` makes, made now where it is not there.

    Skip where it cannot be made: without a Python 3.10, or where no package index answers; whatever else fails is a
    failure. A second worker waits for the first, as any two who set it up at once do.
    """
    try:
        return set_up(print)
    except (MissingSimulatorError, DownloadError) as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def interpreter(request):
    """Return the interpreter that SPIKERL_LAVA_INTERPRETER names, or else that of `lava_python`."""
    named = os.environ.get("SPIKERL_LAVA_INTERPRETER")
    return Path(named) if named else request.getfixturevalue("lava_python")
