"""What a page says of layers that learn: the score of every layer, and the panels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.analysis.accuracy import confusion, follows_curves, scores
from spikerl.analysis.intervals import Interval, band_over_blocks
from spikerl.analysis.rasters import Train
from spikerl.errors import FileError, message
from spikerl.report import training_figures as figures
from spikerl.report.document import differing, labels, note, origin, styled, template, text_of
from spikerl.report.drawing import Drawing
from spikerl.report.hardware import Hardware, hardware
from spikerl.report.numbers import bounds, count, number
from spikerl.report.sections import Drawn, Panel, panel
from spikerl.results import Results
from spikerl.results.deployment import Width, read_deployment
from spikerl.units import steps

_BANDS = "bands: 95 % intervals over networks (Student)"
_SHOWN = 5


class Run(NamedTuple):
    """What the page says of one run."""

    label: str
    facts: tuple[tuple[str, str], ...]
    measure: str
    tested: str
    rows: list[Score]
    panels: list[Panel]
    toml: str
    note: str
    lead: str
    chip: Hardware | None


class Score(NamedTuple):
    """A row of the table: a layer (of one curve), with its interval and the value of each network."""

    name: str
    interval: Interval
    values: tuple[float, ...]


def training_page(chosen: Sequence[Results]) -> str:
    """Return the page of runs as text; raises `FileError` for one without a test, and for curves beside classes."""
    if len({measure(one) for one in chosen}) > 1:
        raise FileError(message("report", "runs of classes and of curves", "one of both", "write two pages"))
    names = labels(chosen)
    runs = [
        Run(
            label=label,
            facts=_facts(one),
            measure=measure(one),
            tested=_tested(one),
            rows=_rows(one),
            panels=_panels(one, f"run-{number}"),
            toml=text_of(one),
            note=note(one),
            lead=_lead(one),
            chip=hardware(one, f"run-{number}"),
        )
        for number, (label, one) in enumerate(zip(names, chosen, strict=True))
    ]
    data = sorted({str(one.experiment["data"].get("name", "data")) for one in chosen})
    title = f"{data[0]} · DCLL" if len(chosen) == 1 else f"{len(chosen)} runs: DCLL on {', '.join(data)}"
    return template("training.html.j2").render(
        title=title,
        runs=runs,
        over=_epochs_panel(list(zip(names, chosen, strict=True)), "epochs"),
        differing=differing(chosen) if len(chosen) > 1 else {},
        **styled("style.css", *(["hardware.css"] if any(run.chip for run in runs) else [])),
    )


def measure(results: Results) -> str:
    """Return what is measured of a layer."""
    return "Correlation" if follows_curves(results) else "Accuracy"


def _tested(results: Results) -> str:
    if follows_curves(results):
        return "on the pattern that was learned"
    return "on samples that were not learned from"


def _rows(results: Results) -> list[Score]:
    """Return the scores of all layers after the last epoch."""
    found = scores(results)
    return [
        Score(f"layer {layer + 1}", found.last(layer), tuple(found.value[-1, layer].tolist()))
        for layer in range(found.layers)
    ]


def _lead(results: Results) -> str:
    """Return what was trained, and what came of it."""
    found, tables = scores(results), results.experiment
    last = found.last(found.layers - 1)
    networks = count(results.manifest.instances, "network")
    what = "correlates with its targets with" if follows_curves(results) else "names this share of test samples:"
    return (
        f"{count(found.layers, 'layer')} of spiking neurons learn {tables['data'].get('name', 'data')}, each from its"
        f" own fixed random readout: {networks}, {count(int(found.epoch[-1]), 'epoch')}."
        f" The last layer {what} {number(last.value, 3)}{f' {bounds(last, 3)}' if last.known() else ''}."
    )


def _epochs_panel(runs: Sequence[tuple[str, Results]], name: str) -> Panel:
    """Return scores over epochs: all layers of one run, or the last layers of several."""
    return panel(f"{measure(runs[0][1])} over epochs", name, lambda: _epochs(runs))


def _panels(results: Results, prefix: str) -> list[Panel]:
    """Return all other panels of one run; `prefix` keeps their names apart on a page."""
    if follows_curves(results):
        first = [panel("Curves that were followed", f"{prefix}-curves", lambda: _followed(results))]
    else:
        first = [panel("Confusion", f"{prefix}-confusion", lambda: _confusion(results))]
    return [
        *first,
        panel("Spikes of test samples", f"{prefix}-raster", lambda: _samples(results)),
        panel("Weights", f"{prefix}-weights", lambda: _weights(results)),
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


def _weights(results: Results) -> Drawn:
    names = sorted(name for name in results.weights if "." not in name)
    if not names or not len(results.weights[names[0]].value):
        raise FileError(message("recorded weights", "none", "those of a finished run", 'set record.weights = "end"'))
    gain = float(results.experiment["network"]["gain"])
    layers = {}
    for name in names:
        kept = results.weights[name]
        fan_in = int(kept.pre.max()) + 1
        layers[name] = (kept.value[-1].ravel(), gain / float(np.sqrt(fan_in)))
    fields = _fields(results)
    caption = "Weights of all networks at the end, and dotted the uniform density that they began with."
    if fields is not None:
        caption += (
            f" Right: the fields of {count(len(fields), 'neuron')} of the first layer of the first network, the"
            f" strongest first; orange excites, blue inhibits, each by its own largest weight."
        )
    height = max(0.5 + 0.95 * len(layers), 0.4 + 0.55 * (-(-len(fields) // 6)) if fields is not None else 0.0)
    return Drawn(Drawing(partial(figures.weights, layers=layers, fields=fields), height), caption)


def _fields(results: Results) -> NDArray[np.float64] | None:
    """Return the first layer's fields as pictures, [neuron, row, column]; None where its input is none."""
    data, first = results.experiment["data"], results.experiment["network"]["layers"][0]
    channels, *size = {"digits": (1, 8, 8), "nmnist": (2, data.get("height"), data.get("width"))}.get(
        data.get("name"), (0,)
    )
    if not channels:
        return None
    kept = results.weights["layer_1"]
    kernel = int(first.get("kernel", 3))
    shape = (channels, kernel, kernel) if "channels" in first else (channels, *size)
    value = kept.value[-1, 0]
    if value.size % np.prod(shape):
        return None
    fields = value.reshape(-1, *shape)[:, -1]
    order = np.argsort(-np.abs(fields).sum(axis=(1, 2)), kind="stable")
    chosen: NDArray[np.float64] = fields[order[: figures.MOST_FIELDS]]
    return chosen


def _length(results: Results) -> int:
    """Return the steps of a sample."""
    return steps(results.experiment["data"]["window"], results.contents.dt, "data.window")


def _facts(results: Results) -> tuple[tuple[str, str], ...]:
    """Return what was trained on what, as pairs for the header."""
    tables = results.experiment
    facts = [
        ("Data", str(tables["data"].get("name", ""))),
        ("Layers", ", ".join(_layer(layer) for layer in tables["network"]["layers"])),
        ("Epochs", f"{scores(results).epoch[-1]:,}"),
        ("Networks", f"{results.manifest.instances:,}"),
        ("Loss", str(tables["training"]["loss"]).replace("_", " ")),
        ("Back end", results.manifest.backend),
        *origin(results),
    ]
    return tuple((name, value) for name, value in facts if value)


def _layer(layer: dict[str, Any]) -> str:
    if "units" in layer:
        return f"dense {layer['units']}"
    kernel = layer.get("kernel", 3)
    pool = f", pooled {layer['pool']} x {layer['pool']}" if layer.get("pool", 1) > 1 else ""
    return f"{layer['channels']} maps {kernel} x {kernel}{pool}"
