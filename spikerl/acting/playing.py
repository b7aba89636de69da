"""Layers that act, from the beginning or the last checkpoint to the results: play, test, write, stretch by stretch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.acting.players import Player, Rows, player_of
from spikerl.acting.preparing import Poled, Staged
from spikerl.dcll.network import Network
from spikerl.errors import FileError, RunError
from spikerl.experiment.acting_tables import ActingExperiment
from spikerl.results import Column, Contents, RunFacts, RunWriter
from spikerl.results.contents import REAL
from spikerl.threads import available_threads
from spikerl.training.networks import made, single_threaded
from spikerl.training.recording import synapses, weights

Follow = Callable[[int, int, float], None]
"""Is told of tests that are done, of those there are, and of the share that was better in the last."""


class _Stage(NamedTuple):
    """The networks, and what plays them."""

    networks: list[Network]
    players: list[Player]


def play_acting(
    experiment: ActingExperiment, staged: Staged, out: Path, resume: bool = False, follow: Follow | None = None
) -> None:
    """Play all that is left, and write it to `out`. What stops the run is written into its directory.

    Each instance is played by one thread, so that their number changes no result.
    """
    running, tests = experiment.run, experiment.tests
    networks, players = _set(experiment, staged)
    text = experiment.toml()
    writer, state = RunWriter.resume(out, text) if resume else (None, {})
    if writer is None:
        writer = RunWriter.create(out, text, RunFacts(running.seed, running.backend), _contents(experiment, staged))
    done = int(state["tests"]) if state else 0
    try:
        with single_threaded(), ThreadPoolExecutor(min(running.threads or available_threads(), len(players))) as pool:
            if state:
                _restore(players, state)
            else:
                _append(writer, 0, list(pool.map(_first, players)))
            for number in range(done + 1, tests + 1):
                left = experiment.learning.decisions - (number - 1) * experiment.learning.test_every
                stretch = min(experiment.learning.test_every, left)
                rows = _append(writer, number, list(pool.map(_stretch, players, [stretch] * len(players))))
                done = number
                better = float(rows["better"][rows["kind"] == 1].mean())
                writer.log(f"test {number}: better {better:.4f}, reward {rows['reward'][rows['kind'] == 1].mean():.4f}")
                if number % running.checkpoint_every == 0 and number < tests:
                    writer.checkpoint(_state(players, number))
                if follow:
                    follow(number, tests, better)
        if experiment.record.weights == "end":
            writer.append(weights=weights(networks, tests))
        writer.finish()
    except BaseException as error:
        reason = "stopped by hand" if isinstance(error, KeyboardInterrupt) else f"{type(error).__name__}: {error}"
        with contextlib.suppress(FileError):  # where the disk is the cause, the cause is what is raised
            writer.fail(f"after test {done}: {reason}")
        if not isinstance(error, Exception):
            raise
        raise RunError(f"the run in {out} failed after test {done}: {error}; go on with --resume") from error


def _set(experiment: ActingExperiment, staged: Staged) -> _Stage:
    running = experiment.run
    stage = _Stage([], [])
    for instance in range(running.instances):
        seed = running.seed + instance
        network = made(staged.description, running, seed)
        stage.networks.append(network)
        stage.players.append(player_of(staged, network, experiment.learning.batch, instance, seed))
    return stage


def _contents(experiment: ActingExperiment, staged: Staged) -> Contents:
    columns = {"kind": Column()}
    if not isinstance(staged.where, Poled):
        columns |= {"cue": Column(), "dopamine": Column(dtype=REAL)}
    kept = synapses(staged.description) if experiment.record.weights == "end" else {}
    return Contents(dt=staged.dt, instances=experiment.run.instances, trials=columns, weights=kept)


def _first(player: Player) -> Rows:
    """Return the rows before anything is learned, and those of random choices."""
    return _joined([player.test(), player.random()])


def _stretch(player: Player, decisions: int) -> Rows:
    return _joined([player.play(decisions), player.test()])


def _append(writer: RunWriter, block: int, rows: Sequence[Rows]) -> Rows:
    marked = [
        one | {"instance": np.full(len(one["kind"]), instance), "block": np.full(len(one["kind"]), block)}
        for instance, one in enumerate(rows)
    ]
    whole = _joined(marked)
    writer.append(trials=whole)
    return whole


def _joined(parts: Sequence[Rows]) -> Rows:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _state(players: Sequence[Player], tests: int) -> dict[str, NDArray]:
    own = {f"{number}/{name}": a for number, player in enumerate(players) for name, a in player.state().items()}
    return own | {"tests": np.array(tests)}


def _restore(players: Sequence[Player], state: Mapping[str, NDArray]) -> None:
    for number, player in enumerate(players):
        prefix = f"{number}/"
        player.restore({name.removeprefix(prefix): a for name, a in state.items() if name.startswith(prefix)})
