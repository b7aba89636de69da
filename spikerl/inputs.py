"""The input of one window: given, scheduled and Poisson spikes, noise and held modulators, alike for all back ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spikerl.discretise import Plan, SourcePlan, probability
from spikerl.errors import DescriptionError, message, nearest
from spikerl.noise import NoiseInput, noise_keys
from spikerl.poisson import PoissonInput, poisson_keys
from spikerl.units import Dimension, to_si


@dataclass(frozen=True)
class Window:
    """What a back end hears for `steps` steps from step `first` on.

    `given`: of every spike source, its spikes, bool [steps, batch, neuron]. `poisson`: of every Poisson population,
    what its spikes are drawn from. `held`: for each modulator that is set, its value in each step, float64
    [steps, batch] or, post-shaped, [steps, batch, neuron]. `noise`: of every population that hears noise, what its
    currents are drawn from.
    """

    first: int
    steps: int
    given: dict[str, NDArray[np.bool_]]
    poisson: dict[str, PoissonInput]
    held: dict[str, NDArray[np.float64]]
    noise: dict[str, NoiseInput]

    @cached_property
    def spikes(self) -> dict[str, NDArray[np.bool_]]:
        """The spikes of every source population, drawn when first asked for; bool [steps, batch, neuron]."""
        return self.given | {name: source.spikes(self.first, self.steps) for name, source in self.poisson.items()}

    def instance(self, number: int) -> Window:
        """Return the window of instance `number` of the batch alone."""
        only = slice(number, number + 1)
        given = {name: spikes[:, only] for name, spikes in self.given.items()}
        poisson = {name: PoissonInput(s.keys[only], s.chances[only]) for name, s in self.poisson.items()}
        held = {name: values[:, only] for name, values in self.held.items()}
        noise = {name: replace(heard, keys=heard.keys[only]) for name, heard in self.noise.items()}
        return Window(self.first, self.steps, given, poisson, held, noise)


@dataclass(frozen=True)
class Hearing:
    """Makes windows: `seed` and the numbers of the `instances` fix all random spikes and all noise."""

    plan: Plan
    seed: int
    instances: Sequence[int]

    def window(
        self,
        first: int,
        steps: int,
        spikes: Mapping[str, ArrayLike],
        rates: Mapping[str, ArrayLike],
        modulators: Mapping[str, ArrayLike],
    ) -> Window:
        """Return the window; raises `DescriptionError` for unknown names, wrong shapes, or values not allowed."""
        for given, where, known in (
            (spikes, "spikes", [s.name for s in self.plan.sources.values() if not s.poisson]),
            (rates, "rates", [s.name for s in self.plan.sources.values() if s.poisson]),
            (modulators, "modulators", list(self.plan.modulators)),
        ):
            if not isinstance(given, Mapping):
                raise DescriptionError(message(where, given, "a mapping from names to arrays"))
            for name in given:
                if not isinstance(name, str) or name not in known:
                    allowed = f"{', '.join(known) or 'none'} here"
                    raise DescriptionError(message(where, name, allowed, nearest(name, known)))
        sources = self.plan.sources.values()
        own = {s.name: self._given(s, first, steps, spikes.get(s.name)) for s in sources if not s.poisson}
        poisson = {
            s.name: PoissonInput(self._keys[s.name], self._chances(s, rates.get(s.name))) for s in sources if s.poisson
        }
        held = {name: self._held(name, steps, value) for name, value in modulators.items()}
        return Window(first, steps, own, poisson, held, self._noise)

    @cached_property
    def _noise(self) -> dict[str, NoiseInput]:
        """The noise of every population that hears any, the same for all windows."""
        return {
            name: NoiseInput(noise_keys(self.seed, name, self.instances), n.size, n.noise.low, n.noise.width)
            for name, n in self.plan.neurons.items()
            if n.noise is not None
        }

    @cached_property
    def _keys(self) -> dict[str, NDArray[np.uint64]]:
        """The keys of all random streams, hashed once."""
        sources = (source.name for source in self.plan.sources.values() if source.poisson)
        return {name: poisson_keys(self.seed, name, self.instances) for name in sources}

    def _chances(self, source: SourcePlan, rate: ArrayLike | None) -> NDArray[np.float64]:
        where, shape = f"rates[{source.name!r}]", (len(self.instances), source.size)
        if rate is None:
            return np.full(shape, source.probability)
        if isinstance(rate, str):
            return np.full(shape, probability(rate, self.plan.dt, where))
        hertz = _array(rate, where)
        chances = _broadcast(hertz, shape, where, "[neuron] or [batch, neuron], in Hz") * self.plan.dt
        if hertz.size and (chances.min() < 0 or chances.max() > 1):
            wrong = float(hertz.min() if chances.min() < 0 else hertz.max())
            raise DescriptionError(message(where, wrong, f"0 to {1 / self.plan.dt:g} Hz"))
        return chances

    def _given(self, source: SourcePlan, first: int, steps: int, given: ArrayLike | None) -> NDArray[np.bool_]:
        where, shape = f"spikes[{source.name!r}]", (steps, len(self.instances), source.size)
        spikes = np.zeros(shape, dtype=bool)
        if given is not None:
            array = _array(given, where, booleans=True)
            if not np.isin(array, (0, 1)).all():
                raise DescriptionError(message(where, array, "zeros and ones"))
            if array.shape != (steps, source.size) and array.shape != shape:
                allowed = f"[time, neuron] or [time, batch, neuron], here {list(shape)}"
                raise DescriptionError(message(where, f"shape {list(array.shape)}", allowed))
            spikes |= array.reshape(steps, -1, source.size) != 0
        now = (source.scheduled_steps >= first) & (source.scheduled_steps < first + steps)
        spikes[source.scheduled_steps[now] - first, :, source.scheduled_neurons[now]] = True
        return spikes

    def _held(self, name: str, steps: int, value: ArrayLike) -> NDArray[np.float64]:
        where, size, batch = f"modulators[{name!r}]", self.plan.modulators[name].size, len(self.instances)
        if isinstance(value, str):
            value = to_si(value, Dimension.NUMBER, where)
        array = _array(value, where)
        if size is not None and array.ndim == 2:
            allowed = "[neuron], [time, batch, neuron]"
            raise DescriptionError(message(where, f"shape {list(array.shape)}", allowed))
        shape = (steps, batch) if size is None else (steps, batch, size)
        allowed = "one number, or [time], [time, batch]" if size is None else "[neuron], [time, batch, neuron]"
        if size is None and array.ndim == 1:
            array = array[:, None]
        return _broadcast(array, shape, where, allowed).copy()


def _array(value: ArrayLike, where: str, booleans: bool = False) -> NDArray[np.float64]:
    try:
        given = np.asarray(value)
    except (TypeError, ValueError, OverflowError):
        raise DescriptionError(message(where, value, "an array of numbers")) from None
    if given.dtype.kind not in ("iufb" if booleans else "iuf"):
        raise DescriptionError(message(where, value, "an array of numbers"))
    array = given.astype(np.float64)
    if not np.isfinite(array).all():
        raise DescriptionError(message(where, float(array[~np.isfinite(array)][0]), "finite numbers"))
    return array


def _broadcast(array: NDArray[np.float64], shape: tuple[int, ...], where: str, allowed: str) -> NDArray[np.float64]:
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        expected = f"{allowed}, fitting {list(shape)}"
        raise DescriptionError(message(where, f"shape {list(array.shape)}", expected)) from None
