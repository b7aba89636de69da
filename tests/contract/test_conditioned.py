"""What the agreement suite leaves out, and only that: circuits that are chaotic or grow without end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

import spikerl as sp
from tests.contract.networks import Case, Input, cases
from tests.contract.running import conditioned

STEPS = 100


def feeding_on_itself(coefficient: float, bounds: tuple[float, float]) -> Case:
    """Return a spiking pair whose weight changes by ``coefficient w (w^2 - 0.25)`` at every step."""
    cells = sp.Population("cells", 2, sp.LIF(bias=2.0))
    w = sp.weight
    rule = sp.Rule(sp.every_step(coefficient * w * w * w - 0.25 * coefficient * w), bounds=bounds)
    synapses = sp.Projection(cells, cells, sp.Uniform(0.1, 0.3), sp.AllToAll(self_connections=False), rule=rule)
    empty = Input(steps=STEPS, spikes={}, rates={}, modulators={})
    return Case(network=sp.Network(synapses), dt="1 ms", seed=1, batch=2, windows=(empty,), first_instance=0)


@pytest.mark.parametrize(
    ("coefficient", "bounds", "kept"),
    [(0.1, (-1.0, 1.0), True), (-7.2, (-1.0, 1.0), False), (0.5, (-1.0, float("inf")), True)],
    ids=["settles", "chaotic", "settles without bounds"],
)
def test_only_what_amplifies_rounding_is_left_out(
    coefficient: float, bounds: tuple[float, float], kept: bool
) -> None:
    """Catches a filter that keeps chaos in (no back ends can agree) or leaves sound circuits out."""
    assert conditioned(feeding_on_itself(coefficient, bounds)) is kept


def test_a_weight_that_grows_without_end_is_left_out() -> None:
    """Catches infinities and NaN, which compare as equal or unequal for no good reason."""
    case = feeding_on_itself(0.5, (-1.0, float("inf")))
    projection = replace(case.network.projections[0], weight=3.0)
    assert not conditioned(replace(case, network=sp.Network(projection)))


def test_almost_all_drawn_circuits_are_kept() -> None:
    """Catches a filter so strict that the suite would test the tame circuits only."""
    kept: list[bool] = []

    @given(case=cases())
    def count(case: Case) -> None:
        kept.append(conditioned(case))

    count()
    assert sum(kept) >= 0.9 * len(kept)
