"""The distributional circuit: its cells hear more and less than they predicted, and learn from their own firing alone.

A short form of what `make evidence` measures over 20 networks.
"""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

import spikerl as sp
from spikerl.loop import ClosedLoop
from spikerl.models.distributional import DistributionalParameters, asymmetry, build
from spikerl.session import Observation
from spikerl.tasks.protocol import TrialProtocol
from spikerl.tasks.variable_magnitude import VariableMagnitude, VariableMagnitudeParameters

PROTOCOL = TrialProtocol(cue="50 ms", decision="50 ms", hold="100 ms", outcome="400 ms", interval="460 ms")


def played(trials: int, seed: int = 1, **settings: Any) -> tuple[DistributionalParameters, dict[str, np.ndarray]]:
    """Return the parameters, and of each trial the column `reward` and each population's spikes by phase.

    The keys are ``population/phase``, the shapes [trial, neuron].
    """
    parameters = DistributionalParameters(**{"cells": 16} | settings)
    circuit = build(parameters)
    task = VariableMagnitude(VariableMagnitudeParameters(trials_per_block=trials), seed=seed)
    found: dict[str, list[np.ndarray]] = {"reward": []}
    with sp.open(circuit.network, "native", seed=seed, threads=1) as session:
        loop = ClosedLoop(session, circuit, PROTOCOL, [task], seed, range(1))
        for _ in range(trials):
            trial = loop.trial()
            found["reward"].append(trial.columns["reward"][0])
            for phase, seen in trial.phases.items():
                for name, counts in counted(seen).items():
                    found.setdefault(f"{name}/{phase}", []).append(counts)
    return parameters, {name: np.array(rows) for name, rows in found.items()}


def counted(seen: Observation) -> dict[str, np.ndarray]:
    """Return the spikes of each neuron of the populations that are looked at."""
    return {name: seen.spikes[name][:, 0].sum(axis=0) for name in ("value", "dopamine", "teaching", "gate")}


@pytest.fixture(scope="module")
def learned() -> tuple[DistributionalParameters, dict[str, np.ndarray]]:
    """Return 160 trials in which cells learn three times as fast as by default."""
    return played(160, learning_rate=8e-4)


@pytest.mark.xdist_group("distributional circuit")
def test_cells_learn_predictions_of_their_own(learned: tuple) -> None:
    """Catches learning from the mean of all cells, and channels that are crossed: optimists come to predict more."""
    parameters, trials = learned
    late = trials["value/outcome"][80:].reshape(80, parameters.cells, parameters.value).mean(axis=(0, 2))
    tau = asymmetry(parameters)
    assert np.corrcoef(tau, late)[0, 1] > 0.8
    assert late[tau > 0.7].mean() > 1.4 * late[tau < 0.3].mean()


@pytest.mark.xdist_group("distributional circuit")
def test_every_cell_comes_back_to_its_tonic_rate(learned: tuple) -> None:
    """Catches a lesson that is not the cell's firing beside its tonic rate: on average over rewards none is left."""
    _, trials = learned
    late = trials["dopamine/outcome"][80:].mean(axis=0) / 0.4
    assert abs(late.mean() - 6.0) < 0.6
    assert (np.abs(late - 6.0) < 2.5).all()


@pytest.mark.xdist_group("distributional circuit")
def test_large_rewards_raise_every_cell_and_small_ones_lower_it(learned: tuple) -> None:
    """Catches a path from reward or value to dopamine that is lost or inverted."""
    _, trials = learned
    reward, rate = trials["reward"][80:], trials["dopamine/outcome"][80:] / 0.4
    assert (rate[reward > 0.75].mean(axis=0) > rate[reward < 0.35].mean(axis=0)).all()
    assert rate[reward > 0.75].mean() > 9.0 and rate[reward < 0.35].mean() < 4.0


@pytest.mark.xdist_group("distributional circuit")
def test_value_and_lesson_come_at_different_times(learned: tuple) -> None:
    """Catches teaching neurons that speak while the cue is there, a gate that is open then, and lost spikes.

    In the interval each value neuron fires once for a spike of its dopamine cell in the outcome, and once or twice
    before it falls silent.
    """
    parameters, trials = learned
    for phase in ("decision", "hold", "outcome"):
        assert trials[f"teaching/{phase}"].sum() == 0 and trials[f"gate/{phase}"].sum() == 0
    heard, said = trials["teaching/interval"], trials["dopamine/outcome"]
    assert abs(heard.mean() / said.mean() - 1.0) < 0.12
    assert np.corrcoef(heard.ravel(), said.ravel())[0, 1] > 0.9
    taught = trials["value/interval"].reshape(160, parameters.cells, parameters.value).mean(axis=2)
    assert np.corrcoef(taught.ravel(), heard.ravel())[0, 1] > 0.9
    assert 0.0 < (taught - heard).mean() < 2.0


def test_a_shared_prediction_is_one_for_all() -> None:
    """Catches the control learning like the circuit it is held against: all its value neurons learn the same."""
    parameters, trials = played(80, learning_rate=8e-4, prediction="shared")
    late = trials["value/outcome"][40:].reshape(40, parameters.cells, parameters.value).mean(axis=(0, 2))
    assert late.std() < 0.08 * late.mean()
    assert late.mean() > 1.5 * trials["value/outcome"][:5].mean()


def test_without_plasticity_nothing_is_learned() -> None:
    """Catches a circuit that says the answer by another way than its rule."""
    assert all(p.rule is None for p in build(DistributionalParameters(plasticity=False)).network.projections)
    _, trials = played(30, plasticity=False)
    assert abs(trials["value/outcome"][-10:].mean() - trials["value/outcome"][:10].mean()) < 1.0


def test_units_of_the_weight_change_nothing() -> None:
    """Catches rates and bounds that mean mV whatever the weight is written in."""
    rules = [
        build(DistributionalParameters(weight=weight)).network.projection("cue_to_value").rule
        for weight in ("0.7 mV", "700 uV")
    ]
    one, other = (np.array([*rule.bounds, *(t.product.coefficient for t in rule.terms)]) for rule in rules if rule)
    np.testing.assert_allclose(other, 1000.0 * one, rtol=1e-12)


@pytest.mark.parametrize(
    ("key", "value"),
    [("ratio_low", 0.0), ("ratio_low", 7.0), ("prediction", "none"), ("cells", 0), ("lag", "1 mV"), ("gain", "1")],
)
def test_bad_parameters_are_refused(key: str, value: object) -> None:
    """Catches a parameter whose unit or range nobody checks."""
    with pytest.raises(ValidationError, match=key):
        DistributionalParameters(**{key: value})
