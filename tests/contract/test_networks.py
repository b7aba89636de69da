"""The drawn circuits themselves: a suite of silent networks would agree about nothing."""

from __future__ import annotations

import numpy as np
from hypothesis import Phase, given, settings

from spikerl.discretise import discretise
from tests.contract.networks import Case, cases
from tests.contract.running import run


def test_most_drawn_circuits_spike_learn_and_do_not_explode() -> None:
    """Hypothesis draws many tiny circuits; still most fire, and often, and most plastic weights move."""
    active, moved, grown, met = [], [], [], []

    @settings(max_examples=100, derandomize=True, database=None, phases=[Phase.generate])
    @given(case=cases())
    def draw(case: Case) -> None:
        plan = discretise(case.network, case.dt)
        ran = run(case, "reference", case.windows)
        active.append(sum(int(ran.spikes[name].sum()) for name in plan.neurons))
        for name, projection in plan.projections.items():
            if projection.rule is not None and projection.weight.size:
                moved.append(bool((ran.weights[name] != projection.weight).any()))
                grown.append(np.abs(ran.weights[name]).max() / np.abs(projection.weight).max())
                pre, post = ran.spikes[projection.pre], ran.spikes[projection.post]
                met.append(bool((pre.any(axis=2) & post.any(axis=2)).any()))

    draw()
    spikes = np.array(active)
    assert np.mean(spikes > 0) >= 0.7, f"{np.mean(spikes > 0):.2f} of the circuits fire"
    assert np.mean(spikes >= 20) >= 0.5, f"{np.mean(spikes >= 20):.2f} of the circuits fire 20 times"
    assert len(moved) >= 100 and np.mean(moved) >= 0.7, f"{np.mean(moved):.2f} of {len(moved)} projections move"
    assert np.mean(met) >= 0.5, f"pre and post spike in one step in {np.mean(met):.2f} of them"
    assert max(grown) < 1e3, f"a weight grew {max(grown):.1g} times"
