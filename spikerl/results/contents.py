"""What one results file holds: its tables, and in each table columns of one length that only ever grow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spikerl.errors import DescriptionError, message, nearest
from spikerl.results.hdf5 import NAME, TEXT

WHOLE, REAL = "<i8", "<f8"
INDEX = "<i4"
_LARGEST_TEXT = 64


class Column(NamedTuple):
    """A trial column: unit (``"1"`` for none) and `dtype`: ``"<i8"``, ``"<f8"``, or text, ``"S16"``."""

    units: str = "1"
    dtype: str = WHOLE


class Synapses(NamedTuple):
    """The synapses of a projection: the unit of their weights, and `pre` and `post` index, each [synapse]."""

    units: str
    pre: NDArray[np.integer]
    post: NDArray[np.integer]


class Field(NamedTuple):
    """How one growing column is stored: type, shape of one row, unit."""

    dtype: str
    shape: tuple[int, ...]
    units: str


REQUIRED_COLUMNS: tuple[tuple[str, Column], ...] = (
    ("instance", Column()),
    ("block", Column()),
    ("trial", Column()),
    ("choice", Column()),
    ("reward", Column(dtype=REAL)),
    ("better", Column()),
)


@dataclass(frozen=True)
class Contents:
    """What a run records, declared before it begins, so that equal runs give equal files.

    `dt`: step in seconds. `instances`: independent instances. `trials`: columns beside the required ones
    (`instance`, `block`, `trial`, `choice`, `reward`, `better`). `spikes`: neurons of each recorded
    population. `weights`: the synapses of each recorded projection. `modulators`: the unit of each recorded
    modulator. Raises `DescriptionError`.
    """

    dt: float
    instances: int
    trials: Mapping[str, Column] = field(default_factory=dict)
    spikes: Mapping[str, int] = field(default_factory=dict)
    weights: Mapping[str, Synapses] = field(default_factory=dict)
    modulators: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Add the required columns, and refuse what a file could not hold."""
        if not (math.isfinite(self.dt) and self.dt > 0.0):
            raise DescriptionError(message("Contents.dt", self.dt, "seconds above zero"))
        if not 1 <= self.instances < 2**31:
            raise DescriptionError(message("Contents.instances", self.instances, "1 or more"))
        for name, column in REQUIRED_COLUMNS:
            if self.trials.get(name, column) != column:
                raise DescriptionError(message(f"Contents.trials[{name!r}]", self.trials[name], repr(column)))
        object.__setattr__(self, "trials", {**dict(REQUIRED_COLUMNS), **self.trials})
        for name, column in self.trials.items():
            if column.dtype not in (WHOLE, REAL, *(f"S{size}" for size in range(1, _LARGEST_TEXT + 1))):
                allowed = f"'{WHOLE}', '{REAL}', or text from 'S1' to 'S{_LARGEST_TEXT}'"
                raise DescriptionError(message(f"Contents.trials[{name!r}].dtype", column.dtype, allowed))
        for name, neurons in self.spikes.items():
            if not 1 <= neurons < 2**31:
                raise DescriptionError(message(f"Contents.spikes[{name!r}]", neurons, "1 neuron or more"))
        for name, synapses in self.weights.items():
            if synapses.pre.ndim != 1 or synapses.pre.shape != synapses.post.shape:
                shapes = (synapses.pre.shape, synapses.post.shape)
                allowed = "pre and post of one shape [synapse]"
                raise DescriptionError(message(f"Contents.weights[{name!r}]", shapes, allowed))
        units = [column.units for column in self.trials.values()] + [s.units for s in self.weights.values()]
        for unit in (*units, *self.modulators.values()):
            if not TEXT.match(unit):
                raise DescriptionError(message("Contents, unit", unit, "1 to 256 printable ASCII characters"))
        for name in (*self.trials, *self.spikes, *self.weights, *self.modulators):
            if not NAME.match(name):
                allowed = "1 to 64 printable ASCII characters without / and blanks"
                raise DescriptionError(message("Contents, name", name, allowed))

    def tables(self) -> dict[str, dict[str, Field]]:
        """Return the growing columns of each table; the key is the table's group in the file."""
        step = Field(WHOLE, (), "step")
        tables = {"trials": {name: Field(c.dtype, (), c.units) for name, c in sorted(self.trials.items())}}
        for name in sorted(self.spikes):
            index = Field(INDEX, (), "1")
            tables[f"spikes/{name}"] = {"step": step, "instance": index, "neuron": index}
        for name, synapses in sorted(self.weights.items()):
            value = Field(REAL, (self.instances, synapses.pre.size), synapses.units)
            tables[f"weights/{name}"] = {"step": step, "value": value}
        if self.modulators:
            row = {name: Field(REAL, (self.instances,), units) for name, units in sorted(self.modulators.items())}
            tables["modulators"] = row
        return tables


Tables = Mapping[str, Mapping[str, NDArray]]
"""The values of all tables: group, column, array [row, ...]."""


def rows(table: Mapping[str, NDArray]) -> int:
    """Return the number of rows that the columns of a table have."""
    return len(next(iter(table.values())))


def stored(contents: Contents, given: Mapping[str, Mapping[str, ArrayLike]], where: str) -> Tables:
    """Return `given` in the types of the columns of `contents`.

    Raises `DescriptionError`, beginning with `where`, for a table or column that was not declared and for a
    value that the column's type cannot hold.
    """
    declared = contents.tables()
    tables: dict[str, dict[str, NDArray]] = {}
    for path, columns in given.items():
        if path not in declared:
            raise DescriptionError(
                message(where, path, "what was declared to be recorded", nearest(path, declared))
            )
        tables[path] = {}
        for name, values in columns.items():
            if name not in declared[path]:
                remedy = nearest(name, declared[path])
                raise DescriptionError(
                    message(f"{where}, {path}", name, "a column that was declared", remedy)
                )
            tables[path][name] = _cast(
                values, np.dtype(declared[path][name].dtype), f"{where}, {path}/{name}"
            )
    return tables


def _cast(values: ArrayLike, dtype: np.dtype, where: str) -> NDArray:
    """Return `values` as `dtype`, a fresh array, refusing what would be cut, rounded or wrapped around."""
    array = np.asarray(values)
    from_kinds = {"i": "biu", "f": "biuf", "S": "US"}[dtype.kind]
    if not array.size and array.dtype == np.float64:  # what NumPy makes of an empty list
        array = array.astype(dtype)
    if array.dtype.kind not in from_kinds:
        raise DescriptionError(message(where, array.dtype.name, f"values that {dtype.str} can hold"))
    if array.dtype.kind == "U":
        try:
            array = np.char.encode(array, "ascii")
        except UnicodeEncodeError as error:
            raise DescriptionError(message(where, str(error), "ASCII text")) from error
    cast: NDArray = array.astype(dtype)
    if dtype.kind != "f" and not np.array_equal(cast, array):
        lost = array[cast != array].ravel()[0]
        raise DescriptionError(message(where, lost, f"values that {dtype.str} can hold"))
    return cast


def check(contents: Contents, tables: Tables, where: str) -> None:
    """Hold `tables`, all of `contents` or some, to their columns, types, shapes, and ranges of indices.

    Raises `DescriptionError`, beginning with `where`.
    """
    declared = contents.tables()
    for path, table in tables.items():
        fields = declared[path]
        if set(table) != set(fields):
            raise DescriptionError(
                message(f"{where}, {path}, columns", sorted(table), ", ".join(sorted(fields)))
            )
        for name, field_ in fields.items():
            array = table[name]
            if array.dtype != np.dtype(field_.dtype) or array.ndim == 0 or array.shape[1:] != field_.shape:
                got = f"{array.dtype.str} {list(array.shape)}"
                allowed = f"{field_.dtype} [row{''.join(f', {size}' for size in field_.shape)}]"
                raise DescriptionError(message(f"{where}, {path}/{name}", got, allowed))
        lengths = {name: len(array) for name, array in table.items()}
        if len(set(lengths.values())) != 1:
            raise DescriptionError(message(f"{where}, {path}, rows", lengths, "columns of one length"))
        group, _, member = path.partition("/")
        sizes = {"trials": {"instance": contents.instances}}.get(group, {})
        if group == "spikes":
            sizes = {"instance": contents.instances, "neuron": contents.spikes[member]}
        for name, size in sizes.items():
            array = table[name]
            if array.size and not 0 <= array.min() <= array.max() < size:
                got = f"{array.min()} to {array.max()}"
                raise DescriptionError(message(f"{where}, {path}/{name}", got, f"0 to {size - 1}"))
