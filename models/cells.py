"""The neurons that circuits share: leaky integrate-and-fire neurons of striatum and midbrain."""

from __future__ import annotations

from dataclasses import replace

from spikerl.neurons import LIF

SPINY = LIF(tau_mem="20 ms", tau_syn="5 ms", rest="-80 mV", threshold="-50 mV", refractory="2 ms")
"""Medium spiny neuron: a down state near -80 mV, firing from -50 mV (Wilson and Kawaguchi 1996)."""

STRIOSOME = LIF(tau_mem="20 ms", tau_syn="5 ms", rest="-60 mV", threshold="-50 mV", refractory="2 ms")
"""Striosomal neuron in the up state, the inhibitory path from value to dopamine (Houk et al. 1995)."""


def depolarised(bias: str, tau_mem: str = "20 ms") -> LIF:
    """Return a neuron 10 mV below its threshold that `bias`, a voltage, depolarises; `tau_mem` is a time.

    With a bias of its own a midbrain dopamine neuron fires at a slow tonic rate (Grace and Bunney 1984).
    """
    return replace(STRIOSOME, bias=bias, tau_mem=tau_mem)
