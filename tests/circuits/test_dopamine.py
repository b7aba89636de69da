"""The dopamine circuit: its chain tells time, its linear regime is what `alpha` assumes, and it learns from dopamine.

A short form of what `make evidence` measures.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

import spikerl as sp
from spikerl.analysis import conditioning
from spikerl.circuit import load_circuit
from spikerl.models.dopamine import DopamineParameters, build, kernel, learning_rate
from spikerl.network import Network, Projection
from spikerl.neurons import Poisson
from spikerl.population import Population

FIXED = DopamineParameters(plasticity=False)
SMALL = FIXED.model_copy(update={"cues": 1, "stages": 2})


def test_volleys_follow_one_another_from_the_onset_of_the_cue() -> None:
    """Catches a chain that dies, that starts again while the cue lasts, or that keeps another time than `interval`."""
    parameters = FIXED.model_copy(update={"cues": 2})
    circuit = build(parameters)
    with sp.open(circuit.network, "native", seed=2, batch=4) as session:
        quiet = np.full((4, 60), 1.0)
        silent = session.step("500 ms", rates={"cue": quiet})
        on = quiet.copy()
        on[:, :30] = 50.0
        seen = session.step("900 ms", rates={"cue": on}).spikes["time"]
    assert not silent.spikes["time"].any()
    cells = parameters.stages * parameters.time_cells
    assert (seen[:, :, :cells].sum(axis=0) == 1).all() and not seen[:, :, cells:].any()
    fired = seen[:, :, :cells].argmax(axis=0)
    assert (fired[:, 0] < 40).all()
    interval = (fired[:, -1] - fired[:, 0]) / (parameters.stages - 1)
    assert np.abs(interval - 25.0).max() < 0.5


def _steady(drive: float, reward: float, batch: int = 24) -> dict[str, float]:
    """Return the rates in Hz where value neurons hear `drive` mV Hz more, and reward is on at a share of its rate."""
    network = build(SMALL).network
    extra = Population("extra", 100, Poisson("0 Hz"))
    to_value = Projection(extra, network.population("value"), "0.1 mV")
    network = Network(*network.projections, to_value, modulators=network.modulators)
    driven = {"extra": np.full((batch, 100), drive / 10), "reward": np.full((batch, 40), 40.0 * reward)}
    with sp.open(network, "native", seed=7, batch=batch) as session:
        session.step("500 ms", rates=driven)
        seen = session.step("5 s", rates=driven)
    return {name: float(seen.spikes[name].mean()) / 1e-3 for name in ("value", "gaba", "dopamine")}


def test_the_linear_regime_is_the_one_that_alpha_assumes() -> None:
    """Catches slopes that were not measured again after a change of cells or weights, and a baseline that is off."""
    rest, valued, paid, both = (_steady(*given) for given in ((0.0, 0.0), (450.0, 0.0), (0.0, 1.0), (450.0, 1.0)))
    parameters = DopamineParameters()
    assert abs(rest["dopamine"] - 6.0) < 0.15
    assert (valued["value"] - rest["value"]) / 450.0 == pytest.approx(parameters.value_slope, rel=0.05)
    edges = build(SMALL).network.projection("reward_to_dopamine").edges()
    heard = len(edges.pre) / parameters.dopamine * 40.0 * 1.1  # mV Hz
    assert (paid["dopamine"] - rest["dopamine"]) / heard == pytest.approx(parameters.dopamine_slope, rel=0.06)
    # A value that lasts moves dopamine by nothing, and reward by as much as without it.
    assert abs(valued["dopamine"] - rest["dopamine"]) < 0.5
    assert both["dopamine"] - valued["dopamine"] == pytest.approx(paid["dopamine"] - rest["dopamine"], rel=0.1)


def test_the_rate_of_the_rule_follows_alpha() -> None:
    """Catches a rate that is no share of `alpha`, and one that does not make good a change of the gain."""
    rate = learning_rate(DopamineParameters())
    assert learning_rate(DopamineParameters(alpha=0.2)) == pytest.approx(2 * rate)
    assert learning_rate(DopamineParameters(time_cells=4)) == pytest.approx(rate / 2)
    assert learning_rate(DopamineParameters(excitation="12 mV")) == pytest.approx(rate / 2)


def test_the_trace_is_the_one_of_the_formula() -> None:
    """Catches a sum of exponentials that is not exp(-t/tau_elig) (1 - exp(-t/tau_rise))^2."""
    time = np.linspace(0.0, 2.0, 50)
    sums = sum(sign * np.exp(-time / tau) for sign, tau in kernel(DopamineParameters()))
    assert np.allclose(sums, np.exp(-time / 0.6) * (1 - np.exp(-time / 0.2)) ** 2)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, sp.Results]:
    """Return short acquisitions with and without phasic dopamine."""
    folder: Path = tmp_path_factory.mktemp("dopamine")
    settings = {
        "circuit.alpha": 0.25, "task.trials": 20, "task.probes": 6, "task.omission": 0.5, "record.spikes": [],
        "protocol.interval": "1500 ms",
    }  # fmt: skip
    return {
        name: sp.run(
            "pavlovian", backend="native", instances=8, trials=26, seed=21,
            settings=settings | {"circuit.clamp_dopamine": name == "clamped"}, out=folder / name,
        )
        for name in ("free", "clamped")
    }  # fmt: skip


@pytest.mark.xdist_group("dopamine")
def test_dopamine_moves_from_reward_to_cue_and_dips_at_an_omission(runs: dict[str, sp.Results]) -> None:
    """Catches a rule or a path of the wrong sign: reward grows, the cue says nothing, or an omission excites."""
    taught, paid, omitted = sorted(conditioning.kinds(runs["free"]), key=lambda kind: (kind.stage, kind.omitted))
    reward = conditioning.responses(runs["free"], "outcome", taught)
    assert reward[:, :2].mean() > 3.0
    assert conditioning.response(runs["free"], "outcome", paid).value < 0.4 * reward[:, :2].mean()
    assert conditioning.response(runs["free"], "cue", paid).low > 0
    assert conditioning.response(runs["free"], "outcome", omitted).high < 0


@pytest.mark.xdist_group("dopamine")
def test_nothing_is_learned_with_dopamine_at_its_baseline(runs: dict[str, sp.Results]) -> None:
    """Catches weights that move by another way than dopamine, and a clamp that does not hold."""
    assert np.abs(conditioning.strength(runs["clamped"], "A").grown).max() < 1e-9
    assert conditioning.strength(runs["free"], "A").grown[-1].min() > 1.0
    assert np.abs(conditioning.strength(runs["free"], "X").grown).max() < 0.5


@pytest.mark.parametrize("silences", [False, True])
def test_the_laser_excites_or_silences(silences: bool) -> None:
    """Catches a laser that nothing hears, or one of the wrong sign."""
    circuit = build(SMALL.model_copy(update={"laser_silences": silences}))
    assert circuit.laser is not None and circuit.laser.population == "laser"
    with sp.open(circuit.network, "native", seed=1, batch=4) as session:
        before = session.step("1 s").spikes["dopamine"].mean()
        lit = session.step("1 s", rates={"laser": np.full((4, 40), 40.0)}).spikes["dopamine"].mean()
    assert lit < 0.6 * before if silences else lit > 1.4 * before


def test_it_can_be_deployed_without_its_rule() -> None:
    """Catches a circuit that no longer fits what a chip takes: delays, weights, tonic firing."""
    circuit = build(SMALL)
    with sp.open(circuit.network, "loihi", seed=1, batch=4, hardware=sp.Hardware(target="loihi2")) as session:
        session.step("500 ms")
        rate = session.step("2 s").spikes["dopamine"].mean() / 1e-3
    assert 5.0 < rate < 7.0


@pytest.mark.parametrize(
    ("key", "value"), [("tau_rise", "1 mV"), ("alpha", 1.5), ("stages", 1), ("value_slope", 0.0), ("laser_silences", 1)]
)
def test_bad_parameters_are_refused(key: str, value: object) -> None:
    """Catches a parameter whose unit or range nobody checks."""
    with pytest.raises(ValidationError, match=key):
        DopamineParameters.model_validate({key: value})


def test_the_circuit_is_registered() -> None:
    """Catches an entry point that names something else."""
    assert load_circuit("dopamine").parameters is DopamineParameters
    assert replace(build(SMALL), clamp=0.0).clamp == 0.0
