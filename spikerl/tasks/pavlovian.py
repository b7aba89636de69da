"""Pavlovian conditioning: cues that nothing is chosen of, each alone or in compounds, and rewards of given sizes.

A block plays a design, as the field calls them: stages one after the other, each of some kinds of trials in random
order. The cues are A, B, X and Y, options 0 to 3; an omission is not announced. Designs: acquisition with omissions as
probes, and extinction (Pavlov 1927); blocking (Kamin 1969) with a compound of new cues as control; unblocking by a
laser that acts on dopamine (Steinberg et al. 2013) or by a larger reward; rewards of several sizes, after a cue and
without one (Eshel et al. 2015).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple, final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from spikerl.seeding import generator
from spikerl.tasks.base import Task, TaskFactory
from spikerl.tasks.blocks import NO_CHOICE, Block, Dictated
from spikerl.tasks.environment import BlockTask

CUES = "ABXY"
"""The cues in the order of the options; of a trial, the column ``cues`` adds 1, 2, 4, 8 for those that are shown."""

Size = Annotated[float, Field(ge=0, le=20)]


class PavlovianParameters(BaseModel):
    """The ``[task]`` table of Pavlovian conditioning.

    `design`: acquisition, extinction, blocking, unblocking or sizes (`stages`). `trials`: how often each kind of trial
    comes in a stage that teaches; `probes`: in one that probes. `size`: of a reward; `probability`: that it is given,
    where a stage teaches. `omission`: share of the probes of acquisition without the reward. `compound_size`: of the
    reward after the compound AX of unblocking, None for `size`; `laser`: whether the laser is on in its outcome.
    `sizes`: of rewards in the design of that name.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    design: Literal["acquisition", "extinction", "blocking", "unblocking", "sizes"] = "acquisition"
    trials: int = Field(default=60, ge=1, le=100_000)
    probes: int = Field(default=20, ge=1, le=100_000)
    size: Size = 1.0
    probability: float = Field(default=1.0, ge=0, le=1)
    omission: float = Field(default=0.25, ge=0, le=1)
    compound_size: Size | None = None
    laser: bool = True
    sizes: list[Size] = Field(default=[0.25, 0.5, 0.75, 1.0, 1.25, 1.5], min_length=1, max_length=32)


class Kind(NamedTuple):
    """A kind of trial: the `cues` shown, such as ``"AX"``, the `size` of the reward, and how `many` there are.

    A reward is given with `probability`; the `laser` is on in the outcome or not.
    """

    cues: str
    size: float
    many: int
    probability: float = 1.0
    laser: bool = False


def stages(p: PavlovianParameters) -> tuple[tuple[Kind, ...], ...]:
    """Return the stages of a design, each as its kinds of trials.

    Acquisition: A+, then A+ with a share of omissions. Extinction: A+, A-, and A+ again. Blocking: A+, then AX+ and
    BY+, then X- and Y-. Unblocking: A+ and B+, then AX+ with the laser, or a larger reward, and BY+ without, then X-
    and Y-. Sizes: A+ with all sizes, then these after A and without a cue.
    """

    def paid(cues: str, size: float = p.size, laser: bool = False) -> Kind:
        return Kind(cues, size, p.trials, p.probability, laser)

    unpaid = Kind("X", 0.0, p.probes), Kind("Y", 0.0, p.probes)
    if p.design == "acquisition":
        omitted = round(p.omission * p.probes)
        return (paid("A"),), (Kind("A", p.size, p.probes - omitted), Kind("A", p.size, omitted, 0.0))
    if p.design == "extinction":
        return (paid("A"),), (paid("A", 0.0),), (paid("A"),)
    if p.design == "blocking":
        return (paid("A"),), (paid("AX"), paid("BY")), unpaid
    if p.design == "unblocking":
        compound = p.size if p.compound_size is None else p.compound_size
        return (paid("A"), paid("B")), (paid("AX", compound, p.laser), paid("BY")), unpaid
    both = tuple(Kind(cues, size, p.probes) for cues in ("A", "") for size in p.sizes)
    return tuple(paid("A", size) for size in p.sizes), both


@final
class Pavlovian(BlockTask):
    """Pavlovian conditioning, one trial a step, one block an episode (see `spikerl.tasks.base.Task`).

    Nothing is chosen (`dictated`), and no feedback but the reward itself is heard. ``info["columns"]`` of a step has
    ``stage``, from 0; ``cues``, the sum of 1, 2, 4 and 8 for A, B, X and Y where they are shown; ``omitted``, 1 where
    the kind of trial pays and this one does not; ``laser``. `better`, `reversal` and `reversed` mean nothing. The
    order of kinds is drawn for each block and does not depend on sizes; rewards by their own stream.

    `parameters`: default ``PavlovianParameters()``; `seed`, `instance`: whole numbers that, with block and trial,
    decide every draw. Raises `DescriptionError`.
    """

    def __init__(self, parameters: PavlovianParameters | None = None, *, seed: int = 0, instance: int = 0) -> None:
        """Stand before block 0."""
        parameters = parameters or PavlovianParameters()
        designed = stages(parameters)
        kinds = [kind for stage in designed for kind in stage]
        first = np.cumsum([0, *(len(stage) for stage in designed)])
        stage_of = np.repeat(np.arange(len(designed)), [len(stage) for stage in designed])
        trials = sum(kind.many for kind in kinds)
        shown_by = np.array([[cue in kind.cues for cue in CUES] for kind in kinds])
        size, probability = np.array([kind.size for kind in kinds]), np.array([kind.probability for kind in kinds])

        def draw(seed: int, instance: int, block: int) -> Block:
            random = generator(seed, "task", "pavlovian", instance, block)
            played = np.concatenate(
                [
                    random.permutation(np.repeat(np.arange(low, high), [kind.many for kind in kinds[low:high]]))
                    for low, high in zip(first, first[1:], strict=False)
                ]
            )
            luck = generator(seed, "task", "pavlovian rewards", instance, block).random(trials)
            given = luck < probability[played]
            shown = shown_by[played]
            columns = {
                "stage": stage_of[played],
                "cues": shown @ (1 << np.arange(len(CUES))),
                "omitted": ((size[played] > 0) & ~given).astype(np.int64),
                "laser": np.array([kind.laser for kind in kinds], dtype=np.int64)[played],
            }
            return Block(
                parameters.design,
                np.where(shown, probability[played][:, None], 0.0),
                shown=shown,
                contingency=np.zeros(trials, dtype=np.int64),
                columns={name: np.broadcast_to(values[:, None], shown.shape) for name, values in columns.items()},
                rewards=np.broadcast_to(np.where(given, size[played], 0.0)[:, None], shown.shape),
                dictated=[Dictated(NO_CHOICE, feedback=False, laser=kinds[kind].laser) for kind in played],
            )

        super().__init__(draw, trials, len(CUES), seed, instance)


def _opener(parameters: PavlovianParameters, seed: int) -> Callable[[int], Task]:
    return lambda instance: Pavlovian(parameters, seed=seed, instance=instance)


task = TaskFactory("pavlovian", PavlovianParameters, _opener, "conditioning without a choice, by designs of stages")
