"""The hardware part of a page: how a run lay on its chip, what that lost, what it did, and what it would cost."""

from __future__ import annotations

import shlex
from functools import partial
from typing import NamedTuple

from markupsafe import Markup

from spikerl.report import chip_figure, limits_figure
from spikerl.report.drawing import Drawing, inline
from spikerl.report.energy_section import Estimate, estimates
from spikerl.report.losses_section import Losses, losses
from spikerl.report.numbers import count, count_of, prefixed, significant
from spikerl.report.operations_section import Counted, counted
from spikerl.report.palette import NAMED, of_chip
from spikerl.report.sections import Panel
from spikerl.results import Results
from spikerl.results.deployment import Deployment, Limit, Metrics, read_deployment

_METRICS = {
    "Footprint": "bytes of parameters and state, without indices",
    "ConnectionSparsity": "share of the pairs of neurons of all connections that have no synapse, or a weight of 0",
    "ActivationSparsity": "share of neurons and steps without a spike; inputs are data, and left out",
    "Effective_ACs": "accumulates a step: a spike, of value 1, that meets a weight that is not 0",
    "Effective_MACs": "multiply-accumulates a step: the same for messages that carry numbers",
    "Dense": "operations a step if every input met every weight, 0 or not",
}


class CoreRow(NamedTuple):
    """A core in the table: its number, what lies on it (colour, words), and what is used of it."""

    number: str
    pieces: tuple[tuple[str, str], ...]
    use: tuple[str, ...]


class LimitRow(NamedTuple):
    """A limit in the table: words, its key, what is used, of how much, and who says so."""

    words: str
    key: str
    said: str
    source: str


class Hardware(NamedTuple):
    """What the page says of a deployment; `used` are the names of the columns of `cores`."""

    said: str
    held: bool
    agreed: str
    options: str
    command: str
    layout: Panel
    cores: tuple[CoreRow, ...]
    used: tuple[str, ...]
    limits: Panel
    bounds: tuple[LimitRow, ...]
    unknown: tuple[str, ...]
    losses: Losses
    counted: Counted
    energy: tuple[Estimate, ...]
    metrics: tuple[tuple[str, str, str], ...]


def hardware(results: Results, prefix: str) -> Hardware | None:
    """Return the hardware part of a run, or None where it was no deployment.

    `prefix` keeps the names of its figures apart on a page. Raises `FileError` for a ``deploy.json`` that is damaged.
    """
    found = read_deployment(results.path)
    if found is None:
        return None
    # Layers that learned did nothing on the chip but see the test samples.
    trials = int(results.trials["trial"].size) if found.widths is None else found.operations.instances
    return Hardware(
        said=_said(found),
        held=found.agreement is not None,
        agreed=_agreed(found),
        options=", ".join(f"{key.replace('_', ' ')} {_value(value)}" for key, value in found.options.items()),
        command=_command(found),
        layout=_layout(found, f"{prefix}-chip"),
        cores=_cores(found),
        used=tuple(name.replace("_", " ") for name in _uses(found)),
        limits=_limits(found, f"{prefix}-limits"),
        bounds=tuple(_bound(limit) for limit in found.limits),
        unknown=found.unknown,
        losses=losses(found.losses),
        counted=counted(found.operations, trials, _colours(found)),
        energy=estimates(found.energy, trials, found.operations.seconds),
        metrics=_metrics(found.metrics),
    )


def _said(found: Deployment) -> str:
    """Return chip, emulator, instances and steps in one sentence."""
    chip, did = found.chip, found.operations
    named = f"{chip.name} ({chip.summary})" if chip.summary else chip.name
    how = "both emulators, loihi and lava" if found.emulator == "both" else f"the emulator {found.emulator}"
    return (
        f"On {named}, played by {how}: {count(did.instances, 'instance')}, each in"
        f" {count(did.steps, 'step')} of {prefixed(did.dt, 's')}."
    )


def _agreed(found: Deployment) -> str:
    same = found.agreement
    if same is None:
        return "It was not held against a second machine."
    machines = f"{', '.join(same.machines[:-1])} and {same.machines[-1]}"
    return (
        f"Bit for bit alike: {machines} agreed in {count(same.steps, 'step')} ({count(same.windows, 'window')}) on"
        f" {count(same.spikes, 'spike')} and {count(same.integers, 'whole number')} of each: currents, voltages,"
        " weights, tags, traces, signals."
    )


def _value(value: str | bool | int | float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else significant(value, 6)


def _command(found: Deployment) -> str:
    target = shlex.quote(found.chip.file or found.chip.name)
    return f"spikerl deploy experiment.toml --target {target} --emulator {shlex.quote(found.emulator)} --out again"


def _colours(found: Deployment) -> dict[str, str]:
    return of_chip(name for name, population in found.operations.populations.items() if not population.input)


def _layout(found: Deployment, name: str) -> Panel:
    chip, where = found.chip, chip_figure.floor(found.chip, found.cores)
    colours = {population: NAMED[variable] for population, variable in _colours(found).items()}
    used = count(len(found.cores), "core")
    caption = f"{used} in use of {count_of(chip.cores)}." if chip.cores is not None else f"{used} in use."
    if where.known:
        tiles = f"{count_of(where.columns)} × {count_of(where.rows)} tiles of {count(where.tile_cores, 'core')}"
        caption += f" They lie in {tiles}, and are taken in the order of their numbers."
    else:
        caption += " How they lie on the chip is unknown" if chip.mesh is None else " The chip is too large to draw"
        caption += "; they are drawn in rows, by number."
    if len(where.cores) < len(found.cores):
        caption += f" Drawn are the first {count_of(len(where.cores))}."
    if found.shared:
        caption += " The chip has too few for one population each: some hold several, by their neurons."
    draw = partial(chip_figure.chip, where=where, used=found.cores, colours=colours)
    return _panel("Where it lies", caption, Drawing(draw, chip_figure.height(where, len(colours))), name)


def _limits(found: Deployment, name: str) -> Panel:
    caption = "How much is used of each limit of the chip; of a core, by the core that uses most."
    if any(limit.limit is None and not limit.unlimited for limit in found.limits):
        caption += " Dashed: nobody has published the limit, and nothing was held to it."
    if len(found.limits) > limits_figure.MOST_LIMITS:
        caption += f" Drawn are the first {limits_figure.MOST_LIMITS}."
    drawing = Drawing(partial(limits_figure.limits, shown=found.limits), limits_figure.height(found.limits))
    return _panel("What it uses of the chip", caption, drawing, name)


def _panel(title: str, caption: str, drawing: Drawing, name: str) -> Panel:
    return Panel(title, caption, Markup(inline(drawing, name, f"{title}. {caption}")), (), "")


def _uses(found: Deployment) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for core in found.cores for name in core.use))


def _cores(found: Deployment) -> tuple[CoreRow, ...]:
    colours, uses = _colours(found), _uses(found)
    return tuple(
        CoreRow(
            count_of(core.number),
            tuple(
                (colours[p.population], f"{p.population}, neurons {p.first:,} to {p.stop - 1:,}") for p in core.pieces
            ),
            tuple(count_of(core.use[name]) if name in core.use else "" for name in uses),
        )
        for core in found.cores
    )


def _bound(limit: Limit) -> LimitRow:
    return LimitRow(limits_figure.words(limit.key), limit.key, limits_figure.said(limit), limit.source)


def _metrics(metrics: Metrics) -> tuple[tuple[str, str, str], ...]:
    values = dict(metrics)
    return tuple((name, significant(values[name], 6), _METRICS[name]) for name in _METRICS)
