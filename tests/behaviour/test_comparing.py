"""Halves of blocks: disjoint, whole, of the seed alone; and models that are compared on the same ones."""

import numpy as np
import pytest

from spikerl.behaviour.comparing import compare
from spikerl.behaviour.fitting import fit
from spikerl.behaviour.models import LADDER, ChoiceModel
from spikerl.behaviour.simulation import simulate
from spikerl.behaviour.splitting import halves
from spikerl.errors import DescriptionError
from tests.behaviour.oracle import nll, reversals


@pytest.mark.parametrize("blocks", [2, 3, 40, 553])
def test_halves_are_disjoint_and_whole(blocks: int) -> None:
    """Catches a block that is fitted and tested, or neither, and halves that are not."""
    splits = halves(blocks, seed=3)
    assert len(splits) == 10
    for split in splits:
        assert sorted([*split.train.tolist(), *split.test.tolist()]) == list(range(blocks))
        assert len(split.train) == blocks // 2
        assert (np.diff(split.train) > 0).all() and (np.diff(split.test) > 0).all()


def test_a_split_is_of_seed_and_number_alone() -> None:
    """Catches splits that hang on how many were asked for or before, all alike, or the same for every seed."""
    ten, three, other = halves(40, 3), halves(40, 3, splits=3), halves(40, 4)
    for k in range(3):
        assert (ten[k].train == three[k].train).all()
    assert len({tuple(split.train.tolist()) for split in (*ten, *other)}) == 20
    tested = np.array([[block in split.test for block in range(40)] for split in halves(40, 3, splits=400)])
    assert np.abs(tested.mean(axis=0) - 0.5).max() < 0.1  # 4 standard errors


@pytest.mark.parametrize(("blocks", "seed", "splits"), [(1, 1, 9), (40, -1, 9), (40, 1, 0), (True, 1, 1), (9.0, 1, 1)])
def test_halves_that_cannot_be_are_refused(blocks: object, seed: object, splits: object) -> None:
    """Catches an empty half, which every model would fit."""
    with pytest.raises(DescriptionError, match="a whole number"):
        halves(blocks, seed, splits)


def test_models_are_fitted_and_tested_on_the_same_halves() -> None:
    """Catches a model tested on what it was fitted to, a half of its own for each model, and columns exchanged."""
    values = {"alpha_plus": 0.3, "alpha_minus": 0.5, "decay": 0.6, "beta": 4.0}
    trials = simulate(ChoiceModel(True, True), values, reversals(30), seed=8)
    found = compare(trials, seed=8, models=(LADDER[0], LADDER[2]), splits=3, starts=2)
    for k, split in enumerate(halves(30, 8, 3)):
        assert (np.isfinite(found.held_out[k]) == np.isin(np.arange(30), split.test)).all()
        for position, run in enumerate(found.fits[k]):
            assert run.model == found.models[position] and run.n == 15 * 80
            alone = fit(run.model, trials.take(split.train), 8, starts=2)
            assert run.nll == pytest.approx(alone.nll, abs=1e-7)
            for block in split.test.tolist():
                choices, rewards = trials.choices[block].tolist(), trials.rewards[block].tolist()
                by_hand = nll(run.parameters, 0.0, choices, rewards, 2) / 80
                assert found.held_out[k, position, block] == pytest.approx(by_hand, rel=1e-9)
            assert found.test()[k, position] == pytest.approx(run.on(trials.take(split.test)).mean(), rel=1e-12)
            assert found.train()[k, position] == run.nll
    often = np.isfinite(found.held_out[:, 0]).sum(axis=0)
    block = int(np.flatnonzero(often == 2)[0])
    rows = found.held_out[:, 1, block]
    assert found.by_block()[1, block] == pytest.approx(np.nanmean(rows))
    assert np.isnan(found.by_block()[:, often == 0]).all()
    assert (found.test()[:, 1] < found.test()[:, 0]).all()


def test_a_model_named_twice_is_refused() -> None:
    """Catches a comparison of a model with itself, or of none."""
    trials = simulate(LADDER[0], {"alpha": 0.3, "beta": 4.0}, reversals(2), seed=1)
    for models in ((), (LADDER[0], LADDER[0])):
        with pytest.raises(DescriptionError, match="at least one, each once"):
            compare(trials, seed=1, models=models)
