"""Trials that leave something to nobody's choice: followed choices, cues without a choice, laser and feedback."""

from pathlib import Path

import numpy as np
import pytest

import spikerl as sp
from spikerl.circuit import Drive, load_circuit
from spikerl.errors import DescriptionError
from spikerl.loop import ClosedLoop
from spikerl.models.striatum import StriatumParameters
from spikerl.tasks.blocks import NO_CHOICE, Block, Dictated
from spikerl.tasks.environment import BlockTask
from spikerl.tasks.protocol import TrialProtocol, choose, rates
from tests.tasks.recorded_blocks import small_rows, write

TRIALS = 4
SHORT = TrialProtocol(cue="10 ms", decision="10 ms", hold="10 ms", outcome="10 ms", interval="10 ms")


def _played(dictated: list[Dictated], rewards: np.ndarray | None = None) -> list[dict[str, np.ndarray]]:
    """Return the columns of each trial of one block in which `dictated` holds, with the striatum."""
    circuit = load_circuit("striatum").build(StriatumParameters())
    block = Block("given", np.full((TRIALS, 2), (0.9, 0.1)), rewards=rewards, dictated=dictated)
    task = BlockTask(lambda seed, instance, number: block, TRIALS, 2, 1, 0)
    with sp.open(circuit.network, "native", seed=1) as session:
        loop = ClosedLoop(session, circuit, SHORT, [task], 1, range(1))
        return [loop.trial() for _ in range(TRIALS)]


def test_a_dictated_choice_is_taken() -> None:
    """Catches a loop that lets the votes decide where the trial has decided, or that pays for another option."""
    wanted = [0, 1, 1, 0]
    rewards = np.tile([0.25, 2.0], (TRIALS, 1))
    trials = _played([Dictated(choice) for choice in wanted], rewards)
    assert [int(trial.columns["choice"][0]) for trial in trials] == wanted
    assert [float(trial.columns["reward"][0]) for trial in trials] == [0.25, 2.0, 2.0, 0.25]


def test_another_choice_than_the_dictated_one_is_refused() -> None:
    """Catches an environment that plays on with a choice that its trial does not allow."""
    block = Block("given", np.full((TRIALS, 2), (0.9, 0.1)), dictated=[Dictated(1)] * TRIALS)
    task = BlockTask(lambda seed, instance, number: block, TRIALS, 2, 1, 0)
    task.reset()
    with pytest.raises(DescriptionError, match="action: got 0; allowed: 1, which this trial dictates"):
        task.step(np.int64(0))


def test_without_a_choice_all_cues_stay_on_and_no_feedback_is_heard() -> None:
    """Catches conditioning in which a cue goes off as if another had been chosen, or feedback tells of an omission."""
    circuit = load_circuit("striatum").build(StriatumParameters())
    seen: list[dict[str, np.ndarray]] = []

    class Listening:
        def __init__(self, session: sp.Session) -> None:
            self._session, self.plan, self.batch = session, session.plan, session.batch

        def step(self, duration, *, spikes=None, rates=None, modulators=None):  # type: ignore[no-untyped-def]
            seen.append(dict(rates))
            return self._session.step(duration, spikes=spikes, rates=rates, modulators=modulators)

    block = Block("given", np.full((1, 2), (0.9, 0.1)), dictated=[Dictated(NO_CHOICE, feedback=False)])
    task = BlockTask(lambda seed, instance, number: block, 1, 2, 1, 0)
    with sp.open(circuit.network, "native", seed=1) as session:
        trial = ClosedLoop(Listening(session), circuit, SHORT, [task], 1, range(1)).trial()  # type: ignore[arg-type]
    cue, _, hold, outcome, interval = seen
    assert trial.columns["choice"].tolist() == [NO_CHOICE]
    for phase in (hold, outcome):
        assert np.array_equal(phase["cortex"], cue["cortex"])
    assert cue["cortex"].min() == 50.0 and interval["cortex"].max() == 2.0
    assert outcome["feedback"].max() == 0.0


def test_level_is_the_share_of_the_way_from_background_to_full_rate() -> None:
    """Catches a reward of any size that is heard as one of size 1."""
    circuit = load_circuit("striatum").build(StriatumParameters())
    with sp.open(circuit.network, "native", seed=1, batch=3) as session:
        heard = rates(session, circuit.cues[0], np.array([[0.0, 1.0], [0.5, 2.0], [1.0, 0.0]]))
    assert np.array_equal(heard[:, [0, -1]], [[2.0, 50.0], [26.0, 98.0], [50.0, 2.0]])


def test_what_is_not_shown_is_not_chosen() -> None:
    """Catches a choice, or a tie, among options that are not there."""
    circuit = load_circuit("striatum").build(StriatumParameters(actions=4))
    spiny = StriatumParameters().medium_spiny
    spikes = {name: np.zeros((5, 64, 4 * spiny), dtype=bool) for name in ("d1", "d2")}
    spikes["d1"][:, :, :spiny] = True  # most votes for option 0
    shown = np.tile([False, True, True, False], (64, 1))
    taken = choose(circuit, spikes, shown, 1, range(64), 0)
    assert set(taken.action.tolist()) == {1, 2} and taken.tied.all()


def test_following_leads_through_the_recorded_choices_and_rewards(tmp_path: Path) -> None:
    """Catches a replay that draws rewards anew, or that lets the circuit choose."""
    path = write(tmp_path / "blocks.csv", small_rows())
    settings = {"task.blocks": str(path), "task.follow": True, "task.trials_per_block": 6}
    results = sp.run("reversal", backend="native", instances=1, trials=6, settings=settings, out=tmp_path / "run")
    assert results.trials["choice"].tolist() == [0, 0, 0, 0, 1, 1]
    assert results.trials["reward"].tolist() == [0, 1, 0, 1, 0, 1]


def test_groups_that_several_options_share() -> None:
    """Catches a cue that is heard by the wrong group, where options share an object or a side."""
    drive = Drive("cue", 50.0, groups=2, hears=(0, 0, 1, 1))
    shown = np.array([[True, False, False, True], [False, False, True, True]])
    assert np.array_equal(drive.of_options(shown), [[True, True], [False, True]])
