"""The tables of a training experiment: data, network, training, run, record, hardware, quantization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, Field, field_validator, model_validator

from spikerl.backends.base import Hardware
from spikerl.dcll.layers import Convolution, Dense, Filters, Layer, Readout
from spikerl.dcll.settings import Training
from spikerl.errors import DescriptionError, message
from spikerl.experiment.document import write
from spikerl.experiment.tables import STRICT, Names
from spikerl.quantization import Quantization
from spikerl.threads import MOST_THREADS

TRAINING_TABLES = ("data", "network", "training", "run", "record", "hardware", "quantization")


class LayerTable(BaseModel):
    """One of `layers`: ``{units = 512}``, or ``{channels = 32, kernel = 3, pool = 2, padding = 1}``."""

    model_config = STRICT

    units: int | None = None
    channels: int | None = None
    kernel: int | None = None
    pool: int | None = None
    padding: int | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> LayerTable:
        self.layer()
        return self

    def layer(self) -> Layer:
        """Return the layer; raises `DescriptionError`."""
        given = self.model_dump(exclude_none=True)
        if given.keys() == {"units"}:
            return Dense(**given)
        if "channels" in given and "units" not in given:
            return Convolution(**given)
        allowed = "{units = N}, or {channels = N} with kernel, pool, padding"
        raise DescriptionError(message("layer", given, allowed))


class NetworkTable(BaseModel):
    """The ``[network]`` table.

    `layers`, of which each hears the one before; `tau_mem` (20 ms), `tau_syn` (7.5 ms) and `tau_ref` (2.5 ms) of their
    filters; `readout`, the amplitude of the fixed random readouts (1); `gain` of the first weights (1).
    """

    model_config = STRICT

    layers: Annotated[tuple[LayerTable, ...], Field(strict=False, min_length=1)]
    tau_mem: str = str(Filters.tau_mem)
    tau_syn: str = str(Filters.tau_syn)
    tau_ref: str = str(Filters.tau_ref)
    readout: float = Readout.amplitude
    gain: float = 1.0


class TrainingTable(BaseModel):
    """The ``[training]`` table: fields of `spikerl.dcll.Training`, and when the network is tested.

    `epochs` (20); `test_every` so many (1), and after the last; `burn_in`, a time (10 ms), before which nothing learns
    or votes; `loss` ("cross_entropy" or "smooth_l1"), `optimiser`, `rate`, `keep`, `batch`, `every`, `dropout`,
    `gradient`, `schedule`, `precision`.
    """

    model_config = STRICT

    epochs: int = Field(default=20, ge=0, le=1_000_000)
    test_every: int = Field(default=1, ge=1, le=1_000_000)
    burn_in: str = "10 ms"
    loss: Literal["cross_entropy", "smooth_l1"] = "cross_entropy"
    optimiser: str = Training.optimiser
    rate: float = Training.rate
    keep: float = Training.keep
    batch: int = Training.batch
    every: int = Training.every
    dropout: float = Training.dropout
    gradient: str = Training.gradient
    schedule: str = Training.schedule
    precision: str = Training.precision


class TrainingRun(BaseModel):
    """The ``[run]`` table of a training experiment.

    `backend`: "norse"; `instances`, networks that are trained apart, each from its own seed, `seed` (1), ``seed + 1``
    and so on (5); `dt` ("1 ms"); `checkpoint_every` so many epochs (1); `device`, a torch device ("cpu");
    `precision` ("float32" or "float64"); `threads` that share the instances (default: one a processor core).
    """

    model_config = STRICT

    backend: str = "norse"
    instances: int = Field(default=5, ge=1, le=1_000)
    seed: int = Field(default=1, ge=0, le=2**62)
    dt: str = "1 ms"
    checkpoint_every: int = Field(default=1, ge=1, le=1_000_000)
    device: str = "cpu"
    precision: Literal["float32", "float64"] = "float32"
    threads: int | None = Field(default=None, ge=1, le=MOST_THREADS)


class TrainingRecord(BaseModel):
    """The ``[record]`` table of a training experiment.

    `spikes` of "input" and of layers ("layer_1", ...), in the last test, of its first `samples` (10), shown one after
    the other; `weights` at the "end" (default) or "never".
    """

    model_config = STRICT

    spikes: Names = ()
    samples: int = Field(default=10, ge=1, le=100_000)
    weights: Literal["end", "never"] = "end"

    @field_validator("spikes")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for place, name in enumerate(value):
            if name in value[:place]:
                raise DescriptionError(message("spikes", name, "each name once"))
        return value


class LayerQuantizationTable(BaseModel):
    """The ``[quantization]`` table of a training experiment; biases, filters and gradients stay in floating point.

    `bits` of a weight: 1 to 16, or 32 (default) for floating point; `when`: "during" training, each change rounded, or
    "after" it; `rounding` ("nearest", "floor", "zero", "stochastic"). Grids are signed and end at `headroom` (8) times
    the greatest first weight of a layer, or, with `scale` "neuron", of a neuron or a map, or at `top`. `hidden_bits`
    (0), `stickiness` (1) and `rate` (1) as in `spikerl.Quantization`.
    """

    model_config = STRICT

    bits: int = Quantization.bits
    rounding: Literal["nearest", "floor", "zero", "stochastic"] = "nearest"
    when: Literal["during", "after"] = "during"
    scale: str = Quantization.scale
    top: float | None = None
    headroom: float = 8.0
    hidden_bits: int = Quantization.hidden_bits
    stickiness: float = Quantization.stickiness
    rate: float = Quantization.rate

    @model_validator(mode="after")
    def _allowed(self) -> LayerQuantizationTable:
        self.settings()
        return self

    def settings(self) -> Quantization | None:
        """Return what is asked of the weights, None for floating point; raises `DescriptionError`."""
        try:
            asked = Quantization(**self.model_dump(exclude={"when"}))
            if asked.floating and asked.rate != 1:
                raise DescriptionError(message("rate", asked.rate, "1 at 32 bits", "set training.rate"))
        except DescriptionError as error:
            raise DescriptionError(str(error).removeprefix("Quantization.")) from None
        return None if asked.floating else asked


@dataclass(frozen=True)
class TrainingExperiment:
    """Layers that learn from a data set: what is trained, how, and what is kept. Read by `spikerl.experiment.read`.

    `name` is that of its file, `dataset` that of its data; the rest as in `Experiment`.
    """

    name: str
    dataset: str
    parts: dict[str, BaseModel]
    given: frozenset[str]
    origins: dict[str, str]

    @property
    def network(self) -> NetworkTable:
        """The ``[network]`` table."""
        return cast(NetworkTable, self.parts["network"])

    @property
    def training(self) -> TrainingTable:
        """The ``[training]`` table."""
        return cast(TrainingTable, self.parts["training"])

    @property
    def run(self) -> TrainingRun:
        """The ``[run]`` table."""
        return cast(TrainingRun, self.parts["run"])

    @property
    def record(self) -> TrainingRecord:
        """The ``[record]`` table."""
        return cast(TrainingRecord, self.parts["record"])

    @property
    def hardware(self) -> Hardware:
        """The chip that ``[hardware]`` describes, which training does not read."""
        return Hardware(**self.parts["hardware"].model_dump())

    @property
    def quantization(self) -> LayerQuantizationTable:
        """The ``[quantization]`` table."""
        return cast(LayerQuantizationTable, self.parts["quantization"])

    def tables(self) -> dict[str, dict[str, Any]]:
        """Return all tables, defaults included; keys without a value are left out, since TOML has none."""
        tables = {table: self.parts[table].model_dump(exclude_none=True) for table in TRAINING_TABLES}
        tables["data"] = {"name": self.dataset} | tables["data"]
        return tables

    def toml(self) -> str:
        """Return the complete experiment as TOML text, which `read` reads back as the same experiment."""
        return write(self.tables())
