"""``(NLL_RW - NLL) / (NLL_RW - NLL_full)``: how far a circuit comes from Rescorla-Wagner to the best rate model."""

from __future__ import annotations

import math
import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap

from spikerl.analysis.intervals import Interval
from spikerl.behaviour.fitting import fit_all
from spikerl.behaviour.inference import NAME as INFERENCE
from spikerl.behaviour.inference import fit_inference
from spikerl.behaviour.models import LADDER, ChoiceModel
from spikerl.behaviour.trials import Trials
from spikerl.seeding import generator

BEGINNINGS = (0.0, 0.5)
"""Where the values of rate models begin: an option not yet tried promises nothing, or an even chance."""
_STARTS = 2


class Score(NamedTuple):
    """A model on halves that the circuit was fitted to and tested on, in nats per trial.

    `train` is the mean of the half that was fitted, `held_out` of each block of the other one, [blocks]; `parameters`
    are the fitted numbers by name.
    """

    name: str
    parameters: dict[str, float]
    train: float
    held_out: NDArray[np.float64]


def scores(train: Trials, test: Trials, seed: int) -> dict[str, Score]:
    """Return the scores of the rate models and of Bayesian inference, fitted to `train`, by name.

    The rate models are Rescorla-Wagner, two rates, forgetting, stickiness, with values from 0 and from 0.5.
    """
    found = {}
    for initial in BEGINNINGS:
        for fitted in fit_all(ladder(initial), train, seed, _STARTS):
            name = fitted.model.name
            found[name] = Score(name, fitted.parameters, fitted.nll, fitted.on(test))
    inferred = fit_inference(train)
    found[INFERENCE] = Score(INFERENCE, inferred.parameters, inferred.nll, inferred.on(test))
    return found


def ladder(initial: float) -> tuple[ChoiceModel, ...]:
    """Return the models from Rescorla-Wagner to the best rate model, with values that begin at `initial`."""
    return tuple(ChoiceModel(one.two_rates, one.forgetting, one.stickiness, initial) for one in LADDER)


def closed(simple: NDArray[np.float64], circuit: NDArray[np.float64], full: NDArray[np.float64], seed: int) -> Interval:
    """Return the share of the distance from `simple` to `full` that `circuit` has closed, with 95 % over blocks.

    All are negative log likelihoods of the same blocks, [blocks]. The interval is the BCa bootstrap of blocks (Efron
    1987), drawn by `seed`; its ends are NaN where there are too few.
    """

    def share(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], axis: int = -1) -> NDArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((a.mean(axis=axis) - b.mean(axis=axis)) / (a.mean(axis=axis) - c.mean(axis=axis)))

    value, low, high = float(share(simple, circuit, full)), math.nan, math.nan
    if len(simple) > 2:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of blocks that are all alike, which the bounds, NaN, say as well
            rng = generator(seed, "fitting", "bootstrap")
            found = bootstrap((simple, circuit, full), share, paired=True, vectorized=True, rng=rng)
        low, high = (float(end) for end in found.confidence_interval)
    return Interval(value, low, high, len(simple))
