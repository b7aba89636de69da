"""Neuron models: parameters with units, and the equations from which every back end derives its update.

A spiking neuron is a set of relaxations ``tau dx/dt = target - x``, of which one step is exactly
``x <- a x + (1 - a) target`` with ``a = exp(-dt/tau)``, of updates ``x <- value`` for what is no relaxation, a
threshold condition and a reset.
"""

from __future__ import annotations

import ast
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from spikerl.errors import DescriptionError, UnitError, message, nearest
from spikerl.keywords import described
from spikerl.units import (
    Dimension,
    finite_number,
    flat_sequence,
    parse,
    to_nonnegative_si,
    to_positive_si,
    to_si,
    whole_number,
)

Written = str | float | int


def si_or_zero(quantity: Written, dimension: Dimension, where: str) -> float:
    """Return `quantity` in SI; a plain 0 is the zero of every dimension."""
    plain = isinstance(quantity, (int, float)) and not isinstance(quantity, bool)
    return 0.0 if plain and quantity == 0 else to_si(quantity, dimension, where)


class Relaxation(NamedTuple):
    """``tau dx/dt = target - x``; `target` reads the parameters, the new `u`, and the old values of the rest."""

    variable: str
    tau: str
    target: str
    held: bool = False  # stays where the reset put it while the neuron is refractory


class Update(NamedTuple):
    """``x <- value``, after all relaxations and in order: `value` reads what relaxations and updates before it made."""

    variable: str
    value: str
    held: bool = False  # stays as it is while the neuron is refractory


STEP = "step"
"""What expressions call the length of a step in s."""


class Equations(NamedTuple):
    """The law of a neuron: relaxations (`u` first), the firing condition, the reset as assignments, and updates.

    `start`: where variables begin, as expressions of constants; where nothing is said, `v` at `rest`, others at 0.
    """

    relaxations: tuple[Relaxation, ...]
    threshold: str
    reset: tuple[tuple[str, str], ...]
    updates: tuple[Update, ...] = ()
    start: tuple[tuple[str, str], ...] = ()

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of all variables, those that relax first."""
        moving = (*(one.variable for one in self.relaxations), *(one.variable for one in self.updates))
        return tuple(dict.fromkeys(moving))

    def texts(self) -> Iterator[str]:
        """Yield every expression of a step."""
        yield from (relaxation.target for relaxation in self.relaxations)
        yield from (update.value for update in self.updates)
        yield self.threshold
        yield from (text for _, text in self.reset)

    def reads_step(self) -> bool:
        """Return whether an expression reads the length of the step."""
        return any(STEP in names_of(text) for text in self.texts())


def names_of(text: str) -> list[str]:
    """Return the names that an expression reads; raises `SyntaxError`."""
    return [node.id for node in ast.walk(ast.parse(text, mode="eval")) if isinstance(node, ast.Name)]


class SpikingNeuron(ABC):
    """A neuron that integrates. A frozen dataclass that says these three things is one, on every back end.

    The first relaxation is that of the synaptic current ``u`` (where its time constant is 0, the current of a step is
    what arrives in it), and one relaxation or update is that of the voltage ``v``; the expressions are arithmetic of
    the variables and the constants, the threshold compares two of them with ``>``.
    """

    @property
    @abstractmethod
    def equations(self) -> Equations:
        """The law, the same for all neurons of the class."""

    @abstractmethod
    def constants(self) -> dict[str, float]:
        """Return the parameters of the equations in SI, by name; with them `rest`, `threshold` and `refractory`."""

    @property
    @abstractmethod
    def weight_dimension(self) -> Dimension:
        """The dimension of the weights onto this neuron: that of `u`."""


LARGEST = 10_000_000
"""The most neurons that a population may have."""

SYNAPTIC_CURRENT = Relaxation("u", "tau_syn", "0")
MEMBRANE = Relaxation("v", "tau_mem", "rest + resistance * u + bias", held=True)


@described
@dataclass(frozen=True)
class LIF(SpikingNeuron):
    """``tau_mem dv/dt = rest - v + resistance u + bias``, ``tau_syn du/dt = -u``; fires where ``v > threshold``.

    After a spike `v` is put to `reset` and held there for `refractory`. Voltages are all plain numbers or all
    voltages; with a `resistance` in ohms the synaptic current `u`, and so the weights, are currents, and without one
    they are voltages. Current-based leaky integrate-and-fire (Gerstner et al. 2014, chapter 1).

    Parameters: `tau_mem` (default 20 ms), `tau_syn` (5 ms), `rest` (0), `threshold` (1), `reset` (as `rest`),
    `refractory` (0 ms), `resistance` (1), `bias` (0). Raises `UnitError` or `DescriptionError`.
    """

    tau_mem: Written = "20 ms"
    tau_syn: Written = "5 ms"
    rest: Written = 0.0
    threshold: Written = 1.0
    reset: Written | None = None
    refractory: Written = "0 ms"
    resistance: Written | None = None
    bias: Written = 0.0

    equations: ClassVar[Equations] = Equations(
        (SYNAPTIC_CURRENT, MEMBRANE), threshold="v > threshold", reset=(("v", "reset"),)
    )

    def __post_init__(self) -> None:
        """Check every parameter, so that a wrong one is refused where it is written."""
        self.constants()

    def constants(self) -> dict[str, float]:
        """Return the parameters of the equations in SI, by name."""
        name = type(self).__name__
        voltage = self.voltage_dimension
        reset = self.rest if self.reset is None else self.reset
        constants = {
            "tau_mem": to_positive_si(self.tau_mem, Dimension.TIME, f"{name}.tau_mem"),
            "tau_syn": to_positive_si(self.tau_syn, Dimension.TIME, f"{name}.tau_syn"),
            "rest": to_si(self.rest, voltage, f"{name}.rest"),
            "threshold": to_si(self.threshold, voltage, f"{name}.threshold"),
            "reset": to_si(reset, voltage, f"{name}.reset"),
            "refractory": to_nonnegative_si(self.refractory, Dimension.TIME, f"{name}.refractory"),
            "resistance": self._resistance(),
            "bias": si_or_zero(self.bias, voltage, f"{name}.bias"),
        }
        if constants["threshold"] <= constants["reset"]:
            raise DescriptionError(
                message(f"{name}.threshold", self.threshold, f"above the reset ({reset})", "a neuron must fall back")
            )
        return constants

    @property
    def voltage_dimension(self) -> Dimension:
        """The dimension of `v`: that of the threshold, a voltage or a plain number."""
        where = f"{type(self).__name__}.threshold"
        dimension = parse(self.threshold, where).dimension
        if dimension not in (Dimension.VOLTAGE, Dimension.NUMBER):
            raise UnitError(message(where, self.threshold, "a voltage such as '-50 mV', or a plain number"))
        return dimension

    @property
    def weight_dimension(self) -> Dimension:
        """The dimension of the weights onto this neuron: that of `u`."""
        in_ohms = self.resistance is not None and self.voltage_dimension is Dimension.VOLTAGE
        return Dimension.CURRENT if in_ohms else self.voltage_dimension

    def _resistance(self) -> float:
        if self.resistance is None:
            return 1.0
        volts = self.voltage_dimension is Dimension.VOLTAGE
        dimension = Dimension.RESISTANCE if volts else Dimension.NUMBER
        return to_positive_si(self.resistance, dimension, f"{type(self).__name__}.resistance")


@described
@dataclass(frozen=True)
class AdaptiveLIF(SpikingNeuron):
    """A LIF whose threshold is ``threshold + b``: ``tau_adapt db/dt = -b``, and each spike adds `adapt` to `b`.

    Spike-triggered adaptation of the threshold (Bellec et al. 2018). `membrane` holds the parameters of the LIF;
    `tau_adapt` (default 200 ms) and `adapt` (default 0.1, in the dimension of the threshold) are its own.
    """

    membrane: LIF = LIF()
    tau_adapt: Written = "200 ms"
    adapt: Written = 0.1

    equations: ClassVar[Equations] = Equations(
        (SYNAPTIC_CURRENT, MEMBRANE, Relaxation("b", "tau_adapt", "0")),
        threshold="v > threshold + b",
        reset=(("v", "reset"), ("b", "b + adapt")),
    )

    def __post_init__(self) -> None:
        """Check every parameter, so that a wrong one is refused where it is written."""
        if not isinstance(self.membrane, LIF):
            raise DescriptionError(message("AdaptiveLIF.membrane", self.membrane, "an sp.LIF(...)"))
        self.constants()

    def constants(self) -> dict[str, float]:
        """Return the parameters of the equations in SI, by name."""
        adapt = to_si(self.adapt, self.voltage_dimension, "AdaptiveLIF.adapt")
        if adapt < 0:
            raise UnitError(message("AdaptiveLIF.adapt", self.adapt, "zero or above"))
        tau = to_positive_si(self.tau_adapt, Dimension.TIME, "AdaptiveLIF.tau_adapt")
        return self.membrane.constants() | {"tau_adapt": tau, "adapt": adapt}

    @property
    def voltage_dimension(self) -> Dimension:
        """The dimension of `v`, that of the membrane."""
        return self.membrane.voltage_dimension

    @property
    def weight_dimension(self) -> Dimension:
        """The dimension of the weights onto this neuron, that of the membrane's."""
        return self.membrane.weight_dimension


@described
@dataclass(frozen=True)
class SpikeResponse(SpikingNeuron):
    """``tau_mem dv/dt = rest - v + u``, ``tau_syn du/dt = -u``; fires where ``v > threshold + b``, and v goes on.

    No reset: after a spike `b` jumps by `adapt` and decays with `tau_ref`, the refractory term of the spike response
    model (Gerstner et al. 2014, chapter 6), as DCLL uses it (Kaiser, Mostafa and Neftci 2020).

    Parameters: `tau_mem` (default 20 ms), `tau_syn` (7.5 ms), `tau_ref` (2.5 ms), `rest` (0), `threshold` (0), `adapt`
    (0.5); plain numbers. Raises `UnitError` or `DescriptionError`.
    """

    tau_mem: Written = "20 ms"
    tau_syn: Written = "7.5 ms"
    tau_ref: Written = "2.5 ms"
    rest: float = 0.0
    threshold: float = 0.0
    adapt: float = 0.5

    equations: ClassVar[Equations] = Equations(
        (SYNAPTIC_CURRENT, Relaxation("v", "tau_mem", "rest + u"), Relaxation("b", "tau_ref", "0")),
        threshold="v > threshold + b",
        reset=(("b", "b + adapt"),),
    )

    def __post_init__(self) -> None:
        """Check every parameter, so that a wrong one is refused where it is written."""
        self.constants()

    def constants(self) -> dict[str, float]:
        """Return the parameters of the equations in SI, by name."""
        taus = {
            name: to_positive_si(getattr(self, name), Dimension.TIME, f"SpikeResponse.{name}")
            for name in ("tau_mem", "tau_syn", "tau_ref")
        }
        numbers = {
            name: finite_number(getattr(self, name), f"SpikeResponse.{name}") for name in ("rest", "threshold", "adapt")
        }
        return taus | numbers | {"refractory": 0.0}

    @property
    def weight_dimension(self) -> Dimension:
        """The dimension of the weights onto this neuron: plain numbers."""
        return Dimension.NUMBER


@described
@dataclass(frozen=True)
class SpikeSource:
    """Spikes given from outside: at each window of a session, or as a fixed schedule.

    `neurons` and `times` (each a quantity such as ``"10 ms"``, a multiple of the step) are sequences of one length;
    both empty by default, for a source that hears the session only.
    """

    neurons: tuple[int, ...] = ()
    times: tuple[Written, ...] = ()

    def __post_init__(self) -> None:
        """Check the schedule."""
        for field in ("neurons", "times"):
            sequence = self.neurons if field == "neurons" else self.times
            object.__setattr__(self, field, tuple(flat_sequence(sequence, f"SpikeSource.{field}", "a sequence")))
        if len(self.neurons) != len(self.times):
            allowed = f"as many times as neurons ({len(self.neurons)})"
            raise DescriptionError(message("SpikeSource.times", f"{len(self.times)} times", allowed))
        for neuron, time in zip(self.neurons, self.times, strict=True):
            whole_number(neuron, 0, LARGEST, "SpikeSource.neurons")
            to_nonnegative_si(time, Dimension.TIME, "SpikeSource.times")


@described
@dataclass(frozen=True)
class Poisson:
    """Independent spikes with probability ``rate dt`` a step: the Poisson process of the step grid.

    Intervals are geometric with mean ``1/rate`` and coefficient of variation ``sqrt(1 - rate dt)``. `rate` in Hz is
    the default; a session's window may set another, a number for each neuron.
    """

    rate: Written = "10 Hz"

    def __post_init__(self) -> None:
        """Check the rate."""
        to_nonnegative_si(self.rate, Dimension.RATE, "Poisson.rate")


def check_law(neuron: SpikingNeuron, where: str) -> None:
    """Refuse a law that no back end could run; raises `DescriptionError` naming the expression and what it lacks."""
    equations, constants = neuron.equations, neuron.constants()
    variables = list(equations.variables)
    relaxing = [relaxation.variable for relaxation in equations.relaxations]
    if relaxing[:1] != ["u"] or "v" not in variables or len(set(relaxing)) != len(relaxing):
        allowed = "'u' first, 'v' among the rest, each relaxing once"
        raise DescriptionError(message(f"{where}.equations: variables", [*relaxing, *variables], allowed))
    for name in ("rest", "threshold", "refractory", *(relaxation.tau for relaxation in equations.relaxations)):
        if not math.isfinite(constants.get(name, math.nan)):
            raise DescriptionError(message(f"{where}.constants: {name}", constants.get(name), "a number in SI"))
    for text in equations.texts():
        _check_names(text, {*variables, *constants, STEP}, where)
    for _, text in equations.start:
        _check_names(text, set(constants), where)
    for part, named in (("reset", equations.reset), ("start", equations.start)):
        for variable, _ in named:
            if variable not in variables:
                allowed = f"one of {', '.join(variables)}"
                raise DescriptionError(message(f"{where}.equations: {part}", variable, allowed))


def _check_names(text: str, known: set[str], where: str) -> None:
    """Refuse what is no expression of names that are `known`."""
    try:
        used = names_of(text)
    except SyntaxError:
        raise DescriptionError(message(f"{where}.equations", text, "an expression")) from None
    for name in used:
        if name not in known:
            remedy = nearest(name, known)
            allowed = f"arithmetic of {', '.join(sorted(known))}"
            raise DescriptionError(message(f"{where}.equations: {text!r}", name, allowed, remedy))


Source = SpikeSource | Poisson
Neuron = SpikingNeuron | Source
