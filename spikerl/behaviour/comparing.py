"""Which model foresees choices it was not fitted to? Held-out likelihoods on the same halves, paired by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikerl.behaviour.fitting import Fit, fit_all
from spikerl.behaviour.models import LADDER, ChoiceModel
from spikerl.behaviour.splitting import SPLITS, Split, halves
from spikerl.behaviour.trials import Trials
from spikerl.errors import DescriptionError, message


@dataclass(frozen=True, eq=False)
class Comparison:
    """Fits of `models` to the training half of each split, and how they do on its test half.

    `fits` are one tuple a split, in the order of `models`. `held_out` [splits, models, blocks] is the negative log
    likelihood of a block in nats per trial, NaN where the block was fitted. Splits share blocks: take intervals over
    blocks (`by_block`), not over splits.
    """

    models: tuple[ChoiceModel, ...]
    splits: tuple[Split, ...]
    fits: tuple[tuple[Fit, ...], ...]
    held_out: NDArray[np.float64]

    def test(self) -> NDArray[np.float64]:
        """Return the mean over the test half of each split, in nats per trial, shape [splits, models]."""
        return np.nanmean(self.held_out, axis=2)

    def train(self) -> NDArray[np.float64]:
        """Return the same over the half that was fitted, shape [splits, models]."""
        return np.array([[found.nll for found in row] for row in self.fits])

    def by_block(self) -> NDArray[np.float64]:
        """Return each block's mean over the splits that tested it, shape [models, blocks]; NaN where none did."""
        tested = np.isfinite(self.held_out)
        with np.errstate(invalid="ignore"):
            return np.where(tested, self.held_out, 0.0).sum(axis=0) / tested.sum(axis=0)


def compare(
    trials: Trials,
    seed: int,
    models: tuple[ChoiceModel, ...] = LADDER,
    splits: int = SPLITS,
    starts: int = 4,
) -> Comparison:
    """Fit every model to half of the blocks and test it on the other half, `splits` times, halves drawn by `seed`.

    Defaults: the four models of `LADDER`, 10 splits, 4 starts of `fit_all`.

    Raises what `fit_all` and `halves` raise, and `DescriptionError` for no model or one named twice.
    """
    if not models or len(set(models)) != len(models):
        named = [model.name for model in models]
        raise DescriptionError(message("models to compare", named, "at least one, each once"))
    cuts = halves(trials.blocks, seed, splits)
    held_out = np.full((splits, len(models), trials.blocks), np.nan)
    rows = []
    for k, cut in enumerate(cuts):
        train, test = trials.take(cut.train), trials.take(cut.test)
        rows.append(fit_all(models, train, seed, starts))
        for position, found in enumerate(rows[-1]):
            held_out[k, position, cut.test] = found.on(test)
    held_out.setflags(write=False)
    return Comparison(models, cuts, tuple(rows), held_out)
