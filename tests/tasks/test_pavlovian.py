"""Pavlovian conditioning: what each design shows, pays, omits and lights, and that nothing is chosen."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from spikerl.tasks import Pavlovian, PavlovianParameters
from spikerl.tasks.blocks import NO_CHOICE

SHORT = {"trials": 6, "probes": 8}


def _played(seed: int = 3, instance: int = 0, block: int = 0, **keys: object) -> list[dict[str, Any]]:
    """Return what each trial of a block showed, paid and said."""
    task = Pavlovian(PavlovianParameters.model_validate(SHORT | keys), seed=seed, instance=instance)
    shown, _ = task.reset(options={"block": block})
    trials = []
    ended = False
    while not ended:
        dictated = task.dictated()
        coming, reward, ended, _, facts = task.step(np.int64(0))
        name = "".join(cue for cue, there in zip("ABXY", shown, strict=True) if there)
        trials.append({"name": name, "reward": reward, "dictated": dictated} | facts["columns"])
        shown = coming
    return trials


def _kinds(trials: list[dict[str, Any]]) -> list[list[tuple[object, ...]]]:
    """Return the sorted kinds of each stage: name, reward and laser, each as often as it came."""
    stages = sorted({trial["stage"] for trial in trials})
    return [sorted((t["name"], t["reward"], t["laser"]) for t in trials if t["stage"] == stage) for stage in stages]


def test_acquisition_pays_and_then_omits_a_share() -> None:
    """Catches omissions while it teaches, a wrong number of them, and ones that no column tells of."""
    trials = _played(design="acquisition", omission=0.25)
    assert _kinds(trials) == [[("A", 1.0, 0)] * 6, [("A", 0.0, 0)] * 2 + [("A", 1.0, 0)] * 6]
    assert all(trial["omitted"] == (trial["reward"] == 0) for trial in trials)


def test_extinction_stops_paying_and_begins_again() -> None:
    """Catches an extinction that is called an omission, and a stage that is left out."""
    trials = _played(design="extinction", size=2.0)
    assert _kinds(trials) == [[("A", 2.0, 0)] * 6, [("A", 0.0, 0)] * 6, [("A", 2.0, 0)] * 6]
    assert not any(trial["omitted"] for trial in trials)


def test_blocking_has_a_control_compound() -> None:
    """Catches a compound without its control, or one that shows its cues one by one."""
    trials = _played(design="blocking", probes=2)
    compound = [("AX", 1.0, 0)] * 6 + [("BY", 1.0, 0)] * 6
    assert _kinds(trials) == [[("A", 1.0, 0)] * 6, compound, [("X", 0.0, 0)] * 2 + [("Y", 0.0, 0)] * 2]


def test_unblocking_lights_or_pays_more_after_one_compound_alone() -> None:
    """Catches a laser in other trials, or in a control that asked for none."""
    first = [("A", 1.0, 0)] * 6 + [("B", 1.0, 0)] * 6
    lit = _played(design="unblocking", probes=1)
    assert _kinds(lit)[:2] == [first, [("AX", 1.0, 1)] * 6 + [("BY", 1.0, 0)] * 6]
    assert all(trial["dictated"].laser == bool(trial["laser"]) for trial in lit)
    richer = _played(design="unblocking", probes=1, laser=False, compound_size=2.0)
    assert _kinds(richer)[:2] == [first, [("AX", 2.0, 0)] * 6 + [("BY", 1.0, 0)] * 6]


def test_sizes_come_expected_and_unexpected() -> None:
    """Catches an unexpected reward after a cue, and sizes that one of the two lacks."""
    trials = _played(design="sizes", sizes=[0.5, 2.0], probes=3)
    both = [(name, size, 0) for name in ("", "A") for size in (0.5, 2.0) for _ in range(3)]
    assert _kinds(trials) == [[("A", 0.5, 0)] * 6 + [("A", 2.0, 0)] * 6, both]


def test_nothing_is_chosen_and_no_feedback_announces_an_omission() -> None:
    """Catches a trial that is left to votes, and an omission that is told."""
    for trial in _played(design="blocking"):
        assert trial["dictated"].choice == NO_CHOICE and not trial["dictated"].feedback
        assert trial["cues"] == sum(1 << "ABXY".index(cue) for cue in str(trial["name"]))


def test_rewards_come_with_their_probability() -> None:
    """Catches luck that is drawn for a block, not for a trial, and one that depends on the order of calls."""
    paid = [[t["reward"] for t in _played(probability=0.3, trials=400, instance=k)][:400] for k in range(5)]
    assert abs(np.mean(paid) - 0.3) < 4 * np.sqrt(0.21 / 2000)
    assert len({tuple(one) for one in paid}) == 5
    again = [t["reward"] for t in _played(probability=0.3, trials=400, instance=2)][:400]
    assert again == paid[2]


def test_the_order_of_kinds_differs_between_blocks_and_not_with_sizes() -> None:
    """Catches kinds that follow one another in one order, and an order that sizes change."""
    orders = [[t["cues"] for t in _played(design="blocking", block=block)] for block in range(3)]
    assert len({tuple(order) for order in orders}) == 3
    assert [t["cues"] for t in _played(design="blocking", size=3.0)] == orders[0]


@pytest.mark.parametrize(
    ("key", "value"),
    [("design", "backward"), ("trials", 0), ("probability", 1.5), ("size", -1.0), ("sizes", []), ("omission", "few")],
)
def test_bad_parameters_are_refused(key: str, value: object) -> None:
    """Catches a key whose range nobody checks."""
    with pytest.raises(ValidationError, match=key):
        PavlovianParameters.model_validate({key: value})
