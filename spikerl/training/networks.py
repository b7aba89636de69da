"""The networks of a training experiment and their trainers: made, saved, restored, and read from results."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from spikerl.dcll.layers import Description
from spikerl.dcll.network import Network
from spikerl.dcll.training import Trainer
from spikerl.errors import FileError, UnsupportedError, message
from spikerl.experiment.training_tables import TrainingExperiment, TrainingRun
from spikerl.results import Results
from spikerl.training.preparing import Prepared

State = Mapping[str, NDArray]


def trainers_of(experiment: TrainingExperiment, prepared: Prepared) -> list[Trainer]:
    """Return a trainer of a new network for each instance; instance k is drawn from ``seed + k`` alone."""
    running = experiment.run
    seeds = range(running.seed, running.seed + running.instances)
    return [
        Trainer(
            made(prepared.description, running, seed), prepared.training, seed, prepared.quantization, prepared.when
        )
        for seed in seeds
    ]


def made(description: Description, running: TrainingRun, seed: int) -> Network:
    """Return a new network on the device and in the precision of ``[run]``.

    Raises `UnsupportedError` where torch cannot use the device, or not in that precision.
    """
    dtype = {"float32": torch.float32, "float64": torch.float64}[running.precision]
    try:
        torch.zeros(1, dtype=dtype, device=running.device).sum().item()
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        allowed = f"a device on which torch computes in {running.precision} here, such as 'cpu'"
        raise UnsupportedError(message("run.device", running.device, allowed, f"torch says: {reason}")) from error
    return Network(description, seed, running.device, dtype)


def state_of(trainers: Sequence[Trainer]) -> dict[str, NDArray]:
    """Return the states of all trainers as one."""
    return {f"{number}/{name}": a for number, one in enumerate(trainers) for name, a in one.state().items()}


def restore(trainers: Sequence[Trainer], state: State) -> None:
    """Give all trainers what `state_of` returned; do nothing for an empty one."""
    for number, trainer in enumerate(trainers if state else ()):
        prefix = f"{number}/"
        trainer.restore({name.removeprefix(prefix): a for name, a in state.items() if name.startswith(prefix)})


@contextlib.contextmanager
def single_threaded() -> Iterator[None]:
    """Let torch use one thread for each operation, and as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def trained(results: Results, experiment: TrainingExperiment, prepared: Prepared, instance: int) -> Network:
    """Return the network of `instance` as the run `results` left it; raises `FileError` where it kept no weights."""
    trainer = trainers_of(experiment, prepared)[instance]
    for name, own in zip(prepared.layers, trainer.network.parameters, strict=True):
        for suffix, tensor in (("", own.weight), (".bias", own.bias)):
            kept = results.weights[f"{name}{suffix}"].value
            if not len(kept):
                where = f"{results.path}, weights of {name}"
                raise FileError(message(where, "none", "those of a finished run", "resume it with --resume"))
            tensor.copy_(torch.as_tensor(np.array(kept[-1, instance])).reshape(tensor.shape))
    return trainer.network
