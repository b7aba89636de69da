"""Quantised synapses and states in numbers: what the back ends compute with, and the laws put together with NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl import splitmix
from spikerl.discretise import Plan, ProjectionPlan
from spikerl.errors import DescriptionError, message
from spikerl.hardware.quantize import (
    DEPTH,
    DITHER,
    FAR,
    LEVEL,
    MOVED,
    PLACE,
    RANDOM,
    ROUNDED,
    ROUNDINGS,
    SETTLED,
    Grid,
    Levels,
    Quantizer,
    Rounding,
    law,
)
from spikerl.quantization import ENDLESS, Device, Quantization
from spikerl.seeding import generator, key

Floats = NDArray[np.float64]


class Stored(NamedTuple):
    """What an update leaves: the `weight` stored, its `writes` so far, and [batch, 3] counts of `updates`.

    These are updates that asked for a change, those of them below half a step, and those that changed what is stored.
    """

    weight: Floats
    writes: NDArray[np.int64]
    updates: NDArray[np.int64]


class Synapses:
    """The numbers of one projection, for a batch of instances in turn.

    Of each instance, [batch]: `floating`; `unit` and `offset`, the stored step and the origin as shares of the `scale`
    of a synapse, [synapse]; `ratio` of codes to a level; `lowest` and `highest` level; `rounding`, an index into
    `ROUNDINGS`; `rate`, `stickiness`, `probability`, `endurance`, `read_noise`; `keys` [batch, 3] of the streams of
    rounding, of permission to write and of read noise. `factor` [batch, synapse]: mismatch, 0 where dead.
    """

    def __init__(
        self, projection: ProjectionPlan, asked: tuple[Quantization, ...], seed: int, instances: Sequence[int]
    ) -> None:
        rule = projection.rule
        assert rule is not None
        each = conditions(asked, instances)
        self.scale = _scale(projection, asked)
        self.floating = np.array([one.floating for one in each])
        grids = [Quantizer(1 if q.floating else q.bits, q.rounding, rule.bounds[0] < 0).grid() for q in each]
        self.ratio = np.array([2.0**q.hidden_bits for q in each])
        self.unit = np.array([float(grid.step) for grid in grids]) / self.ratio
        self.offset = np.array([float(grid.origin) for grid in grids])
        self.lowest = np.array([float(grid.lowest) for grid in grids])
        self.highest = np.array([float(grid.highest) for grid in grids])
        self.bounds = rule.bounds
        self.rounding = np.array([ROUNDINGS.index(q.rounding) for q in each])
        self.rate = np.array([q.rate for q in each])
        self.stickiness = np.array([q.stickiness for q in each])
        self.probability = np.array([q.device.update_probability for q in each])
        self.endurance = np.array([ENDLESS if q.device.endurance is None else q.device.endurance for q in each])
        self.read_noise = np.array([q.device.read_noise for q in each])
        self.eligibility = [q.eligibility for q in each]
        first = np.array([key(seed, "quantization", projection.name, k)[0] for k in instances], dtype=np.uint64)
        self.keys = np.stack([first, *(splitmix.mixed(first, np.full(1, n, dtype=np.uint64)) for n in (1, 2))], axis=1)
        self.factor = np.stack([_factor(q.device, projection, seed, k) for q, k in zip(each, instances, strict=True)])

    @property
    def even(self) -> bool:
        """Whether all synapses transmit exactly what they hold: no mismatch, none dead."""
        return bool((self.factor == 1).all())

    def laid(self, weight: Floats) -> Floats:
        """Return `weight` [batch, synapse] as it is stored, each instance rounding in its way; what is stored stays."""
        found = weight.copy()
        for b, values in enumerate(weight):
            if not self.floating[b]:
                rounding = ROUNDINGS[self.rounding[b]]
                # Nothing is eligible before the first step: the dither begins as random numbers.
                u = self.uniforms(b, 0, -1) if rounding in RANDOM else np.zeros(1)
                found[b] = self._number(b, self._rounded(b, self._place(b, values), rounding, u))
        return found

    def visible(self, stored: Floats) -> Floats:
        """Return the levels that are seen of what is `stored`, both [batch, synapse], before any imperfection."""
        found = stored.copy()
        for b, values in enumerate(stored):
            if not self.floating[b]:
                code = np.rint(self._place(b, values))
                found[b] = self._number(b, law(LEVEL, {"code": code, "ratio": self.ratio[b]}) * self.ratio[b])
        return found

    def transmitted(self, stored: Floats, step: int) -> Floats:
        """Return what a spike of `step` transmits, [batch, synapse]: levels, mismatched, read with noise."""
        seen = self.visible(stored) * self.factor
        for b in np.flatnonzero(self.read_noise):
            # Uniform, with a variance of 1.
            seen[b] *= 1 + self.read_noise[b] * np.sqrt(12.0) * (self.uniforms(int(b), 2, step) - 0.5)
        return seen

    def store(self, old: Floats, new: Floats, c: Floats | None, step: int, writes: NDArray[np.int64]) -> Stored:
        """Return what synapses store that held `old` and would hold `new`, [batch, synapse], after `step`.

        `c`: the eligibility, where rounding is dithered; `writes`: stored changes so far.
        """
        weight, counts = new.copy(), np.zeros((len(old), 3), dtype=np.int64)
        for b in range(len(old)):
            rounding = ROUNDINGS[self.rounding[b]]
            step_size = self.scale * self.unit[b]
            place = {"new": new[b], "old": old[b], "step": step_size, "ratio": self.ratio[b], "far": FAR}
            place |= {"rate": self.rate[b], "stickiness": self.stickiness[b]}
            place |= {"lowest": self.lowest[b], "highest": self.highest[b]}
            permitted = self._permitted(b, step) & (writes[b] < self.endurance[b])
            if self.floating[b]:
                code, moved = np.zeros(1), self.rate[b] * (new[b] - old[b])
                weight[b] = np.where(permitted, np.clip(old[b] + moved, *self.bounds), old[b])
                small = np.zeros(len(old[b]), dtype=bool)
            else:
                place["code"] = code = np.rint(self._place(b, old[b]))
                place["level"] = law(LEVEL, place)
                place["depth"] = law(DEPTH, place)
                t = law(MOVED, place)
                small = np.abs(t - code) < 0.5
                u: Floats = np.zeros(1)
                if rounding == "dither":
                    assert c is not None
                    u = law(DITHER, {"c": c[b], "step": step_size})
                elif rounding == "stochastic":
                    u = self.uniforms(b, 0, step)
                rounded = self._rounded(b, law(SETTLED, {"t": t}), rounding, u)
                weight[b] = np.where(permitted & (new[b] != old[b]), self._number(b, rounded), old[b])
            asked, changed = new[b] != old[b], weight[b] != old[b]
            writes[b] += changed
            counts[b] = asked.sum(), (asked & small).sum(), changed.sum()
        return Stored(weight, writes, counts)

    def uniforms(self, instance: int, stream: int, step: int) -> Floats:
        """Return the numbers u in [0, 1) of `step` in a stream of an instance, [synapse]; step -1 is the beginning."""
        count = len(self.scale)
        place = np.uint64((step + 1) * count) + np.arange(count, dtype=np.uint64)
        found: Floats = splitmix.unit(splitmix.mixed(self.keys[instance, stream], place))
        return found

    def _permitted(self, b: int, step: int) -> NDArray[np.bool_]:
        if self.probability[b] == 1:
            return np.ones(len(self.scale), dtype=bool)
        chance: NDArray[np.bool_] = self.uniforms(b, 1, step) < self.probability[b]
        return chance

    def _place(self, b: int, values: Floats) -> Floats:
        return law(PLACE, {"x": values, "origin": self.scale * self.offset[b], "step": self.scale * self.unit[b]})

    def _rounded(self, b: int, place: Floats, rounding: Rounding, u: Floats) -> Floats:
        rounded = law(ROUNDED[rounding], {"t": law(SETTLED, {"t": place}), "u": u})
        return np.clip(rounded, self.lowest[b] * self.ratio[b], self.highest[b] * self.ratio[b])

    def _number(self, b: int, code: Floats) -> Floats:
        number: Floats = self.scale * self.offset[b] + code * (self.scale * self.unit[b])
        return number


def of_projections(
    plan: Plan, asked: tuple[Quantization, ...], seed: int, instances: Sequence[int]
) -> dict[str, Synapses]:
    """Return the synapses of every projection of `plan` that learns; none where nothing is asked.

    Instance k of the batch, number ``instances[k]``, has the k-th share of `asked` in turn: the first
    ``len(instances) / len(asked)`` instances the first, and so on. Raises `DescriptionError` where a grid has no end.
    """
    learning = [p for p in plan.projections.values() if p.rule is not None] if asked else []
    return {projection.name: Synapses(projection, asked, seed, instances) for projection in learning}


class Kept:
    """States of a population, [batch, neuron], or of synapses, that are kept in few bits; None for floating point.

    Of each instance, [batch]: `step` (0 for floating point), `origin`, `lowest` and `highest` code, `rounding`; `keys`
    of the streams of random rounding.
    """

    def __init__(
        self, levels: Sequence[Levels | None], signed: bool, label: str, seed: int, instances: Sequence[int]
    ) -> None:
        grids = [None if one is None else one.grid(signed) for one in levels]
        self.step = np.array([0.0 if grid is None else float(grid.step) for grid in grids])
        self.origin = np.array([0.0 if grid is None else float(grid.origin) for grid in grids])
        self.lowest = np.array([0.0 if grid is None else float(grid.lowest) for grid in grids])
        self.highest = np.array([0.0 if grid is None else float(grid.highest) for grid in grids])
        self.rounding = np.array([0 if one is None else ROUNDINGS.index(one.rounding) for one in levels])
        self.keys = np.array([key(seed, "levels", label, k)[0] for k in instances], dtype=np.uint64)

    def rounded(self, values: Floats, step: int) -> Floats:
        """Return `values` [batch, number] as they are kept after `step`."""
        found, count = values.copy(), values.shape[1]
        for b in np.flatnonzero(self.step):
            rounding = ROUNDINGS[self.rounding[b]]
            u: Floats = np.zeros(1)
            if rounding == "stochastic":
                place = np.uint64((step + 1) * count) + np.arange(count, dtype=np.uint64)
                u = splitmix.unit(splitmix.mixed(self.keys[b], place))
            grid = Grid(self.origin[b], self.step[b], int(self.lowest[b]), int(self.highest[b]))
            found[b] = grid.numbers(grid.codes(values[b], rounding, u))
        return found


def conditions(asked: tuple[Quantization, ...], instances: Sequence[int]) -> list[Quantization]:
    """Return what is asked of each instance of the batch: the conditions have equal shares of it, in turn."""
    return [asked[k * len(asked) // len(instances)] for k in range(len(instances))]


def kept(plan: Plan, asked: tuple[Quantization, ...], seed: int, instances: Sequence[int]) -> dict[str, Kept]:
    """Return the states in few bits: ``trace/<name>``, ``eligibility/<projection>/<number>``, ``v/<population>``."""
    each = conditions(asked, instances) if asked else []
    found: dict[str, Kept] = {}
    if any(one.trace for one in each):
        for name in plan.traces:
            found[f"trace/{name}"] = Kept([one.trace for one in each], False, f"trace/{name}", seed, instances)
    if any(one.eligibility for one in each):
        levels = [one.eligibility for one in each]
        for projection in plan.projections.values():
            for number in range(len(projection.rule.eligibilities)) if projection.rule else ():
                name = f"eligibility/{projection.name}/{number}"
                found[name] = Kept(levels, True, name, seed, instances)
    if any(one.membrane for one in each):
        for name in plan.neurons:
            found[f"v/{name}"] = Kept([one.membrane for one in each], True, f"v/{name}", seed, instances)
    return found


def thresholds(
    asked: tuple[Quantization, ...], population: str, size: int, seed: int, instances: Sequence[int]
) -> Floats:
    """Return the factors of the distance from rest to threshold of the neurons of `population`, [batch, neuron]."""
    each = [one.device.threshold_mismatch for one in conditions(asked, instances)]
    return np.stack(
        [_spread(cv, size, seed, "threshold mismatch", population, k) for cv, k in zip(each, instances, strict=True)]
    )


def _scale(projection: ProjectionPlan, asked: tuple[Quantization, ...]) -> Floats:
    """Return the greatest number of the grid of each synapse."""
    assert projection.rule is not None
    first, where = asked[0], f"quantization of {projection.name!r}"
    if any(one.rounding == "dither" for one in asked) and not projection.rule.eligibilities:
        allowed = "a rule with an eligibility, whose digits it takes"
        raise DescriptionError(message(f"{where}: rounding", "dither", allowed, "take 'stochastic'"))
    for other in asked[1:]:
        if (other.scale, other.top, other.headroom) != (first.scale, first.top, first.headroom):
            wrong = (other.scale, other.top, other.headroom)
            raise DescriptionError(message(f"{where}: scale, top, headroom", wrong, "the same in all conditions"))
    end = max(abs(bound) for bound in projection.rule.bounds)
    end = end if first.top is None else first.top
    if first.scale == "neuron":
        greatest = np.zeros(int(projection.post_index.max(initial=-1)) + 1)
        np.maximum.at(greatest, projection.post_index, np.abs(projection.weight))
        tops: Floats = np.minimum(first.headroom * greatest, end)[projection.post_index]
        if not (tops > 0).all():
            remedy = "take scale = 'projection'"
            raise DescriptionError(message(f"{where}: scale", "neuron", "neurons with weights other than 0", remedy))
        return tops
    if not np.isfinite(end) and not all(one.floating for one in asked):
        remedy = "give top, the greatest weight, in the unit of the weights"
        raise DescriptionError(message(f"{where}: top", None, "a number, where the rule has no bounds", remedy))
    return np.full(projection.weight.size, end if np.isfinite(end) else 1.0)


def _factor(device: Device, projection: ProjectionPlan, seed: int, instance: int) -> Floats:
    count, name = projection.weight.size, projection.name
    alive = generator(seed, "dead synapses", name, instance).random(count) >= device.dead
    return alive * _spread(device.weight_mismatch, count, seed, "weight mismatch", name, instance)


def _spread(cv: float, count: int, seed: int, what: str, name: str, instance: int) -> Floats:
    """Return log-normal factors of mean 1 and coefficient of variation `cv`."""
    if cv == 0:
        return np.ones(count)
    width = np.sqrt(np.log1p(cv**2))
    found: Floats = np.exp(width * generator(seed, what, name, instance).standard_normal(count) - width**2 / 2)
    return found
