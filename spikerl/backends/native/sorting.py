"""The synapses of a projection sorted by pre-synaptic neuron and delay (rows), and found by post-synaptic neuron."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikerl.discretise import ProjectionPlan

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Sorted:
    """`order` [synapse]: the number in the description of each synapse as stored; the rest is told in `indices`."""

    order: Indices
    first: Indices
    post: Indices
    delay: Indices
    column_first: Indices
    column: Indices
    column_pre: Indices
    delays: Indices
    parts: Indices

    def indices(self) -> dict[str, Indices]:
        """Return the arrays by name.

        ``first`` [pre + 1]: where a row begins; ``post``, ``delay`` [synapse]. ``column_first`` [post + 1],
        ``column`` [synapse], ``column_pre``: the places, and pre-synaptic neurons, of each column. ``delays``: all
        different ones; ``parts`` [pre, delay + 1]: where those of one delay begin in a row.
        """
        return {
            "order": self.order,
            "first": self.first,
            "post": self.post,
            "delay": self.delay,
            "column_first": self.column_first,
            "column": self.column,
            "column_pre": self.column_pre,
            "delays": self.delays,
            "parts": self.parts,
        }


def sort(projection: ProjectionPlan, pre: int, post: int) -> Sorted:
    """Sort the synapses of `projection` between populations of `pre` and `post` neurons."""
    order = np.lexsort((projection.delay, projection.pre_index))
    row, column, delay = projection.pre_index[order], projection.post_index[order], projection.delay[order]
    by_column = np.argsort(column, kind="stable")
    delays, kind = np.unique(delay, return_inverse=True)
    begins = np.concatenate([[0], np.cumsum(np.bincount(row * delays.size + kind, minlength=pre * delays.size))])
    starts = begins[:-1].reshape(pre, delays.size)
    return Sorted(
        order=order,
        first=begins[:: delays.size],
        post=column,
        delay=delay,
        column_first=np.concatenate([[0], np.cumsum(np.bincount(column, minlength=post))]),
        column=by_column,
        column_pre=row[by_column],
        delays=delays,
        parts=np.concatenate([starts, begins[delays.size :: delays.size, None]], axis=1).ravel(),
    )
