"""The tables of layers that act: environment, network, learning, run, record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, Field

from spikerl.dcll.rewarded import Learning
from spikerl.experiment.document import write
from spikerl.experiment.tables import STRICT
from spikerl.experiment.training_tables import NetworkTable, TrainingRun

ACTING_TABLES = ("environment", "network", "learning", "run", "record")


class CuesTable(BaseModel):
    """A bandit with digits as cues: `better` is the better option of each digit, ``schedule`` what options pay.

    `better` ([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]); `schedule` ("80/20"), percentages of rewarded trials, the better option
    first; `rate` of the brightest pixel ("400 Hz"), `window` of a decision ("40 ms"), `shift` of images (0).
    """

    model_config = STRICT

    better: Annotated[tuple[int, ...], Field(strict=False, min_length=10, max_length=10)] = (0,) * 5 + (1,) * 5
    schedule: str = "80/20"
    rate: str = "400 Hz"
    window: str = "40 ms"
    shift: int = 0


class CartPoleTable(BaseModel):
    """CartPole-v1: `cells` for each of four variables (16), for `window` of a decision ("10 ms"), `width` (1).

    `reward` of a step (.01), and `test_episodes` (100).
    """

    model_config = STRICT

    cells: int = 16
    window: str = "10 ms"
    width: float = 1.0
    reward: float = 0.01
    test_episodes: int = Field(default=100, ge=1, le=1_000_000)


ENVIRONMENTS: dict[str, type[BaseModel]] = {"cues": CuesTable, "cartpole": CartPoleTable}
"""The form of each environment's table, by its name."""


class LearningTable(BaseModel):
    """The ``[learning]`` table: fields of `spikerl.dcll.rewarded.Learning`, and how much is played.

    `decisions` of each environment (1000), of which there are `batch` side by side (32); a test after each
    `test_every` (100); `discount`, `trace`, `critic`, `rate`, `halving`, `optimiser`.
    """

    model_config = STRICT

    decisions: int = Field(default=1000, ge=0, le=10**9)
    test_every: int = Field(default=100, ge=1, le=10**9)
    batch: int = Field(default=32, ge=1, le=100_000)
    discount: float = Learning.discount
    trace: float = Learning.trace
    critic: float = Learning.critic
    rate: float = Learning.rate
    halving: int = Learning.halving
    optimiser: str = Learning.optimiser


class ActingRecord(BaseModel):
    """The ``[record]`` table where layers act: `weights` at the "end" (default) or "never"."""

    model_config = STRICT

    weights: Literal["end", "never"] = "end"


@dataclass(frozen=True)
class ActingExperiment:
    """Layers that learn to act from a dopamine error. Read by `spikerl.experiment.read`.

    `name` is that of its file, `environment` that of what is played; the rest as in `Experiment`.
    """

    name: str
    environment: str
    parts: dict[str, BaseModel]
    given: frozenset[str]
    origins: dict[str, str]

    @property
    def network(self) -> NetworkTable:
        """The ``[network]`` table."""
        return cast(NetworkTable, self.parts["network"])

    @property
    def learning(self) -> LearningTable:
        """The ``[learning]`` table."""
        return cast(LearningTable, self.parts["learning"])

    @property
    def run(self) -> TrainingRun:
        """The ``[run]`` table."""
        return cast(TrainingRun, self.parts["run"])

    @property
    def record(self) -> ActingRecord:
        """The ``[record]`` table."""
        return cast(ActingRecord, self.parts["record"])

    @property
    def tests(self) -> int:
        """How many tests follow the first."""
        return -(-self.learning.decisions // self.learning.test_every)

    def tables(self) -> dict[str, dict[str, Any]]:
        """Return all tables, defaults included; keys without a value are left out, since TOML has none."""
        tables = {table: self.parts[table].model_dump(exclude_none=True) for table in ACTING_TABLES}
        tables["environment"] = {"name": self.environment} | tables["environment"]
        return tables

    def toml(self) -> str:
        """Return the complete experiment as TOML text, which `read` reads back as the same experiment."""
        return write(self.tables())
