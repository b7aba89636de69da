"""Expected and unexpected rewards on an emulated chip, with the weights that a run in real numbers has learned.

The rule of the circuit `dopamine` has three eligibilities, and a chip's synapse one tag: it is the response that is
held here, not the learning.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

import spikerl as sp
from spikerl.circuit import Circuit
from spikerl.connectivity import Values
from spikerl.loop import ClosedLoop
from spikerl.models.dopamine import DopamineParameters, build
from spikerl.network import Network
from spikerl.results import Results
from spikerl.tasks.pavlovian import Pavlovian, PavlovianParameters
from spikerl.tasks.protocol import TrialProtocol

LEARNED = "time_to_value"


def with_weights(weights: NDArray[np.float64]) -> Circuit:
    """Return the circuit with these weights, in mV, [synapse], which do not learn."""
    circuit = build(DopamineParameters(plasticity=False))
    network = circuit.network
    projections = [
        replace(one, weight=Values(tuple(weights.tolist()), "mV")) if one.name == LEARNED else one
        for one in network.projections
    ]
    return replace(circuit, network=Network(*projections, modulators=network.modulators), learning=())


def responses(run: Results, count: int, seed: int, probes: int = 3) -> NDArray[np.float64]:
    """Return dopamine in the outcome above tonic in Hz, [expected or not, circuit, size], on the chip ``loihi2``.

    `run`: one of the design `sizes`, of whose learned weights the mean over its circuits is taken.
    """
    circuit = with_weights(run.weights[LEARNED].value[-1].mean(axis=0))
    settings = PavlovianParameters(design="sizes", trials=1, probes=probes)
    tasks = [Pavlovian(settings, seed=seed, instance=k) for k in range(count)]
    sizes = len(settings.sizes)
    table: list[list[list[float]]] = [[[] for _ in range(sizes)] for _ in range(2 * count)]
    between = []
    with sp.open(circuit.network, "loihi", seed=seed, batch=count, hardware=sp.Hardware(target="loihi2")) as session:
        loop = ClosedLoop(session, circuit, TrialProtocol(interval="2 s"), tasks, seed, range(count))
        for _ in range(sizes * (1 + 2 * probes)):
            columns = loop.trial().columns
            between.append(columns["dopamine_interval"])
            for k in range(count):
                if columns["stage"][k] == 1:
                    unexpected = int(columns["cues"][k] == 0)
                    size = settings.sizes.index(float(columns["reward"][k]))
                    table[unexpected * count + k][size].append(float(columns["dopamine_outcome"][k]))
    mean = np.array([[np.mean(of) for of in row] for row in table]).reshape(2, count, sizes)
    return mean - np.mean(between, axis=0)[None, :, None]
