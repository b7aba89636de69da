"""The page of circuits in a task: what it shows, held against what is published, and the panels."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from spikerl.analysis.blocks import blocks, option_count
from spikerl.analysis.conditioning import conditioned
from spikerl.analysis.held import Line, Measure, held, measures, schedule_of, summary
from spikerl.analysis.learning_curve import overall
from spikerl.report import numbers
from spikerl.report.conditioning_sections import (
    LEGEND,
    conditioning_lead,
    conditioning_lines,
    conditioning_panels,
    design_of,
)
from spikerl.report.distributional_section import distributional_panels
from spikerl.report.document import differing, labels, note, origin, styled, template, text_of
from spikerl.report.hardware import Hardware, hardware
from spikerl.report.sections import Panel, learning_panel, panels
from spikerl.results import Results

_TABLE = ("p_better", "win_stay", "lose_switch", "dopamine_tonic", "dopamine_late_omitted")


class Run(NamedTuple):
    """What the page says of one run."""

    label: str
    results: Results
    facts: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    panels: list[Panel]
    toml: str
    note: str
    lead: str
    chip: Hardware | None
    legend: str  # below the measures, where it is not the page's own


def circuit_page(chosen: Sequence[Results]) -> str:
    """Return the page of the runs as text; raises `FileError` for a run without a trial."""
    names = labels(chosen)
    runs = [_run(label, one, number) for number, (label, one) in enumerate(zip(names, chosen, strict=True))]
    choosing = [(name, one) for name, one in zip(names, chosen, strict=True) if not conditioned(one)]
    # What has no hardware part has no style of it either: the pages of other runs keep their bytes.
    styles = ["style.css", *(["hardware.css"] if any(run.chip for run in runs) else [])]
    return template("page.html.j2").render(
        title=_title(chosen),
        runs=runs,
        learning=learning_panel(choosing, "learning") if choosing else None,
        table=_table(chosen) if len(chosen) > 1 else [],
        differing=differing(chosen) if len(chosen) > 1 else {},
        signs={"held": "●", "agrees": "●", "not held": "✕", "higher": "▲", "lower": "▼", "open": "○"},
        **styled(*styles),
    )


def _run(label: str, results: Results, number: int) -> Run:
    blocks(results)
    prefix = f"run-{number}"
    chip, text, warning = hardware(results, prefix), text_of(results), note(results)
    facts = _facts(results)
    if conditioned(results):
        lead = conditioning_lead(results, f"The spiking circuit {_name(results, 'circuit')}".strip())
        lines, shown = conditioning_lines(results), conditioning_panels(results, prefix)
        return Run(label, results, facts, lines, shown, text, warning, lead, chip, LEGEND)
    lines, shown = held(results), [*distributional_panels(results, prefix), *panels(results, prefix)]
    return Run(label, results, facts, lines, shown, text, warning, _lead(results), chip, "")


def _facts(results: Results) -> tuple[tuple[str, str], ...]:
    """Return what was run, as pairs for the header."""
    manifest, (played, reversing) = results.manifest, summary(results)
    trials = numbers.count(results.trials["trial"].size, "trial")
    played_in = f"{numbers.count(played, 'block')}, {reversing:,} with a reversal, {trials}"
    what = ("Schedule", schedule_of(results) or "as recorded"), ("Blocks", played_in)
    if conditioned(results):
        what = ("Design", design_of(results)), ("Blocks", f"{numbers.count(played, 'block')}, {trials}")
    facts = [
        ("Circuit", _name(results, "circuit")),
        ("Task", _name(results, "task")),
        what[0],
        ("Back end", manifest.backend),
        ("Instances", f"{manifest.instances:,}"),
        what[1],
        *origin(results),
    ]
    return tuple((name, value) for name, value in facts if value)


def _name(results: Results, table: str) -> str:
    part = results.experiment.get(table)
    return str(part.get("name", "")) if isinstance(part, dict) else ""


def _lead(results: Results) -> str:
    """Return what was run, and what came of it."""
    (played, _), better = summary(results), overall(results)
    backend = results.manifest.backend
    return (
        f"A spiking {_name(results, 'circuit') or 'circuit'} in the {_name(results, 'task') or 'recorded'} task"
        f"{f' at {schedule_of(results)}' if schedule_of(results) else ''}: {numbers.count(played, 'block')} played by"
        f" {numbers.count(results.manifest.instances, 'independent instance')} on the {backend} back end."
        f" It took the better option on {numbers.number(better.value, 3)} {numbers.bounds(better, 3)} of the trials;"
        f" chance is {numbers.number(1.0 / option_count(results))}."
    )


def _measures(results: Results) -> tuple[Measure, ...]:
    """Return the measures of a run, of choices or of conditioning."""
    return tuple(line.measure for line in conditioning_lines(results)) if conditioned(results) else measures(results)


def _title(chosen: Sequence[Results]) -> str:
    names = sorted({f"{_name(one, 'task') or 'run'} · {_name(one, 'circuit') or 'circuit'}" for one in chosen})
    return names[0] if len(chosen) == 1 else f"{len(chosen)} runs: {', '.join(names)}"


def _table(chosen: Sequence[Results]) -> list[dict[str, Any]]:
    """Return the measures that are compared, each with its interval in every run (None where it has none)."""
    found = [{measure.key: measure for measure in _measures(one)} for one in chosen]
    rows = []
    keys = [key for key in _TABLE if any(key in measured for measured in found)]
    keys += dict.fromkeys(key for key in itertools.chain(*found) if key.startswith("Stage "))
    for key in keys:
        having = [measured[key] for measured in found if key in measured]
        if having:
            intervals = [measured[key].interval if key in measured else None for measured in found]
            rows.append({"name": having[0].name, "unit": having[0].unit, "intervals": intervals})
    return rows
