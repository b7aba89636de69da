"""The tables of an experiment: circuit, task, protocol, run, record, hardware, quantization, device."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator

from spikerl.backends.base import Hardware, load
from spikerl.circuit import CircuitFactory
from spikerl.errors import DescriptionError, message, nearest
from spikerl.experiment.document import write
from spikerl.experiment.quantization_tables import DeviceTable, QuantizationTable, asked
from spikerl.quantization import Quantization
from spikerl.tasks.base import TaskFactory
from spikerl.tasks.protocol import TrialProtocol
from spikerl.threads import MOST_THREADS

STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
TABLES = ("circuit", "task", "protocol", "run", "record", "hardware", "quantization", "device")

_WHEN = ("every trial", "end", "never")
Names = Annotated[tuple[Annotated[str, Field(strict=True)], ...], Field(strict=False)]  # TOML has lists, no tuples


class Running(BaseModel):
    """The ``[run]`` table.

    `backend`: default "brian2"; `instances` in lockstep (default 8, from 1 to 100,000); `trials` of each (80);
    `seed` (1); `dt`, the step ("1 ms"); `checkpoint_every` so many trials (10); `device`, a torch device ("cpu");
    `precision` ("float64" or "float32"); `threads` of the back end "native" (default: one a processor core).
    """

    model_config = STRICT

    backend: str = "brian2"
    instances: int = Field(default=8, ge=1, le=100_000)
    trials: int = Field(default=80, ge=1, le=10_000_000)
    seed: int = Field(default=1, ge=0, le=2**63 - 1)
    dt: str = "1 ms"
    checkpoint_every: int = Field(default=10, ge=1, le=10_000_000)
    device: str = "cpu"
    precision: Literal["float64", "float32"] = "float64"
    threads: int | None = Field(default=None, ge=1, le=MOST_THREADS)


class Recording(BaseModel):
    """The ``[record]`` table.

    `spikes` of populations (default none); `weights` of the projections that learn, as they are after "every trial",
    at the "end" (default), after every so many trials and the last (a number), or "never"; `modulators` of one value
    an instance, in every step (default none).
    """

    model_config = STRICT

    spikes: Names = ()
    weights: str | int = "end"
    modulators: Names = ()

    @field_validator("weights", mode="plain")
    @classmethod
    def _weights(cls, value: object) -> str | int:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return value
        if isinstance(value, str) and value in _WHEN:
            return value
        allowed = "'every trial', 'end', 'never', or a number of trials from 1"
        raise DescriptionError(message("weights", value, allowed, nearest(value, _WHEN)))


class OnHardware(BaseModel):
    """The ``[hardware]`` table, for the back ends in fixed point: the fields of `Hardware`, which see.

    `target` ("loihi2"), `weight_bits` (8), `tolerance` (0.05), `saturate` (false), `streams` ("lava").
    """

    model_config = STRICT

    target: str = Field(default=Hardware.target, min_length=1)
    weight_bits: int = Field(default=Hardware.weight_bits, ge=1, le=8)
    tolerance: float = Field(default=Hardware.tolerance, ge=0)
    saturate: bool = Hardware.saturate
    streams: Literal["lava", "per-synapse"] = Hardware.streams


_PHASES: dict[str, Any] = {phase.name: (str, phase.default) for phase in fields(TrialProtocol)}
Protocol: type[BaseModel] = create_model(
    "Protocol",
    __config__=STRICT,
    __doc__="The ``[protocol]`` table: the lengths of the phases of `TrialProtocol`.",
    **_PHASES,
)


@dataclass(frozen=True)
class Experiment:
    """What is run: a circuit in a task on a back end, and what is kept of it. Read by `spikerl.experiment.read`.

    `name` is that of its file; `parts` holds the checked tables by name; `given`, the keys that were written, as
    ``table.key``; `origins`, where a key was written ("" for the rest), for errors.
    """

    name: str
    circuit: CircuitFactory
    task: TaskFactory
    parts: dict[str, BaseModel]
    given: frozenset[str]
    origins: dict[str, str]

    @property
    def run(self) -> Running:
        """The ``[run]`` table."""
        return cast(Running, self.parts["run"])

    @property
    def record(self) -> Recording:
        """The ``[record]`` table."""
        return cast(Recording, self.parts["record"])

    @property
    def hardware(self) -> Hardware | None:
        """The chip that ``[hardware]`` describes, None where the back end is not in fixed point."""
        if not load(self.run.backend).capabilities.hardware:
            return None
        return Hardware(**self.parts["hardware"].model_dump())

    @property
    def quantization(self) -> Quantization | None:
        """How ``[quantization]`` and ``[device]`` have weights stored, None in floating point on perfect devices."""
        table, device = self.parts["quantization"], self.parts["device"]
        return asked(cast(QuantizationTable, table), cast(DeviceTable, device))

    @property
    def trial_protocol(self) -> TrialProtocol:
        """The trial protocol that ``[protocol]`` describes."""
        return TrialProtocol(**self.parts["protocol"].model_dump())

    def tables(self) -> dict[str, dict[str, Any]]:
        """Return all tables, defaults included; keys without a value are left out, since TOML has none."""
        tables = {table: self.parts[table].model_dump(exclude_none=True) for table in TABLES}
        tables["circuit"] = {"name": self.circuit.name} | tables["circuit"]
        tables["task"] = {"name": self.task.name} | tables["task"]
        return tables

    def toml(self) -> str:
        """Return the complete experiment as TOML text, which `read` reads back as the same experiment."""
        return write(self.tables())
