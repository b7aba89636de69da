"""``z = argmin_z mean_i (mean_m |tau_i - 1[z_m <= e_i]| (z_m - e_i))^2``: the rewards that cells expect together.

Each cell i says that e_i is the tau_i-th expectile; z are samples of a distribution of which that is as true as can
be of all cells at once (imputation: Rowland et al. 2019; decoding: Dabney et al. 2020). The equations are fewer than
the samples, so that the answer leans on where the search starts: uniform between the least and the largest reward.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.stats import wasserstein_distance

from spikerl.distributional.checking import alike, asymmetries, numbers
from spikerl.errors import DescriptionError, message
from spikerl.seeding import check_seed, generator
from spikerl.units import finite_number, whole_number

SAMPLES = 100
STARTS = 10
CANDIDATES = 1000
MOST = 100_000


@dataclass(frozen=True, eq=False)
class Decoded:
    """What was decoded: `samples` [start, sample], rising in each row, and `loss` [start], that each search reached.

    In the unit of the reversal points; the loss in its square. `pooled` is the decoded distribution.
    """

    samples: NDArray[np.float64]
    loss: NDArray[np.float64]

    @property
    def pooled(self) -> NDArray[np.float64]:
        """The samples of all starts together, rising."""
        return np.sort(self.samples, axis=None)

    def distance(self, values: ArrayLike, weights: ArrayLike | None = None) -> float:
        """``integral |F(x) - G(x)| dx``: return the Wasserstein-1 distance to a distribution, in the samples' unit.

        `values` [value] are samples, or with `weights` [value] a discrete distribution.
        """
        true = numbers(values, "values")
        mass = None if weights is None else alike(weights, len(true), "weights", "value")
        if mass is not None and ((mass < 0.0).any() or not mass.any()):
            raise DescriptionError(message("weights", weights, "numbers of 0 or more, not all 0"))
        return float(wasserstein_distance(self.pooled, true, v_weights=mass))


def decode(
    tau: ArrayLike,
    reversal: ArrayLike,
    low: float,
    high: float,
    seed: int,
    samples: int = SAMPLES,
    starts: int = STARTS,
    candidates: int = CANDIDATES,
) -> Decoded:
    """``argmin_z mean_i g_i(z)^2`` with ``low <= z <= high``; g_i is the gradient of cell i's expectile loss.

    `tau` and `reversal` are [cell], the latter in the unit of the rewards, between whose least and largest, `low` and
    `high`, the samples lie. Each of `starts` searches (L-BFGS-B, exact gradient) begins at the best of `candidates`
    uniform draws by `seed`. Cells without asymmetry or reversal point are left out, and counted, before
    (`Halves.pairs`, `Reversals.usable`).

    Defaults: 100 samples, 10 starts, 1000 candidates. Raises `DescriptionError` for cells that do not pair, tau not
    between 0 and 1, bounds that do not rise, and a bad seed or number.
    """
    points = numbers(reversal, "reversal points")
    asked = asymmetries(alike(tau, len(points), "tau", "reversal point"))
    least, most = finite_number(low, "low"), finite_number(high, "high")
    if not least < most:
        raise DescriptionError(message("low and high", (low, high), "the least reward, then a larger one"))
    check_seed(seed)
    size = whole_number(samples, 1, MOST, "samples")
    searches = whole_number(starts, 1, MOST, "starts")
    tried = whole_number(candidates, 1, MOST, "candidates")
    # In units of the range, so that the tolerances mean the same for litres and for microlitres.
    span = most - least
    points = (points - least) / span
    found, losses = [], []
    for k in range(searches):
        draws = generator(seed, "distributional", "decode", k).random((tried, size))
        begin = draws[np.argmin([_loss(draw, points, asked)[0] for draw in draws])]
        ended = minimize(
            _loss, begin, (points, asked), "L-BFGS-B", jac=True, bounds=[(0.0, 1.0)] * size,
            options={"maxiter": 2000, "ftol": 1e-12, "gtol": 1e-10},
        )  # fmt: skip
        found.append(np.clip(least + span * np.sort(ended.x), least, most))
        losses.append(ended.fun * span**2)
    return Decoded(np.array(found), np.array(losses))


def shuffled(tau: ArrayLike, seed: int, permutations: int) -> NDArray[np.float64]:
    """Return the control: `tau` [cell] permuted over cells, shape [permutation, cell], drawn by `seed`.

    Reversal points and asymmetries keep their distributions and lose their pairing. Raises `DescriptionError` for tau
    not between 0 and 1, fewer than two cells, and a bad seed or number.
    """
    asked = asymmetries(numbers(tau, "tau"))
    if len(asked) < 2:
        raise DescriptionError(message("tau", asked, "two cells or more", "one cell alone cannot be shuffled"))
    count = whole_number(permutations, 1, MOST, "permutations")
    check_seed(seed)
    return np.array([generator(seed, "distributional", "shuffle", k).permutation(asked) for k in range(count)])


def _loss(
    z: NDArray[np.float64], points: NDArray[np.float64], tau: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return the loss and its gradient to the samples."""
    error = z[None, :] - points[:, None]
    weight = np.where(error > 0.0, tau[:, None], 1.0 - tau[:, None])
    unbalanced = (weight * error).mean(axis=1)
    return float(np.square(unbalanced).mean()), 2.0 * (unbalanced @ weight) / (len(points) * len(z))
