"""Experiments on the workers of a dask.distributed cluster, which need share no files with this machine.

A task is a function of an experiment's text and returns the files of its finished run, which are checked and put into
their place here. On the cluster it runs in a process of its own, for dask runs tasks in threads, beside one another.
Where a worker dies, dask gives its task to another; what comes back is written once, whoever made it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any, final

from spikerl.errors import DescriptionError, FileError, MissingPackageError, RunError, SpikerlError, message
from spikerl.files import TEMPORARY, flush_folder, replace_whole
from spikerl.sweep.processes import Event, Job, run_here
from spikerl.sweep.work import RUN, Work

SECONDS = 5  # until an address counts as unreachable
FILES = RUN.files


class Withdrawn(Exception):
    """Nobody waits for the result of a task any more."""


@contextlib.contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """Give the cluster whose scheduler is at `address`, once it answers and all its workers have this spikerl.

    Raises `MissingPackageError` where distributed is not installed, and `DescriptionError` for an address at which
    there is no scheduler, for a cluster without workers, and for workers without spikerl or with another version.
    """
    try:
        import distributed
    except ImportError as error:
        remedy = "install it with: pip install 'spikerl[cluster]'"
        allowed = f"nothing while {error.name or error} is missing"
        raise MissingPackageError(message("scheduler", address, allowed, remedy)) from error
    allowed = "the address of a dask scheduler that is running, such as tcp://host:8786"
    try:
        # A connection first: a client that fails to connect takes long to go.
        with ThreadPoolExecutor(1) as aside:  # since this thread may have an event loop of its own
            aside.submit(asyncio.run, _reach(address)).result()
        client = distributed.Client(address, timeout=SECONDS, set_as_default=False)
    except Exception as error:  # from a name that is no address to a certificate that is refused
        raise DescriptionError(message("scheduler", address, allowed, str(error) or type(error).__name__)) from error
    with _quiet("distributed.client"), client:
        cluster = Cluster(address, client)
        cluster.check()
        yield cluster


@contextlib.contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Keep a logger's traces from the user, for whom there is one message; the level that it had comes back."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


async def _reach(address: str) -> None:
    from distributed.comm.core import connect
    from distributed.security import Security

    comm = await connect(address, timeout=SECONDS, **Security().get_connection_args("client"))
    await comm.close()


@final
class Cluster:
    """A cluster at `address`, asked through a `distributed.Client`; made by `connected`."""

    def __init__(self, address: str, client: Any) -> None:
        """Take over a connection."""
        self.address, self._client = address, client

    def check(self) -> None:
        """Refuse a cluster without workers, or with one that lacks this spikerl."""
        # A function of Python's own, since a worker without spikerl could not even load one of ours.
        found = self._client.run(metadata.version, "spikerl", on_error="return")
        if not found:
            remedy = f"start one with: dask worker {self.address}"
            raise DescriptionError(message(f"workers at {self.address}", 0, "one worker at least", remedy))
        here = metadata.version("spikerl")
        for worker, there in sorted(found.items()):
            if there != here:
                got = there if isinstance(there, str) else "no spikerl"
                remedy = f"install it there, with its simulators: pip install 'spikerl[all]=={here}'"
                raise DescriptionError(message(f"spikerl of worker {worker}", got, here, remedy))

    def places(self) -> int:
        """Return how many tasks its workers can do side by side."""
        return sum(self._client.nthreads().values())

    def run(self, jobs: Sequence[Job]) -> Generator[Event, None, None]:
        """Run `jobs`, giving events as their results come; closing it withdraws all that are left.

        Raises `RunError` where the scheduler is lost; what has come by then is in its place.
        """
        from distributed import as_completed

        token = uuid.uuid4().hex
        keys = [f"spikerl-{token}-{job.name}" for job in jobs]
        futures = [
            self._client.submit(files_of, job.text, job.work, key=key, pure=False)
            for job, key in zip(jobs, keys, strict=True)
        ]
        job_of = dict(zip(keys, jobs, strict=True))
        try:
            for future in as_completed(futures, loop=self._client.loop):
                if future.status == "cancelled":
                    raise RunError(f"the scheduler at {self.address} was lost; the same command goes on with the sweep")
                job = job_of[future.key]
                yield _received(job, future)
                future.release()  # the cluster need not keep it
        finally:
            with contextlib.suppress(Exception):  # a scheduler that is lost has nothing left to withdraw
                self._client.cancel(futures)


def files_of(text: str, work: Work = RUN) -> dict[str, bytes]:
    """Return the files that the `work` of `text` leaves, a run of that experiment; runs on a worker of the cluster.

    Raises `RunError` with the reason where it fails.
    """
    from distributed import get_worker

    wanted = _wanted()
    # The worker's own folder, which dask clears of what a worker that was killed has left there.
    with tempfile.TemporaryDirectory(prefix="spikerl-", dir=get_worker().local_directory) as folder:
        job = Job("run", text, Path(folder) / "run", work)
        with contextlib.closing(run_here([job], 1)) as events:
            for event in events:
                if event.state == "failed":
                    raise RunError(event.detail)
                if not wanted():
                    raise Withdrawn
        return {name: (job.directory / name).read_bytes() for name in work.files}


def deliver(job: Job, files: dict[str, bytes]) -> None:
    """Put the `files` of a finished job at its directory, all or none, in the place of an unfinished one.

    Raises `FileError` where they are not what the job leaves, such as the finished run of its experiment by this
    version of spikerl, or where a digest is not that of its file.
    """
    directory = job.directory.absolute()
    nursery, old = (directory.parent / f".{directory.name}.{os.getpid()}{kind}{TEMPORARY}" for kind in ("", ".old"))
    try:
        nursery.mkdir()
        for name in job.work.files:
            replace_whole(nursery / name, files[name])
        job.work.check(job.name, job.text, nursery)
        if directory.exists():
            os.rename(directory, old)
        os.rename(nursery, directory)
        flush_folder(directory.parent)
    except KeyError as error:
        sent = f"run that the cluster sent for {job.name}"
        raise FileError(message(sent, f"no {error}", ", ".join(job.work.files))) from error
    except OSError as error:
        raise FileError(message(f"run directory {directory}", str(error), "a place to write")) from error
    finally:
        shutil.rmtree(nursery, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _received(job: Job, future: Any) -> Event:
    """Take what a task has come to into its place."""
    try:
        deliver(job, future.result())
    except SpikerlError as error:
        return Event(job.name, "failed", 0, str(error))
    except Exception as error:  # dask's own, for a task whose workers died again and again, or could not load it
        return Event(job.name, "failed", 0, f"on the cluster, {type(error).__name__}: {error}")
    return Event(job.name, "finished")


def _wanted() -> Callable[[], bool]:
    """Return a function that says whether the task of this thread is still waited for."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state != "cancelled"

    return wanted
