"""What a plan is lowered to: the equation strings, statements and constants that Brian2 is given, as plain data.

Populations of one kind share a group, projections of one kind share a `Synapses` object: Brian2 pays for every piece
of code in every step, whatever its size. Neuron i of instance k of a population stands at
``start + k * size + i`` of its group, where the populations follow one another; synapses likewise.

The step, in Brian2's slots: ``start`` modulators take their values; ``groups`` neurons integrate, traces decay;
``thresholds``; ``resets`` voltages, traces and counts jump; ``after_resets`` what is done for every synapse;
``end`` what spikes do to synapses, arrivals at the next step, and the filters of modulators.
"""

from __future__ import annotations

from dataclasses import dataclass

INFINITE = 1.7976931348623157e308
"""Stands for infinity in bounds, since a literal inf is no C++; the largest number of float64."""


@dataclass(frozen=True)
class Constants:
    """Numbers of the statements: `shared` by all members of a group, `varying` with one number for each member."""

    shared: dict[str, float]
    varying: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class GroupProgram:
    """A ``NeuronGroup``: `variables` of every neuron, its `update`, `threshold` and `reset`.

    `counted`: the modulators that count spikes of a member, and which member.
    """

    name: str
    populations: tuple[str, ...]
    variables: tuple[str, ...]
    update: tuple[str, ...]
    threshold: str
    reset: tuple[str, ...]
    constants: Constants
    counted: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class PathwayProgram:
    """What a spike does to the synapses of its neuron: at once, or, if `delayed`, a step less than its delay later."""

    name: str
    side: str
    delayed: bool
    order: int
    code: tuple[str, ...]


@dataclass(frozen=True)
class SynapseProgram:
    """A ``Synapses`` object between two groups: `every_step` runs for all synapses, pathways for those with a spike.

    `modulators`: the global ones that its statements read.
    """

    name: str
    source: str
    target: str
    projections: tuple[str, ...]
    variables: tuple[str, ...]
    every_step: tuple[str, ...]
    pathways: tuple[PathwayProgram, ...]
    constants: Constants
    modulators: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModulatorProgram:
    """The group of all global modulators, one element an instance: the value before the step, the filter after it."""

    modulators: tuple[str, ...]
    variables: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    constants: Constants


@dataclass(frozen=True)
class Program:
    """The whole network at step length `dt` (s)."""

    dt: float
    groups: tuple[GroupProgram, ...]
    synapses: tuple[SynapseProgram, ...]
    modulators: ModulatorProgram | None
