"""The test asks for what was learned: the last block goes on in it."""

import numpy as np
import pytest

from spikerl.errors import UnsupportedError
from spikerl.experiment import read
from spikerl.quantizing.prolonging import check_choices, gone_back, prolonged
from tests.quantizing.small import small

TASKS = {
    "bandit": {},
    "reversal": {"task.reversal_window": [3, 5]},
    "volatile": {"task.volatility": 0.3},
    "what_where": {"task.reversal_window": [3, 5], "circuit.actions": 4},
    "payoffs": {},
}
LENGTH, MORE = 8, 12


def experiment_of(folder, task, **settings):
    path = small(folder)
    path.write_text(path.read_text().replace('"bandit"', f'"{task}"').replace("trials_per_block = 4", ""))
    return read(path, {"task.trials_per_block": LENGTH} | TASKS.get(task, {}) | settings)


def played(task, trials):
    """Play so many trials of option 0, or what is dictated; return what was seen of each."""
    seen = []
    for _ in range(trials):
        _, reward, terminated, _, info = task.step(np.int64(max(task.dictated().choice, 0)))
        seen.append((info["block"], info["trial"], info["better"], info["probabilities"], reward))
        if terminated:
            task.reset()
    return seen


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("trials", [LENGTH, 2 * LENGTH, LENGTH + 3])
def test_the_last_block_goes_on(tmp_path, name, trials):
    """Catches a test in a new block, whose better option nobody has learned, and draws that a longer block changes."""
    experiment = experiment_of(tmp_path, name)
    task = experiment.task.make(experiment.parts["task"], 7, 1)
    task.reset()
    before = played(task, trials)
    at = task.state()
    parameters, length, back = prolonged(experiment, at["trial"], MORE)
    longer = experiment.task.make(parameters, 7, 1)
    assert (length, back) == (LENGTH, trials % LENGTH == 0)
    if back:
        state = {f"task/{key}": np.array([value]) for key, value in at.items()}
        shown = np.zeros((1, longer.action_space.n), dtype=bool)
        state = gone_back([longer], state | {"loop/shown": shown, "loop/number": np.array(trials)}, LENGTH)
        at = {key: int(state[f"task/{key}"][0]) for key in at}
        assert state["loop/shown"].any() and not shown.any() and state["loop/number"] == trials
    longer.restore(at)
    after = played(longer, MORE)
    block, last = before[-1][:2]
    assert [(one[0], one[1]) for one in after] == [(block, last + 1 + k) for k in range(MORE)]
    # The same block from its beginning, in one piece.
    again = experiment.task.make(parameters, 7, 1)
    again.reset(options={"block": block})
    assert played(again, last + 1 + MORE)[: last + 1] == [one for one in before if one[0] == block]
    if name == "bandit":
        assert {one[2] for one in after} == {before[-1][2]}


def test_a_long_block_stays_as_it_is(tmp_path):
    """Catches a block that is made shorter, or a step back where there is more to come."""
    experiment = experiment_of(tmp_path, "bandit", **{"task.trials_per_block": 100})
    assert prolonged(experiment, 10, 50) == (experiment.parts["task"], 100, False)


@pytest.mark.parametrize("task", ["pavlovian", "variable_magnitude"])
def test_a_task_without_choices_is_refused(tmp_path, task):
    """Catches shares of better choices where nothing could be chosen."""
    path = small(tmp_path)
    text = path.read_text().replace('"bandit"', f'"{task}"').replace("trials_per_block = 4", "")
    path.write_text(text)
    with pytest.raises(UnsupportedError, match=f"got '{task}'; allowed: a task in which the circuit chooses"):
        check_choices(read(path))
