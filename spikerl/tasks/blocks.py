"""Blocks of trials: who pays how often on each trial, and the playing of them one trial a step."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from spikerl.errors import DescriptionError, message
from spikerl.seeding import check_seed, uniforms

NO_REVERSAL = -1
_NOT_STARTED = -1
_LARGEST = 2**31 - 1


class RecordedChoices(NamedTuple):
    """What an animal did: the block's `number` in the file, and the `choices` (options), shape [trials]."""

    number: int
    choices: NDArray[np.int64]


class Block(NamedTuple):
    """One block: ``P(reward | trial, option) = probabilities[trial, option]``.

    `schedule` is its name, such as ``"80/20"``; `probabilities` has shape [trials, options]; `recorded` is
    what an animal did in it, None where the block was drawn.
    """

    schedule: str
    probabilities: NDArray[np.float64]
    recorded: RecordedChoices | None = None

    def better(self) -> NDArray[np.int64]:
        """Return the option that pays most often on each trial, shape [trials]."""
        return self.probabilities.argmax(axis=1)

    def reversal(self) -> int:
        """Return the first trial on which the better option is not that of trial 0, or `NO_REVERSAL`."""
        better = self.better()
        moved = np.flatnonzero(better != better[0])
        return int(moved[0]) if moved.size else NO_REVERSAL


Draw = Callable[[int, int, int], Block]
"""``draw(seed, instance, block)``: a pure function that gives one block."""


class Outcome(NamedTuple):
    """What a step gives, in the order of `gymnasium.Env.step`."""

    observation: NDArray[np.int8]
    reward: float
    terminated: bool
    truncated: bool
    info: dict[str, Any]


@final
class BlockPlayer:
    """``reward = u(seed, instance, block, trial) < p[trial, action]``.

    Plays the blocks that `draw` gives to `instance`. `u` is one uniform number a trial, whatever the action:
    two players with one seed meet the same luck (common random numbers), and no number depends on the order
    of calls. All blocks have shape [trials, options]. Raises `DescriptionError` for a bad seed, instance,
    block, action or state, and for a step past a block's end.
    """

    def __init__(self, draw: Draw, trials: int, options: int, seed: int, instance: int) -> None:
        """Stand before block 0."""
        self._draw, self._trials, self._options = draw, trials, options
        self._seed = check_seed(seed)
        self._instance = _whole(instance, "instance", 0, _LARGEST)
        self._block, self._trial = _NOT_STARTED, trials
        self._played: Block | None = None

    def reset(
        self, seed: int | None, options: Mapping[str, Any] | None
    ) -> tuple[NDArray[np.int8], dict[str, Any]]:
        """Begin a block: `options["block"]`, else block 0 after a new seed, else the next one."""
        given = dict(options or {})
        block = given.pop("block", 0 if seed is not None else self._block + 1)
        if given:
            raise DescriptionError(message("reset options", sorted(given), "'block', a whole number"))
        block = _whole(block, "reset option 'block'", 0, _LARGEST)
        self._seed = self._seed if seed is None else check_seed(seed)
        self._enter(block, 0)
        return self._observation(), self._info(0)

    def step(self, action: object) -> Outcome:
        """Play one trial; `info` describes the trial that was played, `observation` the one that comes."""
        if self._played is None or self._trial >= self._trials:
            where = f"trial {self._trial} of block {self._block}"
            allowed = f"trials 0 to {self._trials - 1}"
            raise DescriptionError(message(where, action, allowed, "call reset() first"))
        choice = _whole(action, "action", 0, self._options - 1)
        trial = self._trial
        u = uniforms(self._seed, ("task", "reward", self._instance, self._block), trial, 1, 1)[0, 0]
        reward = float(u < self._played.probabilities[trial, choice])
        self._trial += 1
        return Outcome(self._observation(), reward, self._trial == self._trials, False, self._info(trial))

    def state(self) -> dict[str, int]:
        """Return the complete state: seed, block and the trial that comes next (block -1: not begun)."""
        return {"seed": self._seed, "block": self._block, "trial": self._trial}

    def restore(self, state: Mapping[str, int]) -> None:
        """Go to a state that `state` returned."""
        if set(state) != {"seed", "block", "trial"}:
            raise DescriptionError(message("task state", sorted(state), "the keys block, seed, trial"))
        self._seed = check_seed(state["seed"], "task state 'seed'")
        block = _whole(state["block"], "task state 'block'", _NOT_STARTED, _LARGEST)
        self._enter(block, _whole(state["trial"], "task state 'trial'", 0, self._trials))

    def _enter(self, block: int, trial: int) -> None:
        self._block, self._trial = block, trial
        self._played = None if block == _NOT_STARTED else self._draw(self._seed, self._instance, block)

    def _observation(self) -> NDArray[np.int8]:
        """Every option is shown before a trial, none once the block has ended."""
        return np.full(self._options, self._trial < self._trials, dtype=np.int8)

    def _info(self, trial: int) -> dict[str, Any]:
        assert self._played is not None
        better = self._played.better()
        info: dict[str, Any] = {
            "block": self._block,
            "trial": trial,
            "schedule": self._played.schedule,
            "probabilities": tuple(float(p) for p in self._played.probabilities[trial]),
            "better": int(better[trial]),
            "reversal": self._played.reversal(),
            "reversed": bool(better[trial] != better[0]),
        }
        if self._played.recorded is not None:
            choice = int(self._played.recorded.choices[trial])
            info["recorded_block"] = self._played.recorded.number
            info["animal_choice"] = choice
            info["animal_better"] = int(choice == better[trial])
        return info


def _whole(value: object, where: str, low: int, high: int) -> int:
    """Return `value` as an int from `low` to `high`; numpy's whole numbers count, bools do not."""
    allowed = f"a whole number from {low} to {high}"
    if isinstance(value, (bool, np.bool_)):
        raise DescriptionError(message(where, value, allowed))
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # what has no index is the error below
    except TypeError:
        raise DescriptionError(message(where, value, allowed)) from None
    if not low <= number <= high:
        raise DescriptionError(message(where, value, allowed))
    return number
