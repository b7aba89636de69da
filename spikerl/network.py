"""The description of a circuit: projections between populations, frozen and free of any simulator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np

from spikerl.connectivity import (
    AllToAll,
    Blocks,
    Connectivity,
    Edges,
    Explicit,
    InDegree,
    Normal,
    Numbers,
    OneToOne,
    PerSynapse,
    Probability,
    Uniform,
    Values,
    expand,
)
from spikerl.errors import DescriptionError, UnitError, message, nearest
from spikerl.keywords import described
from spikerl.neurons import Source
from spikerl.plasticity.algebra import Eligibility, Modulator, Rule
from spikerl.population import Population, check_name
from spikerl.units import Dimension

_PER_SYNAPSE = (str, int, float, np.integer, np.floating, Values, Uniform, Normal)
Named = TypeVar("Named", "Population", "Projection", "Modulator")


@described
@dataclass(frozen=True)
class Projection:
    """Synapses from `pre` to `post`: ``u_post += weight`` at `delay` after a spike of `pre`.

    `weight`: a quantity, or `Uniform`, `Normal`, `Values`; negative inhibits. Its dimension is that of the synaptic
    current of `post` (`LIF.weight_dimension`). `connectivity`: default `AllToAll()`. `delay`: default 1 ms, a positive
    multiple of the step. `rule`: the plasticity, None for fixed weights. `name`: default ``"<pre>_to_<post>"``.
    Raises `DescriptionError` or `UnitError`.
    """

    pre: Population
    post: Population
    weight: PerSynapse
    connectivity: Connectivity = AllToAll()
    delay: PerSynapse = "1 ms"
    rule: Rule | None = None
    name: str = ""

    def __post_init__(self) -> None:
        """Check what can be checked without the step length."""
        for side, population in (("pre", self.pre), ("post", self.post)):
            if not isinstance(population, Population):
                raise DescriptionError(message(f"Projection.{side}", population, "an sp.Population(...)"))
        if isinstance(self.name, str) and not self.name:
            object.__setattr__(self, "name", f"{self.pre.name}_to_{self.post.name}")
        check_name(self.name, "Projection.name")
        where = f"Projection({self.name!r})"
        if isinstance(self.post.neuron, Source):
            allowed = "a population that has inputs, such as LIF"
            raise DescriptionError(message(f"{where}.post", self.post.name, allowed))
        if not isinstance(self.connectivity, (AllToAll, OneToOne, Probability, InDegree, Blocks, Explicit)):
            allowed = "AllToAll, OneToOne, Probability, InDegree, Blocks or Explicit"
            raise DescriptionError(message(f"{where}.connectivity", self.connectivity, allowed))
        for field, recipe in (("weight", self.weight), ("delay", self.delay)):
            if isinstance(recipe, bool) or not isinstance(recipe, _PER_SYNAPSE):
                raise DescriptionError(message(f"{where}.{field}", recipe, "a quantity, Values, Uniform or Normal"))
        if self.rule is not None and not isinstance(self.rule, Rule):
            raise DescriptionError(message(f"{where}.rule", self.rule, "an sp.Rule(...) or None"))
        self._check_numbers(where)

    def edges(self) -> Edges:
        """Return the pre- and post-synaptic index of each synapse."""
        return self.connectivity.edges(self.pre.size, self.post.size, f"Projection({self.name!r})")

    def weights(self, synapses: int) -> Numbers:
        """Return the initial weights of all `synapses`, in the unit that they were written in."""
        return expand(self.weight, synapses, f"Projection({self.name!r}).weight")

    def delays(self, synapses: int) -> Numbers:
        """Return the delays of all `synapses`, in the unit that they were written in."""
        return expand(self.delay, synapses, f"Projection({self.name!r}).delay")

    def _check_numbers(self, where: str) -> None:
        synapses = len(self.edges().pre)
        weights, delays = self.weights(synapses), self.delays(synapses)
        assert not isinstance(self.post.neuron, Source)
        allowed = self.post.neuron.weight_dimension
        zero = weights.dimension is Dimension.NUMBER and not weights.values.any() and self.rule is None
        if weights.dimension is not allowed and not zero:
            remedy = f"it adds to the synaptic current of {self.post.name!r}"
            raise UnitError(message(f"{where}.weight", self.weight, allowed.value, remedy))
        if delays.dimension is not Dimension.TIME:
            raise UnitError(message(f"{where}.delay", self.delay, Dimension.TIME.value))
        if delays.values.size and delays.values.min() <= 0:
            raise UnitError(message(f"{where}.delay", self.delay, "above zero, one step at least"))
        if self.rule is not None and weights.values.size:
            low, high = self.rule.bounds
            if weights.values.min() < low or weights.values.max() > high:
                wrong = weights.values.min() if weights.values.min() < low else weights.values.max()
                allowed_range = f"within the bounds of its rule, {low:g} to {high:g}"
                raise DescriptionError(message(f"{where}.weight", f"{wrong:g} {weights.unit}".strip(), allowed_range))


@described
class Network:
    """A circuit: projections, the populations they join, and the modulators their rules read. Frozen.

    `populations` adds populations without a projection, `modulators` those that no rule reads. Attributes
    `projections`, `populations`, `modulators` are tuples in the order of first mention. Raises `DescriptionError`
    where two different things bear one name, or a modulator's source or target is not meant for its place.
    """

    __slots__ = ("modulators", "populations", "projections")
    projections: tuple[Projection, ...]
    populations: tuple[Population, ...]
    modulators: tuple[Modulator, ...]

    def __init__(
        self,
        *projections: Projection,
        populations: tuple[Population, ...] = (),
        modulators: tuple[Modulator, ...] = (),
    ) -> None:
        for where, items, kind in (
            ("Network", projections, Projection),
            ("Network.populations", populations, Population),
            ("Network.modulators", modulators, Modulator),
        ):
            if not isinstance(items, (tuple, list)):
                raise DescriptionError(message(where, items, f"a tuple of sp.{kind.__name__}(...)"))
            for item in items:
                if not isinstance(item, kind):
                    raise DescriptionError(message(where, item, f"sp.{kind.__name__}(...) only"))
        read = [factor for projection in projections for factor in _modulators(projection)]
        read.extend(modulators)
        joined = [side for projection in projections for side in (projection.pre, projection.post)]
        joined.extend(populations)
        joined.extend(modulator.source for modulator in read if modulator.source is not None)
        object.__setattr__(self, "projections", _unique(projections, "projections"))
        object.__setattr__(self, "populations", _unique(joined, "populations"))
        object.__setattr__(self, "modulators", _unique(read, "modulators"))
        if not self.populations:
            raise DescriptionError(message("Network", "nothing", "at least one projection or population"))

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse to change a network."""
        raise AttributeError(f"a Network is frozen; describe a new one instead of setting {name}")

    def __delattr__(self, name: str) -> None:
        """Refuse to change a network."""
        raise AttributeError(f"a Network is frozen; describe a new one instead of deleting {name}")

    def __repr__(self) -> str:
        """Return everything it was made of."""
        listed = "".join(f"{projection!r}, " for projection in self.projections)
        return f"Network({listed}populations={self.populations!r}, modulators={self.modulators!r})"

    def __reduce__(self) -> tuple[partial[Network], tuple[Projection, ...]]:
        """Say how a copy is made, for `copy` and for processes that are handed a description."""
        return partial(Network, populations=self.populations, modulators=self.modulators), self.projections

    def population(self, name: str) -> Population:
        """Return the population called `name`; raises `DescriptionError` with the nearest name."""
        return _by_name(self.populations, name, "population")

    def projection(self, name: str) -> Projection:
        """Return the projection called `name`; raises `DescriptionError` with the nearest name."""
        return _by_name(self.projections, name, "projection")

    def modulator(self, name: str) -> Modulator:
        """Return the modulator called `name`; raises `DescriptionError` with the nearest name."""
        return _by_name(self.modulators, name, "modulator")

    def without_plasticity(self) -> Network:
        """Return the same circuit with every weight fixed at its initial value."""
        fixed = (replace(projection, rule=None) for projection in self.projections)
        return Network(*fixed, populations=self.populations, modulators=self.modulators)


def _modulators(projection: Projection) -> list[Modulator]:
    found: list[Modulator] = []
    pending = list(projection.rule.terms) if projection.rule is not None else []
    for term in pending:
        for factor in term.product.factors:
            if isinstance(factor, Eligibility):
                pending.extend(factor.terms)
            if isinstance(factor, Modulator):
                if factor.target is not None and factor.target != projection.post:
                    where = f"Projection({projection.name!r}).rule: Modulator({factor.name!r}).target"
                    allowed = f"the post-synaptic {projection.post.name}"
                    raise DescriptionError(message(where, factor.target.name, allowed))
                found.append(factor)
    return found


def _unique(items: Sequence[Named], kind: str) -> tuple[Named, ...]:
    known: dict[str, Named] = {}
    for item in items:
        if known.setdefault(item.name, item) != item or (kind == "projections" and known[item.name] is not item):
            remedy = "give one of them another name"
            raise DescriptionError(message(f"Network.{kind}", item.name, "one meaning for a name", remedy))
    return tuple(known.values())


def _by_name(items: tuple[Named, ...], name: str, kind: str) -> Named:
    for item in items:
        if isinstance(name, str) and item.name == name:
            return item
    raise DescriptionError(message(kind, name, f"a {kind} of the network", nearest(name, (i.name for i in items))))
