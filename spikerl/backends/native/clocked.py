"""The kernels of a rule without a closed form: every synapse in every step, read all, then write all."""

from __future__ import annotations

from spikerl.backends.native.layout import ARRAYS, REALS, late_lines, named
from spikerl.backends.native.products import additions, changes, gated, reading
from spikerl.backends.native.texts import HEADER, function, indented
from spikerl.discretise import RulePlan
from spikerl.plasticity.algebra import Gate


def clocked_kernels(rule: RulePlan, narrow: frozenset[str]) -> str:
    """Return the module of the kernels ``step``, ``late`` and ``read`` for this rule.

    A synapse holds its weight and its eligibilities as they are; `table` holds the decays of the eligibilities. Numbers
    in the arrays `narrow` have 16 bits.
    """
    found = changes(rule)
    read = reading(found)
    eligibilities = range(len(rule.eligibilities))
    width = 1 + len(eligibilities)
    names = {"w": "dw"} | {f"c{k}": f"dc{k}" for k in eligibilities}
    always, at_pre, at_post = (
        additions(gated(found, gate), "pre", read, names) for gate in (Gate.STEP, Gate.PRE, Gate.POST)
    )
    outside = [*always[0], *at_pre[0], *at_post[0]]
    synapse = [
        f"j, base = post[k], {width} * k",
        "old = synapse[base]",
        *(f"c{k} = share_c{k} * synapse[base + {1 + k}]" for k in eligibilities),
        "dw = REAL(0)",
        *(f"dc{k} = REAL(0)" for k in eligibilities),
        *always[1],
        *(["if spiked_pre[i]:", indented(at_pre[1])] if at_pre[1] else []),
        *(["if spiked_post[j]:", indented(at_post[1])] if at_post[1] else []),
        "w = old + dw",
        "w = lowest if lowest > w else w",
        "w = highest if highest < w else w",
        "synapse[base] = w",
        *(f"synapse[base + {1 + k}] = c{k} + dc{k}" for k in eligibilities),
    ]
    start = [
        *named(narrow),
        *(f"coefficient_{c.number} = REAL(r[{len(REALS) + c.number}])" for c in found),
        *read.lines(len(ARRAYS)),
        *(f"share_c{k} = REAL(table[{k}])" for k in eligibilities),
    ]
    weight = [f"old = synapse[{width} * k]"]
    return (
        HEADER
        + function(
            "step_all",
            *start,
            "for i in range(pre_size):",
            *([indented(outside)] if outside else []),
            "    for k in range(first[i], first[i + 1]):",
            indented(synapse, 2),
        )
        + function("late", *start, *late_lines(weight))
        + function(
            "read",
            *start,
            "for i in range(pre_size):",
            "    for k in range(first[i], first[i + 1]):",
            indented([*weight, "weights[order[k]] = old"], 2),
        )
    )
