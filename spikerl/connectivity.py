"""Who is connected to whom, with what weight and what delay: small frozen recipes, expanded to arrays once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.errors import DescriptionError, message
from spikerl.keywords import described
from spikerl.neurons import LARGEST
from spikerl.seeding import check_seed, generator
from spikerl.units import Dimension, finite_number, flat_sequence, parse, whole_number

Indices = NDArray[np.int64]
_MOST_PAIRS = 10**8


class Edges(NamedTuple):
    """Synapse k leads from neuron ``pre[k]`` to neuron ``post[k]``; both shape [synapse]."""

    pre: Indices
    post: Indices


@described
@dataclass(frozen=True)
class AllToAll:
    """Every pre-synaptic neuron to every post-synaptic one; `self_connections` False leaves out i = j."""

    self_connections: bool = True

    def __post_init__(self) -> None:
        """Check the flag."""
        _check_flag(self.self_connections, "AllToAll.self_connections")

    def edges(self, pre: int, post: int, where: str) -> Edges:
        """Return the edges between `pre` and `post` neurons, pre-synaptic index slowest."""
        _check_pairs(pre, post, where)
        return _from_mask(np.ones((pre, post), dtype=bool), self.self_connections)


@described
@dataclass(frozen=True)
class OneToOne:
    """Neuron i to neuron i; both populations must have one size."""

    def edges(self, pre: int, post: int, where: str) -> Edges:
        """Return the edges; raises `DescriptionError` where the sizes differ."""
        if pre != post:
            raise DescriptionError(message(f"{where}.connectivity", f"OneToOne, {pre} to {post}", "equal sizes"))
        return Edges(np.arange(pre), np.arange(post))


@described
@dataclass(frozen=True)
class Probability:
    """Each pair is connected with probability `p`, drawn from the stream of `seed`."""

    p: float
    seed: int = 0
    self_connections: bool = True

    def __post_init__(self) -> None:
        """Check probability and seed."""
        _check_probability(self.p, "Probability.p")
        _check_flag(self.self_connections, "Probability.self_connections")
        check_seed(self.seed, "Probability.seed")

    def edges(self, pre: int, post: int, where: str) -> Edges:
        """Return the drawn edges, pre-synaptic index slowest."""
        return _from_mask(_drawn(self.p, self.seed, pre, post, where), self.self_connections)


@described
@dataclass(frozen=True)
class InDegree:
    """Each post-synaptic neuron hears exactly `inputs` pre-synaptic ones, drawn from the stream of `seed`, each once.

    The strength of a shared background then does not differ from neuron to neuron by the luck of the draw.
    """

    inputs: int
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the number of inputs, and the seed."""
        whole_number(self.inputs, 1, LARGEST, "InDegree.inputs")
        check_seed(self.seed, "InDegree.seed")

    def edges(self, pre: int, post: int, where: str) -> Edges:
        """Return the edges, pre-synaptic index slowest; raises `DescriptionError` for more inputs than neurons."""
        if self.inputs > pre:
            allowed = f"at most {pre} inputs, the pre-synaptic neurons"
            raise DescriptionError(message(f"{where}.connectivity", f"{self.inputs} inputs", allowed))
        _check_pairs(pre, post, where)
        order = generator(self.seed, "connectivity", where).random((post, pre)).argsort(axis=1)
        mask = np.zeros((pre, post), dtype=bool)
        mask[order[:, : self.inputs], np.arange(post)[:, None]] = True
        return _from_mask(mask, self_connections=True)


@described
@dataclass(frozen=True)
class Blocks:
    """Both populations fall into `groups` equal parts; pairs within a part, or, with `across`, between parts.

    Of these pairs each is connected with probability `p` (default 1), drawn from the stream of `seed`.
    """

    groups: int
    across: bool = False
    p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check groups, probability and seed."""
        if isinstance(self.groups, bool) or not isinstance(self.groups, int) or self.groups < 1:
            raise DescriptionError(message("Blocks.groups", self.groups, "a whole number from 1"))
        _check_probability(self.p, "Blocks.p")
        check_seed(self.seed, "Blocks.seed")

    def edges(self, pre: int, post: int, where: str) -> Edges:
        """Return the edges; raises `DescriptionError` where a size is no multiple of `groups`."""
        if pre % self.groups or post % self.groups:
            allowed = "sizes that are multiples of the groups"
            raise DescriptionError(message(f"{where}.connectivity", f"{self}, {pre} to {post}", allowed))
        _check_pairs(pre, post, where)
        pre_group = np.arange(pre) // (pre // self.groups)
        post_group = np.arange(post) // (post // self.groups)
        paired = (pre_group[:, None] == post_group[None, :]) != self.across
        return _from_mask(paired & _drawn(self.p, self.seed, pre, post, where), self_connections=True)


@described
@dataclass(frozen=True)
class Explicit:
    """The edges themselves: sequences `pre` and `post` of neuron indices, of one length."""

    pre: tuple[int, ...]
    post: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check that the indices are whole and the lengths agree."""
        for side in ("pre", "post"):
            where, given = f"Explicit.{side}", self.pre if side == "pre" else self.post
            indices = flat_sequence(given, where, "a flat sequence of whole numbers")
            object.__setattr__(self, side, tuple(whole_number(index, 0, LARGEST, where) for index in indices))
        if len(self.pre) != len(self.post):
            allowed = f"as many as pre ({len(self.pre)})"
            raise DescriptionError(message("Explicit.post", f"{len(self.post)} indices", allowed))

    def edges(self, pre: int, post: int, where: str) -> Edges:
        """Return the edges; raises `DescriptionError` where an index is outside its population."""
        edges = Edges(np.array(self.pre, dtype=np.int64), np.array(self.post, dtype=np.int64))
        for side, indices, size in (("pre", edges.pre, pre), ("post", edges.post, post)):
            if indices.size and (indices.min() < 0 or indices.max() >= size):
                wrong = indices.min() if indices.min() < 0 else indices.max()
                raise DescriptionError(message(f"{where}.connectivity.{side}", int(wrong), f"0 to {size - 1}"))
        return edges


Connectivity = AllToAll | OneToOne | Probability | InDegree | Blocks | Explicit


@described
@dataclass(frozen=True)
class Values:
    """One number for each synapse, in `unit` ("" for plain numbers)."""

    numbers: tuple[float, ...]
    unit: str = ""

    def __post_init__(self) -> None:
        """Check that the numbers are finite and the unit is known."""
        numbers = flat_sequence(self.numbers, "Values.numbers", "a flat sequence of numbers")
        checked = tuple(finite_number(number, "Values.numbers", "finite numbers") for number in numbers)
        object.__setattr__(self, "numbers", checked)
        if not isinstance(self.unit, str):
            raise DescriptionError(message("Values.unit", self.unit, "the text of a unit, such as 'mV'"))
        parse(f"1 {self.unit}", "Values.unit")


@described
@dataclass(frozen=True)
class Uniform:
    """Drawn uniformly from `low` to `high` (quantities of one unit), from the stream of `seed`."""

    low: str | float
    high: str | float
    seed: int = 0

    def __post_init__(self) -> None:
        """Check bounds and seed."""
        _check_pair("Uniform", self.low, self.high)
        if parse(self.low, "Uniform.low").value > parse(self.high, "Uniform.high").value:
            raise DescriptionError(message("Uniform.low", self.low, f"at most high ({self.high})"))
        check_seed(self.seed, "Uniform.seed")


@described
@dataclass(frozen=True)
class Normal:
    """Drawn from a normal distribution of `mean` and `sd` (quantities of one unit), from the stream of `seed`."""

    mean: str | float
    sd: str | float
    seed: int = 0

    def __post_init__(self) -> None:
        """Check moments and seed."""
        _check_pair("Normal", self.mean, self.sd)
        if parse(self.sd, "Normal.sd").value < 0:
            raise DescriptionError(message("Normal.sd", self.sd, "zero or above"))
        check_seed(self.seed, "Normal.seed")


PerSynapse = str | float | int | Values | Uniform | Normal


class Numbers(NamedTuple):
    """Expanded: `values` [synapse] in `unit`, whose SI `scale` and `dimension` go with it."""

    values: NDArray[np.float64]
    unit: str
    scale: float
    dimension: Dimension


def expand(recipe: PerSynapse, synapses: int, where: str) -> Numbers:
    """Return one number for each of `synapses` synapses, in the unit that `recipe` was written in."""
    if isinstance(recipe, Values):
        if len(recipe.numbers) != synapses:
            allowed = f"{synapses}, one for each synapse"
            raise DescriptionError(message(where, f"{len(recipe.numbers)} numbers", allowed))
        unit = parse(f"1 {recipe.unit}", where)
        return Numbers(np.array(recipe.numbers), unit.unit, unit.scale, unit.dimension)
    if isinstance(recipe, (Uniform, Normal)):
        pair = (recipe.low, recipe.high) if isinstance(recipe, Uniform) else (recipe.mean, recipe.sd)
        first, second = (parse(quantity, where) for quantity in pair)
        stream = generator(recipe.seed, "per synapse", where)
        low, high = first.value / first.scale, second.value / first.scale
        draw = stream.uniform if isinstance(recipe, Uniform) else stream.normal
        try:
            drawn = draw(low, high, synapses)
        except OverflowError:
            drawn = np.array([np.inf])
        if not np.isfinite(drawn).all():
            raise DescriptionError(message(where, recipe, "a range within that of floating-point numbers"))
        return Numbers(drawn, first.unit, first.scale, first.dimension)
    one = parse(recipe, where)
    return Numbers(np.full(synapses, one.value / one.scale), one.unit, one.scale, one.dimension)


def _check_pair(name: str, first: str | float, second: str | float) -> None:
    if parse(first, name).dimension is not parse(second, name).dimension:
        raise DescriptionError(message(name, (first, second), "two quantities of one dimension"))


def _check_probability(p: object, where: str) -> None:
    if not 0 <= finite_number(p, where, "a number from 0 to 1") <= 1:
        raise DescriptionError(message(where, p, "a number from 0 to 1"))


def _drawn(p: float, seed: int, pre: int, post: int, where: str) -> NDArray[np.bool_]:
    _check_pairs(pre, post, where)
    return generator(seed, "connectivity", where).random((pre, post)) < p


def _check_pairs(pre: int, post: int, where: str) -> None:
    if pre * post > _MOST_PAIRS:
        allowed = f"at most {_MOST_PAIRS:g} pairs of neurons"
        raise DescriptionError(message(f"{where}.connectivity", f"{pre} to {post}", allowed, "use sp.Explicit(...)"))


def _check_flag(flag: object, where: str) -> None:
    if not isinstance(flag, bool):
        raise DescriptionError(message(where, flag, "True or False"))


def _from_mask(mask: NDArray[np.bool_], self_connections: bool) -> Edges:
    if not self_connections:
        np.fill_diagonal(mask, False)
    pre, post = np.nonzero(mask)
    return Edges(pre.astype(np.int64), post.astype(np.int64))
