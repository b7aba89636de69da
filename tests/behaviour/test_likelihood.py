"""The likelihood against a simulation in plain Python, and its gradient against differences of it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikerl.behaviour.likelihood import likelihood, negative_log_likelihood
from spikerl.behaviour.models import FAMILY, LADDER, ChoiceModel
from spikerl.behaviour.simulation import simulate
from spikerl.behaviour.trials import Trials
from spikerl.errors import DescriptionError
from tests.behaviour.oracle import nll, probabilities, reversals

FULL = {"alpha_plus": 0.35, "alpha_minus": 0.45, "decay": 0.6, "beta": 5.0, "kappa": 0.3}


@st.composite
def cases(draw: st.DrawFn) -> tuple[ChoiceModel, dict[str, float], Trials]:
    """Draw a model, its numbers well inside their ranges, and blocks, with rewards between 0 and 1 too."""
    model = ChoiceModel(draw(st.booleans()), draw(st.booleans()), draw(st.booleans()), draw(st.sampled_from([0, 0.5])))
    inside = {"beta": (0.1, 10.0), "kappa": (-3.0, 3.0)}
    values = {p.name: draw(st.floats(*inside.get(p.name, (0.01, 0.99)))) for p in model.parameters}
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    options, shape = draw(st.integers(2, 4)), (draw(st.integers(1, 4)), draw(st.integers(1, 12)))
    rewards = random.random(shape) if draw(st.booleans()) else random.integers(0, 2, shape)
    return model, values, Trials(random.integers(0, options, shape), rewards, options)


def plain(model: ChoiceModel, values: dict[str, float], trials: Trials) -> list[float]:
    blocks = zip(trials.choices.tolist(), trials.rewards.tolist(), strict=True)
    return [nll(values, model.initial, choices, rewards, trials.options) for choices, rewards in blocks]


@given(cases())
def test_the_likelihood_is_that_of_plain_python(case: tuple[ChoiceModel, dict[str, float], Trials]) -> None:
    """Catches a value not reset at a block's begin, a rate or option exchanged, stickiness of the wrong trial."""
    model, values, trials = case
    assert negative_log_likelihood(model, values, trials) == pytest.approx(plain(model, values, trials), rel=1e-12)


@given(cases())
def test_the_gradient_is_the_slope_of_plain_python(case: tuple[ChoiceModel, dict[str, float], Trials]) -> None:
    """Catches a derivative left out or given to the wrong parameter: searches would stop where nothing is best."""
    model, values, trials = case
    gradient = likelihood(model, model.numbers(values), trials).scores.sum(axis=0)
    for position, name in enumerate(values):
        step = 1e-6 * max(1.0, abs(values[name]))
        high = sum(plain(model, values | {name: values[name] + step}, trials))
        low = sum(plain(model, values | {name: values[name] - step}, trials))
        assert gradient[position] == pytest.approx((high - low) / (2 * step), rel=1e-5, abs=1e-5)


def test_a_choice_that_cannot_be_has_a_finite_price() -> None:
    """Catches an overflow of the exponential at the steepest slope that is allowed."""
    trials = Trials([[0] * 30 + [1]], [[1.0] * 31])
    found = negative_log_likelihood(ChoiceModel(), {"alpha": 1.0, "beta": 100.0}, trials)
    assert found[0] == pytest.approx(math.log(2.0) + 100.0)


@pytest.mark.parametrize("model", FAMILY, ids=lambda model: model.name)
def test_a_model_does_what_one_that_contains_it_does(model: ChoiceModel) -> None:
    """Catches a switch that changes more than its own term."""
    trials = simulate(LADDER[-1], FULL, reversals(4), seed=1)
    values = {p.name: FULL.get(p.name, 0.4) for p in model.parameters}
    for larger in FAMILY:
        if larger.contains(model):
            numbers = larger.embedded(model, model.numbers(values))
            same = likelihood(larger, numbers, trials).blocks
            assert same == pytest.approx(negative_log_likelihood(model, values, trials), rel=1e-12)
        else:
            with pytest.raises(DescriptionError, match="a model that it contains"):
                larger.embedded(model, model.numbers(values))
    assert not ChoiceModel(True, True, True, 0.5).contains(model)


def test_simulated_choices_have_the_probabilities_of_plain_python() -> None:
    """Catches draws from other probabilities than those said, and rewards that do not pay as told."""
    pays = np.concatenate([reversals(200), np.full((200, 80, 1), 0.4)], axis=2)
    model = ChoiceModel(True, True, True, 0.5)
    trials = simulate(model, FULL, pays, seed=2)
    excess, variance = np.zeros(3), np.zeros(3)
    for choices, rewards in zip(trials.choices.tolist(), trials.rewards.tolist(), strict=True):
        before = probabilities(FULL, model.initial, choices, rewards, 3)
        for chances, choice in zip(before, choices, strict=True):
            excess += (np.arange(3) == choice) - np.array(chances)
            variance += np.array(chances) * (1.0 - np.array(chances))
    assert (np.abs(excess) < 4.0 * np.sqrt(variance)).all()
    chance = np.take_along_axis(pays, trials.choices[:, :, None], axis=2)[:, :, 0]
    assert abs((trials.rewards - chance).sum()) < 4.0 * math.sqrt((chance * (1.0 - chance)).sum())
    sure = np.random.default_rng(1).integers(0, 2, (200, 80, 3))
    paid = simulate(model, FULL, sure, seed=2)
    assert (paid.rewards == np.take_along_axis(sure, paid.choices[:, :, None], axis=2)[:, :, 0]).all()
    again = simulate(model, FULL, pays, seed=2)
    assert (again.choices == trials.choices).all() and (again.rewards == trials.rewards).all()
    assert (simulate(model, FULL, pays, seed=3).choices != trials.choices).any()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"alpha": 1.5}, "alpha of the model 'Rescorla-Wagner': got 1.5; allowed: a number from 0 to 1"),
        ({"beta": math.nan}, "beta of the model"),
        ({"beta": "5"}, "beta of the model"),
        ({"betta": 5.0}, "did you mean 'beta'"),
        ({"kappa": 0.1}, "parameters of the model 'Rescorla-Wagner': got 'kappa'"),
    ],
)
def test_numbers_that_a_model_does_not_have_are_refused(changed: dict[str, float], said: str) -> None:
    """Catches a parameter of another model left aside in silence, and a likelihood of NaN."""
    values = {"alpha": 0.3, "beta": 5.0} | changed
    with pytest.raises(DescriptionError) as raised:
        negative_log_likelihood(ChoiceModel(), values, Trials([[0, 1]], [[1, 0]]))
    assert said in str(raised.value)


def test_a_parameter_left_out_is_named() -> None:
    """Catches a default in place of a number that was forgotten."""
    with pytest.raises(DescriptionError, match="beta of the model 'Rescorla-Wagner': got None"):
        negative_log_likelihood(ChoiceModel(), {"alpha": 0.3}, Trials([[0, 1]], [[1, 0]]))


def test_models_and_payments_that_are_none_are_refused() -> None:
    """Catches a switch that is a number, values that begin outside the rewards, and probabilities above 1."""
    with pytest.raises(DescriptionError, match="two_rates: got 2"):
        ChoiceModel(2)
    with pytest.raises(DescriptionError, match=r"initial: got 1\.5; allowed: a number from 0 to 1"):
        ChoiceModel(initial=1.5)
    for pays, said in ((np.full((1, 2, 2), 1.5), "got 1.5"), (np.zeros((2, 2)), r"got \(2, 2\)")):
        with pytest.raises(DescriptionError, match=said):
            simulate(ChoiceModel(), {"alpha": 0.3, "beta": 5.0}, pays, seed=1)
