"""Layers trained with their weights stored in many ways, side by side: what each costs, and what became of updates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.datasets.base import Samples, Targets
from spikerl.dcll.network import Network
from spikerl.dcll.stored import check
from spikerl.dcll.training import Trainer
from spikerl.errors import UnsupportedError, message
from spikerl.experiment.training_tables import TrainingExperiment
from spikerl.quantization import Quantization
from spikerl.results.quantizing import Bar, Row
from spikerl.threads import available_threads
from spikerl.training.networks import made, single_threaded
from spikerl.training.preparing import Prepared, prepare

BARS = 64
_ROOM = 16.0
"""Bars of weights reach so many times the greatest first weight of a layer; what lies beyond is in the last."""
Progress = Callable[[int, int], None]
"""Is told of cells of instances that are done, and of how many there are."""


class Storing(NamedTuple):
    """A cell: what is `asked` of the weights, `when` they learn or after it, and the name of its `method`."""

    asked: Quantization
    when: Literal["during", "after"] = "during"
    method: str = "plain"


class Compared(NamedTuple):
    """A row for each cell and instance, and bars of the weights of each layer, summed over instances."""

    rows: list[Row]
    bars: list[Bar]


def base(experiment: TrainingExperiment) -> Quantization:
    """Return the scale, headroom and top that ``[quantization]`` of `experiment` asks for, in floating point."""
    table = experiment.quantization
    return Quantization(scale=table.scale, top=table.top, headroom=table.headroom)  # type: ignore[arg-type]


def quantized_cells(
    experiment: TrainingExperiment, cells: Sequence[Storing], seeds: Sequence[int], progress: Progress | None = None
) -> Compared:
    """Train each instance k of `seeds`, drawn from the seed ``run.seed + k``, in every one of `cells`, and test it.

    All cells of an instance have the same first weights, samples in the same order, and random numbers. Cells of 32
    bits, and those "after" learning, share one training. `test` of a row is the share of test samples that the last
    layer has right; `learning` is NaN; `updates`, `below` and `stored` are summed over layers. Raises
    `DescriptionError`, `UnsupportedError` for data without classes, and what `prepare` raises.
    """
    for cell in cells:
        check(cell.asked)
    rows: dict[tuple[int, int], Row] = {}
    counts: dict[tuple[int, str, str], NDArray[np.int64]] = {}
    edges: dict[str, NDArray[np.float64]] = {}
    done, total = 0, len(seeds) * len(cells)
    threads = experiment.run.threads or available_threads()
    with single_threaded(), ThreadPoolExecutor(threads) as pool:
        for seed in seeds:
            instance = _Instance(_alone(experiment, seed), experiment.run.seed + seed)
            learning = [number for number, cell in enumerate(cells) if _learns(cell)]
            if len(learning) < len(cells):
                instance.learn_in_floating_point()
            rest = [number for number in range(len(cells)) if number not in learning]
            found = dict(zip(learning, pool.map(instance.during, [cells[k] for k in learning]), strict=True))
            found |= zip(rest, pool.map(instance.after, [cells[k] for k in rest]), strict=True)
            for number, tested in sorted(found.items()):
                cell, asked = cells[number], cells[number].asked
                key = (asked.bits, asked.rounding, cell.when, cell.method)
                memory = (asked.hidden_bits, asked.memory)
                rows[number, seed] = Row(*key, *memory, seed, np.nan, tested.right, *tested.counts)
                for layer, moments in tested.weights.items():
                    edge = edges.setdefault(layer, _edges(instance.first[layer]))
                    for moment, weights in moments.items():
                        place = number, layer, moment
                        bars, _ = np.histogram(np.clip(weights, edge[0], edge[-1]), edge)
                        counts[place] = counts.get(place, np.zeros(BARS, dtype=np.int64)) + bars
                done += 1
                if progress:
                    progress(done, total)
    ordered = [rows[number, seed] for number in range(len(cells)) for seed in seeds]
    return Compared(ordered, [bar for place, one in counts.items() for bar in _bars(cells, place, one, edges)])


class _Tested(NamedTuple):
    right: float
    counts: tuple[int, int, int]
    weights: dict[str, dict[str, NDArray]]


class _Instance:
    """One instance: its data, its first weights, and what learning in floating point made of them."""

    def __init__(self, experiment: TrainingExperiment, seed: int) -> None:
        self._experiment, self._seed = experiment, seed
        self._prepared: Prepared = prepare(experiment)
        data = self._prepared.data[0]
        if isinstance(data, Targets):
            remedy = "such as digits, or randman"
            raise UnsupportedError(message("quantize: data", experiment.dataset, "a data set of classes", remedy))
        self._train, self._test = _Remembered(data.train), _Remembered(data.test)
        self.first = self._weights(self._made())
        self._learned: dict[str, NDArray] = {}

    def learn_in_floating_point(self) -> None:
        """Train once for all cells that are rounded afterwards, or not at all."""
        trainer = Trainer(self._made(), self._prepared.training, self._seed)
        self._train_with(trainer)
        self._learned = trainer.state()

    def during(self, cell: Storing) -> _Tested:
        """Return the test of a network that learned with its weights stored as the cell asks."""
        network = self._made()
        trainer = Trainer(network, self._prepared.training, self._seed, cell.asked)
        before = self._weights(network)
        self._train_with(trainer)
        updates, below, stored = (sum(counts) for counts in zip(*trainer.counts, strict=True))
        return self._tested(trainer, before, (updates, below, stored))

    def after(self, cell: Storing) -> _Tested:
        """Return the test of the network that learned in floating point, rounded as the cell asks."""
        trainer = Trainer(self._made(), self._prepared.training, self._seed, cell.asked, "after")
        trainer.restore(self._learned)
        trainer.lay()
        return self._tested(trainer, self.first, (0, 0, 0))

    def _train_with(self, trainer: Trainer) -> None:
        for _ in range(self._experiment.training.epochs):
            trainer.train(self._train)

    def _tested(self, trainer: Trainer, before: dict[str, NDArray], counts: tuple[int, int, int]) -> _Tested:
        right = float(trainer.evaluate(self._test).accuracy()[-1])
        after = self._weights(trainer.network)
        weights = {layer: {"before": before[layer], "after": after[layer]} for layer in after}
        return _Tested(right, counts, weights)

    def _made(self) -> Network:
        return made(self._prepared.description, self._experiment.run, self._seed)

    def _weights(self, network: Network) -> dict[str, NDArray]:
        each = zip(self._prepared.layers, network.parameters, strict=True)
        return {name: own.weight.detach().double().cpu().numpy().copy() for name, own in each}


class _Remembered:
    """Samples that keep the spikes they gave, in bits, for the next who asks for the same."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self.labels = samples.labels
        self._kept: dict[tuple[int, bytes], tuple[NDArray[np.uint8], tuple[int, ...]]] = {}

    def spikes(self, index: NDArray[np.int64], epoch: int = 0) -> NDArray[np.bool_]:
        """Return the spikes of samples `index` in an epoch."""
        asked = epoch, index.tobytes()
        if asked not in self._kept:
            spikes = self._samples.spikes(index, epoch)
            self._kept[asked] = np.packbits(spikes), spikes.shape
        bits, shape = self._kept[asked]
        return np.unpackbits(bits, count=int(np.prod(shape))).view(np.bool_).reshape(shape)


def _learns(cell: Storing) -> bool:
    return cell.when == "during" and not cell.asked.floating


def _alone(experiment: TrainingExperiment, seed: int) -> TrainingExperiment:
    """Return the experiment of one instance."""
    running = experiment.run.model_copy(update={"seed": experiment.run.seed + seed, "instances": 1})
    return replace(experiment, parts=experiment.parts | {"run": running})


def _edges(first: NDArray) -> NDArray[np.float64]:
    room = _ROOM * float(np.abs(first).max())
    return np.linspace(-room, room, BARS + 1)


def _bars(
    cells: Sequence[Storing], place: tuple[int, str, str], counts: NDArray[np.int64], edges: dict[str, NDArray]
) -> list[Bar]:
    number, layer, moment = place
    cell, ends = cells[number], edges[layer].tolist()
    key = cell.asked.bits, cell.asked.rounding, cell.when, cell.method
    bars = zip(ends[:-1], ends[1:], counts.tolist(), strict=True)
    return [Bar(*key, layer, moment, low, high, count) for low, high, count in bars]
