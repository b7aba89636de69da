"""What a page says of layers that learn: the score of every layer, and the panels."""

from __future__ import annotations

from collections.abc import Sequence

from spikerl.analysis.accuracy import follows_curves, scores
from spikerl.errors import FileError, message
from spikerl.report.document import differing, labels, layer_words, note, origin, styled, template, text_of
from spikerl.report.hardware import hardware
from spikerl.report.layer_run import LayerRun, Score
from spikerl.report.numbers import bounds, count, number
from spikerl.report.training_sections import epochs_panel, measure, training_panels
from spikerl.results import Results


def training_page(chosen: Sequence[Results]) -> str:
    """Return the page of runs as text; raises `FileError` for one without a test, and for curves beside classes."""
    if len({measure(one) for one in chosen}) > 1:
        raise FileError(message("report", "runs of classes and of curves", "one of both", "write two pages"))
    names = labels(chosen)
    runs = [
        LayerRun(
            label=label,
            subject="Layer",
            facts=_facts(one),
            measure=measure(one),
            places=3,
            tested=_tested(one),
            rows=_rows(one),
            panels=training_panels(one, f"run-{place}"),
            toml=text_of(one),
            note=note(one),
            lead=_lead(one),
            chip=hardware(one, f"run-{place}"),
        )
        for place, (label, one) in enumerate(zip(names, chosen, strict=True))
    ]
    data = sorted({str(one.experiment["data"].get("name", "data")) for one in chosen})
    title = f"{data[0]} · DCLL" if len(chosen) == 1 else f"{len(chosen)} runs: DCLL on {', '.join(data)}"
    return template("training.html.j2").render(
        title=title,
        runs=runs,
        over=epochs_panel(list(zip(names, chosen, strict=True)), "epochs"),
        differing=differing(chosen) if len(chosen) > 1 else {},
        **styled("style.css", *(["hardware.css"] if any(run.chip for run in runs) else [])),
    )


def _tested(results: Results) -> str:
    shown = "on the pattern that was learned" if follows_curves(results) else "on samples that were not learned from"
    return f"After the last epoch, {shown}; every layer through its own fixed random readout."


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


def _facts(results: Results) -> tuple[tuple[str, str], ...]:
    """Return what was trained on what, as pairs for the header."""
    tables = results.experiment
    facts = [
        ("Data", str(tables["data"].get("name", ""))),
        ("Layers", ", ".join(layer_words(layer) for layer in tables["network"]["layers"])),
        ("Epochs", f"{scores(results).epoch[-1]:,}"),
        ("Networks", f"{results.manifest.instances:,}"),
        ("Loss", str(tables["training"]["loss"]).replace("_", " ")),
        ("Back end", results.manifest.backend),
        *origin(results),
    ]
    return tuple((name, value) for name, value in facts if value)
