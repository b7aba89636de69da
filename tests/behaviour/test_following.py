"""A circuit led through recorded choices: its votes are those of a run that follows, and it knows its own choices."""

from pathlib import Path

import numpy as np
import pytest

import spikerl as sp
from spikerl.behaviour.link import fit_link
from spikerl.behaviour.trials import Trials
from spikerl.errors import DescriptionError
from spikerl.experiment.reading import changed, read_circuit
from spikerl.experiment.tables import Experiment
from spikerl.fitting.following import check_circuit, led_votes
from spikerl.tasks.recorded import Recording, read_recording
from tests.commands.programs import short
from tests.tasks.recorded_blocks import small_rows, write

SEED = 3


def _small(folder: Path) -> tuple[Experiment, Path]:
    settings = {"run.backend": "native", "protocol.cue": "20 ms", "protocol.decision": "60 ms"}
    return read_circuit(short(folder), settings, "test"), write(folder / "blocks.csv", small_rows(blocks=4))


def test_votes_are_those_of_a_run_that_follows(tmp_path: Path) -> None:
    """Catches another seed, protocol or order of blocks than a run has, and votes read before the decision."""
    experiment, path = _small(tmp_path)
    found = led_votes(experiment, read_recording(path), np.arange(4))
    settings = {"task.blocks": str(path), "task.follow": True, "task.trials_per_block": 6, "run.backend": "native"}
    settings |= {"protocol.cue": "20 ms", "protocol.decision": "60 ms", "run.instances": 4, "run.trials": 6}
    trials = sp.run(tmp_path / "short.toml", settings=settings, out=tmp_path / "run").trials
    for option in (0, 1):
        assert np.array_equal(trials[f"votes_{option}"].reshape(6, 4).T, found[:, :, option])
    assert np.ptp(found[:, :, 0] - found[:, :, 1]) > 0


def test_parts_are_parts_of_the_whole_and_repeats_are_averaged(tmp_path: Path) -> None:
    """Catches a later part that hears the spikes of the first, or a repeat that stands for another block."""
    experiment, path = _small(tmp_path)
    recording = read_recording(path)
    order = np.array([3, 1, 0])
    whole = led_votes(experiment, recording, order, repeats=2)
    assert np.array_equal(led_votes(experiment, recording, order[1:], first=2, repeats=2), whole[1:])
    apart = [led_votes(experiment, recording, order[1:2], first=first)[0] for first in (2, 3)]
    assert np.array_equal(whole[1], np.mean(apart, axis=0)) and not np.array_equal(*apart)


def test_a_circuit_knows_its_own_choices_best(tmp_path: Path) -> None:
    """Catches a likelihood that does not tell circuits apart: what one played is more probable under its own numbers.

    It is judged with other input spikes than those that it chose with.
    """
    blocks, length = 16, 24
    own = {"circuit.learning_rate": 4e-4, "circuit.forgetting": 5e-4, "circuit.subtraction": "0.5 mV"}
    settings = own | {"task.trials_per_block": length, "task.reversal_window": [10, 14], "record.spikes": []}
    results = sp.run(
        "reversal",
        backend="native",
        instances=blocks,
        trials=length,
        seed=SEED,
        settings=settings,
        out=tmp_path / "run",
    )
    choices, rewards = (results.trials[name].reshape(length, blocks).T for name in ("choice", "reward"))
    pays = np.tile([0.8, 0.2], (blocks, length, 1))
    recording = Recording(np.arange(blocks), ("80/20",) * blocks, pays, choices, rewards.astype(np.int64))
    trials = Trials(choices, rewards)
    base = read_circuit("reversal", {"run.backend": "native", "run.seed": SEED + 1, **own}, "test")

    def distance(settings: dict[str, object]) -> np.ndarray:
        votes = led_votes(changed(base, settings), recording, np.arange(blocks))
        return fit_link(votes, trials, stickiness=False).on(votes, trials)

    mine = distance({})
    for wrong in ({"circuit.learning_rate": 1e-5}, {"circuit.forgetting": 1e-2}):
        gain = distance(wrong) - mine
        assert gain.mean() > 3.0 * gain.std(ddof=1) / np.sqrt(blocks)


def test_a_circuit_with_other_options_is_refused() -> None:
    """Catches votes for options that no recorded block has."""
    settings = {"run.backend": "native", "circuit.actions": 3, "task.schedule": "80/20/10"}
    experiment = read_circuit("reversal", settings, "test")
    with pytest.raises(DescriptionError, match="circuit.actions: got 3; allowed: 2"):
        check_circuit(experiment)
