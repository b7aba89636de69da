"""The figures of layers that learned from data: scores, confusion or curves, spikes, weights, bits on a chip."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from spikerl.analysis.accuracy import confusion, follows_curves, scores
from spikerl.analysis.intervals import band_over_blocks
from spikerl.analysis.rasters import Train
from spikerl.errors import FileError, message
from spikerl.report import training_figures as figures
from spikerl.report.drawing import Drawing
from spikerl.report.layer_weights import layer_weights
from spikerl.report.numbers import count, number
from spikerl.report.sections import Drawn, Panel, panel
from spikerl.results import Results
from spikerl.results.deployment import Width, read_deployment
from spikerl.units import steps

_BANDS = "bands: 95 % intervals over networks (Student)"
_SHOWN = 5


def measure(results: Results) -> str:
    """Return what is measured of a layer."""
    return "Correlation" if follows_curves(results) else "Accuracy"


def epochs_panel(runs: Sequence[tuple[str, Results]], name: str) -> Panel:
    """Return scores over epochs: all layers of one run, or the last layers of several."""
    return panel(f"{measure(runs[0][1])} over epochs", name, lambda: _epochs(runs))


def training_panels(results: Results, prefix: str) -> list[Panel]:
    """Return all other panels of one run; `prefix` keeps their names apart on a page."""
    if follows_curves(results):
        first = [panel("Curves that were followed", f"{prefix}-curves", lambda: _followed(results))]
    else:
        first = [panel("Confusion", f"{prefix}-confusion", lambda: _confusion(results))]
    return [
        *first,
        panel("Spikes of test samples", f"{prefix}-raster", lambda: _samples(results)),
        panel("Weights", f"{prefix}-weights", lambda: layer_weights(results)),
        *_on_chip(results, prefix),
    ]


def _on_chip(results: Results, prefix: str) -> list[Panel]:
    found = read_deployment(results.path)
    if found is None or found.widths is None:
        return []
    widths = found.widths
    return [panel("Accuracy on the chip", f"{prefix}-widths", lambda: _widths(widths, found.chip.name))]


def _widths(widths: Sequence[Width], chip: str) -> Drawn:
    real, *others = widths
    others = sorted(others, key=lambda width: width.bits or 0)
    bits = np.array([width.bits for width in others])
    lines = []
    for layer in range(len(real.layers)):
        values = np.array([width.layers[layer] for width in others]).T
        lines.append(figures.Line(f"layer {layer + 1}", bits, band_over_blocks(values)))
    reals = [float(np.mean(layer)) for layer in real.layers]
    said = ", ".join(number(value, 3) for value in reals)
    chosen = max(others, key=lambda width: width.bits or 0)
    lost = np.mean(real.layers[-1]) - np.mean(chosen.layers[-1])
    caption = (
        f"Share of test samples that each layer names on {chip}, by the bits of its weights; {_BANDS}. Dotted: in"
        f" real numbers, {said}. At {chosen.bits} bits the last layer loses {number(100 * float(lost), 2)} points of"
        " a hundred."
    )
    return Drawn(Drawing(partial(figures.by_bits, lines=lines, reals=reals), 2.9), caption)


def _epochs(runs: Sequence[tuple[str, Results]]) -> Drawn:
    lines = []
    for label, one in runs:
        found = scores(one)
        chosen = range(found.layers) if len(runs) == 1 else [found.layers - 1]
        for layer in chosen:
            name = f"layer {layer + 1}" if len(runs) == 1 else label
            lines.append(figures.Line(name, found.epoch, found.band(layer)))
    first = runs[0][1]
    chance = None if follows_curves(first) else 1.0 / max(int(first.trials["label"].max()) + 1, 2)
    of = "of each layer" if len(runs) == 1 else "of the last layer"
    shown = "the mean of all curves" if follows_curves(first) else "the share of test samples that it names"
    caption = f"{measure(first)} {of}, {shown}, after so many epochs; {_BANDS}. Epoch 0 is before training."
    return Drawn(Drawing(partial(figures.over_epochs, lines=lines, name=measure(first), chance=chance), 2.9), caption)


def _confusion(results: Results) -> Drawn:
    counts = confusion(results)
    if len(counts) > 40:
        raise FileError(message("classes", len(counts), "at most 40 in one figure"))
    caption = (
        f"What the last layer of {count(results.manifest.instances, 'network')} took test samples for after the last"
        f" epoch, summed; the shade is the share of a row."
    )
    return Drawn(Drawing(partial(figures.confusion, counts=counts), 0.9 + 0.27 * len(counts)), caption)


def _followed(results: Results) -> Drawn:
    found = scores(results)
    numbered = sorted(name.partition(".")[2] for name in results.modulators if name.startswith("target."))
    last, kept = f"layer_{found.layers}", results.modulators
    curves = {
        name.partition(".")[2]: (kept[f"{last}.{name}"][:, 0], kept[f"target.{name}"][:, 0]) for name in numbered
    }
    if not curves or not len(next(iter(curves.values()))[0]):
        raise FileError(message("recorded readouts", "none", "those of a finished run"))
    assert found.outputs is not None
    r = found.outputs[-1, :, -1].mean(axis=1)
    said = ", ".join(f"{name} {number(float(value), 3)}" for name, value in zip(curves, r, strict=True))
    length = len(next(iter(curves.values()))[0])
    time = np.linspace(0.0, length * results.contents.dt, length, endpoint=False)
    caption = f"Readout of the last layer of the first network, unfiltered, and its targets. Mean correlations: {said}."
    return Drawn(Drawing(partial(figures.followed, time=time, curves=curves), 0.5 + 1.2 * len(curves)), caption)


def _samples(results: Results) -> Drawn:
    if not results.spikes:
        raise FileError(message("recorded spikes", "none", "a layer at least", "name layers in record.spikes"))
    length = _length(results)
    shown = 1 if follows_curves(results) else min(_SHOWN, int(results.experiment["record"]["samples"]))
    trains = {}
    for name in sorted(results.spikes, key=lambda each: (each != "input", each)):
        spikes = results.spikes[name]
        mine = (spikes.instance == 0) & (spikes.step < shown * length)
        time = spikes.step[mine] * results.contents.dt
        trains[name] = Train(results.contents.spikes[name], time, spikes.neuron[mine].astype(np.int64))
    titles = _titles(results, shown)
    seconds = length * results.contents.dt
    height = 0.75 + 0.2 * sum(np.sqrt(min(train.neurons, 80)) + 1.5 for train in trains.values())
    caption = (
        "Spikes of the first network, trained, for the first test samples; of a layer with more than 80 neurons as many"
        " are drawn, evenly spaced."
    )
    draw = partial(figures.samples, trains=trains, length=seconds, titles=titles)
    return Drawn(Drawing(draw, float(height)), caption)


def _titles(results: Results, shown: int) -> list[str]:
    if follows_curves(results):
        return [""]
    trials = results.trials
    last = (trials["block"] == trials["block"].max()) & (trials["instance"] == 0) & (trials["trial"] < shown)
    order = np.argsort(trials["trial"][last])
    pairs = zip(trials["label"][last][order], trials["choice"][last][order], strict=True)
    return [f"{label}" if label == choice else f"{label}, named {choice}" for label, choice in pairs]


def _length(results: Results) -> int:
    """Return the steps of a sample."""
    return steps(results.experiment["data"]["window"], results.contents.dt, "data.window")
