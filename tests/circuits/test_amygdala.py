"""The amygdala: values of two valences in a few trials, from activity alone, and their extinction."""

from pathlib import Path

import numpy as np
import pytest

import spikerl as sp
from spikerl.circuit import load_circuit
from spikerl.loop import ClosedLoop
from spikerl.models.amygdala import AmygdalaAloneParameters
from spikerl.tasks.blocks import Block, Dictated
from spikerl.tasks.environment import BlockTask
from spikerl.tasks.protocol import TrialProtocol

INSTANCES = 6
CHOSEN, OTHER = 0, 1


@pytest.fixture(scope="module")
def course() -> np.ndarray:
    """Return the votes positive - negative of both options, [trial, option]: 6 rewards, 6 omissions, 3 losses."""
    rewards = np.repeat([1.0, 0.0, -1.0], [6, 6, 3])[:, None].repeat(2, axis=1)
    block = Block(
        "led", np.full((len(rewards), 2), (0.9, 0.1)), rewards=rewards, dictated=[Dictated(CHOSEN)] * len(rewards)
    )
    circuit = load_circuit("amygdala").build(AmygdalaAloneParameters())
    tasks = [BlockTask(lambda seed, instance, number: block, len(rewards), 2, 1, i) for i in range(INSTANCES)]
    with sp.open(circuit.network, "native", seed=2, batch=INSTANCES) as session:
        loop = ClosedLoop(session, circuit, TrialProtocol(), tasks, 2, range(INSTANCES))
        trials = [loop.trial().columns for _ in range(len(rewards))]
    return np.array([[trial[f"votes_{option}"].mean() for option in (CHOSEN, OTHER)] for trial in trials])


def test_value_rises_in_a_few_rewards_and_is_extinguished(course: np.ndarray) -> None:
    """Catches learning that is slow, or that does not go back when reward stays away."""
    difference = course[:, CHOSEN] - course[:, OTHER]
    assert difference[3] > 15.0 and abs(difference[0]) < 10.0
    assert difference[11] < 0.3 * difference[4:7].mean()


def test_a_loss_makes_the_value_negative(course: np.ndarray) -> None:
    """Catches a valence that punishment does not reach."""
    assert (course[-1] - course[0])[CHOSEN] < -10.0


def test_no_dopamine_is_reported_where_there_is_none(tmp_path: Path) -> None:
    """Catches columns of a population that the circuit lacks, and a page that needs them."""
    settings = {"circuit.name": "amygdala", "record.spikes": []}
    results = sp.run("reversal", backend="native", instances=1, trials=2, settings=settings, out=tmp_path / "run")
    assert not any(name.startswith("dopamine") for name in results.trials)
    sp.report(results, tmp_path / "page.html")
