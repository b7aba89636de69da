"""What Lava would take in silence and compute otherwise, refused by name before anything starts."""

from __future__ import annotations

import numpy as np

from spikerl.errors import DescriptionError, message
from spikerl.hardware.machine import FixedWindow
from spikerl.hardware.program import (
    LIF,
    SIGNAL_RANGE,
    SPIKE_RESPONSE,
    WEIGHT_RANGE,
    Connection,
    Factor,
    Product,
    Program,
    Rule,
)

Range = tuple[int, int]
_REMEDY = "Lava would take it in silence and compute with another number"
NEURON_RANGES: dict[str, Range] = {
    "du": (0, 4095),
    "dv": (0, 4095),
    "vth": (0, 131071),
    "bias_mant": (-4096, 4095),
    "bias_exp": (0, 7),
    "refractory": (0, 2**31),
    "db": (0, 4096),
    "jump": (-(2**23) + 1, 2**23 - 1),
}
RESPONSE_RANGES: dict[str, Range] = NEURON_RANGES | {"vth": (-131072, 131071), "refractory": (0, 0)}
SIGNAL_RANGES: dict[str, Range] = {"decay": (0, 4096), "mantissa": (-(2**31), 2**31), "shift": (0, 62)}
MESSAGE_BITS: Range = (0, 24)
EXPONENT: Range = (-24, 24)
DELAY: Range = (0, 63)
EPOCH: Range = (1, 63)
DECIMATE: Range = (0, 9)
IMPULSE: Range = (0, 127)
PARTS: Range = (0, 12)
TAU: Range = (0, 65535)
CONSTANT: Range = (-256, 255)


def check_program(program: Program) -> None:
    """Raise `DescriptionError` for the first number that Lava cannot hold, or name that is not there."""
    for name, given in program.inputs.items():
        _within(f"input {name!r}, message bits", given.message_bits, MESSAGE_BITS)
        _within(f"input {name!r}, size", given.size, (1, 2**31))
    for name, neurons in program.neurons.items():
        _within(f"neurons {name!r}, size", neurons.size, (1, 2**31))
        _known(f"neurons {name!r}, model", neurons.model, (LIF, SPIKE_RESPONSE))
        for key, allowed in (NEURON_RANGES if neurons.model == LIF else RESPONSE_RANGES).items():
            _within(f"neurons {name!r}, {key}", getattr(neurons, key), allowed)
    for name, signal in program.signals.items():
        for key, allowed in SIGNAL_RANGES.items():
            _within(f"signal {name!r}, {key}", getattr(signal, key), allowed)
        if signal.mantissa == 0:
            raise DescriptionError(message(f"signal {name!r}, mantissa", 0, "a number other than 0"))
        if signal.source is not None:
            _known(f"signal {name!r}, source", signal.source, (*program.inputs, *program.neurons))
    for name, third in program.given.items():
        _known(f"given third factor {name!r}, population", third.population, tuple(program.neurons))
        _within(f"given third factor {name!r}, start", third.start, SIGNAL_RANGE)
        if name in program.signals:
            raise DescriptionError(message(f"given third factor {name!r}", "a signal of that name", "another name"))
    for name, connection in program.connections.items():
        _check_connection(program, name, connection)


def check_window(program: Program, window: FixedWindow, batch: int, watched: tuple[str, ...]) -> None:
    """Raise `DescriptionError` where a window does not fit the program, or a message its bits."""
    if window.steps < 1:
        raise DescriptionError(message("a window's steps", window.steps, "1 or more"))
    if set(window.messages) != set(program.inputs):
        raise DescriptionError(message("a window's messages", sorted(window.messages), f"{sorted(program.inputs)}"))
    for name, given in window.messages.items():
        bits = program.inputs[name].message_bits
        shape = (window.steps, batch, program.inputs[name].size)
        _array(f"messages of {name!r}", given, shape, (0, 2 ** max(1, bits) - 1))
    for name, held in window.held.items():
        _known("a held signal", name, (*program.signals, *program.given))
        own = (program.size(program.given[name].population),) if name in program.given else ()
        _array(f"held values of {name!r}", held, (window.steps, batch, *own), SIGNAL_RANGE)
    for name in watched:
        _known("a watched population", name, tuple(program.neurons))


def _check_connection(program: Program, name: str, connection: Connection) -> None:
    where = f"connection {name!r}"
    _known(f"{where}, pre", connection.pre, (*program.inputs, *program.neurons))
    _known(f"{where}, post", connection.post, tuple(program.neurons))
    _known(f"{where}, sign", connection.sign, tuple(WEIGHT_RANGE))
    _within(f"{where}, bits", connection.bits, (1, 8))
    _within(f"{where}, exponent", connection.exponent, EXPONENT)
    count = len(connection.weight)
    size = program.size(connection.pre), program.size(connection.post)
    delays = DELAY if connection.rule is None else (0, 0)
    _array(f"{where}, pre_index", connection.pre_index, (count,), (0, size[0] - 1))
    _array(f"{where}, post_index", connection.post_index, (count,), (0, size[1] - 1))
    _array(f"{where}, weight", connection.weight, (count,), WEIGHT_RANGE[connection.sign])
    _array(f"{where}, delay", connection.delay, (count,), delays)
    if len(np.unique(connection.pre_index * size[1] + connection.post_index)) != count:
        raise DescriptionError(message(where, "a pair of neurons twice", "each pair at most once"))
    if connection.rule is not None:
        _check_rule(program, where, connection.post, connection.rule)


def _check_rule(program: Program, where: str, post: str, rule: Rule) -> None:
    _within(f"{where}, epoch", rule.epoch, EPOCH)
    _within(f"{where}, decimate", rule.decimate, DECIMATE)  # Lava reads 'u10' as 'u1'
    _within(f"{where}, seed", rule.seed, (0, 2**32))
    for taus, impulses in ((rule.x_tau, rule.x_impulse), (rule.y_tau, rule.y_impulse)):
        for tau, impulse in zip(taus, impulses, strict=True):
            _within(f"{where}, tau", tau, TAU)
            _within(f"{where}, impulse", impulse, IMPULSE)
    for heard in rule.heard or ():
        _known(f"{where}, what it hears", heard.kind, ("trace", "signal", "constant", "given"))
        if heard.kind == "signal":
            _known(f"{where}, signal", heard.signal, tuple(program.signals))
        if heard.kind == "given":
            own = tuple(name for name, given in program.given.items() if given.population == post)
            _known(f"{where}, given third factor", heard.signal, own)
        _within(f"{where}, constant", heard.value, SIGNAL_RANGE)
        _within(f"{where}, decay", heard.decay, (0, 4096))
        _within(f"{where}, impulse", heard.impulse, IMPULSE)
        _within(f"{where}, parts", heard.parts, PARTS)
    if not rule.products:
        raise DescriptionError(message(f"{where}, rule", "no product", "one at least"))
    for product in rule.products:
        _check_product(where, product)


def _check_product(where: str, product: Product) -> None:
    _known(f"{where}, target", product.target, ("w", "t"))
    _known(f"{where}, dependency", product.dependency, ("x0", "y0", "u"))
    # Lava halves a mantissa of -8 where it can, and then shifts, and so rounds, otherwise.
    _within(f"{where}, mantissa", product.mantissa, (-7, 7) if product.exponent < 8 else (-8, 7))
    _within(f"{where}, exponent", product.exponent, (-7, 8))
    for factor in product.factors:
        _check_factor(where, factor)


def _check_factor(where: str, factor: Factor) -> None:
    _known(f"{where}, factor", factor.variable, ("x1", "x2", "y1", "y2", "y3", "w", "t"))
    _within(f"{where}, constant of {factor.variable}", factor.constant, CONSTANT)
    if factor.sign:
        _known(f"{where}, factor in sgn()", factor.variable, ("w", "t"))


def _within(where: str, number: int, allowed: Range) -> None:
    if isinstance(number, bool) or int(number) != number or not allowed[0] <= number <= allowed[1]:
        raise DescriptionError(message(where, number, f"a whole number from {allowed[0]} to {allowed[1]}", _REMEDY))


def _known(where: str, name: str, names: tuple[str, ...]) -> None:
    if name not in names:
        raise DescriptionError(message(where, name, ", ".join(names) or "none"))


def _array(where: str, array: np.ndarray, shape: tuple[int, ...], allowed: Range) -> None:
    if array.dtype.kind not in "iub" or array.shape != shape:
        raise DescriptionError(message(where, f"{array.dtype} {array.shape}", f"whole numbers of shape {shape}"))
    outside = (array < allowed[0]) | (array > allowed[1])
    if outside.any():
        value = int(array[outside][0])
        raise DescriptionError(message(where, value, f"from {allowed[0]} to {allowed[1]}", _REMEDY))
