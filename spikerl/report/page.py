"""``report(results, out)``: one or several runs as one HTML file that needs nothing else, no script, no network."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from spikerl.analysis.blocks import blocks, option_count
from spikerl.analysis.held import Line, held, measures, schedule_of, summary
from spikerl.analysis.learning_curve import overall
from spikerl.errors import FileError, message
from spikerl.files import replace_whole
from spikerl.report import numbers, palette
from spikerl.report.hardware import Hardware, hardware
from spikerl.report.sections import Panel, learning_panel, panels
from spikerl.results import Results, read_toml

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


def report(results: Results | Sequence[Results], out: str | Path) -> Path:
    """Write the page of one run, or of several side by side, to `out`, atomically, and return its path.

    Equal results give equal bytes. What a run did not record is named in the place of its figure. Raises `FileError`
    where there is no run, no trial was played, or `out` cannot be written.
    """
    chosen = [results] if isinstance(results, Results) else list(results)
    if not chosen:
        raise FileError(message("report", "no run", "one run at least"))
    path = Path(out)
    replace_whole(path, page(chosen).encode("utf-8"))
    return path


def page(chosen: Sequence[Results]) -> str:
    """Return the page of the runs as text; raises `FileError` for a run without a trial."""
    labels = _labels(chosen)
    runs = [_run(label, one, number) for number, (label, one) in enumerate(zip(labels, chosen, strict=True))]
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(_shipped),
    )
    environment.filters |= {"number": numbers.number, "bounds": numbers.bounds, "held_against": numbers.held_against}
    environment.filters |= {"unit": numbers.unit, "digits": numbers.digits}
    # What has no hardware part has no style of it either: the pages of other runs keep their bytes.
    styles = ["style.css", *(["hardware.css"] if any(run.chip for run in runs) else [])]
    return environment.get_template("page.html.j2").render(
        title=_title(chosen),
        runs=runs,
        learning=learning_panel(list(zip(labels, chosen, strict=True)), "learning"),
        table=_table(chosen) if len(chosen) > 1 else [],
        differing=_differing(chosen) if len(chosen) > 1 else {},
        style=Markup("".join(map(_shipped, styles))),
        light=Markup(palette.variables(dark=False)),
        dark=Markup(palette.variables(dark=True)),
        signs={"held": "●", "agrees": "●", "not held": "✕", "higher": "▲", "lower": "▼", "open": "○"},
    )


def _shipped(name: str) -> str:
    return resources.files("spikerl.report").joinpath(name).read_text(encoding="utf-8")


def _run(label: str, results: Results, number: int) -> Run:
    blocks(results)
    text, _ = read_toml(results.path / "experiment.toml")
    status, failure = results.manifest.status, results.manifest.failure
    note = "" if status == "finished" else f"This run is {status}{f': {failure}' if failure else ''}."
    shown = panels(results, f"run-{number}")
    chip = hardware(results, f"run-{number}")
    return Run(label, results, _facts(results), held(results), shown, text, note, _lead(results), chip)


def _facts(results: Results) -> tuple[tuple[str, str], ...]:
    """Return what was run, as pairs for the header."""
    manifest, (played, reversing) = results.manifest, summary(results)
    trials = numbers.count(results.trials["trial"].size, "trial")
    facts = [
        ("Circuit", _name(results, "circuit")),
        ("Task", _name(results, "task")),
        ("Schedule", schedule_of(results) or "as recorded"),
        ("Back end", manifest.backend),
        ("Instances", f"{manifest.instances:,}"),
        ("Blocks", f"{numbers.count(played, 'block')}, {reversing:,} with a reversal, {trials}"),
        ("Seed", str(manifest.seed)),
        ("Step", f"{results.contents.dt * 1e3:g} ms"),
        ("Begun", manifest.started.replace("T", " ").replace("+00:00", " UTC")),
        ("Took", _took(results)),
        ("Python", manifest.python),
        ("Versions", ", ".join(f"{name} {version}" for name, version in sorted(manifest.versions.items()))),
        ("SHA-256", manifest.sha256[-1]),
    ]
    return tuple((name, value) for name, value in facts if value)


def _took(results: Results) -> str:
    manifest = results.manifest
    if manifest.ended is None:
        return ""
    seconds = (datetime.fromisoformat(manifest.ended) - datetime.fromisoformat(manifest.started)).total_seconds()
    minutes, rest = divmod(round(seconds), 60)
    whole = f"{minutes} min {rest} s" if minutes else f"{rest} s"
    return f"{whole}, resumed {numbers.count(len(manifest.resumed), 'time')}" if manifest.resumed else whole


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


def _title(chosen: Sequence[Results]) -> str:
    names = sorted({f"{_name(one, 'task') or 'run'} · {_name(one, 'circuit') or 'circuit'}" for one in chosen})
    return names[0] if len(chosen) == 1 else f"{len(chosen)} runs: {', '.join(names)}"


def _labels(chosen: Sequence[Results]) -> list[str]:
    """Return the names of the runs: their directories', numbered where two have one name."""
    names = [one.path.absolute().name for one in chosen]
    return [name if names.count(name) == 1 else f"{name} ({number})" for number, name in enumerate(names, 1)]


def _table(chosen: Sequence[Results]) -> list[dict[str, Any]]:
    """Return the measures that are compared, each with its interval in every run (None where it has none)."""
    found = [{measure.key: measure for measure in measures(one)} for one in chosen]
    rows = []
    for key in _TABLE:
        having = [measured[key] for measured in found if key in measured]
        if having:
            intervals = [measured[key].interval if key in measured else None for measured in found]
            rows.append({"name": having[0].name, "unit": having[0].unit, "intervals": intervals})
    return rows


def _differing(chosen: Sequence[Results]) -> dict[str, list[str]]:
    """Return the keys of the experiments that are not alike in all runs, with the value in each."""
    flat = [
        {f"{table}.{key}": value for table, part in _tables(one).items() for key, value in part.items()}
        for one in chosen
    ]
    keys = sorted({key for one in flat for key in one})
    values = {key: [str(one.get(key, numbers.UNDEFINED)) for one in flat] for key in keys}
    return {key: row for key, row in values.items() if len(set(row)) > 1}


def _tables(results: Results) -> dict[str, dict[str, Any]]:
    return {name: part for name, part in results.experiment.items() if isinstance(part, dict)}
