"""When must dopamine come? The window of plasticity in the striatum (Yagishita et al. 2014), as rows of evidence.

The circuit `striatum` hears a cue, which makes its D1 neurons fire, and a burst of dopamine, which reward causes, some
time after the onset of the cue or before it. What the cue's synapses onto D1 neurons gain is held against the same
circuit without the burst, which hears noise of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rows import Row

import spikerl as sp
from spikerl.analysis.intervals import Interval, mean_over_blocks
from spikerl.circuit import Circuit
from spikerl.models.striatum import StriatumParameters, build
from spikerl.session import Session
from spikerl.tasks.protocol import rates

SOURCE = "Yagishita et al. 2014: plasticity at .6 and 1 s, none at -1 and 5 s"
LAGS = {-1.0: False, 0.6: True, 1.0: True, 5.0: False}
"""Seconds from the onset of the cue to that of dopamine, and whether there is an effect."""
PAIRINGS = 5
_LEAD, _CUE, _BURST, _END = 1.5, 0.3, 0.3, 8.0
BACKEND = "native"


class Piece(NamedTuple):
    """A piece of the protocol: how long it lasts, in s, and whether cue and dopamine are on."""

    length: float
    cue: bool
    burst: bool


def pieces(lag: float | None) -> list[Piece]:
    """Return one pairing of `_END` seconds, cut where something begins or ends; no dopamine for a `lag` of None."""
    cue = (_LEAD, _LEAD + _CUE)
    burst = (_LEAD + lag, _LEAD + lag + _BURST) if lag is not None else (_END, _END)
    edges = sorted({0.0, *cue, *(min(edge, _END) for edge in burst), _END})
    return [
        Piece(stop - start, cue[0] <= start < cue[1], burst[0] <= start < burst[1])
        for start, stop in zip(edges, edges[1:], strict=False)
    ]


def _hear(session: Session, circuit: Circuit, piece: Piece) -> None:
    cue, reward, feedback = circuit.cues[0], circuit.reward, circuit.feedback
    assert feedback is not None
    on = {cue: np.array([[piece.cue, False]]), reward: np.array([[piece.burst]]), feedback: np.array([[False]])}
    driven = {
        drive.population: np.repeat(rates(session, drive, level), session.batch, axis=0) for drive, level in on.items()
    }
    session.step(f"{round(piece.length * 1e3)} ms", rates=driven)


def gained(lag: float | None, count: int, seed: int) -> NDArray[np.float64]:
    """Return the mean gain of the cue's synapses onto the D1 neurons of its action, in mV, [circuit]."""
    circuit = build(StriatumParameters(forgetting=0.0))
    network = circuit.network
    edges = network.projection("cortex_to_d1").edges()
    groups = network.population("cortex").size // circuit.actions
    mine = edges.pre < groups
    with sp.open(network, BACKEND, seed=seed, batch=count) as session:
        before = session.weights("cortex_to_d1")[:, mine]
        for _ in range(PAIRINGS):
            for piece in pieces(lag):
                _hear(session, circuit, piece)
        gain: NDArray[np.float64] = (session.weights("cortex_to_d1")[:, mine] - before).mean(axis=1)
    return gain


def window(count: int = 20, seed: int = 301) -> list[Row]:
    """Return the effect of dopamine at each lag, over `count` circuits, each beside its control."""
    rows = []
    for k, (lag, effect) in enumerate(LAGS.items()):
        control = gained(None, count, seed + 100 + k)
        interval: Interval = mean_over_blocks(gained(lag, count, seed + k) - control)
        value, low, high, n = interval
        holds = low > 0 if effect else low <= 0 <= high
        name = f"plasticity with dopamine {lag:g} s after the cue, gain in mV (n = {n} circuits)"
        rows.append(Row(name, value, low, high, "> 0" if effect else "0 within", bool(holds), SOURCE))
    return rows
