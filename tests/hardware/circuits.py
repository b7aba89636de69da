"""Small fixed-point programs for tests, and messages for them."""

from __future__ import annotations

import numpy as np

from spikerl.hardware.machine import FixedWindow
from spikerl.hardware.program import Connection, Factor, Heard, Input, Neurons, Product, Program, Rule, Signal


def connection(
    name: str,
    pre: str,
    post: str,
    weights: np.ndarray,
    *,
    exponent: int = 0,
    bits: int = 8,
    sign: str = "excitatory",
    delay: int | np.ndarray = 0,
    rule: Rule | None = None,
    chosen: np.ndarray | None = None,
) -> Connection:
    """Return the connection of `weights` [pre, post], all pairs or those `chosen`."""
    at = np.nonzero(np.ones(weights.shape, bool) if chosen is None else chosen)
    delays = np.broadcast_to(delay, weights.shape)[at].astype(np.int64)
    assert sign in ("mixed", "excitatory", "inhibitory")
    return Connection(name, pre, post, *at, weights[at].astype(np.int64), delays, exponent, bits, sign, rule)


def one_to_one(weight: int, *, rule: Rule | None = None, delay: int = 0, exponent: int = 0, **lif: int) -> Program:
    """Return one input, one neuron, and one synapse between them; `lif` holds numbers of `Neurons`."""
    numbers = {"du": 4095, "dv": 4095, "vth": 1000} | lif
    sign = "excitatory" if weight >= 0 else "inhibitory"
    synapse = connection("c", "in", "out", np.array([[weight]]), sign=sign, delay=delay, rule=rule, exponent=exponent)
    return Program({"in": Input("in", 1)}, {"out": Neurons("out", 1, **numbers)}, {}, {"c": synapse})


def heard(messages: np.ndarray, held: dict[str, np.ndarray] | None = None) -> FixedWindow:
    """Return the window in which the input "in" sends `messages`, [time, batch, neuron]."""
    return FixedWindow(len(messages), {"in": messages.astype(np.int64)}, held or {})


def dopaminergic(epoch: int = 2) -> Rule:
    """A three-factor rule: pairs feed a tag, and a signal times the tag moves the weight."""
    return Rule(
        products=(
            Product("t", "y0", 1, 0, (Factor("x1"),)),
            Product("t", "x0", -1, 0, (Factor("y1"),)),
            Product("t", "u", -1, -4, (Factor("t"),)),
            Product("w", "u", 1, -5, (Factor("y2", -8), Factor("t"))),
            Product("w", "u", -1, -5, (Factor("w", -100), Factor("y3"))),
        ),
        x_tau=(20, 0),
        x_impulse=(16, 0),
        heard=(
            Heard("trace", decay=200, impulse=16),
            Heard("signal", signal="dopamine"),
            Heard("constant", value=5),
        ),
        epoch=epoch,
        seed=3,
    )


def recurrent(seed: int = 0) -> Program:
    """Two populations, recurrent and learning, with delays, a signal and a refractory period."""
    rng = np.random.default_rng(seed)
    cells = Neurons("cells", 9, du=400, dv=200, vth=1600, bias_mant=300, bias_exp=3, refractory=2)
    others = Neurons("others", 5, du=900, dv=60, vth=500)
    return Program(
        {"in": Input("in", 12)},
        {"cells": cells, "others": others},
        {"dopamine": Signal("dopamine", "others", 80, 1000, 140000, 3, 12, 150000)},
        {
            "learned": connection(
                "learned", "in", "cells", rng.integers(0, 256, (12, 9)), rule=dopaminergic(), exponent=1
            ),
            "lateral": connection(
                "lateral", "cells", "cells", rng.integers(-255, 1, (9, 9)), sign="inhibitory", bits=5, exponent=-2
            ),
            "sparse": connection(
                "sparse",
                "cells",
                "others",
                rng.integers(-256, 256, (9, 5)),
                sign="mixed",
                delay=rng.integers(0, 4, (9, 5)),
                chosen=rng.random((9, 5)) < 0.6,
                exponent=3,
            ),
        },
    )


def spikes(steps: int, batch: int, size: int, rate: float = 0.1, seed: int = 1) -> np.ndarray:
    """Return random messages of 0 and 1, [time, batch, neuron]."""
    return (np.random.default_rng(seed).random((steps, batch, size)) < rate).astype(np.int64)
