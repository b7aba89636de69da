"""Payoffs: an option pays on every trial, an amount that is drawn from a distribution of its own.

Mean and spread of what the options pay are set apart, so that what a circuit learns of each can be told apart, and
whether it takes risks: of two options with one mean, the risky one has the greater spread (Mikhael and Bogacz 2016).
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist
from typing import Annotated, Literal, final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from spikerl.errors import DescriptionError, message
from spikerl.seeding import generator, uniforms
from spikerl.tasks.base import Task, TaskFactory
from spikerl.tasks.blocks import FREE, Block, Dictated
from spikerl.tasks.environment import BlockTask

_MOST_OPTIONS = 16
_LARGEST = 10.0
# How far the least payoff lies below the mean, in spreads; the normal distribution has none, and is clipped at 0.
_BELOW = {"two-point": 1.0, "uniform": 3.0**0.5}

# TOML has arrays, no tuples.
Amounts = Annotated[
    tuple[Annotated[float, Field(ge=0, le=_LARGEST)], ...],
    Field(strict=False, min_length=2, max_length=_MOST_OPTIONS),
]


class PayoffsParameters(BaseModel):
    """The ``[task]`` table of payoffs.

    `means` and `spreads` (standard deviations) of what each option pays, in rewards, 0 to 10, two options or more.
    `payoff`: ``"two-point"``, mean - spread or mean + spread, each equally likely; ``"uniform"``; or ``"normal"``,
    where an amount below 0 is paid as 0. `choice`: ``"free"``; ``"dictated"``, all options are shown, and which one is
    taken is given, in an order in which all are taken alike; ``"forced"``, the one to take is also shown alone.
    `dictated_trials`: of each block the first trials of which that holds, later ones are free; None for all.
    `trials_per_block`: trials until it is drawn anew which option has which payoff.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    means: Amounts = (0.8, 0.8)
    spreads: Amounts = (0.0, 0.4)
    payoff: Literal["two-point", "uniform", "normal"] = "two-point"
    choice: Literal["free", "dictated", "forced"] = "free"
    dictated_trials: int | None = Field(default=None, ge=1, le=1_000_000)
    trials_per_block: int = Field(default=80, ge=1, le=1_000_000)

    @model_validator(mode="after")
    def _consistent(self) -> PayoffsParameters:
        if len(self.means) != len(self.spreads):
            raise DescriptionError(message("spreads", list(self.spreads), f"{len(self.means)} numbers, one a mean"))
        for mean, spread in zip(self.means, self.spreads, strict=True):
            if spread > 0 and mean - _BELOW.get(self.payoff, 0.0) * spread < 0:
                allowed = f"at most {mean / _BELOW[self.payoff]:.3g} where the mean is {mean:g}, since nothing is lost"
                raise DescriptionError(message("spreads", spread, allowed))
        if self.dictated_trials is not None and self.choice == "free":
            remedy = "choices are free: set choice to 'dictated' or 'forced'"
            raise DescriptionError(message("dictated_trials", self.dictated_trials, "none", remedy))
        if self.dictated_trials is not None and self.dictated_trials > self.trials_per_block:
            allowed = f"at most trials_per_block = {self.trials_per_block}"
            raise DescriptionError(message("dictated_trials", self.dictated_trials, allowed))
        return self


@final
class Payoffs(BlockTask):
    """Options that pay amounts, one trial a step, one block an episode (see `spikerl.tasks.base.Task`).

    The amount is ``mean + spread q(u)``, with the quantile function q of a distribution of mean 0 and standard
    deviation 1 and a uniform number u for each trial and option, whatever the parameters: two tasks with one seed meet
    the same luck. ``info["columns"]`` of a step has ``payoff``, which of the listed payoffs the chosen option has, and
    ``dictated``, 1 where the choice was not free. `probabilities` of the info are what the options pay on average, and
    `better` is the first of those that pay most.

    `parameters`: default ``PayoffsParameters()``; `seed`, `instance`: whole numbers that, with block and trial, decide
    every draw. Raises `DescriptionError`.
    """

    def __init__(
        self, parameters: PayoffsParameters | None = None, *, seed: int = 0, instance: int = 0
    ) -> None:
        """Stand before block 0."""
        parameters = parameters or PayoffsParameters()
        means, spreads = np.array(parameters.means), np.array(parameters.spreads)
        count, trials = means.size, parameters.trials_per_block
        led = trials if parameters.dictated_trials is None else parameters.dictated_trials
        led = 0 if parameters.choice == "free" else led
        given = [Dictated(option) for option in range(count)]
        name = "/".join(f"{mean:g} ({spread:g})" for mean, spread in zip(means, spreads, strict=True))

        def draw(seed: int, instance: int, block: int) -> Block:
            order = generator(seed, "task", "payoffs", instance, block).permutation(count)
            luck = uniforms(seed, ("task", "payoffs luck", instance, block), 0, trials, count)
            rewards = np.maximum(means[order] + spreads[order] * quantiles(parameters.payoff, luck), 0.0)
            taken = _balanced(count, led, generator(seed, "task", "payoffs order", instance, block))
            shown = np.ones((trials, count), dtype=bool)
            if parameters.choice == "forced":
                shown[:led] = np.arange(count) == taken[:, None]
            columns = {
                "payoff": np.broadcast_to(order, shown.shape),
                "dictated": np.broadcast_to((np.arange(trials) < led)[:, None], shown.shape).astype(np.int64),
            }
            return Block(
                name,
                np.where(shown, means[order], 0.0),
                shown=shown,
                contingency=np.zeros(trials, dtype=np.int64),
                columns=columns,
                rewards=np.where(shown, rewards, 0.0),
                dictated=[given[option] for option in taken] + [Dictated(FREE)] * (trials - led),
            )

        super().__init__(draw, trials, count, seed, instance)


def quantiles(payoff: str, u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the quantiles at `u`, any shape, of the distribution `payoff` with mean 0 and standard deviation 1."""
    if payoff == "two-point":
        return np.where(u < 0.5, -1.0, 1.0)
    if payoff == "uniform":
        return np.asarray(3.0**0.5 * (2.0 * u - 1.0))
    # A uniform number can be 0, whose quantile has no end.
    found = [NormalDist().inv_cdf(max(one, 2.0**-54)) for one in u.ravel().tolist()]
    return np.array(found, dtype=np.float64).reshape(u.shape)


def _balanced(options: int, trials: int, stream: np.random.Generator) -> NDArray[np.int64]:
    """Return which option each of `trials` takes: in every `options` trials from the first each once, shuffled."""
    rounds = [stream.permutation(options) for _ in range(-(-trials // options))]
    return np.concatenate([*rounds, np.empty(0, dtype=np.int64)])[:trials].astype(np.int64)


def _opener(parameters: PayoffsParameters, seed: int) -> Callable[[int], Task]:
    return lambda instance: Payoffs(parameters, seed=seed, instance=instance)


task = TaskFactory("payoffs", PayoffsParameters, _opener, "amounts of given mean and spread; choices may be dictated")
