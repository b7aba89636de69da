"""Trained layers of DCLL on the fixed point of a chip: inference, with an account of what is lost on the way.

Loaded with torch and Norse, which are optional. The layers go the way of every other network, and run on the chip with
their biases and pooling. The readouts do not: each is a fixed random matrix that the host applies to the numbers of
spikes, ``Y = G sum_t S_t``, in real numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.backends.base import Hardware, Options
from spikerl.datasets.base import Samples
from spikerl.dcll.description import Described, described
from spikerl.dcll.network import Network
from spikerl.dcll.training import Evaluation
from spikerl.deploy.machines import check_emulator, opened
from spikerl.discretise import Plan, discretise
from spikerl.errors import DescriptionError, message
from spikerl.hardware.comparison import Compared
from spikerl.hardware.engine import Prepared, prepared
from spikerl.hardware.machine import FixedWindow
from spikerl.hardware.operations import Operations, together
from spikerl.inputs import Hearing
from spikerl.threads import available_threads
from spikerl.units import whole_number


class Inferred(NamedTuple):
    """What the layers say on the chip, `evaluation`; how they lie there, and what that loses, `prepared`.

    The `operations` of all samples, side by side; `compared`, what two emulators agree in, None where there is one.
    """

    evaluation: Evaluation
    prepared: Prepared
    operations: Operations
    compared: Compared | None


class Planned(NamedTuple):
    """The layers of a `network` as a description, `written`, and as a `plan`: the same for all chips and widths."""

    network: Network
    written: Described
    plan: Plan


def planned(network: Network) -> Planned:
    """Return the layers of `network` as a plan, which takes seconds for a million synapses."""
    written = described(network)
    return Planned(network, written, discretise(written.network, written.dt))


def placed(layers: Planned, hardware: Hardware) -> Prepared:
    """Return `layers` lowered for a chip; raises `UnsupportedError` where it cannot hold them."""
    return prepared(layers.plan, hardware, layers.written.biases)


def infer(
    layers: Network | Planned,
    samples: Samples,
    hardware: Hardware | None = None,
    *,
    burn_in: int = 10,
    batch: int = 100,
    emulator: str = "loihi",
    threads: int | None = None,
) -> Inferred:
    """Return what all `layers` say of `samples` on a chip, votes summed from step `burn_in` on.

    `hardware` is the chip (by default `Hardware()`), with the bits of weights (biases have 8), and what may be lost.
    Samples run side by side, `batch` at a time, each in an instance of its own that begins at rest. `emulator`:
    "loihi", "lava", or "both", which are held to the last bit. Raises `DescriptionError`, `UnsupportedError` for what
    the chip cannot hold or loses too much of, `MissingSimulatorError`, and `DivergenceError` where the two part.
    """
    chosen = hardware or Hardware()
    check_emulator(emulator)
    whole_number(batch, 1, 100_000, "infer.batch")
    whole_number(burn_in, 0, samples.steps - 1, "infer.burn_in")
    network, written, plan = planned(layers) if isinstance(layers, Network) else layers
    if tuple(samples.shape) != tuple(network.description.inputs):
        raise DescriptionError(message("infer.samples: shape", samples.shape, f"{network.description.inputs}"))
    ready = placed(Planned(network, written, plan), chosen)
    readouts = [own.readout.detach().cpu().double().numpy() for own in network.parameters]
    votes, counted, compared = [], [], []
    for first in range(0, len(samples.labels), batch):
        index = np.arange(first, min(first + batch, len(samples.labels)))
        options = Options(batch=len(index), threads=threads or available_threads(), hardware=chosen)
        machine = opened(emulator, ready.lowered.program, chosen, options)
        try:
            spikes = machine.run(_window(plan, written, samples.spikes(index))).spikes
            counted.append(machine.operations())
            compared.append(machine.compared())
        finally:
            machine.close()
        counts = (
            spikes[place.out][place.out_lag + burn_in : place.out_lag + samples.steps].sum(axis=0, dtype=np.int64)
            for place in written.layers
        )
        votes.append(np.stack([count @ readout.T for count, readout in zip(counts, readouts, strict=True)]))
    evaluation = Evaluation(np.concatenate(votes, axis=1), np.asarray(samples.labels))
    return Inferred(evaluation, ready, together(counted), _all(compared))


def _all(compared: list[Compared | None]) -> Compared | None:
    """Return what was compared in all windows."""
    found = [one for one in compared if one is not None]
    if not found:
        return None
    windows, spikes, integers = (sum(getattr(one, name) for one in found) for name in ("windows", "spikes", "integers"))
    return Compared(windows, found[0].steps, spikes, integers)


def _window(plan: Plan, written: Described, spikes: NDArray[np.bool_]) -> FixedWindow:
    """Return the window of a batch: its `spikes` from the second step on, and steps for the last layer to follow."""
    given, count = len(spikes), spikes.shape[1]
    steps = given + written.layers[-1].out_lag
    heard = np.zeros((steps, count, plan.size(written.source)), bool)
    heard[1 : 1 + given] = spikes.reshape(given, count, -1)
    own = Hearing(plan, 0, range(count)).window(0, steps, {}, {}, {}).spikes
    messages: dict[str, NDArray] = {**own, written.source: heard}
    return FixedWindow(steps, messages)
