"""``argmin_x NLL(x) / n`` within bounds: maximum-likelihood fits of models of choice, from several starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from spikerl.behaviour.likelihood import likelihood, negative_log_likelihood
from spikerl.behaviour.models import ChoiceModel, Parameter
from spikerl.behaviour.trials import Trials
from spikerl.behaviour.uncertainty import standard_errors
from spikerl.errors import RunError, message
from spikerl.seeding import check_seed, generator
from spikerl.units import whole_number

MOST_STARTS = 1000
MOST_ITERATIONS = 10**6
AGREE = 1e-6
"""Two starts that end within so many nats a trial have found the same fit."""
FLAT = 1e-5
"""A search has converged where no parameter, moved within its range, gains more than so many nats a trial and unit."""


class Estimate(NamedTuple):
    """A fitted number: its `parameter` with unit and range, `value`, and whether it lies on an end of the range.

    `error` is the standard error over blocks (`spikerl.behaviour.uncertainty`), NaN where the data give none.
    """

    parameter: Parameter
    value: float
    error: float
    at_bound: bool


@dataclass(frozen=True)
class Fit:
    """The best fit of `model` to `n` choices: `nll` is the negative log likelihood in nats per trial.

    Of `starts` searches, begun at points drawn by `seed` and at the fits of simpler models, `agreed` ended at this
    likelihood to within `AGREE`; where only one did, the optimum is in doubt. An estimate on an end of its range says
    that the data bound it on one side only.
    """

    model: ChoiceModel
    estimates: tuple[Estimate, ...]
    nll: float
    n: int
    seed: int
    starts: int
    agreed: int

    @property
    def parameters(self) -> dict[str, float]:
        """The fitted numbers by name."""
        return {estimate.parameter.name: estimate.value for estimate in self.estimates}

    def on(self, trials: Trials) -> NDArray[np.float64]:
        """Return the negative log likelihood of other trials, in nats per trial of each block, shape [blocks]."""
        return negative_log_likelihood(self.model, self.parameters, trials) / trials.choices.shape[1]


def fit(model: ChoiceModel, trials: Trials, seed: int, starts: int = 4, iterations: int = 1000) -> Fit:
    """Return the numbers of `model` under which the recorded choices are most probable, as `fit_all` finds them."""
    return fit_all((model,), trials, seed, starts, iterations)[0]


def fit_all(
    models: tuple[ChoiceModel, ...], trials: Trials, seed: int, starts: int = 4, iterations: int = 1000
) -> tuple[Fit, ...]:
    """Return the fit of each model, the numbers under which the recorded choices are most probable.

    L-BFGS-B (Byrd and others 1995) with the exact gradient, from `starts` points drawn by `seed` in the parameters'
    first ranges, and from the fits of the models with one switch fewer, which are therefore fitted as well. So no model
    is worse than one that it contains; random starts alone do not give this, for the likelihood of a decay has two
    hills, one near 0. Defaults: 4 starts of at most 1000 iterations each.

    Raises `DescriptionError` for a bad seed, number of starts or of iterations, and `RunError` where the best search
    has not converged.
    """
    check_seed(seed)
    whole_number(starts, 1, MOST_STARTS, "starts")
    whole_number(iterations, 1, MOST_ITERATIONS, "iterations")
    found: dict[ChoiceModel, Fit] = {}

    def search(model: ChoiceModel) -> Fit:
        if model not in found:
            nested = tuple(search(simpler) for simpler in model.simpler())
            found[model] = _search(model, trials, _begins(model, seed, starts, nested), seed, iterations)
        return found[model]

    return tuple(search(model) for model in models)


def _begins(model: ChoiceModel, seed: int, starts: int, nested: tuple[Fit, ...]) -> list[NDArray[np.float64]]:
    """Return `starts` points drawn in the first ranges, and those at which `model` does what simpler fits do."""
    first = np.array([parameter.first for parameter in model.parameters])
    uniform = generator(seed, "behaviour", "starts", model.name).random((starts, len(first)))
    begins = [first[:, 0] + row * (first[:, 1] - first[:, 0]) for row in uniform]
    return begins + [model.embedded(other.model, other.model.numbers(other.parameters)) for other in nested]


def _search(
    model: ChoiceModel, trials: Trials, begins: list[NDArray[np.float64]], seed: int, iterations: int
) -> Fit:
    low, high = (np.array([parameter[k] for parameter in model.parameters]) for k in (1, 2))

    def objective(numbers: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        found = likelihood(model, numbers, trials)
        return float(found.blocks.sum()) / trials.n, found.scores.sum(axis=0) / trials.n

    options = {"ftol": 1e-13, "gtol": 1e-8, "maxiter": iterations}
    bounds = list(zip(low, high, strict=True))
    ends = [minimize(objective, begin, jac=True, method="L-BFGS-B", bounds=bounds, options=options) for begin in begins]
    # None ends above where it began, so the best of all, not the best that converged, is no worse than simpler fits.
    best = min(ends, key=lambda end: float(end.fun))
    # Not the optimiser's own verdict: at an optimum its line search may find nothing lower, and call it failure.
    left = float(np.abs(np.clip(best.x - best.jac, low, high) - best.x).max())
    if not left <= FLAT:
        allowed = f"a search that ends where the gradient is below {FLAT:g} nats"
        where = f"{trials.source}, fit of {model.name!r}, gradient after {best.nit} iterations"
        raise RunError(message(where, left, allowed, "allow more iterations or starts"))
    errors = standard_errors(model, best.x, trials)
    estimates = tuple(
        Estimate(parameter, float(value), float(error), not parameter.low < value < parameter.high)
        for parameter, value, error in zip(model.parameters, best.x, errors, strict=True)
    )
    agreed = sum(float(end.fun) <= float(best.fun) + AGREE for end in ends)
    return Fit(model, estimates, float(best.fun), trials.n, seed, len(begins), agreed)
