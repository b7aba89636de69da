"""Fixed-point programs drawn by Hypothesis, and windows for them: what the emulator and Lava must agree on.

Most populations are small (1 to 12 neurons), and some have as many as fill words and vectors, or one more. Left out
is what Lava cannot do: a mantissa of -8 below exponent 8, which it halves and then rounds otherwise; decimation above
u9, which it reads as u1; a program without neurons. Impulses of a trace without a tau are 0: Lava lets such a trace
last for a step.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from spikerl.hardware.machine import FixedWindow
from spikerl.hardware.program import (
    SIGN_MODES,
    WEIGHT_RANGE,
    Connection,
    Factor,
    Given,
    Heard,
    Input,
    Neurons,
    Product,
    Program,
    Rule,
    Signal,
)

SIZES = st.one_of(st.integers(1, 12), st.integers(1, 12), st.sampled_from([33, 64, 65, 100, 130]))
DECAYS = st.sampled_from([0, 1, 40, 410, 2000, 4094, 4095])
JUMPS = st.one_of(st.integers(-5000, 100_000), st.sampled_from([0, 1, -1, 2**23 - 1, -(2**23) + 1]))
EXPONENTS = st.one_of(st.integers(-7, 8), st.integers(0, 5))
VARIABLES = ("x1", "x2", "y1", "y2", "y3", "w", "t")


@st.composite
def connections(
    draw: st.DrawFn, name: str, pre: str, post: str, sizes: tuple[int, int], rule: Rule | None = None
) -> Connection:
    """Draw a connection, full or partial, of any sign, precision and exponent, delayed if it does not learn."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    share = draw(st.sampled_from([1.0, 1.0, 0.8, 0.6, 0.4, 0.2, 0.0]))
    chosen = np.nonzero(rng.random(sizes) < share)
    sign = draw(st.sampled_from(SIGN_MODES))
    low, high = WEIGHT_RANGE[sign]
    count = len(chosen[0])
    weight = rng.integers(low, high + 1, count)
    if draw(st.booleans()):
        weight = np.where(rng.random(count) < 0.2, rng.choice([low, high, 0], count), weight)
    delay = np.zeros(count, dtype=np.int64)
    if rule is None and draw(st.booleans()):
        delay = rng.integers(0, draw(st.integers(0, 5)) + 1, count)
    exponent = draw(EXPONENTS)
    return Connection(name, pre, post, *chosen, weight, delay, exponent, draw(st.integers(1, 8)), sign, rule)


@st.composite
def populations(draw: st.DrawFn) -> tuple[dict[str, Input], dict[str, Neurons]]:
    """Draw one or two inputs, some with graded messages, and one or two populations of neurons."""
    inputs = {
        name: Input(name, draw(SIZES), draw(st.sampled_from([0, 0, 1, 4, 8]))) for name in ("in", "also")[: draw(_TWO)]
    }
    neurons = {}
    for name in ("cells", "others")[: draw(_TWO)]:
        responds = draw(st.booleans())
        thresholds = [50, 0, 1, 20, 200, 1000, 20000, 131071, *((-1, -300, -131072) if responds else ())]
        neurons[name] = Neurons(
            *(name, draw(SIZES), draw(DECAYS), draw(DECAYS)),
            vth=draw(st.sampled_from(thresholds)),
            bias_mant=draw(st.one_of(st.just(0), st.integers(0, 4095), st.integers(-4096, 4095))),
            bias_exp=draw(st.integers(0, 7)),
            refractory=0 if responds else draw(st.sampled_from([0, 0, 1, 2, 7])),
            model="spike_response" if responds else "lif",
            db=draw(st.sampled_from([0, 1, 300, 1350, 4095, 4096])) if responds else 0,
            jump=draw(JUMPS) if responds else 0,
        )
    return inputs, neurons


_TWO = st.integers(1, 2)


@st.composite
def static_programs(draw: st.DrawFn) -> Program:
    """Draw a program without learning: every input projects somewhere, populations to others or themselves."""
    inputs, neurons = draw(populations())
    made = {}
    ends = [(pre, draw(st.sampled_from(sorted(neurons)))) for pre in inputs]
    ends += [pair for pair in _pairs(neurons) if draw(st.booleans())]
    for pre, post in ends:
        name = f"{pre}_{post}"
        made[name] = draw(connections(name, pre, post, _sizes(inputs, neurons, pre, post)))
    return Program(inputs, neurons, {}, made)


@st.composite
def learning_programs(draw: st.DrawFn) -> Program:
    """Draw a program in which one connection learns, by a rule of two or of three factors, and the rest may not."""
    inputs, neurons = draw(populations())
    signals = draw(_signals(sorted(inputs) + sorted(neurons)))
    given = {
        f"own_{name}": Given(f"own_{name}", name, draw(st.integers(-128, 127)))
        for name in neurons
        if draw(st.booleans())
    }
    made = {}
    for pre in (*inputs, *(name for name in neurons if draw(st.booleans()))):
        post = draw(st.sampled_from(sorted(neurons)))
        learns = not made or draw(st.booleans())
        own = [name for name, each in given.items() if each.population == post]
        rule = draw(rules(signals, own)) if learns else None
        name = f"{pre}_{post}"
        made[name] = draw(connections(name, pre, post, _sizes(inputs, neurons, pre, post), rule))
    return Program(inputs, neurons, signals, made, given=given)


@st.composite
def rules(draw: st.DrawFn, signals: dict[str, Signal], own: Sequence[str] = ()) -> Rule:
    """Draw a rule: sums of products for the weight and the tag, with signs, constants, decimation and an epoch."""
    taus = st.sampled_from([20, 0, 1, 3, 60, 200, 65535])
    x_tau, y_tau = draw(st.tuples(taus, taus)), draw(st.tuples(taus, taus, taus))
    three = draw(st.booleans())
    return Rule(
        tuple(draw(st.lists(products(), min_size=1, max_size=5))),
        x_tau=x_tau,
        x_impulse=tuple(draw(_impulse(tau)) for tau in x_tau),
        y_tau=(0, 0, 0) if three else y_tau,
        y_impulse=(0, 0, 0) if three else tuple(draw(_impulse(tau)) for tau in y_tau),
        heard=tuple(draw(_heard(sorted(signals), own)) for _ in range(3)) if three else None,
        epoch=draw(st.integers(1, 5)),
        decimate=draw(st.integers(0, 3)),
        seed=draw(st.integers(0, 2**31 - 1)),
    )


@st.composite
def products(draw: st.DrawFn) -> Product:
    """Draw a product of up to four factors."""
    return Product(
        target=draw(st.sampled_from(["w", "t"])),
        dependency=draw(st.sampled_from(["x0", "y0", "u"])),
        mantissa=draw(st.sampled_from([*range(1, 8), *range(-7, 1)])),
        exponent=draw(EXPONENTS),
        factors=tuple(draw(st.lists(_factors(), max_size=4))),
    )


@st.composite
def windows(draw: st.DrawFn, program: Program, steps: int = 200, batch: int = 1) -> FixedWindow:
    """Draw what a program hears in `steps` steps; some signals are held."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rate = draw(st.sampled_from([0.2, 0.05, 0.5, 0.9]))
    messages = {}
    for name, given in program.inputs.items():
        shape = (steps, batch, given.size)
        highest = 2 ** max(1, given.message_bits)
        messages[name] = rng.integers(1, highest, shape) * (rng.random(shape) < rate)
    held = {name: rng.integers(-128, 128, (steps, batch)) for name in program.signals if draw(st.booleans())}
    for name, given in program.given.items():
        if draw(st.booleans()):
            held[name] = rng.integers(-128, 128, (steps, batch, program.size(given.population)))
    return FixedWindow(steps, messages, held)


@st.composite
def _signals(draw: st.DrawFn, sources: list[str]) -> dict[str, Signal]:
    made = {}
    for name in ("dopamine", "other")[: draw(st.integers(0, 2))]:
        made[name] = Signal(
            *(name, draw(st.sampled_from([None, *sources]))),
            decay=draw(st.sampled_from([0, 5, 100, 4000, 4096])),
            jump=draw(st.integers(0, 5000)),
            baseline=draw(st.integers(-50_000, 50_000)),
            mantissa=draw(st.sampled_from([-7, -1, 1, 5, 100])),
            shift=draw(st.integers(0, 14)),
            start=draw(st.integers(-50_000, 50_000)),
        )
    return made


@st.composite
def _heard(draw: st.DrawFn, signals: list[str], own: Sequence[str]) -> Heard:
    kinds = ["trace", "constant", *(["signal"] * 2 if signals else []), *(["given"] * 3 if own else [])]
    kind = draw(st.sampled_from(kinds))
    if kind == "given":
        return Heard("given", signal=draw(st.sampled_from(own)))
    if kind == "trace":
        parts = draw(st.sampled_from((0, 0, 1, 8, 12)))
        return Heard("trace", decay=draw(DECAYS), impulse=draw(st.integers(0, 127)), parts=parts)
    if kind == "signal":
        return Heard("signal", signal=draw(st.sampled_from(signals)))
    return Heard("constant", value=draw(st.integers(-128, 127)))


@st.composite
def _factors(draw: st.DrawFn) -> Factor:
    variable = draw(st.sampled_from(VARIABLES))
    constant = draw(st.one_of(st.just(0), st.integers(-128, 127)))
    return Factor(variable, constant, sign=variable in ("w", "t") and draw(st.booleans()))


def _impulse(tau: int) -> st.SearchStrategy[int]:
    return st.integers(0, 127) if tau else st.just(0)


def _pairs(neurons: dict[str, Neurons]) -> list[tuple[str, str]]:
    return [(pre, post) for pre in neurons for post in neurons]


def _sizes(inputs: dict[str, Input], neurons: dict[str, Neurons], pre: str, post: str) -> tuple[int, int]:
    return (inputs.get(pre) or neurons[pre]).size, neurons[post].size
