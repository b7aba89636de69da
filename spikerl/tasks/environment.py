"""The environment that every task of blocks is: it plays what is drawn, one trial a step, one block an episode."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any, NamedTuple, SupportsIndex, final

import gymnasium
import numpy as np
from gymnasium.spaces import Discrete, MultiBinary
from numpy.typing import NDArray

from spikerl.errors import DescriptionError, message
from spikerl.seeding import check_seed, uniforms
from spikerl.tasks.blocks import FREE, Block, Dictated, Draw

_NOT_STARTED = -1
_LARGEST = 2**31 - 1


class Outcome(NamedTuple):
    """What a step gives, in the order of `gymnasium.Env.step`."""

    observation: NDArray[np.int8]
    reward: float
    terminated: bool
    truncated: bool
    info: dict[str, Any]


class BlockTask(gymnasium.Env[NDArray[np.int8], np.int64]):
    """``reward = u(seed, instance, block, trial) < p[trial, action]`` (see `spikerl.tasks.base.Task`).

    Plays the blocks that `draw` gives to `instance`; a task derives from it and says, in its own ``__init__``, how
    blocks are drawn. `u` is one uniform number a trial, whatever the action: two tasks with one seed meet the same
    luck (common random numbers), and no number depends on the order of calls. A block that says what each option pays
    (`Block.rewards`) has no luck left. All blocks have shape [trials,
    options]. Raises `DescriptionError` for a bad seed, instance, block, action or state, and for a step past a
    block's end.
    """

    action_space: Discrete
    observation_space: MultiBinary

    def __init__(self, draw: Draw, trials: int, options: int, seed: int, instance: int) -> None:
        """Stand before block 0."""
        self._draw, self._trials, self._options = draw, trials, options
        self._seed = check_seed(seed)
        self._instance = _whole(instance, "instance", 0, _LARGEST)
        self._block, self._trial = _NOT_STARTED, trials
        self._played: Block | None = None
        self.action_space = Discrete(options)
        self.observation_space = MultiBinary(options)

    @final
    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.int8], dict[str, Any]]:
        """Begin a block: `options["block"]`, else block 0 after a new `seed`, else the next one."""
        super().reset(seed=seed)
        given = dict(options or {})
        block = given.pop("block", 0 if seed is not None else self._block + 1)
        if given:
            raise DescriptionError(message("reset options", sorted(given), "'block', a whole number"))
        block = _whole(block, "reset option 'block'", 0, _LARGEST)
        self._seed = self._seed if seed is None else check_seed(seed)
        self._enter(block, 0)
        return self._observation(), self._info(0)

    @final
    def step(self, action: np.int64) -> Outcome:
        """Play one trial of the chosen option; `info` describes it, `observation` shows the one that comes."""
        if self._played is None or self._trial >= self._trials:
            where = f"trial {self._trial} of block {self._block}"
            allowed = f"trials 0 to {self._trials - 1}"
            raise DescriptionError(message(where, action, allowed, "call reset() first"))
        choice = _whole(action, "action", 0, self._options - 1)
        dictated = self.dictated().choice
        if dictated >= 0 and choice != dictated:
            raise DescriptionError(message("action", choice, f"{dictated}, which this trial dictates"))
        trial = self._trial
        if self._played.rewards is not None:
            reward = float(self._played.rewards[trial, choice])
        else:
            u = uniforms(self._seed, ("task", "reward", self._instance, self._block), trial, 1, 1)[0, 0]
            reward = float(u < self._played.probabilities[trial, choice])
        self._trial += 1
        info = self._info(trial)
        if self._played.columns is not None:
            info["columns"] = {name: int(of[trial, choice]) for name, of in self._played.columns.items()}
        return Outcome(self._observation(), reward, self._trial == self._trials, False, info)

    @final
    def dictated(self) -> Dictated:
        """Return what the coming trial leaves to nobody's choice."""
        if self._played is None or self._played.dictated is None or self._trial >= self._trials:
            return Dictated(FREE)
        return self._played.dictated[self._trial]

    @final
    def state(self) -> dict[str, int]:
        """Return the complete state: seed, block and the trial that comes next (block -1: not begun)."""
        return {"seed": self._seed, "block": self._block, "trial": self._trial}

    @final
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
        if self._played is not None:  # once a block: each looks through all its trials
            self._better, self._reversed = self._played.better(), self._played.reversed()
            self._reversal = self._played.reversal()

    def _observation(self) -> NDArray[np.int8]:
        """Return which options the coming trial shows; none once the block has ended."""
        if self._trial < self._trials and self._played is not None and self._played.shown is not None:
            return self._played.shown[self._trial].astype(np.int8)
        return np.full(self._options, self._trial < self._trials, dtype=np.int8)

    def _info(self, trial: int) -> dict[str, Any]:
        assert self._played is not None
        better = int(self._better[trial])
        info: dict[str, Any] = {
            "block": self._block,
            "trial": trial,
            "schedule": self._played.schedule,
            "probabilities": tuple(float(p) for p in self._played.probabilities[trial]),
            "better": better,
            "reversal": self._reversal,
            "reversed": bool(self._reversed[trial]),
        }
        if self._played.recorded is not None:
            choice = int(self._played.recorded.choices[trial])
            info["recorded_block"] = self._played.recorded.number
            info["animal_choice"] = choice
            info["animal_better"] = int(choice == better)
        return info


def _whole(value: object, where: str, low: int, high: int) -> int:
    """Return `value` as an int from `low` to `high`; numpy's whole numbers count, bools do not."""
    allowed = f"a whole number from {low} to {high}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, SupportsIndex):
        raise DescriptionError(message(where, value, allowed))
    try:
        number = operator.index(value)
    except TypeError:  # as of an array, which has an index where it is one number alone
        raise DescriptionError(message(where, value, allowed)) from None
    if not low <= number <= high:
        raise DescriptionError(message(where, value, allowed))
    return number
