"""What was learned? The mean weight of each option's synapses over the trials of a block, one projection at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.analysis.blocks import blocks, column, option_count
from spikerl.analysis.intervals import Band, band_over_blocks
from spikerl.analysis.timing import timing
from spikerl.errors import FileError, message, nearest
from spikerl.results import Results

ROLES = ("better at first", "better after the reversal", "other")


class WeightCourse(NamedTuple):
    """The mean weight of a projection's synapses by the `roles` of their option.

    `receptor` is ``"D1"``, ``"D2"`` or ``""``; `trial` [k] in the block from 0; bands are over blocks, in `unit`.
    """

    projection: str
    receptor: str
    unit: str
    trial: NDArray[np.int64]
    roles: dict[str, Band]


def course(results: Results, projection: str) -> WeightCourse:
    """Return the mean weight at the end of each trial by the role of the option that the pre-synaptic neuron codes.

    Pre-synaptic neurons code the options in equal groups, in order. An option is ``better at first``, ``better after
    the reversal``, or ``other``: options are drawn anew in each block, their roles are not. Raises `FileError` where
    the weights were not recorded.
    """
    if projection not in results.weights:
        remedy = nearest(projection, results.weights) if results.weights else "set record.weights"
        raise FileError(message("recorded weights", projection, "a projection that was recorded", remedy))
    weights, laid, options = results.weights[projection], blocks(results), option_count(results)
    # A weight is read at the end of a trial, whose last step or whose following step may be noted with it.
    number = timing(results).trial(weights.step - 1)
    role = roles(laid.table(column(results, "better_option")), options)
    group = _groups(weights.pre, options)
    tables = np.full((len(ROLES), *laid.row.shape), np.nan)
    block_of, trial_of = _places(laid.row, column(results, "trial").size)
    for time in np.flatnonzero((number >= 0) & (number < laid.sequence.shape[1])):
        rows = laid.sequence[:, number[time]]
        playing = np.flatnonzero(rows >= 0)
        block, trial = block_of[rows[playing]], trial_of[rows[playing]]
        value = weights.value[time, playing]
        for kind in range(len(ROLES)):
            mine = role[block][:, group] == kind
            count = mine.sum(axis=1)
            with np.errstate(invalid="ignore"):
                tables[kind, block, trial] = np.where(mine, value, 0.0).sum(axis=1) / count
    shown = np.isfinite(tables).any(axis=(0, 1))
    if not shown.any():
        raise FileError(message(f"weights of {projection!r}", "none", "the end of a trial", "set record.weights"))
    bands = {
        name: band_over_blocks(table[:, shown])
        for name, table in zip(ROLES, tables, strict=True)
        if np.isfinite(table).any()
    }
    unit = results.contents.weights[projection].units
    return WeightCourse(projection, receptor(projection), unit, np.flatnonzero(shown), bands)


def receptor(projection: str) -> str:
    """Return ``"D1"`` or ``"D2"`` where the name of a projection ends so, else ``""``."""
    ending = projection[-2:].upper()
    return ending if ending in ("D1", "D2") else ""


def _groups(pre: NDArray[np.integer], options: int) -> NDArray[np.int64]:
    """Return the option that each synapse's pre-synaptic neuron codes, [synapse]."""
    size = -(-(int(pre.max(initial=0)) + 1) // options)
    groups: NDArray[np.int64] = pre.astype(np.int64) // size
    return groups


def roles(better: NDArray[np.float64], options: int) -> NDArray[np.int64]:
    """Return the index in `ROLES` of each option, [block, option], from the better one on each trial [block, trial]."""
    found = np.full((len(better), options), 2)
    for block, row in enumerate(better):
        known = row[np.isfinite(row)].astype(np.int64)
        found[block, known[-1]] = 1
        found[block, known[0]] = 0
    return found


def _places(row: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return block and trial of each row, the inverse of `row` [block, trial]."""
    block, trial = np.nonzero(row >= 0)
    places = np.zeros((2, size), dtype=np.int64)
    places[:, row[block, trial]] = block, trial
    return places[0], places[1]
