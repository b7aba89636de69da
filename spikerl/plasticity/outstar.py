"""Plasticity by activity alone: a synapse learns how active its target is while its source is active."""

from __future__ import annotations

from spikerl.keywords import checked
from spikerl.neurons import Written
from spikerl.plasticity.algebra import Rule, every_step, on_pre, post_trace, weight
from spikerl.units import finite_number


@checked
def outstar(
    tau_post: Written = "50 ms",
    gain: float = 1.0,
    rate: float = 0.01,
    rest: float = 0.0,
    forgetting: float = 0.0,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Rule:
    """``dw = rate (rest + gain y - w)`` at a pre-synaptic spike, ``forgetting (rest - w)`` at every step.

    y is the trace of post-synaptic spikes with `tau_post`, so that ``w - rest`` follows the activity of the
    post-synaptic neuron while the pre-synaptic one is active, and fades where that activity does not come: both
    acquisition and extinction, without a signal from elsewhere. `gain`, `rest` and `bounds` are in the weight's unit;
    `rate` and `forgetting` are shares of the way, a spike and a step. The outstar (Grossberg 1976); homosynaptic
    depression where post-synaptic activity stays low, as in the lateral amygdala (Bauer et al. 2001; Hong et al. 2009).
    Raises `DescriptionError` for what is no number in its place.
    """
    numbers = {"gain": gain, "rate": rate, "rest": rest, "forgetting": forgetting}
    for name, number in numbers.items():
        finite_number(number, f"outstar.{name}")
    y = post_trace(tau_post)
    toward = on_pre(rate * (rest + gain * y - weight))
    return Rule(toward, every_step(forgetting * (rest - weight)), bounds=bounds)
