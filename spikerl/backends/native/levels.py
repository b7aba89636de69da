"""The kernels of states in few bits: each is rounded after it has moved; traces then move one by one."""

from __future__ import annotations

from spikerl.backends.native.few_bits import KEPT
from spikerl.backends.native.laws import ROUNDING_HEADER, kept
from spikerl.backends.native.texts import function, indented
from spikerl.hardware.quantize import ROUNDINGS

TRACE = ROUNDING_HEADER + function(
    "remember",
    "values, spiked = reals(p[0]), flags(p[1])",
    "for i in range(n[0]):",
    "    values[i] = r[0] * float64(values[i]) + float64(spiked[i])",
)
"""The kernel ``remember`` of a trace: ``x <- decay x``, ``+ 1`` where it spikes. p: values, spiked; r: decay."""


def keeping(listed: bool) -> str:
    """Return the module of the kernel ``keep``.

    p: values [number], of which the first is n[1] numbers on; levels [5]; key [1]; with `listed`, the numbers in the
    description, by place. n: how many; r: about which number.
    """
    lines = [
        "count, rest = n[0], r[0]",
        "values = reals(p[0] + n[1] * REAL_BYTES)",
        *(f"{name} = doubles(p[1])[{k}]" for k, name in enumerate(KEPT)),
        "if step == 0.0:",
        "    return",
        "rounding_stream = stream(words(p[2])[0], now[STEP], count)",
        *(["order = indices(p[3])"] if listed else []),
    ]
    for number, rounding in enumerate(ROUNDINGS):
        if rounding == "dither":
            continue  # states have none
        each = ["x = float64(values[k]) - rest", *kept(rounding, "order[k]" if listed else "k"), "values[k] = rest + x"]
        lines += [f"if rounding == {number}:", "    for k in range(count):", indented(each, 2)]
    return ROUNDING_HEADER + function("keep", *lines)
