"""What the kernels of a plastic projection, lazy or clocked, are given, and how they deliver spikes with delays."""

from __future__ import annotations

from spikerl.backends.native.texts import indented

ARRAYS = (
    *("synapse", "first", "post", "column_first", "column", "column_pre", "fired_pre", "fired_post", "spiked_pre"),
    *("spiked_post", "arriving", "epoch", "reach", "past", "table", "row_last", "column_last", "parts", "delays"),
    *("order", "weights"),
)
"""The arrays of a plastic projection, in the order in which its kernels expect them; those of its terms follow."""

INTEGERS = ("pre_size", "rows_pre", "post_size", "rows_post", "slots", "delay", "synapses", "longest", "delay_count")
REALS = ("lowest", "highest", "retention", "rest", "scale", "floor", "ceiling")
_TYPES = {
    "synapse": "reals",
    "spiked_pre": "flags",
    "spiked_post": "flags",
    "arriving": "reals",
    "epoch": "integers",
    "reach": "doubles",
    "past": "doubles",
    "table": "doubles",
    "row_last": "integers",
    "column_last": "integers",
    "weights": "doubles",
}
NARROWEST = 2**16
"""Numbers below this are kept in 16 bits, where they are much of what a spike makes the processor read."""


def narrowed(neurons: int, synapses: int) -> frozenset[str]:
    """Return the arrays that 16 bits are enough for, with at most so many `neurons` on a side, and `synapses`."""
    of_neurons = {"post", "column_pre"} if neurons < NARROWEST else set()
    return frozenset(of_neurons | ({"column"} if synapses < NARROWEST else set()))


def named(narrow: frozenset[str]) -> list[str]:
    """Return the lines that name all of these; numbers in the arrays `narrow` have 16 bits."""
    kinds = _TYPES | dict.fromkeys(narrow, "narrow")
    return [
        *(f"{name} = n[{k}]" for k, name in enumerate(INTEGERS)),
        *(f"{name} = REAL(r[{k}])" for k, name in enumerate(REALS)),
        *(f"{name} = {kinds.get(name, 'indices')}(p[{k}])" for k, name in enumerate(ARRAYS)),
        "step = now[STEP]",
    ]


def silent(fired: str, rows: str, size: str) -> list[str]:
    """Return lines that leave a kernel where a population has not spiked, before anything else is looked up."""
    return [f"if indices({fired})[row(now[STEP], {rows}, {size} + 1)] == 0:", "    return"]


def late_lines(weight: list[str]) -> list[str]:
    """Return the loop that delivers spikes with delays: those of ``delay - 1`` steps ago, with the weight of now."""
    return [
        "arriving = reals(p[10] + row(step + 1, slots, post_size) * REAL_BYTES)",
        "for d in range(delay_count):",
        "    at = row(step + rows_pre + 1 - delays[d], rows_pre, pre_size + 1)",
        "    for q in range(fired_pre[at]):",
        "        i = fired_pre[at + 1 + q]",
        "        for k in range(parts[i * (delay_count + 1) + d], parts[i * (delay_count + 1) + d + 1]):",
        indented([*weight, "arriving[post[k]] += scale * old"], 3),
    ]
