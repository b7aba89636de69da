"""``deploy.json`` of a run on hardware: how it lay on the chip, what lowering lost, what it did and would cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spikerl.errors import FileError, message
from spikerl.files import read_whole, replace_whole
from spikerl.results.manifest import first_fault, read_manifest

NAME = "deploy.json"
_LARGEST = 64 * 2**20

Whole = Annotated[int, Field(ge=0)]
Name = Annotated[str, Field(max_length=1000)]


class Part(BaseModel):
    """A part of the file: every key is there, no other is, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Chip(Part):
    """The chip: its name, one line about it, the `file` where it is no shipped one, and what its layout is."""

    name: Name
    summary: Name
    file: Name | None
    cores: Whole | None
    mesh: tuple[Whole, Whole] | None
    tile_cores: Whole | None


class Limit(Part):
    """A limit: its `key` in the chip's file, the most that is `used`; no `limit` where it is unknown or unlimited."""

    key: Name
    used: Whole
    limit: Whole | None
    unlimited: bool
    source: Name


class Piece(Part):
    """Neurons `first` up to `stop` of a population."""

    population: Name
    first: Whole
    stop: Whole


class Core(Part):
    """A core, what lies on it and what is used of it."""

    number: Whole
    pieces: tuple[Piece, ...]
    use: dict[str, Whole]


class Loss(Part):
    """What lowering changed: the `wanted` number of an `object` and what it `got`; None where it is not finite.

    `kind`: rounding, clipping, saturation, coefficient or approximation; `error` is relative, None where only `note`
    can say what is lost.
    """

    object: Name
    quantity: Name
    wanted: float | None
    got: float | None
    error: float | None
    note: Name
    kind: Name


class Population(Part):
    """What a population did, in all instances; inputs have no updates."""

    neurons: Whole
    input: bool
    spikes: Whole
    neuron_updates: Whole


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
    instances: Whole
    dt: Annotated[float, Field(gt=0)]
    peak: Whole
    populations: dict[str, Population]
    connections: dict[str, Connection]


class Event(Part):
    """A kind of event, how many there were, and the energy of one in pJ; None where nobody knows."""

    event: Name
    count: Whole | None
    picojoules: Annotated[float, Field(ge=0)] | None
    source: Name


class Energy(Part):
    """An estimate of the energy of all instances, in J."""

    name: Name
    summary: Name
    joules: Annotated[float, Field(ge=0)]
    left_out: tuple[Name, ...]
    events: tuple[Event, ...]


class Metrics(Part):
    """NeuroBench's metrics."""

    Footprint: float
    ConnectionSparsity: float
    ActivationSparsity: float
    Effective_ACs: float
    Effective_MACs: float
    Dense: float


class Agreement(Part):
    """Machines that computed the same, bit for bit: their names and what was compared.

    `integers`: how many numbers (u, v, weights, tags, traces, signals) of each machine were held against the other's.
    """

    machines: tuple[Name, ...]
    windows: Whole
    steps: Whole
    spikes: Whole
    integers: Whole


class Deployment(Part):
    """All of it; `results` is the SHA-256 of the results that it belongs to."""

    format: Literal[1] = 1
    results: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    emulator: Name
    options: dict[str, str | int | float | bool]
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


def write_deployment(directory: Path, deployment: Deployment) -> None:
    """Write it into a run's directory, atomically; raises `FileError`."""
    replace_whole(directory / NAME, deployment.model_dump_json(indent=1).encode() + b"\n")


def read_deployment(directory: Path) -> Deployment | None:
    """Return the deployment of a run, or None where it was none.

    Raises `FileError` for a file that cannot be read, says something else, or belongs to other results.
    """
    path = directory / NAME
    if not path.exists():
        return None
    content = read_whole(path, _LARGEST, "deployment")
    try:
        # In Python's mode a list is no tuple; in that of JSON it is.
        deployment = Deployment.model_validate_json(content, strict=True)
    except ValidationError as error:
        raise first_fault(path, error, "restore the file, or deploy again") from error
    accepted = read_manifest(directory).sha256
    if deployment.results not in accepted:
        allowed = f"{' or '.join(accepted)}, as in the manifest"
        raise FileError(message(f"{path}, results", deployment.results, allowed, "it belongs to another run"))
    return deployment
