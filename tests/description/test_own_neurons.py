"""Neurons of one's own: what a law must say, and that the faults in it are found where the population is described."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest

import spikerl as sp
from spikerl.errors import DescriptionError
from spikerl.neurons import MEMBRANE, SYNAPTIC_CURRENT, Equations, Relaxation, SpikingNeuron, Update
from spikerl.units import Dimension

GOOD = sp.LIF.equations


def neuron(law: Equations, **changed: float) -> SpikingNeuron:
    """Return a neuron of its own with the constants of a LIF, some of them changed."""

    @dataclass(frozen=True)
    class Own(SpikingNeuron):
        equations: ClassVar[Equations] = law
        weight_dimension: ClassVar[Dimension] = Dimension.NUMBER

        def constants(self) -> dict[str, float]:
            return sp.LIF().constants() | changed

    return Own()


def test_the_law_of_the_lif_is_taken_from_another_class() -> None:
    """Catches a check that asks for the classes that ship."""
    cells = sp.Population("cells", 2, neuron(GOOD))
    source = sp.Population("source", 2, sp.Poisson("100 Hz"))
    with sp.open(sp.Network(sp.Projection(source, cells, 0.9)), "reference", seed=3) as session:
        found = session.step("300 ms").spikes["cells"]
    plain = sp.Network(sp.Projection(source, sp.Population("cells", 2, sp.LIF()), 0.9))
    with sp.open(plain, "reference", seed=3) as session:
        expected = session.step("300 ms").spikes["cells"]
    assert expected.any() and (found == expected).all()


@pytest.mark.parametrize(
    ("equations", "changed", "named"),
    [
        (GOOD._replace(relaxations=(MEMBRANE, SYNAPTIC_CURRENT)), {}, "variables"),
        (GOOD._replace(relaxations=(SYNAPTIC_CURRENT, Relaxation("x", "tau_mem", "u"))), {}, "variables"),
        (GOOD._replace(relaxations=(SYNAPTIC_CURRENT, MEMBRANE, MEMBRANE)), {}, "variables"),
        (GOOD._replace(relaxations=(SYNAPTIC_CURRENT, Relaxation("v", "tau_x", "u"))), {}, "tau_x"),
        (GOOD, {"refractory": float("nan")}, "refractory"),
        (GOOD._replace(threshold="v > treshold"), {}, "treshold"),
        (GOOD._replace(threshold="v >"), {}, "'v >'"),
        (GOOD._replace(threshold="v > abs(rest)"), {}, "abs"),
        (GOOD._replace(reset=(("b", "reset"),)), {}, "reset"),
        (GOOD._replace(updates=(Update("v", "v + stp"),)), {}, "stp.*did you mean 'step'"),
        (GOOD._replace(updates=(Update("v", "v +"),)), {}, "'v \\+'"),
        (GOOD._replace(start=(("x", "rest"),)), {}, "start"),
        (GOOD._replace(start=(("v", "rest + u"),)), {}, "'rest \\+ u'"),
    ],
)
def test_a_law_that_cannot_run_is_refused_with_the_part_at_fault(
    equations: Equations, changed: dict[str, float], named: str
) -> None:
    """Catches a fault in a law that shows only inside a back end, in the middle of a run."""
    with pytest.raises(DescriptionError, match=named) as error:
        sp.Population("cells", 2, neuron(equations, **changed))
    assert "Population('cells').neuron" in str(error.value)


def test_a_class_without_a_law_cannot_be_made() -> None:
    """Catches an abstract part that is not declared as one."""

    class Lawless(SpikingNeuron):
        def constants(self) -> dict[str, float]:
            return {}

    with pytest.raises(TypeError, match="equations"):
        Lawless()  # type: ignore[abstract]


def test_the_class_instead_of_a_neuron_is_refused() -> None:
    """Catches a check by the presence of attributes, which a class has as well."""
    with pytest.raises(DescriptionError, match="neuron"):
        sp.Population("cells", 2, sp.LIF)  # type: ignore[arg-type]
