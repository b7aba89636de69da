"""What experiments of layers share: the back end, the description of a network, errors laid to the written key."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping

from spikerl.backends import base
from spikerl.dcll.layers import Description, Filters, Readout, Shape
from spikerl.errors import (
    DescriptionError,
    MissingPackageError,
    SpikerlError,
    UnsupportedError,
    message,
    nearest,
    shorten,
)
from spikerl.experiment.training_tables import NetworkTable, TrainingRun

_OWNERS = {
    "Filters": "network",
    "Network": "network",
    "Convolution": "network",
    "Dense": "network",
    "Readout": "network",
    "Training": "training",
    "Learning": "learning",
    "Quantization": "quantization",
    "PopulationCode": "environment",
    "CueSettings": "environment",
    "CartPoleSettings": "environment",
}
_KEYS = {"Readout.amplitude": "network.readout", "Convolution: input": "network.layers"}


def layer_names(count: int) -> tuple[str, ...]:
    """Return "layer_1" and so on."""
    return tuple(f"layer_{number + 1}" for number in range(count))


def check_backend(running: TrainingRun) -> None:
    """Raise where the back end of ``[run]`` does not train layers, or cannot do so there or in that precision."""
    if running.backend != "norse":
        if running.backend not in base.names():
            remedy = nearest(running.backend, ("norse",))
            raise DescriptionError(message("run.backend", running.backend, "norse", remedy))
        remedy = "after training, `spikerl deploy` runs them on a chip"
        raise UnsupportedError(message("run.backend", running.backend, "norse, which trains layers", remedy))
    precisions = base.Options(running.instances, running.device, running.precision)
    base.check(base.load(running.backend), precisions)


def described(table: NetworkTable, inputs: Shape, outputs: int, dt: str) -> Description:
    """Return the network of ``[network]``."""
    layers = tuple(layer.layer() for layer in table.layers)
    filters = Filters(table.tau_mem, table.tau_syn, table.tau_ref, dt)
    return Description(inputs, layers, outputs, filters, Readout(table.readout), table.gain)


@contextlib.contextmanager
def laid_to(given: Iterable[str], origins: Mapping[str, str], data: str = "data") -> Iterator[None]:
    """Put the key that was written, and where, in place of the name of the object that found it wrong.

    `data` is the table that a data set's settings are written in.
    """
    try:
        yield
    except MissingPackageError:
        raise
    except SpikerlError as error:
        where, colon, rest = str(error).partition(": ")
        if where == "Convolution" and rest.startswith("input: "):
            where, rest = "Convolution: input", rest.removeprefix("input: ")
        owner, _, name = where.partition(".")
        key = _KEYS.get(where) or (f"{_OWNERS[owner]}.{name}" if owner in _OWNERS else where)
        key = re.sub(r"^\w+Settings\.dt$", "run.dt", key)
        key = re.sub(r"^(\w+Settings|RateCode|LatencyCode)\.", f"{data}.", key)
        key = re.sub(r"^Filters\.dt$|^network\.dt$", "run.dt", key)
        table, _, name = key.partition(".")
        written = next((k for k in given if k == key or key.startswith(f"{k}[")), None)
        origin = origins.get(written or "", origins[""])
        raise type(error)(f"{origin}{key}{colon}{rest}" if colon else f"{origin}{shorten(str(error), 400)}") from error
