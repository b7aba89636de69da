"""The reversal task: ``P(reward) = p[option, trial]``, and the better option changes once in a block.

Costa et al. 2016: blocks of 80 trials, two options, 100/0, 80/20, 70/30 or 60/40, one reversal on a random
trial from 30 to 50. Blocks are drawn so, or replayed from a CSV file of recorded ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from spikerl.errors import DescriptionError, message, nearest
from spikerl.seeding import generator
from spikerl.tasks.base import Task, TaskFactory
from spikerl.tasks.blocks import Block, Dictated, Draw, RecordedChoices
from spikerl.tasks.environment import BlockTask
from spikerl.tasks.recorded import Recording, read_recording
from spikerl.tasks.schedule import exchanged, probabilities, rivals
from spikerl.tasks.window import Window, check_window

_DRAWN_SCHEDULE = "80/20"


class ReversalParameters(BaseModel):
    """The ``[task]`` table of a reversal task.

    `schedule`: percentages of rewarded trials, the best option first; by default ``"80/20"``, and in a replay
    all recorded blocks, where it selects those of one schedule. `trials_per_block`: length of a block;
    recorded ones must have it. `reversal_window`: first and last trial (counted from 0) on which a drawn
    block may reverse, each equally likely; recorded blocks bring their own. `blocks`: path of a CSV file of
    recorded blocks, relative to the working folder; None draws them. `follow`: whether the circuit is led through the
    recorded choices and rewards, so that what it would have chosen (its votes) can be held against them.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    schedule: str | None = None
    trials_per_block: int = Field(default=80, ge=2, le=1_000_000)
    reversal_window: Window = (30, 50)
    blocks: str | None = Field(default=None, min_length=1)
    follow: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> ReversalParameters:
        if self.follow and self.blocks is None:
            raise DescriptionError(message("follow", self.follow, "false without blocks", "give task.blocks"))
        if self.blocks is not None:
            return self
        if self.schedule is not None:
            probabilities(self.schedule)
        check_window(self.reversal_window, self.trials_per_block)
        return self


@final
class Reversal(BlockTask):
    """The reversal task, one trial a step, one block an episode (see `spikerl.tasks.base.Task`).

    `parameters`: default ``ReversalParameters()``; `seed`, `instance`: whole numbers that, with block and
    trial, decide every draw; `recording`: the file `parameters.blocks` already read. In a replay of n blocks,
    instance i begins with the recorded block i modulo n and meets every other one before it meets one again.
    Raises `DescriptionError`, and `FileError` for a bad file of recorded blocks.
    """

    def __init__(
        self,
        parameters: ReversalParameters | None = None,
        *,
        seed: int = 0,
        instance: int = 0,
        recording: Recording | None = None,
    ) -> None:
        """Stand before block 0."""
        parameters = parameters or ReversalParameters()
        if parameters.blocks is None:
            schedule = parameters.schedule or _DRAWN_SCHEDULE
            options, draw = len(probabilities(schedule)), _drawn(parameters, schedule)
        else:
            recording = recording or read_recording(parameters.blocks)
            options, draw = recording.probabilities.shape[2], _replayed(parameters, recording)
        super().__init__(draw, parameters.trials_per_block, options, seed, instance)


def _drawn(parameters: ReversalParameters, schedule: str) -> Draw:
    """Draw the order of the options, the reversal, and the option that then changes places with the best."""
    chances = np.array(probabilities(schedule))
    first, last = parameters.reversal_window

    def draw(seed: int, instance: int, block: int) -> Block:
        random = generator(seed, "task", "reversal", instance, block)
        before = chances[random.permutation(chances.size)]
        reversal = int(random.integers(first, last, endpoint=True))
        after = exchanged(before, int(random.choice(rivals(before))))
        reversed_yet = np.arange(parameters.trials_per_block) >= reversal
        return Block(schedule, np.where(reversed_yet[:, None], after, before))

    return draw


def _replayed(parameters: ReversalParameters, recording: Recording) -> Draw:
    """Replay the selected recorded blocks."""
    trials = recording.probabilities.shape[1]
    if trials != parameters.trials_per_block:
        remedy = f"set task.trials_per_block = {trials}"
        allowed = f"{trials}, as in {parameters.blocks}"
        raise DescriptionError(message("trials_per_block", parameters.trials_per_block, allowed, remedy))
    wanted = parameters.schedule
    selected = [row for row, name in enumerate(recording.schedules) if wanted is None or name == wanted]
    if wanted is not None and not selected:
        allowed = f"a schedule that is recorded in {parameters.blocks}"
        remedy = nearest(wanted, set(recording.schedules))
        raise DescriptionError(message("schedule", wanted, allowed, remedy))
    stride = _stride(len(selected))

    def draw(seed: int, instance: int, block: int) -> Block:
        row = selected[(instance + block * stride) % len(selected)]
        animal = RecordedChoices(int(recording.numbers[row]), recording.choices[row])
        replayed = Block(recording.schedules[row], recording.probabilities[row], animal)
        if not parameters.follow:
            return replayed
        paid = np.broadcast_to(recording.rewards[row][:, None].astype(np.float64), replayed.probabilities.shape)
        return replayed._replace(rewards=paid, dictated=[Dictated(int(choice)) for choice in animal.choices])

    return draw


def _stride(count: int) -> int:
    """Return a step through `count` blocks that meets all of them and keeps neighbouring instances apart.

    The golden section of `count`, moved up until the two have no common divisor: with a step of 1, block 1 of
    instance 0 would be block 0 of instance 1, and a batch would see few of the recorded blocks, often.
    """
    stride = max(1, round(count * (math.sqrt(5.0) - 1.0) / 2.0))
    while math.gcd(stride, count) != 1:
        stride += 1
    return stride


def _opener(parameters: ReversalParameters, seed: int) -> Callable[[int], Task]:
    recording = None if parameters.blocks is None else read_recording(parameters.blocks)
    return lambda instance: Reversal(parameters, seed=seed, instance=instance, recording=recording)


task = TaskFactory("reversal", ReversalParameters, _opener, "the better option changes once in each block")
