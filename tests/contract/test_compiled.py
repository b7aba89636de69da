"""Brian2's compiled code on the same drawn circuits: Cython window by window, C++ where there is one window only.

Each new circuit costs half a minute of a compiler, so the bulk of the suite runs Brian2's NumPy code, and these are
few: one in Cython in the default profile, ten of each in the nightly one. Catches what differs between the targets:
integer and boolean arithmetic, synapses that share a neuron within one loop, the order of code objects.
"""

from __future__ import annotations

import pytest
from hypothesis import Phase, assume, given, settings

from spikerl.discretise import discretise
from tests.contract.networks import Case, cases, cut
from tests.contract.running import conditioned, opened, play, require, run, same_run

COMPILED = settings(
    max_examples=max(1, settings().max_examples // 25),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a failure is not worth hours of compiled shrinking
)


def plastic(case: Case) -> bool:
    """Keep the few circuits from being the simplest ones: two plastic projections with an eligibility among them."""
    rules = [p.rule for p in discretise(case.network, case.dt).projections.values() if p.rule is not None]
    return len(rules) >= 2 and any(rule.eligibilities for rule in rules)


@COMPILED
@given(case=cases().filter(plastic))
def test_cython_does_what_the_reference_does(case: Case) -> None:
    """All windows, cut, in one session."""
    require("brian2")
    assume(conditioned(case))
    with opened(case, "brian2") as session:
        found = play(session, cut(case.windows))
    same_run(discretise(case.network, case.dt), found, run(case, "reference", case.windows))


@pytest.mark.nightly
@COMPILED
@given(case=cases().filter(plastic))
def test_the_standalone_program_does_what_the_reference_does(case: Case) -> None:
    """The last window, which is the longest, alone."""
    require("brian2")
    assume(conditioned(case))
    with opened(case, "brian2", one_window=True) as session:
        found = play(session, case.windows[-1:])
    same_run(discretise(case.network, case.dt), found, run(case, "reference", case.windows[-1:]))
