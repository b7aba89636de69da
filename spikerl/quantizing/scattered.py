"""A comparison on a dask cluster: a task plays some instances in all cells; the files that it returns are checked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path

from spikerl.errors import RunError
from spikerl.quantizing.kept import check_part, left, name_of
from spikerl.quantizing.parts import Asked, Group, read, text_of
from spikerl.quantizing.playing import Played
from spikerl.quantizing.record import FILES
from spikerl.sweep.cluster import connected
from spikerl.sweep.processes import Job
from spikerl.sweep.work import Work

PART = Work("spikerl.quantizing.parts:perform", FILES, check_part)


def play_on(
    address: str,
    whole: Asked,
    most: int,
    parts: Path,
    done: Mapping[Group, Played],
    seen: Callable[[int, int], None],
) -> list[Played]:
    """Play what is not `done` of a comparison on the workers of the cluster at `address`, and keep it in `parts`.

    `most`: instances in a part. `seen` is called with parts done and all parts.

    Raises what `spikerl.sweep.cluster.connected` raises, and `RunError` where a part failed.
    """
    with connected(address) as cluster:
        parts.mkdir(parents=True, exist_ok=True)
        jobs = []
        for group in left(whole.group.instances, done, most, cluster.places()):
            name = name_of(group)
            jobs.append(Job(name, text_of(whole._replace(group=group)), parts / name, PART))
        ready, total = len(done), len(done) + len(jobs)
        with contextlib.closing(cluster.run(jobs)) as events:
            for event in events:
                if event.state == "failed":
                    raise RunError(f"{event.name} of the comparison failed on the cluster: {event.detail}")
                ready += event.state == "finished"
                seen(ready, total)
        return [*done.values(), *(read(job.directory) for job in jobs)]
