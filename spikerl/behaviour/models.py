"""``V_c <- V_c + alpha (r - V_c)``, ``P(i) ~ exp(beta V_i + kappa [i was chosen last])``: a family of models of choice.

A choice model says with which probability each option is chosen, from the choices and rewards before. On every trial,
with c the option chosen and r its reward:

- the chosen value moves to the reward, ``V_c <- V_c + alpha (r - V_c)`` (Rescorla and Wagner 1972; Sutton and Barto
  2018, section 2.5); with two rates, by ``alpha_plus`` where ``r > V_c`` and by ``alpha_minus`` elsewhere;
- the values not chosen are forgotten, ``V_i <- V_i + decay (0 - V_i)``, with a decay of 0 in models without forgetting;
- the next choice is a softmax, ``P(i) = exp(L_i) / sum_j exp(L_j)``, ``L_i = beta V_i + kappa [i = c]`` (Sutton and
  Barto 2018, section 2.8), with a stickiness kappa of 0 in models without it.

A block begins with ``V = initial`` for all options and without an option chosen last, so its first choice has equal
probabilities. Where values begin is no detail: an option not yet tried keeps `initial`, and without forgetting a value
of 0.5 instead of 0 costs Rescorla-Wagner a tenth of its fit to recorded monkeys. Rates and decay are shares a trial,
beta is in 1/reward, kappa in nats (the logarithm of the odds).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.errors import DescriptionError, message, nearest
from spikerl.units import finite_number


class Parameter(NamedTuple):
    """A free number of a model: it lies from `low` to `high` in `unit`, and a search begins in `first`."""

    name: str
    low: float
    high: float
    first: tuple[float, float]
    unit: str
    meaning: str


class Rates(NamedTuple):
    """The numbers of every model of the family: three rates of movement, the slope and the stickiness of choice."""

    alpha_plus: float
    alpha_minus: float
    decay: float
    beta: float
    kappa: float


_RATE = (0.0, 1.0, (0.05, 0.95), "1/trial")
_ALPHA = Parameter("alpha", *_RATE, "learning rate of the chosen option")
_ALPHA_PLUS = Parameter("alpha_plus", *_RATE, "learning rate where the reward exceeds the value")
_ALPHA_MINUS = Parameter("alpha_minus", *_RATE, "learning rate where the reward does not exceed the value")
_DECAY = Parameter("decay", *_RATE, "share of its value that an option not chosen loses")
_BETA = Parameter("beta", 0.0, 100.0, (0.5, 10.0), "1/reward", "inverse temperature")
_KAPPA = Parameter("kappa", -20.0, 20.0, (-1.0, 1.0), "nat", "stickiness: what the last choice adds to its option")


@dataclass(frozen=True)
class ChoiceModel:
    """One model of the family; without switches it is Rescorla-Wagner with one rate and a softmax.

    `two_rates` gives gains and losses a rate each, `forgetting` lets values not chosen decay, `stickiness` lets the
    last choice attract (kappa above 0) or repel. `initial`, from 0 to 1, is not fitted: the value, in rewards, of every
    option when a block begins. Defaults: all off, 0.
    """

    two_rates: bool = False
    forgetting: bool = False
    stickiness: bool = False
    initial: float = 0.0

    def __post_init__(self) -> None:
        """Refuse switches that are not True or False, and values outside 0 to 1, with a `DescriptionError`."""
        for name in ("two_rates", "forgetting", "stickiness"):
            if not isinstance(getattr(self, name), bool):
                raise DescriptionError(message(f"ChoiceModel, {name}", getattr(self, name), "True or False"))
        allowed = "a number from 0 to 1"
        if not 0.0 <= finite_number(self.initial, "ChoiceModel, initial", allowed) <= 1.0:
            raise DescriptionError(message("ChoiceModel, initial", self.initial, allowed))

    @property
    def name(self) -> str:
        """The model in words, such as ``"two rates + forgetting"``."""
        parts = ["two rates" if self.two_rates else "Rescorla-Wagner"]
        parts += ["forgetting"] * self.forgetting + ["stickiness"] * self.stickiness
        return " + ".join(parts) + (f", values from {self.initial:g}" if self.initial else "")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The free numbers of the model, in the order of all arrays of them."""
        rates = (_ALPHA_PLUS, _ALPHA_MINUS) if self.two_rates else (_ALPHA,)
        return (*rates, *(_DECAY,) * self.forgetting, _BETA, *(_KAPPA,) * self.stickiness)

    def matrix(self) -> NDArray[np.float64]:
        """Return M, shape [parameters, 5], with ``Rates = x M`` for the free numbers x of the model.

        A switch that is off leaves its column at 0; one rate for gains and losses fills both columns of its row.
        """
        columns = {field: [field] for field in Rates._fields} | {"alpha": ["alpha_plus", "alpha_minus"]}
        rows = [[float(field in columns[parameter.name]) for field in Rates._fields] for parameter in self.parameters]
        return np.array(rows)

    def rates(self, numbers: NDArray[np.float64]) -> Rates:
        """Return the numbers of the family for the model's free `numbers`, shape [parameters]."""
        return Rates(*(numbers @ self.matrix()).tolist())

    def contains(self, other: ChoiceModel) -> bool:
        """Return whether `other` is this model with some numbers set to 0 or equal: then it cannot fit better."""
        mine = (self.two_rates, self.forgetting, self.stickiness)
        theirs = (other.two_rates, other.forgetting, other.stickiness)
        switched = all(own or not its for own, its in zip(mine, theirs, strict=True))
        return switched and self.initial == other.initial

    def simpler(self) -> tuple[ChoiceModel, ...]:
        """Return the models with one switch fewer: what they contain and they themselves are all it contains."""
        switches = ("two_rates", "forgetting", "stickiness")
        return tuple(replace(self, **{name: False}) for name in switches if getattr(self, name))

    def embedded(self, other: ChoiceModel, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the numbers with which this model does what `other`, which it contains, does with `numbers`.

        Raises `DescriptionError` where it does not contain it.
        """
        if not self.contains(other):
            raise DescriptionError(message(f"the model {self.name!r}", other.name, "a model that it contains"))
        rates = other.rates(numbers)._asdict()
        rates["alpha"] = rates["alpha_plus"]
        return np.array([rates[parameter.name] for parameter in self.parameters])

    def numbers(self, values: Mapping[str, float]) -> NDArray[np.float64]:
        """Return `values` of the free numbers by name as an array, shape [parameters].

        Raises `DescriptionError` for a name too many or too few, and for a value out of its range.
        """
        known = {parameter.name for parameter in self.parameters}
        for name in values:
            if name not in known:
                where = f"parameters of the model {self.name!r}"
                raise DescriptionError(message(where, name, ", ".join(sorted(known)), nearest(name, known)))
        found = []
        for low, high, name, unit in ((p.low, p.high, p.name, p.unit) for p in self.parameters):
            where = f"{name} of the model {self.name!r}"
            allowed = f"a number from {low:g} to {high:g} ({unit})"
            if name not in values:
                raise DescriptionError(message(where, None, allowed, "give every parameter of the model"))
            value = finite_number(values[name], where, allowed)
            if not low <= value <= high:
                raise DescriptionError(message(where, value, allowed))
            found.append(value)
        return np.array(found)


FAMILY = tuple(
    ChoiceModel(two_rates, forgetting, stickiness)
    for two_rates in (False, True)
    for forgetting in (False, True)
    for stickiness in (False, True)
)
"""All eight models whose values begin at 0; each comes after those that it contains."""

LADDER = (ChoiceModel(), ChoiceModel(True), ChoiceModel(True, True), ChoiceModel(True, True, True))
"""From Rescorla-Wagner to two rates, forgetting and stickiness, one switch a step."""


class Movement(NamedTuple):
    """What a trial does to values: each moves by `rate` times `error`; `which` of the three rates, in order of `Rates`.

    All have the values' shape [blocks, options].
    """

    which: NDArray[np.int64]
    rate: NDArray[np.float64]
    error: NDArray[np.float64]


def targets(chosen: NDArray[np.bool_], rewards: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where values move to: the reward where chosen, 0 elsewhere; [..., options] for rewards [...]."""
    return np.where(chosen, rewards[..., None], 0.0)


def movement(
    values: NDArray[np.float64], chosen: NDArray[np.bool_], target: NDArray[np.float64], rates: Rates
) -> Movement:
    """``V <- V + rate (target - V)``: with a learning rate where chosen, and the decay elsewhere.

    `values`, `chosen` and `target` have the shape [blocks, options].
    """
    error = target - values
    which = np.where(chosen, error <= 0.0, 2)
    return Movement(which, np.array(rates[:3])[which], error)


def logits(values: NDArray[np.float64], last: NDArray[np.bool_], rates: Rates) -> NDArray[np.float64]:
    """``L_i = beta V_i + kappa [i was chosen last]``; the shape of `values` and `last`, options along the last axis."""
    return rates.beta * values + rates.kappa * last


def log_probabilities(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """``log P_i = L_i - log sum_j exp(L_j)``, over the last axis, without overflow."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
