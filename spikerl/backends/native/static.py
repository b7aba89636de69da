"""The kernel of weights that do not change: it adds the spikes of a step to what arrives later."""

from __future__ import annotations

import numpy as np

from spikerl.backends.native.layout import NARROWEST
from spikerl.backends.native.program import Array, Operation
from spikerl.backends.native.sorting import Sorted
from spikerl.backends.native.texts import HEADER, function
from spikerl.discretise import ProjectionPlan

SPREAD = "spread"
"""Name of the array that says how far apart weights lie: 0 where all synapses have the first one, else 1."""


def static(
    projection: ProjectionPlan, table: Sorted, pre: int, rows: int, post: int, slots: int
) -> tuple[Operation, dict[str, Array]]:
    """Return the operation of a projection without a rule, and the arrays it brings.

    `pre`, `post`: sizes of the populations; `rows`: steps for which spikes are kept; `slots`: steps ahead for which
    arrivals are.
    """
    name, narrow, uniform = projection.name, post < NARROWEST, table.delays.size == 1
    weight = projection.weight[table.order]
    arrays = {
        "weight": Array("real", weight.size, weight),
        SPREAD: Array("int64", 1, np.array([np.ptp(weight) != 0])),
        "first": Array("uint32", table.first.size, table.first),
        "post": Array("uint16" if narrow else "uint32", table.post.size, table.post),
    }
    if not uniform:
        arrays["delay"] = Array("uint32", table.delay.size, table.delay)
    read = (f"fired/{projection.pre}", f"arriving/{projection.post}", *(f"{part}/{name}" for part in arrays))
    integers = (pre, rows, post, slots, int(table.delays[0]))
    operation = Operation(_text(narrow, uniform), "deliver", read, integers, (projection.scale,))
    return operation, {f"{part}/{name}": array for part, array in arrays.items()}


def _text(narrow: bool, uniform: bool) -> str:
    """Return the kernel; where delays are uniform, all arrive in one slot, else each synapse has its own."""
    slot = "row(step + n[4], n[3], n[2]) * REAL_BYTES" if uniform else "0"
    place = "post[k]" if uniform else "(step + delay[k]) % n[3] * n[2] + post[k]"
    return HEADER + function(
        "deliver",
        "fired, weight, spread, first = indices(p[0]), reals(p[2]), integers(p[3])[0], indices(p[4])",
        f"post = {'narrow' if narrow else 'indices'}(p[5])",
        *([] if uniform else ["delay = indices(p[6])"]),
        "step, scale = now[STEP], REAL(r[0])",
        f"arriving = reals(p[1] + {slot})",
        "at = row(step, n[1], n[0] + 1)",
        "for q in range(fired[at]):",
        "    i = fired[at + 1 + q]",
        "    if spread:",
        "        for k in range(first[i], first[i + 1]):",
        f"            arriving[{place}] += scale * weight[k]",
        "    else:",
        "        jump = scale * weight[0]",
        "        for k in range(first[i], first[i + 1]):",
        f"            arriving[{place}] += jump",
    )
