"""The striatum in open loop: its dopamine population fires at its tonic rate and codes reward minus value."""

import numpy as np
import pytest
from pydantic import ValidationError

import spikerl as sp
from spikerl.circuit import load_circuit
from spikerl.models.striatum import StriatumParameters, build
from spikerl.tasks.protocol import rates

# Change of D1 and D2 weights, in mV, that the calibration of the circuit calls a value of 1.
UNIT_OF_VALUE = 0.7


def dopamine_rate(value: float, reward: bool, feedback: bool = True, instances: int = 12) -> np.ndarray:
    """Return the firing of the dopamine population in Hz, [instance], with option 0 chosen and of the given value."""
    circuit = build(StriatumParameters(plasticity=False))
    with sp.open(circuit.network, "reference", seed=5, batch=instances) as session:
        state = session.state()
        for projection, sign in (("cortex_to_d1", 1.0), ("cortex_to_d2", -1.0)):
            state[f"weight/{projection}"] += sign * UNIT_OF_VALUE * value
        session.restore(state)
        on = {
            circuit.cues[0]: np.array([[feedback, False]]),
            circuit.feedback: np.array([[feedback]]),
            circuit.reward: np.array([[reward]]),
        }
        driven = {drive.population: rates(session, drive, which) for drive, which in on.items()}
        session.step("200 ms", rates=driven)
        seen = session.step("500 ms", rates=driven)
    return seen.spikes["dopamine"].mean(axis=(0, 2)) / 1e-3


def test_tonic_rate_is_the_baseline() -> None:
    """Catches a calibration in which dopamine at rest teaches: the signal's baseline must be the tonic rate."""
    tonic = dopamine_rate(0.0, reward=False, feedback=False, instances=32)
    assert abs(tonic.mean() - 6.0) < 2.1 * tonic.std(ddof=1) / np.sqrt(tonic.size) + 0.15


def test_firing_is_reward_minus_value() -> None:
    """Catches a lost or inverted path: reward raises the rate, value lowers it, and a value of 1 cancels a reward."""
    values = np.array([0.0, 0.5, 1.0])
    omitted, rewarded = (
        np.array([dopamine_rate(value, reward).mean() for value in values]) for reward in (False, True)
    )
    assert (np.diff(omitted) < -0.8).all() and (np.diff(rewarded) < -0.8).all()
    assert (rewarded - omitted > 3.0).all()
    assert abs(rewarded[2] - 6.0) < 1.0
    assert omitted[2] < 3.5
    assert rewarded[0] > 9.0


def test_roles_fit_any_number_of_actions() -> None:
    """Catches sizes written for two options."""
    circuit = build(StriatumParameters(actions=3))
    assert circuit.network.population("cortex").size == 3 * StriatumParameters().cortex
    edges = circuit.network.projection("cortex_to_d1").edges()
    assert np.array_equal(edges.pre // StriatumParameters().cortex, edges.post // StriatumParameters().medium_spiny)
    lateral = circuit.network.projection("lateral_d1").edges()
    assert (lateral.pre // StriatumParameters().medium_spiny != lateral.post // StriatumParameters().medium_spiny).all()


def test_receptors_have_opposite_signs_and_plasticity_can_be_left_out() -> None:
    """Catches D2 learning like D1, and a fixed circuit that still learns."""
    network = build(StriatumParameters()).network
    terms = [network.projection(f"cortex_to_{receptor}").rule for receptor in ("d1", "d2")]
    coefficients = [rule.terms[0].product.coefficient for rule in terms if rule is not None]
    assert coefficients[0] == -coefficients[1] > 0
    fixed = build(StriatumParameters(plasticity=False)).network
    assert all(projection.rule is None for projection in fixed.projections)


@pytest.mark.parametrize(
    ("key", "value"),
    [("tau_elig", "1 mV"), ("tau_elig", "-1 s"), ("weight", "3.65"), ("actions", 1), ("cortex", 0), ("tonic", "6 s")],
)
def test_bad_parameters_are_refused(key: str, value: object) -> None:
    """Catches a parameter whose unit or range nobody checks."""
    with pytest.raises(ValidationError, match=key):
        StriatumParameters.model_validate({key: value})


def test_the_circuit_is_registered() -> None:
    """Catches an entry point that names something else."""
    assert load_circuit("striatum").parameters is StriatumParameters
