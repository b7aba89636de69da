"""The ``[data]`` table of a training experiment, one form for each data set; ``name`` chooses it."""

from __future__ import annotations

from typing import Literal, Protocol

from pydantic import BaseModel, Field

from spikerl.datasets.catalogue import Settings
from spikerl.datasets.codes import LatencyCode, RateCode
from spikerl.datasets.digits import DigitsSettings
from spikerl.datasets.fig4 import Fig4Settings
from spikerl.datasets.nmnist import SENSOR, NMNISTSettings
from spikerl.datasets.randman import RandmanSettings
from spikerl.experiment.tables import STRICT


class DataTable(Protocol):
    """A ``[data]`` table."""

    def settings(self, dt: str) -> Settings:
        """Return the settings of the data set, in steps of `dt`."""
        ...


class DigitsTable(BaseModel):
    """Handwritten digits: `code` "rate" or "latency", its `rate`, or its `tau` and `theta`, `window`, `shift`."""

    model_config = STRICT

    code: Literal["rate", "latency"] = "rate"
    rate: str = str(RateCode.rate)
    tau: str = str(LatencyCode.tau)
    theta: float = LatencyCode.theta
    window: str = str(DigitsSettings.window)
    shift: int = DigitsSettings.shift

    def settings(self, dt: str) -> Settings:
        """Return the settings of the digits."""
        code = RateCode(self.rate) if self.code == "rate" else LatencyCode(self.tau, self.theta)
        return DigitsSettings(code, dt, self.window, self.shift)


class NMNISTTable(BaseModel):
    """N-MNIST in the zip file or folder `path`; `window` from the start."""

    model_config = STRICT

    path: str = Field(min_length=1)
    window: str = str(NMNISTSettings.window)
    height: int = SENSOR[0]
    width: int = SENSOR[1]

    def settings(self, dt: str) -> Settings:
        """Return the settings of N-MNIST."""
        return NMNISTSettings(self.path, dt, self.window, (self.height, self.width))


class RandmanTable(BaseModel):
    """Random manifolds; the keys are the fields of `RandmanSettings`."""

    model_config = STRICT

    classes: int = RandmanSettings.classes
    channels: int = RandmanSettings.channels
    dimension: int = RandmanSettings.dimension
    alpha: float = RandmanSettings.alpha
    jitter: str = str(RandmanSettings.jitter)
    train: int = RandmanSettings.train
    test: int = RandmanSettings.test
    window: str = str(RandmanSettings.window)

    def settings(self, dt: str) -> Settings:
        """Return the settings of the manifolds."""
        return RandmanSettings(**self.model_dump(), dt=dt)


class Fig4Table(BaseModel):
    """A frozen pattern of Poisson spikes and three curves; the keys are fields of `Fig4Settings`."""

    model_config = STRICT

    inputs: int = Fig4Settings.inputs
    rate: str = str(Fig4Settings.rate)
    window: str = str(Fig4Settings.window)

    def settings(self, dt: str) -> Settings:
        """Return the settings of the task."""
        return Fig4Settings(self.inputs, self.rate, 1, dt, self.window)


DATA: dict[str, type[BaseModel]] = {
    "digits": DigitsTable,
    "nmnist": NMNISTTable,
    "randman": RandmanTable,
    "fig4": Fig4Table,
}
"""The form of each data set's table, by the name that `spikerl.datasets.DATASETS` has."""
