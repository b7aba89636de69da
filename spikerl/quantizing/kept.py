"""What is finished of a comparison lies beside where the whole will be, a folder for each part, until it is written.

So a comparison that was stopped goes on with what it has; parts of another one are refused.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from spikerl.errors import FileError, message
from spikerl.files import TEMPORARY
from spikerl.quantizing.parts import Asked, Group, asked_of, groups, read, text_of
from spikerl.quantizing.playing import Played
from spikerl.results.quantizing import Comparison

MOST = 8
"""Instances of a circuit whose finished play is kept as one part, where memory allows."""
_NAME = re.compile(r"instances-([0-9]{1,10})-to-([0-9]{1,10})", re.ASCII)


def folder_of(out: Path) -> Path:
    """Return where the parts of the comparison `out` are kept."""
    whole = out.absolute()
    return whole.with_name(f"{whole.name}.parts")


def check(out: Path, resume: bool) -> None:
    """Raise `FileError` where `out` is taken, or its parts are there or missing against what `resume` says."""
    if os.path.lexists(out) and not (out.is_dir() and not any(out.iterdir())):
        raise FileError(message("directory", str(out), "a new or empty directory", "give another one (--out)"))
    parts = folder_of(out)
    there = _groups(parts)
    if there and not resume:
        remedy = "go on with them (--resume), or give another directory (--out)"
        raise FileError(message(f"{parts}", f"parts such as {name_of(there[0])}", "no part of a comparison", remedy))
    if resume and not there:
        allowed = "parts of a comparison that was stopped"
        raise FileError(message(f"{parts}", "none", allowed, "leave --resume out"))


def name_of(group: Group) -> str:
    """Return the name of a part's folder."""
    return f"instances-{group.first}-to-{group.first + group.instances - 1}"


def finished(parts: Path, whole: Asked) -> dict[Group, Played]:
    """Return what is kept of `whole` in `parts`; raises `FileError` for what is no part of it."""
    found: dict[Group, Played] = {}
    seen = 0
    for group in _groups(parts):
        if group.first < seen or group.first + group.instances > whole.group.instances:
            allowed = f"each of {whole.group.instances} instances once"
            raise FileError(message(f"part {parts / name_of(group)}", name_of(group), allowed, "remove this directory"))
        seen = group.first + group.instances
        check_part(name_of(group), text_of(whole._replace(group=group)), parts / name_of(group))
        found[group] = read(parts / name_of(group))
    return found


def left(instances: int, done: Iterable[Group], most: int, least: int = 1) -> list[Group]:
    """Return groups of the instances that are in none of `done`, at most `most` in each, at least `least` groups."""
    starts, ends = [0], []
    for group in sorted(done):
        ends.append(group.first)
        starts.append(group.first + group.instances)
    edges = zip(starts, [*ends, instances], strict=True)
    gaps = [Group(low, high - low) for low, high in edges if high > low]
    share = [max(1, round(least * gap.instances / sum(one.instances for one in gaps))) for gap in gaps]
    return [
        Group(gap.first + group.first, group.instances)
        for gap, own in zip(gaps, share, strict=True)
        for group in groups(gap.instances, most, own)
    ]


def remove(parts: Path) -> None:
    """Remove the parts in `parts`, what a kill has left of one, and the folder itself if nothing else is in it."""
    for folder in parts.iterdir() if parts.is_dir() else ():
        if _group(folder) is not None or (folder.name.startswith(".instances-") and folder.name.endswith(TEMPORARY)):
            shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        parts.rmdir()


def check_part(name: str, text: str, directory: Path) -> None:
    """Raise `FileError` where `directory` is not the part that `text` asks for, by this spikerl."""
    found, (experiment, cells, group, test) = Comparison.open(directory), asked_of(text)
    instances = range(group.first, group.first + group.instances)
    wanted = [(*cell.key, instance) for cell in cells for instance in instances]
    for what, got, allowed in (
        ("experiment", found.text, experiment.toml()),
        ("cells and instances", [(*row[:4], row.instance) for row in found.rows], wanted),
        ("trials of the test", found.facts.test, test),
        ("spikerl", found.facts.versions.get("spikerl"), metadata.version("spikerl")),
    ):
        if got != allowed:
            remedy = f"remove {directory} if nothing else needs it"
            raise FileError(message(f"part {name} of the comparison, {what}", got, "what was asked for", remedy))


def _groups(parts: Path) -> list[Group]:
    """Return the groups whose parts are there."""
    found = map(_group, parts.iterdir()) if parts.is_dir() else ()
    return sorted(group for group in found if group is not None)


def _group(folder: Path) -> Group | None:
    """Return the group of a part by its name, None for what is none, such as half of one."""
    match = _NAME.fullmatch(folder.name)
    if match is None:
        return None
    first, last = map(int, match.groups())
    return Group(first, last - first + 1) if last >= first else None
