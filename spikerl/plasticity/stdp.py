"""Pair-based spike-timing-dependent plasticity."""

from __future__ import annotations

from spikerl.keywords import checked
from spikerl.neurons import Written
from spikerl.plasticity.algebra import Rule, on_post, on_pre, post_trace, pre_trace
from spikerl.units import finite_number


@checked
def pair_stdp(
    tau_plus: Written = "20 ms",
    tau_minus: Written = "20 ms",
    a_plus: float = 0.01,
    a_minus: float = 0.012,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Rule:
    """``dw = a_plus x`` at a post-synaptic spike, ``-a_minus y`` at a pre-synaptic one; all pairs count.

    x and y are the pre- and post-synaptic traces with `tau_plus` and `tau_minus`; a pair with post after pre by D
    changes w by ``a_plus exp(-D/tau_plus)``. Amplitudes and bounds are in the weight's unit (Song et al. 2000).
    """
    for where, number in (("a_plus", a_plus), ("a_minus", a_minus)):
        finite_number(number, f"pair_stdp.{where}")
    x, y = pre_trace(tau_plus), post_trace(tau_minus)
    return Rule(on_post(a_plus * x), on_pre(-a_minus * y), bounds=bounds)
