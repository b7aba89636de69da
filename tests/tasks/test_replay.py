"""A replay plays the recorded probabilities and hands out the animal's choices, trial by trial."""

import csv

import numpy as np
import pytest

from spikerl.tasks import Reversal, ReversalParameters, load_task
from spikerl.tasks.recorded import read_recording
from tests.tasks.recorded_blocks import recorded_path, small_rows, write


@pytest.fixture(scope="module")
def rows():
    """The recorded rows by the standard library alone, as {block: [row]}."""
    blocks = {}
    with recorded_path().open(newline="") as file:
        for row in csv.DictReader(file):
            blocks.setdefault(int(row["block"]), []).append(row)
    return blocks


@pytest.mark.parametrize("schedule", [None, "80/20", "70/30"])
def test_instance_i_replays_recorded_block_i(rows, schedule):
    """Catches a block, a trial or an option that is shifted, and a schedule that does not select."""
    wanted = [block for block, trials in rows.items() if schedule in (None, trials[0]["schedule"])]
    parameters = ReversalParameters(blocks=str(recorded_path()), schedule=schedule)
    instances = [0, 1, 2, 100, len(wanted) - 1, len(wanted)]
    for instance, task in zip(instances, load_task("reversal").batch(parameters, 1, instances), strict=True):
        number = wanted[instance % len(wanted)]
        task.reset()
        for trial, row in enumerate(rows[number]):
            info = task.step(np.int64(0))[4]
            probabilities = (float(row["p_circle"]), float(row["p_square"]))
            better = int(probabilities[1] > probabilities[0])
            animal = ("circle", "square").index(row["choice"])
            assert info["trial"] == trial == int(row["trial"])
            assert (info["recorded_block"], info["schedule"]) == (number, row["schedule"])
            assert info["probabilities"] == probabilities and info["better"] == better
            assert (info["animal_choice"], info["animal_better"]) == (animal, int(animal == better))


def test_replayed_options_pay_as_recorded(rows):
    """Catches rewards drawn from the drawn schedule instead of the recorded one."""
    task = Reversal(ReversalParameters(blocks=str(recorded_path()), schedule="80/20"), seed=8)
    paid = []
    for _ in range(100):
        _, info = task.reset()
        for _ in range(80):
            _, reward, _, _, info = task.step(np.int64(1))
            paid.append((info["probabilities"][1], reward))
    for p in (0.2, 0.8):
        rewards = [reward for chance, reward in paid if chance == p]
        assert abs(np.mean(rewards) - p) < 5 * np.sqrt(p * (1 - p) / len(rewards))


def test_an_instance_meets_every_block_before_one_again(tmp_path):
    """Catches a step through the file that leaves blocks out, for every number of blocks up to 40."""
    for count in range(1, 41):
        path = write(tmp_path / "blocks.csv", small_rows(count))
        parameters = ReversalParameters(blocks=str(path), trials_per_block=6)
        first, second = load_task("reversal").batch(parameters, 0, range(2))
        met = [first.reset()[1]["recorded_block"] for _ in range(count + 1)]
        assert sorted(met[:count]) == list(range(0, 2 * count, 2)) and met[count] == met[0] == 0
        assert second.reset()[1]["recorded_block"] == 2 * (1 % count)


def test_neighbouring_instances_share_few_blocks(rows):
    """Catches a step of 1, with which 8 instances of 10 blocks would see 17 recorded blocks instead of 80."""
    parameters = ReversalParameters(blocks=str(recorded_path()))
    tasks = load_task("reversal").batch(parameters, 0, range(8))
    assert len({task.reset()[1]["recorded_block"] for task in tasks for _ in range(10)}) == 80


def test_a_replay_may_reverse_often_or_never(tmp_path):
    """Catches a reversal that is assumed where the recorded block has none."""
    steady = [row.replace("0.2,0.8", "0.8,0.2") for row in small_rows(1)]
    path = write(tmp_path / "blocks.csv", steady)
    task = Reversal(ReversalParameters(blocks=str(path), trials_per_block=6))
    assert task.reset()[1]["reversal"] == -1
    assert not any(task.step(np.int64(0))[4]["reversed"] for _ in range(6))


def test_the_recorded_animals_are_those_described(rows):
    """Catches a `better` or a reversal counted one trial off.

    The recorded file holds 270 blocks at 80/20 and 283 at 70/30. Published for it, at 80/20 and counted from
    the reversal, which is trial 0: .18 on trial 0, .63 on 3, .90 on 10, .95 on 20. Published for all 1,106
    control blocks, of which these are half: .853 at 80/20 and .780 at 70/30 over the block.
    """
    recording = read_recording(recorded_path())
    took_better = recording.choices == recording.better()
    schedules = np.array(recording.schedules)
    assert recording.choices.shape == (553, 80)
    assert [recording.schedules.count(name) for name in ("80/20", "70/30")] == [270, 283]
    assert abs(took_better[schedules == "80/20"].mean() - 0.853) < 0.01
    assert abs(took_better[schedules == "70/30"].mean() - 0.780) < 0.01
    after = {0: [], 3: [], 10: [], 20: []}
    parameters = ReversalParameters(blocks=str(recorded_path()), schedule="80/20")
    for task in load_task("reversal").batch(parameters, 0, range(270)):
        _, info = task.reset()
        animal = [task.step(np.int64(0))[4]["animal_better"] for _ in range(80)]
        for count, taken in after.items():
            taken.append(animal[info["reversal"] + count])
    assert {count: round(float(np.mean(taken)), 2) for count, taken in after.items()} == {
        0: 0.18,
        3: 0.63,
        10: 0.90,
        20: 0.95,
    }
