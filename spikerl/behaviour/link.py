"""``P(i) ~ exp(beta votes_i + kappa [i was chosen last])``: from a circuit's votes to the choices of an animal.

The softmax is that of `spikerl.behaviour.models`, with the votes of a decision in the place of values: beta is a slope
in 1/spike, kappa the stickiness in nats. Votes do not depend on either, for the circuit has been led through the
recorded choices; so the link that makes these most probable is a logistic regression, whose likelihood has one top. A
circuit by itself takes the option with most votes, the limit of a large beta: a finite one is what the animal does not
share with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from spikerl.behaviour.models import Rates, log_probabilities, logits
from spikerl.behaviour.trials import Trials
from spikerl.errors import DescriptionError, message

STEEPEST = 100.0
"""The largest slope that is looked for, a standard deviation of the votes."""
STICKIEST = 20.0
"""The largest stickiness of either sign that is looked for, in nats."""


@dataclass(frozen=True)
class Link:
    """``P(i) ~ exp(beta votes_i + kappa [i was chosen last])``, with `beta` in 1/spike and `kappa` in nats."""

    beta: float
    kappa: float

    def on(self, votes: NDArray[np.float64], trials: Trials) -> NDArray[np.float64]:
        """Return the negative log likelihood of `trials`, in nats per trial of each block, shape [blocks].

        `votes` has the shape [blocks, trials, options]. Raises `DescriptionError` for another.
        """
        by_trial, last, chosen = _arranged(votes, trials)
        logarithms = log_probabilities(logits(by_trial, last, Rates(0.0, 0.0, 0.0, self.beta, self.kappa)))
        return -np.einsum("tbo,tbo->b", logarithms, chosen) / len(chosen)


def fit_link(votes: NDArray[np.float64], trials: Trials, stickiness: bool = True) -> Link:
    """Return the link under which the choices of `trials` are most probable; beta is not below 0.

    `votes` has the shape [blocks, trials, options]. Without `stickiness` kappa is 0. L-BFGS-B with the exact gradient
    (Byrd and others 1995), in units of the spread of the votes. Raises `DescriptionError` for votes of another shape.
    """
    by_trial, last, chosen = _arranged(votes, trials)
    spread = float((by_trial - by_trial.mean(axis=2, keepdims=True)).std()) or 1.0
    scaled = by_trial / spread

    def objective(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logarithms = log_probabilities(logits(scaled, last, Rates(0.0, 0.0, 0.0, float(x[0]), float(x[1]))))
        excess = np.exp(logarithms) - chosen
        slopes = np.array([(excess * scaled).sum(), (excess * last).sum()])
        return -float(logarithms[chosen].sum()) / trials.n, slopes / trials.n

    furthest = STICKIEST if stickiness else 0.0
    bounds = [(0.0, STEEPEST), (-furthest, furthest)]
    options = {"ftol": 1e-14, "gtol": 1e-9, "maxiter": 500}
    found = minimize(objective, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return Link(float(found.x[0]) / spread, float(found.x[1]))


def _arranged(
    votes: NDArray[np.float64], trials: Trials
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return votes, the option chosen last and the one chosen, each [trials, blocks, options]."""
    wanted = (*trials.choices.shape, trials.options)
    if votes.shape != wanted:
        raise DescriptionError(message("votes, shape", votes.shape, f"{wanted}: blocks, trials, options"))
    if not np.isfinite(votes).all():
        raise DescriptionError(message("votes", float(votes[~np.isfinite(votes)][0]), "finite numbers"))
    chosen = trials.chosen()
    last = np.zeros_like(chosen)
    last[1:] = chosen[:-1]
    return np.asarray(votes, dtype=np.float64).transpose(1, 0, 2), last, chosen
