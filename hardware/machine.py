"""What runs a fixed-point program, the emulator or Lava: windows of integers in, integers out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
MachineState = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class FixedWindow:
    """What a program hears in `steps` steps.

    `messages` of each input, [steps, batch, neuron]: 0 or 1, or numbers up to its message bits. `held`: values of
    signals that are held in this window, [steps, batch], and of given third factors, [steps, batch, neuron], each in
    -128 to 127.
    """

    steps: int
    messages: Mapping[str, Integers]
    held: Mapping[str, Integers] = field(default_factory=dict)


@dataclass(frozen=True)
class FixedRun:
    """What happened in a window: of every population of neurons its `spikes`, bool [steps, batch, neuron].

    `u` and `v` at the end of each step, of the populations that were watched, int64 of the same shape, and the
    `offsets` of those among them that have one; `signals`, the values used in each step, int64 [steps,
    batch]; given third factors are not among them.
    """

    spikes: dict[str, NDArray[np.bool_]]
    u: dict[str, Integers]
    v: dict[str, Integers]
    signals: dict[str, Integers]
    offsets: dict[str, Integers] = field(default_factory=dict)


@dataclass(frozen=True)
class Learned:
    """The state of a connection at the end of a window, int64: `weight` and `tag` [batch, synapse].

    `x` [2, batch, pre] and `y` [3, batch, post] are its traces; static connections have none, and a tag of zeros.
    """

    weight: Integers
    tag: Integers
    x: Integers
    y: Integers


class Machine(Protocol):
    """A running program of `batch` instances, in lockstep."""

    def run(self, window: FixedWindow, watched: tuple[str, ...] = ()) -> FixedRun:
        """Run the window, and return u and v of the populations `watched`."""
        ...

    def learned(self, connection: str) -> Learned:
        """Return what `connection` holds now."""
        ...

    def close(self) -> None:
        """Free what is held."""
        ...
