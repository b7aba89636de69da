"""Where to look next: a tree-structured Parzen estimator (Bergstra and others 2011), as optuna has it.

A search is a function of its seed and of what it was told: told the same again, it asks for the same again. So one that
was stopped goes on by being told what has been found, and nothing else of it is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from spikerl.errors import DescriptionError, MissingPackageError, message
from spikerl.fitting.ranges import Range
from spikerl.seeding import key

if TYPE_CHECKING:
    import optuna

RANDOM = 10
"""So many evaluations are drawn at random before the estimator has a say, and half of them before any is cut short."""


@final
class Search:
    """Asks for settings within `ranges`, and is told how far each was from the data; drawn by `seed`.

    Raises `MissingPackageError` where optuna is not installed.
    """

    def __init__(self, ranges: tuple[Range, ...], seed: int) -> None:
        """Begin a search that knows nothing."""
        try:
            import optuna
        except ImportError as error:
            allowed = f"nothing while {error.name or error} is missing"
            raise MissingPackageError(
                message("spikerl fit", "a search", allowed, "install it with: pip install 'spikerl[fit]'")
            ) from error
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        drawn = int(key(seed, "fitting", "search")[0] % 2**32)
        sampler = optuna.samplers.TPESampler(n_startup_trials=RANDOM, seed=drawn)
        pruner = optuna.pruners.MedianPruner(n_startup_trials=RANDOM // 2)
        self._study = optuna.create_study(direction="minimize", sampler=sampler, pruner=pruner)
        self._pruned = optuna.trial.TrialState.PRUNED
        self._ranges = ranges
        self._trial: optuna.trial.Trial | None = None

    def ask(self) -> dict[str, int | float | str]:
        """Return the settings that should be evaluated next, by key."""
        self._trial = self._study.ask()
        asked: dict[str, int | float | str] = {}
        for one in self._ranges:
            if one.whole:
                number: float = self._trial.suggest_int(one.key, int(one.low), int(one.high), log=one.log)
            else:
                number = self._trial.suggest_float(one.key, one.low, one.high, log=one.log)
            asked[one.key] = one.setting(number)
        return asked

    def hopeless(self, nll: float) -> bool:
        """Return whether what was asked for is worse, by a first part of the blocks, than the median of all before."""
        trial = self._asked()
        trial.report(nll, step=0)
        return trial.should_prune()

    def tell(self, nll: float | None) -> None:
        """Say how far what was asked for is from the data, None where that was cut short."""
        trial = self._asked()
        if nll is None:
            self._study.tell(trial, state=self._pruned)
        else:
            self._study.tell(trial, nll)
        self._trial = None

    def _asked(self) -> optuna.trial.Trial:
        if self._trial is None:
            raise DescriptionError(message("search", "nothing asked for", "an answer to what was asked for"))
        return self._trial
