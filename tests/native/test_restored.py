"""Fixed weights that a state brings are those of each instance."""

import numpy as np

import spikerl as sp


def network() -> sp.Network:
    """Return some input onto some neurons, with weights that do not learn."""
    cue = sp.Population("cue", 12, sp.Poisson("80 Hz"))
    cell = sp.Population("cell", 5, sp.LIF(tau_mem="20 ms", tau_syn="5 ms", rest="-70 mV", threshold="-50 mV"))
    return sp.Network(sp.Projection(cue, cell, "5 mV"))


def spikes(backend: str) -> np.ndarray:
    """Return the spikes of three instances, whose weights are made unlike."""
    with sp.open(network(), backend, seed=3, batch=3) as session:
        state = session.state()
        state["weight/cue_to_cell"] = state["weight/cue_to_cell"] + np.array([[0.0], [2.0], [-1.0]])
        session.restore(state)
        return session.step("400 ms").spikes["cell"]


def test_instances_have_the_weights_that_they_were_given() -> None:
    """Catches rows of weights that are laid out by synapse and read by instance, so that all are mixed."""
    ours, reference = spikes("native"), spikes("reference")
    assert reference[:, 1].sum() > reference[:, 0].sum() > reference[:, 2].sum()
    assert np.array_equal(ours, reference)
