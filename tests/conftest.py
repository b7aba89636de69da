"""Hypothesis profiles: `default` draws the same examples in every run, `nightly` ten times as many, all new.

`document` draws a few, where a command of a document runs tests: what it shows is that the command does what is said.
An example may run three simulators on a shared machine, so neither has a deadline or minds slow draws.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "nightly",
    deadline=None,
    derandomize=False,
    max_examples=250,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("document", settings.get_profile("default"), max_examples=5)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
