"""The program of the native back end: arrays, and kernels over them in the order of a step. Data alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUANTIZED = "quantized"


@dataclass(frozen=True)
class Array:
    """An array of `size` numbers for each instance; or, with `values`, one that all instances share.

    `dtype` is NumPy's name of the type, or "real" for the precision of the session. `values` are shared constants.
    """

    dtype: str
    size: int
    values: NDArray[Any] | None = None


@dataclass(frozen=True)
class Operation:
    """A kernel (`module` is its text, or "fixed"; `name` in it), the arrays, integers and reals that it is given.

    Arrays that no `Array` describes belong to a window: input, and what is recorded.
    """

    module: str
    name: str
    arrays: tuple[str, ...]
    integers: tuple[int, ...]
    reals: tuple[float, ...]


@dataclass(frozen=True)
class Synapses:
    """How the synapses of a projection are stored: the number in the description of each, sorted by row and delay.

    `form`: "static" (weights never change), "lazy", "clocked", or `QUANTIZED` (in few bits). `eligibilities`: how many
    a synapse has.
    """

    order: NDArray[np.int64]
    form: str
    eligibilities: int
    rest: float


@dataclass(frozen=True)
class Program:
    """The `arrays` by name, the operations of a `step`, those that `read` weights by projection, and `synapses`."""

    arrays: dict[str, Array]
    step: tuple[Operation, ...]
    read: dict[str, Operation]
    synapses: dict[str, Synapses]
