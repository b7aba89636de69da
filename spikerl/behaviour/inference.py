"""``b_i <- b_i P(r | c, i is better)``, normalised, then ``b <- (1 - h) b + h (1 - b)``: the odds that i is better.

A hidden Markov model of a world in which one of two options is the better one and they change places with a hazard h
a trial (Rabiner 1989; for reversal learning Hampton and others 2006; Costa and others 2015). The better option pays
with probability q, the other with 1 - q. The choice is the softmax of the models beside it
(`spikerl.behaviour.models`), with the belief b_i that option i is better in the place of its value. A block begins
with even odds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from spikerl.behaviour.models import Parameter
from spikerl.behaviour.trials import Trials
from spikerl.errors import DescriptionError, message
from spikerl.seeding import generator

PARAMETERS = (
    Parameter("hazard", 1e-6, 0.5, (0.01, 0.2), "1/trial", "probability that the options change places"),
    Parameter("better", 0.5, 1.0 - 1e-6, (0.6, 0.9), "1", "probability with which the better option pays"),
    Parameter("beta", 0.0, 100.0, (1.0, 8.0), "1", "slope of choice in the belief"),
    Parameter("kappa", -20.0, 20.0, (-1.0, 1.0), "nat", "stickiness: what the last choice adds to its option"),
)
NAME = "Bayesian inference + stickiness"
_TINY = 1e-30  # of a complex step: its square is lost beside 1, so the derivative is exact


@dataclass(frozen=True)
class InferenceFit:
    """The best fit to `n` choices: its numbers in the order of `PARAMETERS`, `nll` in nats per trial."""

    numbers: tuple[float, ...]
    nll: float
    n: int

    @property
    def name(self) -> str:
        """The model in words."""
        return NAME

    @property
    def parameters(self) -> dict[str, float]:
        """The fitted numbers by name."""
        return dict(zip((parameter.name for parameter in PARAMETERS), self.numbers, strict=True))

    def on(self, trials: Trials) -> NDArray[np.float64]:
        """Return the negative log likelihood of other trials, in nats per trial of each block, shape [blocks]."""
        found: NDArray[np.float64] = _likelihood(np.array(self.numbers), trials) / trials.choices.shape[1]
        return found


def fit_inference(trials: Trials, seed: int, starts: int = 4) -> InferenceFit:
    """Return the numbers under which the recorded choices are most probable, from `starts` points drawn by `seed`.

    Rewards are taken as 0 or 1. Raises `DescriptionError` for others, and for other than two options.
    """
    if trials.options != 2:
        raise DescriptionError(message(f"{trials.source}, options", trials.options, f"2 for {NAME}"))
    if not np.isin(trials.rewards, (0.0, 1.0)).all():
        wrong = float(trials.rewards[~np.isin(trials.rewards, (0.0, 1.0))][0])
        raise DescriptionError(message(f"{trials.source}, rewards", wrong, f"0 or 1 for {NAME}"))
    first = np.array([parameter.first for parameter in PARAMETERS])

    def objective(numbers: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slopes = np.empty(len(numbers))
        for k in range(len(numbers)):
            step = np.zeros(len(numbers), dtype=np.complex128)
            step[k] = 1j * _TINY
            total = _likelihood(numbers + step, trials).sum()
            slopes[k] = total.imag / _TINY
        return float(total.real) / trials.n, slopes / trials.n

    bounds = [(parameter.low, parameter.high) for parameter in PARAMETERS]
    uniform = generator(seed, "behaviour", "starts", NAME).random((starts, len(PARAMETERS)))
    begins = first[:, 0] + uniform * (first[:, 1] - first[:, 0])
    ends = [minimize(objective, begin, jac=True, method="L-BFGS-B", bounds=bounds) for begin in begins]
    best = min(ends, key=lambda end: float(end.fun))
    return InferenceFit(tuple(float(number) for number in best.x), float(best.fun), trials.n)


def _likelihood(numbers: NDArray[Any], trials: Trials) -> NDArray[Any]:
    """Return the negative log likelihood of each block in nats, [blocks]; `numbers` may be complex."""
    hazard, better, beta, kappa = numbers
    chosen = trials.chosen()
    rewarded = trials.rewards.T > 0
    belief = np.full(chosen.shape[1:], 0.5, dtype=np.asarray(numbers).dtype)
    last = np.zeros_like(chosen[0])
    total = np.zeros(trials.blocks, dtype=belief.dtype)
    for trial in range(len(chosen)):
        logits = beta * belief + kappa * last
        total = total - (logits * chosen[trial]).sum(axis=1) + np.log(np.exp(logits - logits.real.max()).sum(axis=1))
        total = total + logits.real.max()
        last = chosen[trial]
        # Under "option i is better", what was seen has probability q where choice and reward agree with it.
        belief = belief * np.where(last == rewarded[trial][:, None], better, 1.0 - better)
        belief = belief / belief.sum(axis=1, keepdims=True)
        belief = (1.0 - hazard) * belief + hazard * (1.0 - belief)
    return total
