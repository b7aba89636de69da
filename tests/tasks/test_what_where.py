"""In what/where reversal an object pays more wherever it stands, or a side whatever stands there."""

import numpy as np
import pytest
from pydantic import ValidationError

import spikerl as sp
from spikerl.errors import DescriptionError
from spikerl.tasks import WhatWhere, WhatWhereParameters
from tests.tasks.test_statistics import holds_binomial

OBJECT, SIDE = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
"""Of the options: the object and the side, as the documents give them."""


def blocks(parameters, count, choose=lambda shown: int(np.flatnonzero(shown)[0])):
    """Play block 0 of `count` instances; yield the trials of each as (shown, choice, reward, info)."""
    for instance in range(count):
        task = WhatWhere(parameters, seed=6, instance=instance)
        shown, _ = task.reset()
        trials = []
        for _ in range(parameters.trials_per_block):
            choice = choose(shown)
            after, reward, _, _, info = task.step(np.int64(choice))
            trials.append((shown, choice, reward, info))
            shown = after
        yield trials


def test_two_options_are_shown_with_each_object_and_each_side_once():
    """Catches a trial with one object twice, a side that is empty, and objects that keep their places."""
    first = same = trials = 0
    for block in blocks(WhatWhereParameters(), 40):
        kinds = [shown.tolist() for shown, *_ in block]
        assert all(kind in ([1, 0, 0, 1], [0, 1, 1, 0]) for kind in kinds)
        first += sum(kind[0] for kind in kinds)
        same += sum(one == two for one, two in zip(kinds[1:], kinds[:-1], strict=True))
        trials += 80
    assert holds_binomial(first, trials, 0.5) and holds_binomial(same, trials - 40, 0.5)


@pytest.mark.parametrize(("kind", "of"), [("what", OBJECT), ("where", SIDE)])
def test_the_better_one_pays_wherever_it_is_and_changes_once(kind, of):
    """Catches what and where in each other's place, and a reversal that is counted with the objects' places."""
    parameters = WhatWhereParameters(schedule="100/0", kind=kind)
    sides = set()
    for block in blocks(parameters, 20):
        reversal = block[0][3]["reversal"]
        assert 30 <= reversal <= 50
        start = of[block[0][3]["better"]]
        for trial, (shown, choice, reward, info) in enumerate(block):
            good = start if trial < reversal else 1 - start
            assert info["reversed"] == (trial >= reversal) and info["reversal"] == reversal
            assert shown[info["better"]] and of[info["better"]] == good
            assert reward == float(of[choice] == good)
            assert info["probabilities"] == tuple((shown & (of == good)).astype(float))
        sides.add(int(start))
    assert sides == {0, 1}


@pytest.mark.parametrize("schedule", ["80/20", "60/40"])
def test_each_option_pays_at_its_probability(schedule):
    """Catches swapped probabilities, in blocks of both kinds."""
    paid = {}
    for block in blocks(WhatWhereParameters(schedule=schedule), 40):
        for _, choice, reward, info in block:
            paid.setdefault(info["probabilities"][choice], []).append(reward)
    assert sorted(paid) == sorted(float(part) / 100 for part in schedule.split("/"))
    assert all(holds_binomial(int(sum(rewards)), len(rewards), p) for p, rewards in paid.items())


def test_kinds_better_ones_and_reversals_are_drawn_evenly_and_apart():
    """Catches a kind that comes more often, one better object for ever, and a kind that tells which one pays."""
    seen = np.zeros((2, 2), dtype=int)
    for instance in range(800):
        task = WhatWhere(seed=2, instance=instance)
        better = task.reset()[1]["better"]
        kind = task.step(np.int64(better)).info["columns"]["kind"]
        seen[kind, (OBJECT, SIDE)[kind][better]] += 1
    assert all(holds_binomial(int(count), 800, 0.25) for count in seen.ravel())


def test_a_step_says_what_was_chosen_and_the_kind():
    """Catches object and side in each other's place, and columns of the better option instead of the chosen one."""
    names = ("what", "where")
    for kind in names:
        random = np.random.default_rng(3)
        for block in blocks(WhatWhereParameters(kind=kind), 3, lambda _, random=random: int(random.integers(4))):
            for shown, choice, _, info in block:
                assert info["columns"] == {
                    "object": OBJECT[choice],
                    "side": SIDE[choice],
                    "shown": shown[choice],
                    "kind": names.index(kind),
                }


def test_an_option_that_is_not_shown_never_pays():
    """Catches reward for an object that is not on the side it was looked for."""
    for block in blocks(WhatWhereParameters(schedule="100/99"), 5, lambda shown: int(np.flatnonzero(shown == 0)[0])):
        assert not any(reward for _, _, reward, _ in block)


def test_places_and_reversals_are_the_same_for_every_schedule_and_kind():
    """Catches two runs to be compared that do not meet the same world."""

    def world(**table):
        return [
            [(shown.tolist(), info["reversal"], info["reversed"]) for shown, _, _, info in block]
            for block in blocks(WhatWhereParameters(**table), 5)
        ]

    first = world()
    assert world(schedule="60/40") == first == world(kind="what") == world(kind="where")
    places = [[shown for shown, *_ in block] for block in first]
    assert [[shown for shown, *_ in block] for block in world(reversal_window=(40, 40))] == places


def test_a_restored_task_shows_what_was_to_come():
    """Catches a checkpoint after which a trial shows other options."""
    task = WhatWhere(seed=8)
    task.reset()
    for trial in range(40):
        after = task.step(np.int64(trial % 4)).observation
    again = WhatWhere(seed=0)
    again.restore(task.state())
    one, two = task.step(np.int64(1)), again.step(np.int64(1))
    assert one.observation.tolist() == two.observation.tolist() and one.reward == two.reward
    assert after.sum() == 2 and one.info == two.info


def test_a_circuit_of_four_actions_plays_it_and_one_of_two_is_refused(tmp_path):
    """Catches a task that no shipped circuit can play, and options that have no action."""
    text = '[circuit]\nname = "striatum"\nactions = {}\n[task]\nname = "what_where"\n[run]\nbackend = "reference"\n'
    path = tmp_path / "both.toml"
    path.write_text(text.format(4))
    results = sp.run(path, instances=2, trials=2, out=tmp_path / "run")
    trials = results.trials
    assert trials["choice"].max() <= 3 and {int(option) for option in trials["better_option"]} <= {0, 1, 2, 3}
    path.write_text(text.format(2))
    with pytest.raises(DescriptionError, match="options of the task: got 4"):
        sp.run(path, out=tmp_path / "none")


@pytest.mark.parametrize(
    "table",
    [
        {"schedule": "80/50/20"},
        {"schedule": "20/80"},
        {"kind": "when"},
        {"kind": 0},
        {"reversal_window": [50, 30]},
        {"reversal_window": [0, 5]},
        {"trials_per_block": 40},
        {"trials_per_block": 1},
        {"blocks": "file.csv"},
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(table):
    """Catches three objects on two sides, an unknown kind or key, and a reversal outside the block."""
    with pytest.raises(ValidationError):
        WhatWhereParameters(**table)
