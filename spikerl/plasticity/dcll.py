"""Deep continuous local learning as a rule of the algebra: a filtered input times a local error of the neuron."""

from __future__ import annotations

import math

from spikerl.errors import DescriptionError, message
from spikerl.keywords import checked
from spikerl.neurons import Written
from spikerl.plasticity.algebra import Modulator, Rule, every_step, pre_trace
from spikerl.units import Dimension, finite_number, to_positive_si


@checked
def dcll(
    error: Modulator,
    tau_mem: Written = "20 ms",
    tau_syn: Written = "7.5 ms",
    rate: float = 1e-3,
    dt: Written = "1 ms",
    bounds: tuple[float, float] = (-float("inf"), float("inf")),
) -> Rule:
    """``dw_ij = -rate m_i P_j`` at every step of `dt`: m the local error of neuron i, P the filtered input j.

    ``m_i = sigma'(U_i) sum_k G_ki e_k`` is post-shaped: `error` has the post-synaptic population as its target. P is
    the response of the membrane to the spikes of j, ``(1 - a_m)(1 - a_s) / (a_m - a_s)`` times the difference of two
    first-order traces with `tau_mem` and `tau_syn`. Kaiser, Mostafa and Neftci (2020). Raises `DescriptionError` for
    an error that is one number for all neurons, and for equal time constants.
    """
    if not isinstance(error, Modulator) or error.target is None:
        allowed = "an sp.Modulator(..., target=population), one value for each neuron"
        raise DescriptionError(message("dcll.error", error, allowed))
    finite_number(rate, "dcll.rate")
    scale = double_exponential(tau_mem, tau_syn, dt)
    slow, fast = pre_trace(tau_mem), pre_trace(tau_syn)
    return Rule(every_step(-rate * scale * error * (slow - fast)), bounds=bounds)


def double_exponential(tau_mem: Written, tau_syn: Written, dt: Written) -> float:
    """``(1 - a_m)(1 - a_s) / (a_m - a_s)``: of two traces of jumps of 1, the scale that makes them the filter P."""
    seconds = to_positive_si(dt, Dimension.TIME, "dcll.dt")
    slow, fast = (
        math.exp(-seconds / to_positive_si(tau, Dimension.TIME, f"dcll.{name}"))
        for tau, name in ((tau_mem, "tau_mem"), (tau_syn, "tau_syn"))
    )
    if slow == fast:
        raise DescriptionError(message("dcll.tau_syn", tau_syn, "another time constant than tau_mem"))
    return (1 - slow) * (1 - fast) / (slow - fast)
