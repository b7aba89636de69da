"""Descriptions are frozen values that know no simulator."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import spikerl as sp
from spikerl.errors import DescriptionError
from tests.contract.networks import Case, cases
from tests.contract.running import run
from tests.description.test_bad_input import GOOD, NETWORK, RULE


@pytest.mark.parametrize("make", [make for make in GOOD if isinstance(make, type)], ids=lambda make: make.__name__)
def test_no_field_of_a_description_can_be_changed(make: Callable[..., Any]) -> None:
    """Neither set nor deleted; and what was made of lists holds tuples, so that it is a value: equal and hashable."""
    made, again = make(**GOOD[make]), make(**GOOD[make])
    for field in GOOD[make]:
        with pytest.raises(FrozenInstanceError):
            setattr(made, field, 1)
        with pytest.raises(FrozenInstanceError):
            delattr(made, field)
    assert made == again and hash(made) == hash(again)


@pytest.mark.parametrize(
    ("frozen", "field"), [(NETWORK, "projections"), (NETWORK, "new"), (RULE, "bounds"), (RULE, "new")]
)
def test_networks_and_rules_are_frozen_too(frozen: Any, field: str) -> None:
    """They are no dataclasses, and so refuse by themselves."""
    with pytest.raises(AttributeError, match="frozen"):
        setattr(frozen, field, ())
    with pytest.raises(AttributeError, match="frozen"):
        delattr(frozen, field)


def test_a_list_given_to_a_description_may_change_without_it() -> None:
    """Catches a description that keeps the caller's list."""
    given: dict[str, Any] = {"pre": [0, 1], "numbers": [1.0, 2.0], "names": ["msn"], "times": ["1 ms", "2 ms"]}
    pre, numbers, names, times = given.values()
    made = sp.Explicit(pre, pre), sp.Values(numbers), sp.SpikeSource(pre, times), sp.Record(names)
    pre[0], numbers[0], names[0] = 1, 5.0, "cue"
    assert made[0].pre == (0, 1) and made[1].numbers == (1.0, 2.0)
    assert made[2].neurons == (0, 1) and made[3].spikes == ("msn",)


@given(cases())
def test_without_plasticity_everything_stays_but_the_learning(case: Case) -> None:
    """The same populations, modulators, edges and first weights; and the weights never move."""
    fixed = case.network.without_plasticity()
    assert fixed.populations == case.network.populations and fixed.modulators == case.network.modulators
    for one, other in zip(fixed.projections, case.network.projections, strict=True):
        assert one.rule is None
        assert (one.pre, one.post, one.name, one.weight, one.delay) == (
            other.pre,
            other.post,
            other.name,
            other.weight,
            other.delay,
        )
    ran = run(Case(fixed, case.dt, case.seed, case.batch, case.windows), "reference", case.windows)
    for projection in fixed.projections:
        first = projection.weights(len(projection.edges().pre)).values
        assert np.array_equal(ran.weights[projection.name], np.tile(first, (case.batch, 1)))


def test_a_name_may_have_one_meaning_only() -> None:
    """Equal populations are one; different ones of one name are refused, and so are two projections of one name."""
    one, same = sp.Population("cells", 2, sp.LIF()), sp.Population("cells", 2, sp.LIF())
    assert len(sp.Network(populations=(one, same)).populations) == 1
    with pytest.raises(DescriptionError, match="one meaning for a name"):
        sp.Network(populations=(one, sp.Population("cells", 2, sp.LIF(tau_mem="9 ms"))))
    with pytest.raises(DescriptionError, match="one meaning for a name"):
        sp.Network(sp.Projection(one, one, 0.1), sp.Projection(one, one, 0.1))


def test_a_post_shaped_modulator_shapes_its_own_target_only() -> None:
    """Catches one number for each neuron of another population, broadcast by the luck of sizes."""
    cells, others = (sp.Population(name, 3, sp.LIF()) for name in ("cells", "others"))
    rule = sp.Rule(sp.every_step(sp.Modulator("error", target=others) * 1.0), bounds=(0, 1))
    with pytest.raises(DescriptionError, match="the post-synaptic cells"):
        sp.Network(sp.Projection(others, cells, 0.5, rule=rule))


def test_describing_and_running_the_reference_load_no_simulator() -> None:
    """In a fresh interpreter: all public names, a network, a plan, and a window."""
    program = """
import sys, spikerl as sp
for name in sp.__all__:
    if name != "report" and name != "run":
        getattr(sp, name)
cue = sp.Population("cue", 3, sp.Poisson("20 Hz"))
msn = sp.Population("msn", 3, sp.LIF())
rule = sp.dopamine_stdp(sp.Modulator("dopamine", tau="1 s"))
with sp.open(sp.Network(sp.Projection(cue, msn, 0.5, rule=rule)), "reference") as session:
    session.step("5 ms")
print([name for name in ("brian2", "norse", "torch") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_copy_is_the_same_description() -> None:
    """Catches a frozen description that can be neither copied nor handed to another process."""
    dopamine = sp.Modulator("dopamine", tau="200 ms")
    cue = sp.Population("cue", 3, sp.Poisson("20 Hz"))
    cell = sp.Population("cell", 2, sp.LIF())
    net = sp.Network(sp.Projection(cue, cell, weight=0.5, rule=sp.dopamine_stdp(dopamine)), populations=(cue,))
    for twin in (copy.deepcopy(net), copy.copy(net)):
        assert twin.projections == net.projections
        assert twin.populations == net.populations
        assert twin.modulators == net.modulators
