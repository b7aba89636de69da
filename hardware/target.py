"""A chip as data: its limits, each with its source, read from ``targets/*.toml`` or a file of one's own."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from spikerl.errors import DescriptionError, message, nearest
from spikerl.faults import translate
from spikerl.hardware.facts import UNSAID, Count, Flag, Models, Most, Range, Sides, Signs, Table, Widths
from spikerl.toml import load

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")
_MOST_PRESETS = 16
_LONGEST = 200


class Chip(Table):
    """What a chip has.

    `cores`; `neurons` and `synapses` in all; `processors` beside the cores, which compute third factors; `mesh`,
    columns and rows of tiles; `tile_cores` in each tile.
    """

    cores: Count = Count(value=None, source=UNSAID)
    neurons: Count = Count(value=None, source=UNSAID)
    synapses: Count = Count(value=None, source=UNSAID)
    processors: Most = Most(value=None, source=UNSAID)
    mesh: Sides = Sides(value=None, source=UNSAID)
    tile_cores: Count = Count(value=None, source=UNSAID)


class Core(Table):
    """What a core holds.

    `compartments` (neurons); `input_axons`, sources of spikes; `output_axons`, destinations of spikes;
    `synaptic_memory` in bits; different `compartment_configurations` (decays, refractory period) and `thresholds`.
    """

    compartments: Count = Count(value=None, source=UNSAID)
    input_axons: Count = Count(value=None, source=UNSAID)
    output_axons: Count = Count(value=None, source=UNSAID)
    synaptic_memory: Count = Count(value=None, source=UNSAID)
    compartment_configurations: Count = Count(value=None, source=UNSAID)
    thresholds: Count = Count(value=None, source=UNSAID)


class Neurons(Table):
    """What neurons can do: their `models`, and the longest `refractory` period, steps in which v is held."""

    models: Models = Models(value=None, source=UNSAID)
    refractory: Most = Most(value=None, source=UNSAID)


class Spikes(Table):
    """What a spike carries: at most `message_bits`; 0 is a plain spike."""

    message_bits: Most = Most(value=None, source=UNSAID)


class Synapses(Table):
    """The formats of synapses.

    `weight_bits` to choose from, sign included where `signs` are mixed; the `exponent` of a connection, least and
    largest; the longest `delay`, in steps beyond the one that every spike takes.
    """

    weight_bits: Widths = Widths(value=None, source=UNSAID)
    signs: Signs = Signs(value=None, source=UNSAID)
    exponent: Range = Range(value=None, source=UNSAID)
    delay: Most = Most(value=None, source=UNSAID)


class Memory(Table):
    """How synapses lie in memory, in bits.

    The synapses of an axon lie in lists of at most `list_synapses`, each after a header of `list_header`, rounded up
    to a `word`; a synapse has its weight, `index_bits` for its neuron (a choice), `delay_bits` where its connection has
    delays, `tag_bits` where its rule has a tag. What is unknown takes no room, but for the bits that are needed.
    """

    word: Count = Count(value=None, source=UNSAID)
    list_synapses: Count = Count(value=None, source=UNSAID)
    list_header: Most = Most(value=None, source=UNSAID)
    index_bits: Widths = Widths(value=None, source=UNSAID)
    delay_bits: Most = Most(value=None, source=UNSAID)
    tag_bits: Most = Most(value=None, source=UNSAID)


class Learning(Table):
    """What learns.

    Whether synapses do, `on_chip`; how many `signals` (third factors) a rule hears, and whether each neuron may have
    one of its own, `own_signals`; `trace_bits`; `axon_slots`, how
    many input axons a source of synapses that learn takes (1 where unknown).
    """

    on_chip: Flag = Flag(value=None, source=UNSAID)
    signals: Most = Most(value=None, source=UNSAID)
    own_signals: Flag = Flag(value=None, source=UNSAID)
    trace_bits: Most = Most(value=None, source=UNSAID)
    axon_slots: Count = Count(value=None, source=UNSAID)


@dataclass(frozen=True)
class Target:
    """A chip.

    `name`, one line about it, the names or files of its estimates of `energy`, where it was read (`path`), and its
    tables; a limit whose value is None is unknown, and is not checked.
    """

    name: str
    summary: str
    energy: tuple[str, ...]
    path: Path
    chip: Chip
    core: Core
    neurons: Neurons
    spikes: Spikes
    synapses: Synapses
    memory: Memory
    learning: Learning


TABLES: dict[str, type[Table]] = {
    "chip": Chip,
    "core": Core,
    "neurons": Neurons,
    "spikes": Spikes,
    "synapses": Synapses,
    "memory": Memory,
    "learning": Learning,
}
KEYS = ("name", "summary", "energy", *TABLES)


def shipped_targets() -> dict[str, Path]:
    """Return the files of the shipped targets, by name."""
    return shipped("targets")


def shipped(folder: str) -> dict[str, Path]:
    """Return the TOML files of a folder of this package, by name."""
    return {path.stem: path for path in sorted(Path(str(files("spikerl.hardware") / folder)).glob("*.toml"))}


def load_target(which: str | Path) -> Target:
    """Return the target `which`, a shipped name or the path of a TOML file.

    Raises `FileError` for a file that cannot be read or is no TOML, and `DescriptionError` for what it says, naming
    file, key, value, what is allowed and the nearest valid name.
    """
    path = found(which, "target", shipped_targets())
    origin = f"target {path}: "
    document = load(path, "target")
    for key in document:
        if key not in KEYS:
            raise DescriptionError(message(f"{origin}key", key, ", ".join(KEYS), nearest(key, KEYS)))
    name, summary = heading(document, origin)
    tables = {table: validated(model, table, document, origin) for table, model in TABLES.items()}
    return Target(name=name, summary=summary, energy=_energy(document, origin), path=path, **tables)  # type: ignore[arg-type]


def found(which: str | Path, what: str, known: dict[str, Path]) -> Path:
    """Return the path of a shipped name or of a file; raises `DescriptionError` for a word that is neither."""
    if str(which) in known:
        return known[str(which)]
    path = Path(which)
    if path.suffix != ".toml" and len(path.parts) <= 1 and not path.is_file():
        allowed = f"a shipped name ({', '.join(known)}) or the path of a TOML file"
        raise DescriptionError(message(what, str(which), allowed, nearest(str(which), known)))
    return path


def heading(document: dict[str, Any], origin: str) -> tuple[str, str]:
    """Return `name` and `summary` of a file; raises `DescriptionError`."""
    name, summary = document.get("name"), document.get("summary", "")
    if not isinstance(name, str) or not _NAME.match(name):
        allowed = "a name of letters, digits, '.', '_' and '-', 64 at most"
        raise DescriptionError(message(f"{origin}name", "nothing" if name is None else name, allowed))
    if not isinstance(summary, str) or len(summary) > _LONGEST or not summary.isprintable():
        raise DescriptionError(message(f"{origin}summary", summary, f"one line of at most {_LONGEST} characters"))
    return name, summary


TableModel = TypeVar("TableModel", bound=Table)


def validated(model: type[TableModel], table: str, document: dict[str, Any], origin: str) -> TableModel:
    """Return the checked table of that name; raises `DescriptionError`."""
    values = document.get(table, {})
    if not isinstance(values, dict):
        raise DescriptionError(message(f"{origin}{table}", values, f"a table, [{table}]"))
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise translate(model, table, error, {"": origin}) from error


def _energy(document: dict[str, Any], origin: str) -> tuple[str, ...]:
    presets = document.get("energy", [])
    if not isinstance(presets, list) or len(presets) > _MOST_PRESETS or not all(isinstance(p, str) for p in presets):
        allowed = f"a list of at most {_MOST_PRESETS} names or files of estimates, in quotes"
        raise DescriptionError(message(f"{origin}energy", presets, allowed))
    return tuple(presets)


def unknown(target: Target) -> list[str]:
    """Return the keys whose values are unknown, ``table.key``: what nobody can check."""
    return [
        f"{field.name}.{key}"
        for field in fields(target)
        if isinstance(table := getattr(target, field.name), Table)
        for key in type(table).model_fields
        if getattr(table, key).value is None
    ]
