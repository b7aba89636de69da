"""``deploy.json`` of a run on hardware: how it lay on the chip, what lowering lost, what it did and would cost.

The file is held to its own laws: a sum that is not that of its parts, a core that the chip has not, neurons that no
population has, are refused like a value of the wrong type.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from spikerl.errors import FileError, message
from spikerl.files import read_whole, replace_whole
from spikerl.results.manifest import read_manifest

NAME = "deploy.json"
LARGEST = 64 * 2**20
_REMEDY = "restore the file, or deploy again"
_PICO = 1e-12
_ROUNDING = 1e-9
_SHOWN = 80

Whole = Annotated[int, Field(ge=0, lt=2**63)]
Real = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(max_length=1000)]
Kind = Literal["rounding", "clipping", "saturation", "coefficient", "approximation"]


class Part(BaseModel):
    """A part of the file: every key is there, no other is, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Chip(Part):
    """The chip: its name, one line about it, the `file` where it is no shipped one, and what its layout is.

    `mesh`: columns and rows of tiles; tile ``core // tile_cores`` holds a core, row after row.
    """

    name: Name
    summary: Name
    file: Name | None
    cores: Whole | None
    mesh: tuple[Annotated[int, Field(ge=1, lt=2**31)], Annotated[int, Field(ge=1, lt=2**31)]] | None
    tile_cores: Annotated[int, Field(ge=1, lt=2**63)] | None


class Limit(Part):
    """A limit: its `key` in the chip's file, the most that is `used`; no `limit` where it is unknown or unlimited."""

    key: Name
    used: Whole
    limit: Whole | None
    unlimited: bool
    source: Name

    @model_validator(mode="after")
    def _limited_or_not(self) -> Self:
        _demand(not (self.unlimited and self.limit is not None), "no limit where it is unlimited")
        return self


class Piece(Part):
    """Neurons `first` up to `stop` (without it) of a population."""

    population: Name
    first: Whole
    stop: Whole

    @model_validator(mode="after")
    def _neurons(self) -> Self:
        _demand(self.first < self.stop, "a first neuron below the stop")
        return self


class Core(Part):
    """A core, what lies on it and what is used of it, by the names of the limits of a core."""

    number: Whole
    pieces: tuple[Piece, ...]
    use: dict[Name, Whole]


class Loss(Part):
    """What lowering changed: the `wanted` number of an `object` and what it `got`; None where it is not finite.

    `error` is relative, None where it is not finite or only `note` can say what is lost. `kind`: "rounding" to the grid
    of integers; "clipping" at the ends of a range; "saturation", what may reach them in a run; "coefficient" of a
    learning rule; "approximation" of a law by another.
    """

    object: Name
    quantity: Name
    wanted: float | None
    got: float | None
    error: Real | None
    note: Name
    kind: Kind


class Population(Part):
    """What a population did, in all instances; inputs have no updates."""

    neurons: Whole
    input: bool
    spikes: Whole
    neuron_updates: Whole

    @model_validator(mode="after")
    def _updated(self) -> Self:
        _demand(not (self.input and self.neuron_updates), "no neuron updates of an input")
        return self


class Connection(Part):
    """What a connection did, in all instances."""

    synapses: Whole
    synaptic_operations: Whole
    weight_updates: Whole
    tag_updates: Whole
    synapse_updates: Whole


class Operations(Part):
    """What was counted in `steps` of `dt` seconds of `instances`; `peak` synaptic operations in a step of one."""

    steps: Whole
    instances: Annotated[int, Field(ge=1, lt=2**31)]
    dt: Annotated[float, Field(gt=0)]
    peak: Whole
    populations: dict[Name, Population]
    connections: dict[Name, Connection]

    @property
    def seconds(self) -> float:
        """``steps * dt * instances``: the time of all instances together, s."""
        return self.steps * self.dt * self.instances


class Event(Part):
    """A kind of event, how many there were, and the energy of one in pJ; None where nobody knows."""

    event: Name
    count: Whole | None
    picojoules: Annotated[float, Field(ge=0, le=1e15)] | None
    source: Name

    @property
    def joules(self) -> float | None:
        """``count * picojoules``, in J; None where one of them is unknown."""
        return None if self.count is None or self.picojoules is None else self.count * self.picojoules * _PICO


class Energy(Part):
    """An estimate of the energy of all instances, in J: the sum over `events` of which count and energy are known.

    `left_out`: the events that happened, or may have, and are not in the sum.
    """

    name: Name
    summary: Name
    joules: Real
    left_out: tuple[Name, ...]
    events: tuple[Event, ...]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = math.fsum(event.joules for event in self.events if event.joules is not None)
        _demand(math.isclose(self.joules, total, rel_tol=_ROUNDING), f"joules that are the sum of the events, {total}")
        missing = tuple(event.event for event in self.events if event.joules is None and event.count != 0)
        _demand(self.left_out == missing, "left_out that names the events without an energy or a count, in their order")
        return self


class Metrics(Part):
    """NeuroBench's metrics: bytes, shares from 0 to 1, operations of a step of one instance."""

    Footprint: Real
    ConnectionSparsity: Share
    ActivationSparsity: Share
    Effective_ACs: Real
    Effective_MACs: Real
    Dense: Real


class Agreement(Part):
    """Machines that computed the same, bit for bit: their names and what was compared.

    `integers`: how many numbers (u, v, weights, tags, traces, signals) of each machine were held against the other's.
    """

    machines: Annotated[tuple[Name, ...], Field(min_length=2)]
    windows: Whole
    steps: Whole
    spikes: Whole
    integers: Whole


class Width(Part):
    """How well layers that learned name test samples at so many `bits` of weights, None for real numbers.

    `layers` [layer][network]: shares of the samples.
    """

    bits: Annotated[int, Field(ge=1, le=8)] | None
    layers: Annotated[tuple[Annotated[tuple[Share, ...], Field(min_length=1)], ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _rectangular(self) -> Self:
        _demand(len({len(layer) for layer in self.layers}) == 1, "layers that have as many networks each")
        return self


class Deployment(Part):
    """All of it; `results` is the SHA-256 of the results that it belongs to.

    Where layers that learned were shown test samples, `widths` says how well they name them, real numbers first, and
    operations are those of the first network, with an instance for every sample; else it is None.
    """

    format: Literal[1] = 1
    results: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    emulator: Name
    options: dict[Name, Name | bool | Annotated[int, Field(ge=-(2**63), lt=2**63)] | float]
    chip: Chip
    limits: tuple[Limit, ...]
    unknown: tuple[Name, ...]
    shared: bool
    cores: tuple[Core, ...]
    losses: tuple[Loss, ...]
    operations: Operations
    energy: tuple[Energy, ...]
    metrics: Metrics
    agreement: Agreement | None
    widths: tuple[Width, ...] | None = None

    @model_validator(mode="after")
    def _lies_on_the_chip(self) -> Self:
        numbers = [core.number for core in self.cores]
        _demand(all(a < b for a, b in zip(numbers, numbers[1:], strict=False)), "cores in the order of their numbers")
        if self.chip.cores is not None:
            inside = not numbers or numbers[-1] < self.chip.cores
            _demand(inside, f"cores with numbers below {self.chip.cores}, as the chip has")
        for piece in (piece for core in self.cores for piece in core.pieces):
            population = self.operations.populations.get(piece.population)
            known = population is not None and not population.input and piece.stop <= population.neurons
            _demand(known, "pieces of cores that are neurons of the populations in operations")
        if self.widths is not None:
            bits = [width.bits for width in self.widths]
            _demand(bool(bits) and bits[0] is None and len(set(bits)) == len(bits), "widths, each once, None first")
            shapes = {(len(width.layers), len(width.layers[0])) for width in self.widths}
            _demand(len(shapes) == 1, "widths of the same layers and networks")
        return self


def write_deployment(directory: Path, deployment: Deployment) -> None:
    """Write it into a run's directory, atomically; raises `FileError`."""
    content = deployment.model_dump_json(indent=1).encode() + b"\n"
    if len(content) > LARGEST:
        raise FileError(message(f"{directory / NAME}, bytes", len(content), f"at most {LARGEST}"))
    replace_whole(directory / NAME, content)


def read_deployment(directory: Path) -> Deployment | None:
    """Return the deployment of a run, or None where it was none.

    Raises `FileError` for a file that cannot be read, says something else, or belongs to other results.
    """
    path = directory / NAME
    if not os.path.lexists(path):  # a link to nowhere is a damaged file, not the absence of one
        return None
    content = read_whole(path, LARGEST, "deployment")
    try:
        # In Python's mode a list is no tuple; in that of JSON it is.
        deployment = Deployment.model_validate_json(content, strict=True)
    except ValidationError as error:
        raise _fault(path, error) from error
    manifest = read_manifest(directory)
    if deployment.results not in manifest.sha256:
        allowed = f"{' or '.join(manifest.sha256)}, as in the manifest"
        raise FileError(message(f"{path}, results", deployment.results, allowed, "it belongs to another run"))
    if deployment.widths is None and deployment.operations.instances != manifest.instances:
        where, got = f"{path}, operations.instances", deployment.operations.instances
        raise FileError(message(where, got, f"{manifest.instances}, as in the manifest", _REMEDY))
    return deployment


def _demand(holds: bool, allowed: str) -> None:
    if not holds:
        raise ValueError(allowed)


def _fault(path: Path, error: ValidationError) -> FileError:
    """Return the first fault as one line, whatever the keys of the file are."""
    first = error.errors(include_url=False, include_context=False)[0]
    key = _printable(str(part) for part in first["loc"])
    allowed = first["msg"].removeprefix("Value error, ")
    return FileError(message(f"{path}{', ' if key else ''}{key}", first["input"], allowed, _REMEDY))


def _printable(parts: Iterable[str]) -> str:
    key = "".join(c if c.isprintable() else "?" for c in ".".join(part[:_SHOWN] for part in parts))
    return key if len(key) <= 2 * _SHOWN else f"{key[: 2 * _SHOWN]}..."
