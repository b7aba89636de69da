"""A session owns the state of a running network and advances it window by window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spikerl.backends import base
from spikerl.discretise import Plan, discretise
from spikerl.errors import DescriptionError, message, nearest
from spikerl.inputs import Hearing, Window
from spikerl.keywords import checked, described
from spikerl.network import Network
from spikerl.neurons import Written
from spikerl.quantization import ENDLESS, Quantization
from spikerl.seeding import check_seed
from spikerl.threads import MOST_THREADS, available_threads
from spikerl.units import MOST_STEPS, steps, whole_number

_MOST_INSTANCES = 1_000_000
_MOST_VALUES = 2**31  # spikes of a window, a byte each


@described
@dataclass(frozen=True)
class Record:
    """What an observation holds, by name; ``None`` means all, and the default is all spikes and all modulators.

    `spikes` and `voltages` of populations, `weights` of projections at the end of the window, `modulators` in each
    step.
    """

    spikes: tuple[str, ...] | None = None
    voltages: tuple[str, ...] | None = ()
    weights: tuple[str, ...] | None = ()
    modulators: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Check that each field is a tuple of names."""
        for field in fields(self):
            names = getattr(self, field.name)
            if names is not None and not isinstance(names, (tuple, list)):
                allowed = "a tuple of names, or None for all"
                raise DescriptionError(message(f"Record.{field.name}", names, allowed, "write ('name',)"))
            object.__setattr__(self, field.name, None if names is None else tuple(names))


@dataclass(frozen=True)
class Observation:
    """What happened in a window, from step `first` on.

    `spikes` bool and `voltages` float64 (V, or plain), [time, batch, neuron]; `weights` [batch, synapse], in the unit
    they were written in; `modulators` [time, batch], or [time, batch, neuron] where post-shaped.
    """

    first: int
    spikes: Mapping[str, NDArray[np.bool_]]
    voltages: dict[str, NDArray[np.float64]]
    weights: dict[str, NDArray[np.float64]]
    modulators: dict[str, NDArray[np.float64]]


class _Spikes(Mapping[str, NDArray[np.bool_]]):
    """The spikes of some populations, each taken when first asked for: from a back end, or from its window."""

    def __init__(self, names: tuple[str, ...], emitted: Mapping[str, NDArray[np.bool_]], window: Window) -> None:
        self._names, self._emitted, self._window = names, emitted, window
        self._taken: dict[str, NDArray[np.bool_]] = {}

    def __getitem__(self, name: str) -> NDArray[np.bool_]:
        """Return the spikes of population `name`, [time, batch, neuron]; raises `KeyError` for one not recorded."""
        if name not in self._names:
            raise KeyError(f"{name!r} is not among the recorded populations: {', '.join(self._names) or 'none'}")
        if name not in self._taken:
            self._taken[name] = self._emitted[name] if name in self._emitted else self._window.spikes[name]
        return self._taken[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the populations."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return the number of populations."""
        return len(self._names)


class Steppable(Protocol):
    """What the closed loop needs of a running network: a `Session`, or several of them in lockstep."""

    plan: Plan

    def step(
        self,
        duration: Written,
        *,
        spikes: Mapping[str, ArrayLike] | None = None,
        rates: Mapping[str, ArrayLike] | None = None,
        modulators: Mapping[str, ArrayLike] | None = None,
    ) -> Observation:
        """Advance by `duration` and return what happened."""
        ...

    def state(self) -> base.State:
        """Return the complete state."""
        ...

    def restore(self, state: base.State) -> None:
        """Go on from `state`."""
        ...


class Session:
    """A running network, opened by `spikerl.open`; a context manager that closes its back end.

    Public attributes, all read-only in use: `network`, `plan`, `backend` (its name), `batch`.
    """

    def __init__(
        self, network: Network, plan: Plan, backend: str, engine: base.Engine, hearing: Hearing, record: Record
    ) -> None:
        self.network = network
        self.plan = plan
        self.backend = backend
        self.batch = len(hearing.instances)
        self._engine = engine
        self._hearing = hearing
        self._record = record
        self._step = 0
        self._closed = False

    @checked
    def step(
        self,
        duration: Written,
        *,
        spikes: Mapping[str, ArrayLike] | None = None,
        rates: Mapping[str, ArrayLike] | None = None,
        modulators: Mapping[str, ArrayLike] | None = None,
    ) -> Observation:
        """Advance by `duration` (a time, a multiple of the step) and return what happened.

        `spikes`: for spike sources, zeros and ones, [time, neuron] or [time, batch, neuron]. `rates`: for Poisson
        populations, for this window, a rate, or Hz as [neuron] or [batch, neuron]. `modulators`: values held in this
        window, a number, [time] or [time, batch]; post-shaped [neuron] or [time, batch, neuron].
        Raises `DescriptionError` before anything runs.
        """
        if self._closed:
            raise DescriptionError(message("Session.step", "a closed session", "an open one", "open the network again"))
        count = steps(duration, self.plan.dt, "Session.step: duration")
        most = _MOST_VALUES // (self.batch * sum(self.plan.sizes.values()))
        if not 1 <= count <= most:
            raise DescriptionError(
                message("Session.step: duration", duration, f"1 to {most} steps", "take more windows")
            )
        heard = ({} if given is None else given for given in (spikes, rates, modulators))
        window = self._hearing.window(self._step, count, *heard)
        happened = self._engine.advance(window)
        self._step += count
        record = self._record
        return Observation(
            first=window.first,
            spikes=_Spikes(_all(record.spikes, self.plan.sizes), happened.spikes, window),
            voltages={name: happened.voltages[name] for name in _all(record.voltages, self.plan.neurons)},
            weights={name: self._engine.weights(name) for name in _all(record.weights, self.plan.projections)},
            modulators={name: happened.modulators[name] for name in _all(record.modulators, self.plan.modulators)},
        )

    def weights(self, projection: str) -> NDArray[np.float64]:
        """Return the present weights of `projection`, [batch, synapse], in the unit they were written in."""
        return self._engine.weights(self.network.projection(projection).name)

    def state(self) -> base.State:
        """Return the complete state; any back end of the same network and batch can go on from it."""
        return self._engine.state()

    @checked
    def restore(self, state: base.State) -> None:
        """Go on from `state`; raises `DescriptionError`, changing nothing, where it does not fit this session."""
        if not isinstance(state, Mapping) or not all(isinstance(name, str) for name in state):
            raise DescriptionError(message("state", state, "what Session.state() returns"))
        expected = self._engine.state()
        for name in sorted(expected.keys() ^ state.keys()):
            allowed = f"exactly the {len(expected)} arrays of this network's state"
            fault = "it is missing" if name in expected else "it is not one of them"
            raise DescriptionError(message("state", name, allowed, fault))
        for name, array in state.items():
            good = isinstance(array, np.ndarray) and array.shape == expected[name].shape
            if not good or array.dtype != expected[name].dtype or not np.isfinite(array).all():
                wanted = f"finite {expected[name].dtype} of shape {list(expected[name].shape)}"
                raise DescriptionError(message(f"state[{name!r}]", array, wanted))
            kind, _, owner = name.partition("/")
            most = self.plan.neurons[owner].refractory if kind == "refractory" else MOST_STEPS
            most = ENDLESS if kind in ("writes", "updates") else most
            own = kind == base.OWN  # a form of its own, which its back end checks
            if not own and array.dtype.kind == "i" and array.size and not 0 <= array.min() <= array.max() <= most:
                wrong = int(array.min() if array.min() < 0 else array.max())
                raise DescriptionError(message(f"state[{name!r}]", wrong, f"0 to {most}"))
        self._engine.restore(state)
        self._step = int(state["step"])

    def close(self) -> None:
        """Free the back end; a closed session cannot step."""
        if not self._closed:
            self._closed = True
            self._engine.close()

    def __enter__(self) -> Session:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        """Close."""
        self.close()
        return False


@checked
def open(
    network: Network,
    backend: str = "brian2",
    *,
    seed: int = 0,
    batch: int = 1,
    first_instance: int = 0,
    dt: Written = "1 ms",
    record: Record = Record(),
    device: str = "cpu",
    precision: str = "float64",
    one_window: bool = False,
    threads: int | None = None,
    hardware: base.Hardware | None = None,
    quantization: Quantization | Sequence[Quantization] = (),
) -> Session:
    """Open `network` on `backend` and return the session, at step 0.

    `batch` independent instances run in lockstep; instance k of it is number ``first_instance + k``, and hears the
    random spikes of that number and `seed`, on every back end alike. `dt`: step length. `device`: a torch device.
    `precision`: "float64" or "float32". `one_window`: the session will step once, for which Brian2 compiles a
    standalone program. `threads` among which the back end `native` shares the instances, without changing a bit of
    what they do: by default one a processor core, or as many as OMP_NUM_THREADS says. `hardware`: the chip, for the
    back ends "loihi" and "lava", by default ``sp.Hardware()``. `quantization`: how weights are stored while they learn;
    of several conditions each has `batch` instances with the same numbers, one condition after the other, so that all
    hear the same and are compared in pairs.
    Raises `DescriptionError`, `UnitError`, `UnsupportedError`, `MissingSimulatorError`.
    """
    batch = whole_number(batch, 1, _MOST_INSTANCES, "batch")
    first_instance = whole_number(first_instance, 0, _MOST_INSTANCES, "first_instance")
    for where, value, kind, allowed in (
        ("backend", backend, str, "the name of a back end"),
        ("record", record, Record, "an sp.Record(...)"),
        ("device", device, str, "the name of a device, such as 'cpu'"),
        ("precision", precision, str, "'float64' or 'float32'"),
        ("one_window", one_window, bool, "True or False"),
        ("hardware", hardware, (base.Hardware, type(None)), "an sp.Hardware(...)"),
    ):
        if not isinstance(value, kind):
            raise DescriptionError(message(where, value, allowed))
    conditions = (quantization,) if isinstance(quantization, Quantization) else quantization
    if not isinstance(conditions, (tuple, list)) or not all(isinstance(one, Quantization) for one in conditions):
        raise DescriptionError(message("quantization", quantization, "an sp.Quantization(...), or several"))
    plan = discretise(network, dt)
    for field, wanted, known in (
        ("spikes", record.spikes, list(plan.sizes)),
        ("voltages", record.voltages, list(plan.neurons)),
        ("weights", record.weights, list(plan.projections)),
        ("modulators", record.modulators, list(plan.modulators)),
    ):
        for name in wanted or ():
            if not isinstance(name, str) or name not in known:
                allowed = ", ".join(known) or "none"
                raise DescriptionError(message(f"record.{field}", name, allowed, nearest(name, known)))
    chosen = base.load(backend)
    if threads is None:
        threads = available_threads() if chosen.capabilities.threads else 1
    options = base.Options(
        batch * max(len(conditions), 1),
        device,
        precision,
        one_window,
        whole_number(threads, 1, MOST_THREADS, "threads"),
        spikes=_all(record.spikes, plan.sizes),
        voltages=_all(record.voltages, plan.neurons),
        seed=check_seed(seed),
        first_instance=first_instance,
        hardware=hardware,
        quantization=tuple(conditions),
    )
    base.check(chosen, options)
    base.check_plan(chosen, plan)
    hearing = Hearing(plan, options.seed, options.instances)
    return Session(network, plan, backend, chosen.open(plan, options), hearing, record)


def _all(wanted: tuple[str, ...] | None, known: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(known) if wanted is None else wanted
