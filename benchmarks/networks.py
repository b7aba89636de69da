"""The circuits that are timed: Poisson neurons drive a population whose recurrent synapses learn by a third factor.

All programs run these, with the connections and first weights that are drawn here; the plastic population fires at
18 to 20 Hz in the first ten seconds.
"""

from __future__ import annotations

import math

import spikerl as sp
from spikerl.units import Dimension, to_si

RATE = 20.0
"""Of each Poisson neuron, in Hz."""
DOPAMINE = 0.3
"""Held throughout."""
LEARNING = 1e-3
"""Change of a weight in a millisecond, for dopamine and eligibility of one."""
TAU_SYN = 5.0
"""In milliseconds."""


def large(dt: str = "1 ms") -> sp.Network:
    """Return a thousand neurons with a hundred thousand plastic synapses, driven by 500 Poisson neurons."""
    return _circuit(1000, 500, dt, drive=19.0, inputs=0.1, weight=0.2, recurrence=0.1)


def small(dt: str = "1 ms") -> sp.Network:
    """Return two hundred neurons with nine thousand plastic synapses, driven by 100 Poisson neurons."""
    return _circuit(200, 100, dt, drive=45.0, inputs=0.2, weight=0.4, recurrence=0.225)


def milliseconds(dt: str) -> float:
    """Return the number of milliseconds in `dt`."""
    return to_si(dt, Dimension.TIME, "dt") * 1e3


def _circuit(
    neurons: int, drivers: int, dt: str, drive: float, inputs: float, weight: float, recurrence: float
) -> sp.Network:
    """Return the circuit; `inputs` and `recurrence` are probabilities of a connection, `weight` the largest, in mV.

    `drive` is what an input spike carries, in mV ms: that and the learning in a second, not the numbers that stand for
    them in a step, are the same for every `dt`, and so are the delays, 1 ms.
    """
    step = milliseconds(dt)
    jump = drive * -math.expm1(-step / TAU_SYN) / step
    source = sp.Population("drive", drivers, sp.Poisson(rate=f"{RATE} Hz"))
    neuron = sp.LIF(tau_mem="20 ms", tau_syn=f"{TAU_SYN} ms", rest="-70 mV", threshold="-50 mV", reset="-60 mV")
    cells = sp.Population("cells", neurons, neuron)
    rule = sp.dopamine_stdp(sp.Modulator("dopamine", tau="200 ms"), rate=LEARNING * step, bounds=(0.0, 1.0))
    return sp.Network(
        sp.Projection(source, cells, weight=f"{jump} mV", connectivity=sp.Probability(inputs, seed=1)),
        sp.Projection(
            cells,
            cells,
            weight=sp.Uniform("0 mV", f"{weight} mV"),
            connectivity=sp.Probability(recurrence, seed=2),
            rule=rule,
        ),
    )
