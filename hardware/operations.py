"""What a run of a program makes a chip do: spikes, synaptic operations, neuron updates, learning updates.

Counted over all instances, window after window, and independent of any chip:

- a *spike* is a message that is not 0, of an input or of a neuron;
- a *synaptic operation* is one synapse that reads one spike, ``spikes of a neuron * its synapses``. It is counted when
  the spike is sent, so that windows add up, and whatever the weight, since a weight of 0 is read like any other;
- a *neuron update* is one neuron in one step, active or not;
- a *learning update* is one synapse that the learning engine visits at the end of an epoch, because a product of its
  rule is due there: x0 where its pre-synaptic neuron spiked in the epoch, y0 where its post-synaptic neuron did, u in
  every ``2**decimate``-th epoch. A synapse is visited once, however many of its products are due.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from spikerl.errors import DescriptionError, message
from spikerl.hardware.machine import Integers
from spikerl.hardware.program import Connection, Program, Rule

Active = NDArray[np.bool_]
_CHANGES = {"weight": ("w",), "tag": ("t",), "synapse": ("w", "t")}


@dataclass(frozen=True, eq=False)
class Operations:
    """The counts of `steps` steps of `batch` instances.

    `spikes` of every population, inputs too, int64 [neuron]; `graded`, of each input, those in steps of an instance in
    which a message is above 1. `synaptic` operations by connection, and `peak`, the most in one step of one instance;
    `neuron_updates` by population. Of connections that learn, synapses visited in epochs that have ended, for a change
    of the weight (`weight_updates`), of the tag (`tag_updates`), of either (`synapse_updates`).
    """

    steps: int
    batch: int
    spikes: dict[str, Integers]
    graded: dict[str, Integers]
    synaptic: dict[str, int]
    peak: int
    neuron_updates: dict[str, int]
    weight_updates: dict[str, int]
    tag_updates: dict[str, int]
    synapse_updates: dict[str, int]

    def totals(self) -> dict[str, int]:
        """Return the sums over populations and connections, by the names of the counts."""
        return {
            "spikes": sum(int(spikes.sum()) for spikes in self.spikes.values()),
            "synaptic": sum(self.synaptic.values()),
            "neuron_updates": sum(self.neuron_updates.values()),
            "weight_updates": sum(self.weight_updates.values()),
            "tag_updates": sum(self.tag_updates.values()),
            "synapse_updates": sum(self.synapse_updates.values()),
        }


def together(runs: Sequence[Operations]) -> Operations:
    """Return the counts of runs of one program and one length, whose instances stand side by side."""

    def summed(counts: str) -> dict[str, Any]:
        each = [getattr(run, counts) for run in runs]
        return {name: sum(one[name] for one in each) for name in each[0]}

    return Operations(
        steps=runs[0].steps,
        batch=sum(run.batch for run in runs),
        spikes=summed("spikes"),
        graded=summed("graded"),
        synaptic=summed("synaptic"),
        peak=max(run.peak for run in runs),
        neuron_updates=summed("neuron_updates"),
        weight_updates=summed("weight_updates"),
        tag_updates=summed("tag_updates"),
        synapse_updates=summed("synapse_updates"),
    )


class Counter:
    """Counts the operations of `batch` instances of `program` from its first step on, a window at a time."""

    def __init__(self, program: Program, batch: int = 1) -> None:
        if batch < 1:
            raise DescriptionError(message("Counter: batch", batch, "a whole number from 1"))
        self._program, self._batch, self._steps, self._peak = program, batch, 0, 0
        self._sizes = {name: program.size(name) for name in (*program.inputs, *program.neurons)}
        self._fan_out = {
            name: np.bincount(connection.pre_index, minlength=self._sizes[connection.pre])
            for name, connection in program.connections.items()
        }
        self._spikes = {name: np.zeros(size, np.int64) for name, size in self._sizes.items()}
        self._graded = {name: np.zeros(given.size, np.int64) for name, given in program.inputs.items()}
        self._visits = {
            name: _Visits(connection, connection.rule, batch, self._sizes)
            for name, connection in program.connections.items()
            if connection.rule is not None
        }

    def add(self, spikes: Mapping[str, NDArray[Any]]) -> None:
        """Count the next window: the messages of every input, the spikes of every population of neurons.

        Each is bool or whole numbers, [steps, batch, neuron]. Raises `DescriptionError` where one is missing or has
        another shape; nothing is counted then.
        """
        steps = self._checked(spikes)
        active = {name: np.asarray(spikes[name]) != 0 for name in self._sizes}
        load = np.zeros((steps, self._batch), np.int64)
        for name, happened in active.items():
            self._spikes[name] += happened.sum(axis=(0, 1), dtype=np.int64)
            fan_out = np.zeros(self._sizes[name], np.int64)
            for connection in self._program.connections.values():
                if connection.pre == name:
                    fan_out += self._fan_out[connection.name]
            step, instance, neuron = np.nonzero(happened)
            np.add.at(load, (step, instance), fan_out[neuron])
        for name in self._graded:
            above = (np.abs(spikes[name].astype(np.int64)) > 1).any(axis=2, keepdims=True)
            self._graded[name] += (active[name] & above).sum(axis=(0, 1), dtype=np.int64)
        for visits in self._visits.values():
            visits.add(active)
        self._peak = max(self._peak, int(load.max(initial=0)))
        self._steps += steps

    def total(self) -> Operations:
        """Return the counts of all windows so far."""
        program, visits = self._program, self._visits
        return Operations(
            steps=self._steps,
            batch=self._batch,
            spikes={name: spikes.copy() for name, spikes in self._spikes.items()},
            graded={name: spikes.copy() for name, spikes in self._graded.items()},
            synaptic={
                name: int(self._spikes[connection.pre] @ self._fan_out[name])
                for name, connection in program.connections.items()
            },
            peak=self._peak,
            neuron_updates={
                name: self._steps * self._batch * neurons.size for name, neurons in program.neurons.items()
            },
            weight_updates={name: each.found["weight"] for name, each in visits.items()},
            tag_updates={name: each.found["tag"] for name, each in visits.items()},
            synapse_updates={name: each.found["synapse"] for name, each in visits.items()},
        )

    def _checked(self, spikes: Mapping[str, NDArray[Any]]) -> int:
        steps = next((len(spikes[name]) for name in self._sizes if name in spikes), 0)
        for name, size in self._sizes.items():
            shape = (steps, self._batch, size)
            if name not in spikes or np.shape(spikes[name]) != shape:
                given = np.shape(spikes[name]) if name in spikes else "nothing"
                allowed = f"spikes of shape {shape}, [steps, batch, neuron]"
                raise DescriptionError(message(f"Counter.add: population {name!r}", given, allowed))
        return steps


class _Visits:
    """Counts the synapses of a connection that are visited at the ends of epochs; keeps what is not yet an epoch."""

    def __init__(self, connection: Connection, rule: Rule, batch: int, sizes: Mapping[str, int]) -> None:
        self._pre, self._post, self._rule = connection.pre, connection.post, rule
        shape = sizes[connection.pre], sizes[connection.post]
        self._size = connection.pre_index.size
        ones = np.ones(self._size, np.int64)
        self._matrix = csr_array((ones, (connection.pre_index, connection.post_index)), shape=shape)
        self._rows = np.bincount(connection.pre_index, minlength=shape[0])
        self._columns = np.bincount(connection.post_index, minlength=shape[1])
        self._left = [np.zeros((0, batch, size), bool) for size in shape]
        self._epochs = 0
        self.found = dict.fromkeys(_CHANGES, 0)

    def add(self, active: Mapping[str, Active]) -> None:
        """Count the epochs that end in a window."""
        length = self._rule.epoch
        sides = [
            np.concatenate([left, active[name]]) for left, name in zip(self._left, (self._pre, self._post), strict=True)
        ]
        epochs = len(sides[0]) // length
        self._left = [side[epochs * length :].copy() for side in sides]
        pre, post = (
            np.logical_or.reduce(side[: epochs * length].reshape(epochs, length, *side.shape[1:]), axis=1)
            for side in sides
        )
        number = self._epochs + 1 + np.arange(epochs)
        self._epochs += epochs
        often = number % 2**self._rule.decimate == 0
        for change, targets in _CHANGES.items():
            due: set[str] = {product.dependency for product in self._rule.products if product.target in targets}
            self.found[change] += self._visited(pre, post, often & ("u" in due), due)

    def _visited(self, pre: Active, post: Active, everywhere: Active, due: set[str]) -> int:
        """Return how many synapses are visited, given who spiked [epochs, batch, neuron]."""
        found = int(everywhere.sum()) * pre.shape[1] * self._size
        pre = pre[~everywhere].reshape(-1, pre.shape[2])
        post = post[~everywhere].reshape(-1, post.shape[2])
        if "x0" in due:
            found += int(pre.sum(axis=0) @ self._rows)
        if "y0" in due:
            found += int(post.sum(axis=0) @ self._columns)
        if {"x0", "y0"} <= due:  # those that both have reached were counted twice
            found -= int((csr_array(pre.astype(np.int64)) @ self._matrix).multiply(post).sum())
        return found
