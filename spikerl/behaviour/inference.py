"""``b_i <- b_i P(r | c, i is better)``, normalised, then ``b <- (1 - h) b + h (1 - b)``: the odds that i is better.

A hidden Markov model of a world in which one of two options is the better one and they change places with a hazard h
a trial (Rabiner 1989; for reversal learning Hampton and others 2006; Costa and others 2015). The better option pays
with probability q, the other with 1 - q. The choice is the softmax of the models beside it
(`spikerl.behaviour.models`), with the belief b_i that option i is better in the place of its value. A block begins
with even odds.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from spikerl.behaviour.link import fit_link
from spikerl.behaviour.models import Parameter
from spikerl.behaviour.trials import Trials
from spikerl.errors import DescriptionError, message

PARAMETERS = (
    Parameter("hazard", 1e-6, 0.5, (0.01, 0.2), "1/trial", "probability that the options change places"),
    Parameter("better", 0.5, 1.0 - 1e-6, (0.6, 0.9), "1", "probability with which the better option pays"),
    Parameter("beta", 0.0, 100.0, (1.0, 8.0), "1", "slope of choice in the belief"),
    Parameter("kappa", -20.0, 20.0, (-1.0, 1.0), "nat", "stickiness: what the last choice adds to its option"),
)
GRID = ((0.01, 0.03, 0.1, 0.2), (0.55, 0.65, 0.75, 0.85))
"""Hazards and probabilities of reward at which a fit may begin."""
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


def fit_inference(trials: Trials) -> InferenceFit:
    """Return the numbers under which the recorded choices are most probable.

    Beliefs depend on hazard and reward alone, and given them the softmax has one top (`spikerl.behaviour.link`). So the
    search begins at the best of a grid of these two, each with its own softmax, and goes on in all numbers (L-BFGS-B
    with the exact gradient; Byrd and others 1995). From points drawn at random it ends in the corner where the better
    option pays as often as the other and nothing can be inferred. Rewards are taken as 0 or 1.

    Raises `DescriptionError` for other rewards, and for other than two options.
    """
    if trials.options != 2:
        raise DescriptionError(message(f"{trials.source}, options", trials.options, f"2 for {NAME}"))
    if not np.isin(trials.rewards, (0.0, 1.0)).all():
        wrong = float(trials.rewards[~np.isin(trials.rewards, (0.0, 1.0))][0])
        raise DescriptionError(message(f"{trials.source}, rewards", wrong, f"0 or 1 for {NAME}"))
    chosen, rewarded = trials.chosen(), trials.rewards.T > 0

    def objective(numbers: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slopes = np.empty(len(numbers))
        for k in range(len(numbers)):
            step = np.zeros(len(numbers), dtype=np.complex128)
            step[k] = 1j * _TINY
            total = _likelihood(numbers + step, trials).sum()
            slopes[k] = total.imag / _TINY
        return float(total.real) / trials.n, slopes / trials.n

    begins = []
    for hazard, better in itertools.product(*GRID):
        votes = np.ascontiguousarray(_beliefs(hazard, better, chosen, rewarded).transpose(1, 0, 2))
        link = fit_link(votes, trials)
        begins.append((float(link.on(votes, trials).mean()), (hazard, better, min(link.beta, 100.0), link.kappa)))
    lowest, begin = min(begins)
    bounds = [(parameter.low, parameter.high) for parameter in PARAMETERS]
    options = {"ftol": 1e-13, "gtol": 1e-8, "maxiter": 1000}  # reward and slope lie along a flat valley
    end = minimize(objective, np.array(begin), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    best = tuple(float(number) for number in end.x) if float(end.fun) <= lowest else begin
    return InferenceFit(best, min(float(end.fun), lowest), trials.n)


def _beliefs(hazard: Any, better: Any, chosen: NDArray[np.bool_], rewarded: NDArray[np.bool_]) -> NDArray[Any]:
    """Return the belief that each option is the better one before each choice, [trials, blocks, options].

    `chosen` is [trials, blocks, options], `rewarded` [trials, blocks]; the numbers may be complex.
    """
    beliefs = np.full(chosen.shape, 0.5, dtype=np.result_type(hazard, better))
    for trial in range(len(chosen) - 1):
        # Under "option i is better", what was seen has probability q where choice and reward agree with it.
        seen = beliefs[trial] * np.where(chosen[trial] == rewarded[trial][:, None], better, 1.0 - better)
        seen = seen / seen.sum(axis=1, keepdims=True)
        beliefs[trial + 1] = (1.0 - hazard) * seen + hazard * (1.0 - seen)
    return beliefs


def _likelihood(numbers: NDArray[Any], trials: Trials) -> NDArray[Any]:
    """Return the negative log likelihood of each block in nats, [blocks]; `numbers` may be complex."""
    hazard, better, beta, kappa = numbers
    chosen = trials.chosen()
    last = np.zeros_like(chosen)
    last[1:] = chosen[:-1]
    logits = beta * _beliefs(hazard, better, chosen, trials.rewards.T > 0) + kappa * last
    # Not `log_probabilities`: a maximum has no complex derivative, its real part, a constant here, needs none.
    shifted = logits - logits.real.max(axis=2, keepdims=True)
    total: NDArray[Any] = (np.log(np.exp(shifted).sum(axis=2)) - (shifted * chosen).sum(axis=2)).sum(axis=0)
    return total
