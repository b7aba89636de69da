"""Ways to learn in few bits beside the plain one, each some settings of `spikerl.Quantization`, by name.

hidden: 8 bits finer than what is seen gather small updates. metaplastic: 4 hidden bits whose states are the less likely
to be left the deeper they lie (Fusi et al. 2005), which wants stochastic rounding. dither: digits of the eligibility in
place of random numbers. scaled: ``rate = max(1, step / step in 8 bits)``, where the step is that of what is stored,
hidden bits and all, so that an update moves as many steps as it would in 8 bits.
"""

from __future__ import annotations

from typing import Any

from spikerl.errors import DescriptionError, message, nearest

PLAIN = "plain"
METHODS: dict[str, dict[str, Any]] = {
    PLAIN: {},
    "hidden": {"hidden_bits": 8},
    "metaplastic": {"hidden_bits": 4, "stickiness": 0.8, "rounding": "stochastic"},
    "dither": {"rounding": "dither"},
    "scaled": {},
}
_SCALED_TO = 8


def checked(method: object) -> str:
    """Return a method, or several joined by ``+``, in the order of `METHODS`; raises `DescriptionError`."""
    allowed = f"{', '.join(METHODS)}, or several joined by +, such as hidden+scaled"
    if not isinstance(method, str) or not method:
        raise DescriptionError(message("method", method, allowed))
    names = method.split("+")
    for place, name in enumerate(names):
        if name not in METHODS:
            raise DescriptionError(message("method", name, allowed, nearest(name, METHODS)))
        if name in names[:place]:
            raise DescriptionError(message("method", method, "each name once"))
    if PLAIN in names and len(names) > 1:
        raise DescriptionError(message("method", method, f"{PLAIN} alone", "leave it out"))
    if {"hidden", "metaplastic"} <= set(names):
        remedy = "both say how many bits are hidden"
        raise DescriptionError(message("method", method, "one of hidden and metaplastic", remedy))
    return "+".join(name for name in METHODS if name in names)


def settings(method: str, bits: int, rounding: str) -> dict[str, Any]:
    """Return what a `checked` method says at so many bits: rounding, hidden_bits, stickiness, rate."""
    found: dict[str, Any] = {"rounding": rounding, "hidden_bits": 0, "stickiness": 1.0, "rate": 1.0}
    names = method.split("+")
    for name in names:
        found |= METHODS[name]
    if "scaled" in names:
        stored = bits + found["hidden_bits"]
        found["rate"] = max(1.0, (2.0**_SCALED_TO - 1) / (2.0**stored - 1))
    return found
