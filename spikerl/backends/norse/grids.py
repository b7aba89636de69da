"""What one projection stores in few bits: the conditions of a session cut into parts, and the code of each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from spikerl import quantized
from spikerl.backends.norse.drawing import Stream
from spikerl.backends.norse.program import Program
from spikerl.backends.norse.rounding import NUMBER, Code, Number, Text, compiled, number, on_grid, place, runs
from spikerl.backends.norse.storing import Part, Stored
from spikerl.backends.norse.synapses import Dense, Synapses
from spikerl.hardware.quantize import DEPTH, DITHER, FAR, LEVEL, MOVED, ROUNDINGS
from spikerl.quantization import ENDLESS

Floats = NDArray[np.float64]
Draws = list[Stream]

_AT_ONCE = 24_576
"""Synapses of all instances that are computed together: what is between stays in the cache, and costs no new memory."""


def shape_of(synapses: Synapses) -> tuple[int, ...]:
    """Return the places of one instance."""
    place = synapses.place
    return place.shape if isinstance(place, Dense) else tuple(place.post.shape)


def numbered(draws: Draws, one: Stream) -> int:
    """Add a stream to `draws` and return its number."""
    draws.append(one)
    return len(draws) - 1


def laid(synapses: Synapses, keys: NDArray[np.uint64]) -> Stream:
    """Return the stream of the synapses in their places; those without a synapse have the number of the first."""
    post = synapses.place.post.cpu().numpy()
    numbers = spread(synapses, np.arange(len(post)), 0)
    return Stream(((keys, len(post)),), numbers.reshape(-1), shape_of(synapses))


def spread(synapses: Synapses, values: NDArray, empty: float) -> NDArray:
    """Return `values` [..., synapse] in their places, `empty` where there is no synapse."""
    where = synapses.place
    if not isinstance(where, Dense):
        return values
    found = np.full((*values.shape[:-1], *where.shape), empty, dtype=values.dtype)
    found[..., where.pre.cpu().numpy(), where.post.cpu().numpy()] = values
    return found


class _Kind(NamedTuple):
    """What gives the laws of a condition their form."""

    floating: bool
    rounding: int
    hidden: bool
    chancy: bool
    wears: bool
    reads: bool


class Storing:
    """Makes what one projection stores."""

    def __init__(
        self, program: Program, synapses: Synapses, of: quantized.Synapses, conditions: int, draws: Draws
    ) -> None:
        self._like = program.trace_decay
        self._synapses = synapses
        self._of = of
        self._instances = len(of.floating) // conditions
        self._conditions = conditions
        self._draws = draws
        self._shape = shape_of(synapses)

    def stored(self) -> Stored:
        """Return what the conditions store, in parts of one kind."""
        of = self._of
        kinds = [
            _Kind(
                bool(of.floating[b]),
                -1 if of.floating[b] else int(of.rounding[b]),
                bool(of.ratio[b] != 1),
                bool(of.probability[b] != 1),
                bool(of.endurance[b] != ENDLESS),
                bool(of.read_noise[b]),
            )
            for b in range(0, len(of.floating), self._instances)
        ]
        drawn = [
            self._drawn(number) if needed else None
            for number, needed in enumerate(
                (
                    any(kind.rounding == ROUNDINGS.index("stochastic") for kind in kinds),
                    any(kind.chancy for kind in kinds),
                    any(kind.reads for kind in kinds),
                )
            )
        ]
        parts = [self._part(kinds[start], *cut) for start, stop in runs(kinds) for cut in self._cuts(start, stop)]
        return Stored(tuple(parts), *drawn)

    def _cuts(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Return conditions `start` to `stop` as ranges of the batch: whole conditions, or parts of one."""
        instances, places = self._instances, int(np.prod(self._shape))
        pieces = -(-(stop - start) * instances * places // _AT_ONCE)
        whole = -(-(stop - start) // pieces)
        if whole > 1:
            return [(k * instances, min(k + whole, stop) * instances) for k in range(start, stop, whole)]
        share = max(1, _AT_ONCE // places)
        firsts = [(k * instances, first) for k in range(start, stop) for first in range(0, instances, share)]
        return [(before + first, before + min(first + share, instances)) for before, first in firsts]

    def _drawn(self, number: int) -> int:
        return numbered(self._draws, laid(self._synapses, self._of.keys[: self._instances, number]))

    def _part(self, kind: _Kind, start: int, stop: int) -> Part:
        """Return instances `start` to `stop` of the batch, which are of one `kind`."""
        of, rounding = self._of, ROUNDINGS[kind.rounding]
        conditions = max(1, (stop - start) // self._instances)
        which = slice(start, stop, self._instances)
        numbers = {
            "rate": self._number(of.rate[which]),
            "stickiness": self._number(of.stickiness[which]),
            "ratio": self._number(of.ratio[which]),
            "lowest": self._number(of.lowest[which]),
            "highest": self._number(of.highest[which]),
            "bottom": self._number(of.lowest[which] * of.ratio[which]),
            "top": self._number(of.highest[which] * of.ratio[which]),
            "step": self._scaled(of.unit[which], 1.0),
            "origin": self._scaled(of.offset[which], 0.0),
            "low": self._synapses.low,
            "high": self._synapses.high,
            "far": FAR,
            "noise": self._number(of.read_noise[which] * np.sqrt(12.0)),
        }
        return Part(
            start,
            stop,
            conditions,
            (stop - start) // conditions,
            start % self._instances,
            floating=kind.floating,
            dithered=rounding == "dither" and not kind.floating,
            random=rounding == "stochastic" and not kind.floating,
            chancy=kind.chancy,
            wears=kind.wears,
            reads=kind.reads,
            probability=self._number(of.probability[which]),
            endurance=self._number(of.endurance[which], torch.float64),
            locate=self._locate(kind, numbers),
            store=_floating(numbers) if kind.floating else _few_bits(kind, numbers),
            number=compiled({"number": Text(NUMBER)}, ["code", "room"], numbers, ["number"], room="room"),
            send=self._send(kind, numbers, slice(start, stop), conditions),
        )

    def _locate(self, kind: _Kind, numbers: dict[str, Number]) -> Code:
        if kind.floating:
            return lambda stored: (torch.zeros_like(stored), stored)
        laws = {"at": place("stored"), "code": Text("rint(at)"), "number": Text(NUMBER)}
        return compiled(laws, ["stored"], numbers, ["code", "number"])

    def _send(self, kind: _Kind, numbers: dict[str, Number], which: slice, conditions: int) -> Code | None:
        factor = self._of.factor[which]
        uneven = bool((factor != 1).any())
        if not (kind.hidden or kind.reads or uneven):
            return None
        laws = {
            "level": Text(LEVEL),
            "visible": Text("level * ratio"),
            "seen": Text(NUMBER, {"code": "visible"}),
            "uneven": Text("seen * factor" if kind.hidden else "stored * factor"),
            "noisy": Text("uneven * (1 + noise * (u - 0.5))"),
        }
        numbers = dict(numbers, factor=1.0)
        if uneven:
            laid = spread(self._synapses, factor, 0.0)
            if conditions > 1:
                laid = laid.reshape(conditions, self._instances, *self._shape)
            numbers["factor"] = torch.tensor(laid, dtype=self._like.dtype, device=self._like.device)
        given = ["code", "stored", "u"] if kind.reads else ["code", "stored"]
        return compiled(laws, given, numbers, ["noisy" if kind.reads else "uneven"], shared=["u"])

    def _number(self, values: NDArray, dtype: torch.dtype | None = None) -> Number:
        like = self._like if dtype is None else self._like.to(dtype)
        return number(np.asarray(values, dtype=np.float64), 1 + len(self._shape), like)

    def _scaled(self, shares: Floats, empty: float) -> Number:
        """Return shares of the scale of each synapse; `empty` where there is no synapse and it matters."""
        scale = self._of.scale
        full = scale.size == np.prod(self._shape)
        if (scale == scale[0]).all() and (full or empty or not shares.any()):
            return self._number(scale[0] * shares)
        found = spread(self._synapses, scale * shares[:, None], empty)
        found = found[0] if len(shares) == 1 else found[:, None]
        return torch.tensor(found, dtype=self._like.dtype, device=self._like.device)


def _few_bits(kind: _Kind, numbers: dict[str, Number]) -> Code:
    """Return the code of an update on a grid.

    Where nothing is asked for, u is 0 and the code stays as it is: rounding leaves what is whole.
    """
    rounding = ROUNDINGS[kind.rounding]
    reasons = ["chance"] * kind.chancy + ["alive"] * kind.wears
    extra = {"dither": ["c"], "stochastic": ["u"]}.get(rounding, [])
    laws = on_grid(rounding, "moved", "heeded") | {
        "level": Text(LEVEL),
        "depth": Text(DEPTH),
        "moved": Text(MOVED),
        "asked": Text("(new - old) != 0"),
        "below": Text("abs(moved - code) < 0.5"),
        "heeded": Text("u * asked", {"u": "dither"} if rounding == "dither" else {}),
        "dither": Text(DITHER),
        "moves": Text(" * ".join(["(kept - code)", *reasons])),
    }
    results = ["below", "asked", "moves"]
    return compiled(laws, ["code", "old", "new", *extra, *reasons], numbers, results, shared=["u"])


def _floating(numbers: dict[str, Number]) -> Code:
    """Return the code of an update in floating point."""
    laws = {"asked": Text("(new - old) != 0"), "kept": Text("minimum(maximum(old + rate * (new - old), low), high)")}
    return compiled(laws, ["old", "new"], numbers, ["asked", "kept"])
