"""What/where reversal: ``P(reward) = p[object]`` in a block of kind what, ``p[side]`` in one of kind where.

Two objects stand on two sides, drawn anew on each trial. In a block either an object pays more, wherever it stands, or
a side, whatever stands there; the animal is not told which. The better one changes once in a block. Rothenhoefer et al.
2017 (J Neurosci 37:6902): blocks of both kinds in random order; that a reversal comes from trial 30 to 50 of 80 is
taken from Costa et al. 2016.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, final

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from spikerl.errors import DescriptionError, message
from spikerl.seeding import generator
from spikerl.tasks.base import Task, TaskFactory
from spikerl.tasks.blocks import Block
from spikerl.tasks.environment import BlockTask
from spikerl.tasks.schedule import Schedule, probabilities
from spikerl.tasks.window import Window, check_window

KINDS = ("what", "where")
_OBJECTS = _SIDES = 2


def _two(schedule: str) -> str:
    if len(probabilities(schedule)) != _OBJECTS:
        raise DescriptionError(message("schedule", schedule, "2 percentages, such as '80/20'"))
    return schedule


class WhatWhereParameters(BaseModel):
    """The ``[task]`` table of what/where reversal.

    `schedule`: percentages of rewarded trials, of the better object or side and of the other. `kind`: ``"what"`` or
    ``"where"`` for blocks of that kind alone, ``"both"`` to draw one for each block, each equally likely.
    `trials_per_block`: length of a block. `reversal_window`: first and last trial (counted from 0) on which it may
    reverse, each equally likely.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    schedule: Annotated[Schedule, AfterValidator(_two)] = "80/20"
    kind: Literal["both", "what", "where"] = "both"
    trials_per_block: int = Field(default=80, ge=2, le=1_000_000)
    reversal_window: Window = (30, 50)

    @model_validator(mode="after")
    def _consistent(self) -> WhatWhereParameters:
        check_window(self.reversal_window, self.trials_per_block)
        return self


@final
class WhatWhere(BlockTask):
    """What/where reversal, one trial a step, one block an episode (see `spikerl.tasks.base.Task`).

    An option is an object on a side, ``option = 2 object + side``, side 0 the left: four options and four actions, of
    which a trial shows the two that are there, {0, 3} or {1, 2}. So a circuit sees both what and where, and a chosen
    option says both. A circuit that chooses one that is not shown gets no reward. `better` is the option that pays
    most of those shown; it moves from trial to trial with the objects, so `reversal` and `reversed` count from the
    change of the better object or side. ``info["columns"]`` of a step has ``object`` and ``side`` of the chosen
    option, ``shown``, 0 where it was not there, and ``kind``, an index of `KINDS`. Kinds, reversals and places do not
    depend on the schedule, places on no parameter.

    `parameters`: default ``WhatWhereParameters()``; `seed`, `instance`: whole numbers that, with block and trial,
    decide every draw. Raises `DescriptionError`.
    """

    def __init__(
        self, parameters: WhatWhereParameters | None = None, *, seed: int = 0, instance: int = 0
    ) -> None:
        """Stand before block 0."""
        parameters = parameters or WhatWhereParameters()
        high, low = probabilities(parameters.schedule)
        trials = parameters.trials_per_block
        object_of, side_of = np.divmod(np.arange(_OBJECTS * _SIDES), _SIDES)

        def draw(seed: int, instance: int, block: int) -> Block:
            random = generator(seed, "task", "what_where", instance, block)
            drawn, first_better = int(random.integers(len(KINDS))), int(random.integers(_OBJECTS))
            reversal = int(random.integers(*parameters.reversal_window, endpoint=True))
            # The object on the left, from a stream of its own: how much the window draws depends on the window.
            left = generator(seed, "task", "what_where places", instance, block).integers(_OBJECTS, size=trials)
            kind = drawn if parameters.kind == "both" else KINDS.index(parameters.kind)
            better = np.where(np.arange(trials) >= reversal, 1 - first_better, first_better)
            shown = (object_of == left[:, None]) == (side_of == 0)
            pays = (object_of, side_of)[kind] == better[:, None]
            columns = {"object": object_of, "side": side_of, "shown": shown.astype(np.int64), "kind": np.array(kind)}
            return Block(
                parameters.schedule,
                np.where(shown, np.where(pays, high, low), 0.0),
                shown=shown,
                contingency=better,
                columns={name: np.broadcast_to(values, shown.shape) for name, values in columns.items()},
            )

        super().__init__(draw, trials, _OBJECTS * _SIDES, seed, instance)


def _opener(parameters: WhatWhereParameters, seed: int) -> Callable[[int], Task]:
    return lambda instance: WhatWhere(parameters, seed=seed, instance=instance)


task = TaskFactory("what_where", WhatWhereParameters, _opener, "an object pays more, or a side; one reversal a block")
