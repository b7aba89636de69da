"""The fixed-point program: a circuit as integers, the same for the emulator, for Lava and for a chip.

Plain data, all of it, in the convention of Lava 0.10 (its process models `PyLifModelBitAcc`, `Dense`, `LearningDense`).
Integers have 32 bits and wrap around; the products with ``4095 - du`` and ``4096 - dv``, and signals, have 64.
In step t, in this order:

1. spikes of step ``t - 1 - delay`` arrive: ``a = sum of weight * message``, shifted by the connection's exponent (left,
   or right with floor), added over connections;
2. ``u <- sgn(u) (|u| (4095 - du) >> 12) + (a << 6)``; then a u above 2**23 loses 2**24, one of -2**23 or below gains
   it, once: a larger u stays outside of its 24 bits, and is clipped in v alone;
   ``v <- clip(sgn(v) (|v| (4096 - dv) >> 12) + u + bias, +-(2**23 - 1))`` with the new u;
3. a LIF neuron spikes where ``v > vth << 6``, and its v becomes 0; in the `refractory` steps after it v stays 0;
   of spike response neurons the offset first decays, ``b <- sgn(b) (|b| (4096 - db) >> 12)``; they spike where
   ``v > (vth << 6) + b``, and then ``b <- clip(b + jump, +-(2**23 - 1))``, while v goes on;
4. signals, and third factors that are given, take their value of this step;
5. at the end of each epoch of a rule: traces, then tag and weight, all from the old values (`Rule`);
6. the filters of signals hear the spikes of this step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

NeuronModel = Literal["lif", "spike_response"]
LIF: NeuronModel = "lif"
SPIKE_RESPONSE: NeuronModel = "spike_response"
SIGN_MODES = ("mixed", "excitatory", "inhibitory")
SignMode = Literal["mixed", "excitatory", "inhibitory"]
WEIGHT_RANGE: dict[str, tuple[int, int]] = {"mixed": (-256, 255), "excitatory": (0, 255), "inhibitory": (-255, 0)}
"""Least and greatest weight of a sign mode; mixed weights of 8 bits are even, before learning."""
TRACE_RANGE = (0, 127)
SIGNAL_RANGE = (-128, 127)
TAG_RANGE = (-257, 255)
LONGEST_TAU = 65535
WHOLE = 4096
"""What decays are parts of: 12 bits."""


@dataclass(frozen=True)
class Input:
    """A population whose spikes are given: messages of `message_bits` (0: spikes are 0 or 1)."""

    name: str
    size: int
    message_bits: int = 0


@dataclass(frozen=True)
class Neurons:
    """Leaky integrators with current decay `du` and voltage decay `dv` (12 bits), and threshold ``vth << 6``.

    The bias is ``bias_mant << bias_exp``. `model`: "lif", or "spike_response" with an offset of the threshold that
    moves by `jump` and has the decay `db`, and no refractory steps; its vth may be negative. `volts` is what one unit
    of v and u stands for, and `rest` what v = 0 does, in the unit of the description; only readers of a result need
    them.
    """

    name: str
    size: int
    du: int
    dv: int
    vth: int
    bias_mant: int = 0
    bias_exp: int = 0
    refractory: int = 0
    volts: float = 1.0
    rest: float = 0.0
    model: NeuronModel = "lif"
    db: int = 0
    jump: int = 0


@dataclass(frozen=True)
class Signal:
    """A third factor, one number for all synapses: ``y = clip((r - baseline) * mantissa >> shift, -128, 127)``.

    Its filter hears the spikes of `source` (a population, or None): ``r <- (r (4096 - decay) >> 12) + jump * spikes``
    at the end of each step, and starts at `start`. A value y that is held from outside in a step is taken as it is,
    and ``r <- baseline + floor((y << shift) / mantissa)`` before the filter moves. `unit` is the real value of y = 1.
    """

    name: str
    source: str | None
    decay: int
    jump: int
    baseline: int
    mantissa: int
    shift: int
    start: int
    unit: float = 1.0


@dataclass(frozen=True)
class Given:
    """A third factor with a number y for each neuron of `population`, -128 to 127, which comes from outside.

    It is `start` at first, and stays what it was in windows in which it is not held. `unit` is the real value of
    y = 1.
    """

    name: str
    population: str
    start: int = 0
    unit: float = 1.0


@dataclass(frozen=True)
class Factor:
    """``clip(variable + constant)`` to the variable's width, or its sign: x1, x2, y1, y2, y3, w, t."""

    variable: str
    constant: int = 0
    sign: bool = False


@dataclass(frozen=True)
class Product:
    """``mantissa * 2**exponent * dependency * factors``, added to `target` (w or t).

    `dependency`: x0 (a pre-synaptic spike in the epoch; traces are read at the last one), y0 (post-synaptic), u (the
    epoch's end, in every 2**`decimate`-th epoch of the rule). The engine computes
    ``clip((product of factors * mantissa >> shift) << (exponent + 7))`` in 32 bits, which wrap around before the clip
    to -(2**15 + 1) to 2**15 - 1, in units of 1/128 of the target; so it clips the sum after each product.
    `shift` follows from the widths of the factors (`right_shift`) and is not made good.
    """

    target: Literal["w", "t"]
    dependency: Literal["x0", "y0", "u"]
    mantissa: int
    exponent: int
    factors: tuple[Factor, ...]


WIDTHS = {"x1": 7, "x2": 7, "y1": 7, "y2": 7, "y3": 7, "w": 9, "t": 9}
"""Bits of a factor, its sign left out for traces."""


def right_shift(factors: tuple[Factor, ...]) -> int:
    """Return by how much the learning engine shifts a product right, to fit its accumulator of 15 bits."""
    return max(0, sum(WIDTHS[factor.variable] for factor in factors) + 4 - 15)


@dataclass(frozen=True)
class Heard:
    """What a three-factor rule hears as y1, y2 or y3: a trace of the post-synaptic spikes, or a third factor.

    `kind` "trace", which the neuron keeps with so many `parts`, bits below its whole numbers:
    ``z <- (z (4096 - decay) >> 12) + (impulse << parts)`` at a spike, at most ``(128 << parts) - 1``, and
    ``y = z >> parts``, rounded (a half goes up), at most 127; "signal": that of `signal`; "given": what the neuron is
    given as the `Given` that is called `signal`, of its population; "constant": `value`.
    """

    kind: Literal["trace", "signal", "constant", "given"]
    decay: int = 0
    impulse: int = 0
    signal: str = ""
    value: int = 0
    parts: int = 0


@dataclass(frozen=True)
class Rule:
    """A learning rule, a sum of products for the weight and one for the tag, applied at the end of each `epoch`.

    Traces are computed at the end of an epoch, from what they were at its beginning, for each of its steps:
    ``x <- floor(exp(-1/tau) x)`` plus one with the probability of the remainder, and plus `impulse` in the step of the
    neuron's last spike. Each earlier spike of the epoch has added `impulse` to the value at the beginning, and decays
    from there. Whatever adds an impulse, one of 0 too, clips to 0 to 127. A tau of 0 is no trace.
    Two-factor rules (`heard` empty) have traces y1 to y3 of the post-synaptic spikes, of the same law. In three-factor
    rules y1 to y3 are what `heard` says in the last step of the epoch, taken for the value at the beginning of a trace
    of tau 65535 and impulse 0: it hardly decays, but a negative one is 0 from the step of the neuron's last spike on.
    `seed`: of the random numbers of traces, in the convention of Lava: one number for all traces x, and one for all y,
    of a connection in an epoch.
    """

    products: tuple[Product, ...]
    x_tau: tuple[int, int] = (0, 0)
    x_impulse: tuple[int, int] = (0, 0)
    y_tau: tuple[int, int, int] = (0, 0, 0)
    y_impulse: tuple[int, int, int] = (0, 0, 0)
    heard: tuple[Heard, Heard, Heard] | None = None
    epoch: int = 1
    decimate: int = 0
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Connection:
    """Synapses `pre_index` -> `post_index` of `weight` and `delay`, all int64 [synapse]; each pair at most once.

    Weights are integers in the range of their sign mode. Of each the lowest ``8 - bits`` bits are cut (one more in
    mixed mode), downwards in magnitude but for negative mixed weights, which go down. Learned weights are not cut.
    Synapses with a `rule` have no delay. `unit` is what a weight of 1 stands for, as the description writes weights.
    """

    name: str
    pre: str
    post: str
    pre_index: NDArray[np.int64]
    post_index: NDArray[np.int64]
    weight: NDArray[np.int64]
    delay: NDArray[np.int64]
    exponent: int = 0
    bits: int = 8
    sign: SignMode = "mixed"
    rule: Rule | None = None
    unit: float = 1.0

    def cut(self) -> NDArray[np.int64]:
        """Return the weights that the first step uses: `weight` without the bits that are cut."""
        shift = 8 - self.bits + (self.sign == "mixed")
        magnitude = -self.weight if self.sign == "inhibitory" else self.weight
        kept = (magnitude >> shift) << shift
        return -kept if self.sign == "inhibitory" else kept


@dataclass(frozen=True)
class Program:
    """A whole circuit, by name; `dt` in seconds is the length of a step of the description."""

    inputs: dict[str, Input]
    neurons: dict[str, Neurons]
    signals: dict[str, Signal]
    connections: dict[str, Connection]
    dt: float = 1e-3
    given: dict[str, Given] = field(default_factory=dict)

    def size(self, population: str) -> int:
        """Return the number of neurons of `population`."""
        return (self.inputs.get(population) or self.neurons[population]).size
