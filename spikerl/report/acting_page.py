"""The page of layers that learned to act: how they do in tests, beside random choices, and how they came there."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from spikerl.analysis.acting import Played, dopamine, has_cues, played
from spikerl.analysis.intervals import band_over_blocks, mean_over_blocks
from spikerl.errors import FileError, message
from spikerl.report import training_figures as figures
from spikerl.report.document import differing, labels, layer_words, note, origin, styled, template, text_of
from spikerl.report.drawing import Drawing
from spikerl.report.layer_run import LayerRun, Score
from spikerl.report.layer_weights import layer_weights
from spikerl.report.numbers import bounds, count, number
from spikerl.report.sections import Drawn, Panel, panel
from spikerl.results import Results

_BANDS = "bands: 95 % intervals over networks (Student)"
_ENOUGH = 400.0
"""A mean return of CartPole that is told of: so many networks reach it."""


def acting_page(chosen: Sequence[Results]) -> str:
    """Return the page of runs as text; raises `FileError` for one without a test, and for two environments."""
    where = sorted({_environment(one) for one in chosen})
    if len(where) > 1:
        raise FileError(message("report", f"runs of {' and of '.join(where)}", "one environment", "write two pages"))
    names = labels(chosen)
    runs = [_run(label, one, f"run-{place}") for place, (label, one) in enumerate(zip(names, chosen, strict=True))]
    return template("training.html.j2").render(
        title=f"{where[0]} · DCLL" if len(chosen) == 1 else f"{len(chosen)} runs: DCLL in {where[0]}",
        runs=runs,
        over=_tests_panel(list(zip(names, chosen, strict=True))),
        differing=differing(chosen) if len(chosen) > 1 else {},
        **styled("style.css"),
    )


def _run(label: str, results: Results, prefix: str) -> LayerRun:
    found = played(results)
    shown = [panel("Weights", f"{prefix}-weights", lambda: layer_weights(results))]
    if has_cues(results):
        shown.insert(0, panel("Dopamine", f"{prefix}-dopamine", lambda: _dopamine(results)))
    return LayerRun(
        label=label,
        subject="Choices",
        facts=_facts(results),
        measure=_measure(results),
        places=_places(results),
        tested=_tested(results),
        rows=[
            Score("by chance", mean_over_blocks(found.random), tuple(found.random.tolist())),
            Score("before learning", mean_over_blocks(found.tested[0]), tuple(found.tested[0].tolist())),
            Score("after learning", found.last(), tuple(found.tested[-1].tolist())),
        ],
        panels=shown,
        toml=text_of(results),
        note=note(results),
        lead=_lead(results, found),
        chip=None,
    )


def _environment(results: Results) -> str:
    return str(results.experiment["environment"].get("name", "environment"))


def _measure(results: Results) -> str:
    return "P(better)" if has_cues(results) else "Mean return"


def _places(results: Results) -> int:
    return 3 if has_cues(results) else 1


def _tested(results: Results) -> str:
    if has_cues(results):
        return "The likeliest choice for cues that were never learned from, learning off; chance draws choices."
    return "The likeliest action in episodes that were never learned from, learning off; chance draws actions."


def _lead(results: Results, found: Played) -> str:
    last, layers = found.last(), results.experiment["network"]["layers"]
    places = _places(results)
    said = f"{number(last.value, places)}{f' {bounds(last, places)}' if last.known() else ''}"
    came = f"reach a mean return of {said}"
    if has_cues(results):
        came = f"choose the better option for {said} of unseen cues"
    by_chance = f"chance gets {number(float(found.random.mean()), places)}"
    enough = ""
    if not has_cues(results):
        enough = f" {int((found.tested[-1] >= _ENOUGH).sum())} of {len(found.random)} networks reach {_ENOUGH:.0f}."
    return (
        f"{count(len(layers), 'layer')} of spiking neurons carry an actor and a critic, and learn from one dopamine"
        f" error: {count(results.manifest.instances, 'network')} {came}; {by_chance}.{enough}"
    )


def _tests_panel(runs: Sequence[tuple[str, Results]]) -> Panel:
    return panel(f"{_measure(runs[0][1])} over decisions", "tests", lambda: _tests(runs))


def _tests(runs: Sequence[tuple[str, Results]]) -> Drawn:
    first = runs[0][1]
    lines, chances = [], []
    for label, one in runs:
        found, decisions = played(one), _decisions(one)
        chances.append(float(found.random.mean()))
        if len(runs) == 1 and len(decisions) > 1:
            lines.append(figures.Line("while learning", decisions, found.band(learned=True)))
        lines.append(figures.Line("in tests" if len(runs) == 1 else label, decisions, found.band()))
    caption = (
        f"{_measure(first)} after so many decisions of each of {first.experiment['learning']['batch']} environments"
        f" side by side; {_BANDS}. Dotted: choices by chance in the same tests."
    )
    if len(runs) == 1:
        caption += " While learning, choices are drawn from the policy; in tests the likeliest is taken."
    share, chance = has_cues(first), float(np.mean(chances))
    draw = partial(figures.over_decisions, lines=lines, name=_measure(first), chance=chance, share=share)
    return Drawn(Drawing(draw, 2.9), caption)


def _decisions(results: Results) -> np.ndarray:
    learning = results.experiment["learning"]
    return np.minimum(played(results).number * int(learning["test_every"]), int(learning["decisions"]))


def _dopamine(results: Results) -> Drawn:
    decisions = _decisions(results)[1:]
    kinds = (("rewarded", True), ("not rewarded", False))
    lines = [figures.Line(name, decisions, band_over_blocks(dopamine(results, paid).T)) for name, paid in kinds]
    caption = (
        "Mean dopamine error, reward minus the critic's value, of rewarded and of other trials in each stretch of"
        f" learning; {_BANDS}."
    )
    draw = partial(figures.over_decisions, lines=lines, name="Dopamine error", chance=0.0, share=False)
    return Drawn(Drawing(draw, 2.6), caption)


def _facts(results: Results) -> tuple[tuple[str, str], ...]:
    tables = results.experiment
    facts = [
        ("Environment", _environment(results)),
        ("Layers", ", ".join(layer_words(layer) for layer in tables["network"]["layers"])),
        ("Decisions", f"{tables['learning']['decisions']:,} of {tables['learning']['batch']}"),
        ("Networks", f"{results.manifest.instances:,}"),
        ("Back end", results.manifest.backend),
        *origin(results),
    ]
    return tuple((name, value) for name, value in facts if value)
