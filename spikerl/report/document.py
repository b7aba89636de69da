"""What pages of all kinds share: templates, and what is said of a run whatever it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from spikerl.report import numbers, palette
from spikerl.results import Results, read_toml


def template(name: str) -> jinja2.Template:
    """Return a shipped template, which escapes what it is given and refuses what it is not."""
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(_shipped),
    )
    environment.filters |= {"number": numbers.number, "bounds": numbers.bounds, "held_against": numbers.held_against}
    environment.filters |= {"unit": numbers.unit, "digits": numbers.digits}
    return environment.get_template(name)


def styled(*names: str) -> dict[str, Markup]:
    """Return the style sheets `names` as one, and the colours for light and dark grounds."""
    return {
        "style": Markup("".join(map(_shipped, names))),
        "light": Markup(palette.variables(dark=False)),
        "dark": Markup(palette.variables(dark=True)),
    }


def note(results: Results) -> str:
    """Return a warning where a run is not finished."""
    status, failure = results.manifest.status, results.manifest.failure
    return "" if status == "finished" else f"This run is {status}{f': {failure}' if failure else ''}."


def text_of(results: Results) -> str:
    """Return the complete experiment of a run."""
    return read_toml(results.path / "experiment.toml")[0]


def origin(results: Results) -> list[tuple[str, str]]:
    """Return when and with what a run was made, as pairs for the header."""
    manifest = results.manifest
    return [
        ("Seed", str(manifest.seed)),
        ("Step", f"{results.contents.dt * 1e3:g} ms"),
        ("Begun", manifest.started.replace("T", " ").replace("+00:00", " UTC")),
        ("Took", _took(results)),
        ("Python", manifest.python),
        ("Versions", ", ".join(f"{name} {version}" for name, version in sorted(manifest.versions.items()))),
        ("SHA-256", manifest.sha256[-1]),
    ]


def labels(chosen: Sequence[Results]) -> list[str]:
    """Return the names of the runs: their directories', numbered where two have one name."""
    names = [one.path.absolute().name for one in chosen]
    return [name if names.count(name) == 1 else f"{name} ({number})" for number, name in enumerate(names, 1)]


def differing(chosen: Sequence[Results]) -> dict[str, list[str]]:
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


def _took(results: Results) -> str:
    manifest = results.manifest
    if manifest.ended is None:
        return ""
    seconds = (datetime.fromisoformat(manifest.ended) - datetime.fromisoformat(manifest.started)).total_seconds()
    minutes, rest = divmod(round(seconds), 60)
    whole = f"{minutes} min {rest} s" if minutes else f"{rest} s"
    return f"{whole}, resumed {numbers.count(len(manifest.resumed), 'time')}" if manifest.resumed else whole


def _shipped(name: str) -> str:
    return resources.files("spikerl.report").joinpath(name).read_text(encoding="utf-8")


def layer_words(layer: dict[str, Any]) -> str:
    """Return a layer of ``[network]`` in words."""
    if "units" in layer:
        return f"dense {layer['units']}"
    kernel = layer.get("kernel", 3)
    pool = f", pooled {layer['pool']} x {layer['pool']}" if layer.get("pool", 1) > 1 else ""
    return f"{layer['channels']} maps {kernel} x {kernel}{pool}"
