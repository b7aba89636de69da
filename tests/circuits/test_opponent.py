"""The opponent actor: two receptors hear one dopamine population, and what they learn and say of it."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

import spikerl as sp
from spikerl.analysis.intervals import mean_over_blocks
from spikerl.errors import DescriptionError
from spikerl.experiment import read_circuit
from spikerl.models.opponent import OpponentParameters, signals
from spikerl.models.striatum import StriatumParameters, build
from spikerl.plasticity.dopamine import scaled
from spikerl.population import Population

DIPS = 0.25
QUICK = {"decision": "50 ms"}  # nothing is chosen


def moved(level: float, dips: float = DIPS, tau_elig: str = "500 ms", wait: str = "0 ms") -> tuple[float, float]:
    """Return the mean change of G and N, in mV, that dopamine at `level` makes for 100 ms, `wait` after activity."""
    circuit = build(StriatumParameters(dips=dips, forgetting=0.0, learning_rate=1e-5, tau_elig=tau_elig))
    names = circuit.modulators
    # What each receptor hears of one level: `gain` times it above the baseline, `gain_below` times it below.
    heard = {}
    for name in names:
        modulator = circuit.network.modulator(name)
        below = modulator.gain if modulator.gain_below is None else modulator.gain_below
        heard[name] = level * (modulator.gain if level > 0 else below) * 6.0
    with sp.open(circuit.network, "native", seed=2, batch=4) as session:
        off = dict.fromkeys(names, 0.0)
        session.step("300 ms", rates={"cortex": 50.0}, modulators=off)
        if wait != "0 ms":
            session.step(wait, rates={"cortex": 0.0}, modulators=off)
        before = session.state()
        session.step("100 ms", rates={"cortex": 0.0}, modulators=heard)
        after = session.state()
    g, n = (float((after[f"weight/{name}"] - before[f"weight/{name}"]).mean()) for name in circuit.learning)
    return g, n


def test_rises_teach_d1_and_dips_teach_d2() -> None:
    """Catches receptors that hear alike, that are exchanged, or signs that are: f(x) is x above 0 and dips x below."""
    (g_rise, n_rise), (g_dip, n_dip) = moved(0.5), moved(-0.5)
    assert g_rise > 0 > n_rise and n_dip > 0 > g_dip
    np.testing.assert_allclose(g_dip, -DIPS * g_rise, rtol=1e-6)
    np.testing.assert_allclose(n_rise, -DIPS * n_dip, rtol=1e-6)
    np.testing.assert_allclose(n_dip / g_rise, 1.0, atol=0.2)  # as strong, but for the spikes that there were


def test_an_eligibility_of_a_second_outlasts_the_default() -> None:
    """Catches an eligibility whose time constant is not the one that was asked for."""
    kept = {tau: moved(0.5, tau_elig=tau, wait="500 ms")[0] / moved(0.5, tau_elig=tau)[0] for tau in ("500 ms", "1 s")}
    np.testing.assert_allclose([kept["500 ms"], kept["1 s"]], np.exp([-1.0, -0.5]), rtol=0.01)


def test_without_a_difference_there_is_one_signal() -> None:
    """Catches a circuit of symmetric receptors that is no longer the one it was."""
    circuit = build(StriatumParameters())
    assert circuit.modulators == ("dopamine_signal",)
    assert [m.name for m in circuit.network.modulators] == ["dopamine_signal"]
    assert circuit.network.modulator("dopamine_signal").gain_below is None
    assert "output" not in [population.name for population in circuit.network.populations]


def test_signals_are_in_units_of_the_tonic_rate() -> None:
    """Catches a signal in Hz, and a baseline that is not the tonic rate."""
    dopamine = Population("dopamine", 4, sp.Poisson("5 Hz"))
    heard = signals(OpponentParameters(dips=0.5, tonic="5 Hz"), dopamine)
    assert (heard.d1.gain, heard.d1.gain_below) == (0.2, 0.1) and (heard.d2.gain, heard.d2.gain_below) == (0.1, 0.2)
    assert heard.d1.baseline == heard.d2.baseline == "5 Hz" and heard.d1.source == heard.d2.source == dopamine


def test_tonic_dopamine_scales_what_the_pathways_say() -> None:
    """Catches terminals that do not follow tone, follow it the wrong way round, or forget what they are at rest."""
    circuit = build(StriatumParameters(readout="output", to_output="0.8 mV", tone_gain=0.5, agonist=0.1))
    with sp.open(circuit.network, "native", seed=2) as session:
        for level, share in ((0.4, 0.25), (-0.4, -0.15)):
            session.step("1500 ms", modulators={"tone": level})
            state = session.state()
            np.testing.assert_allclose(state["weight/d1_to_output"], 0.8 * (1 + share), rtol=1e-5)
            np.testing.assert_allclose(state["weight/d2_to_output"], -0.8 * (1 - share), rtol=1e-5)


def test_a_scaled_strength_keeps_its_sign_and_names_what_is_wrong() -> None:
    """Catches inhibition that tone turns into excitation, and a number or modulator that nobody checks."""
    tone = sp.Modulator("tone")
    assert scaled(tone, -1.0).bounds == (-np.inf, 0.0) and scaled(tone, 1.0).bounds == (0.0, np.inf)
    with pytest.raises(DescriptionError, match=r"scaled\.heard"):
        scaled("tone", 1.0)  # type: ignore[arg-type]
    with pytest.raises(DescriptionError, match=r"scaled\.gain"):
        scaled(tone, 1.0, gain=float("nan"))


def learned(dips: float, out: Path) -> np.ndarray:
    """Return G + N of the risky option less that of the safe one, in mV, [block], after 48 forced trials."""
    settings = {f"protocol.{phase}": length for phase, length in QUICK.items()}
    settings |= {"task.dictated_trials": 48, "task.trials_per_block": 48, "record.weights": "end"}
    settings |= {"circuit.dips": dips, "circuit.learning_rate": 8e-5, "circuit.forgetting": 1e-5}
    run = sp.run("risk", instances=8, trials=48, seed=4, settings=settings, out=out)
    first = run.trials["trial"] == 0
    one = run.trials["payoff"][first] == run.trials["choice"][first]  # whether option k has payoff k
    total = sum(run.weights[name].value[-1] for name in ("cortex_to_d1", "cortex_to_d2"))
    option = run.weights["cortex_to_d1"].pre // 30
    apart = total[:, option == 1].mean(axis=1) - total[:, option == 0].mean(axis=1)
    return np.where(one, apart, -apart)


def test_the_sum_of_weights_learns_the_spread(tmp_path: Path) -> None:
    """Catches an opponent actor that learns the mean alone, and one that learns a spread without unlike receptors."""
    unlike, alike = (mean_over_blocks(learned(dips, tmp_path / f"{dips}")) for dips in (0.3, 1.0))
    assert unlike.low > 0.2, unlike
    assert alike.low <= 0 <= alike.high or abs(alike.value) < 0.2 * unlike.value, alike


def risky(agonist: float) -> np.ndarray:
    """Return how many spikes the output of a risky option has more than that of a safe one, [instance]."""
    parameters = read_circuit("risk", {"circuit.agonist": agonist}, "a test").parts["circuit"]
    assert isinstance(parameters, StriatumParameters)
    circuit = build(parameters)
    with sp.open(circuit.network, "native", seed=6, batch=12) as session:
        state = session.state()
        for name in circuit.learning:  # a risky option 0: much for it, and much against it
            option = circuit.network.projection(name).edges().pre // parameters.cortex
            state[f"weight/{name}"] = state[f"weight/{name}"] + np.where(option == 0, 1.2, 0.4)
        session.restore(state)
        held = {"tone": 0.0} | dict.fromkeys(circuit.modulators, 0.0)
        session.step("1 s", rates={"cortex": 50.0}, modulators=held)
        spikes = session.step("500 ms", rates={"cortex": 50.0}, modulators=held).spikes["output"].sum(axis=0)
    return spikes[:, : parameters.output].sum(axis=1) - spikes[:, parameters.output :].sum(axis=1)


def test_more_dopamine_speaks_for_the_risky_option() -> None:
    """Catches a choice in which tonic dopamine counts for nothing, or against risk."""
    less, more = risky(-0.5), risky(0.5)
    assert mean_over_blocks(more - less).low > 5


def test_regions_hear_objects_or_places() -> None:
    """Catches a ventral striatum that hears places, a critic that stays, and actions that hear another's object."""
    ventral = build(StriatumParameters(region="ventral", actions=4))
    dorsal = build(StriatumParameters(region="dorsal", actions=4, critic=False))
    assert ventral.cues[0].hears == (0, 0, 1, 1) and dorsal.cues[0].hears == (0, 1, 0, 1)
    names = [[population.name for population in circuit.network.populations] for circuit in (ventral, dorsal)]
    assert "striosome" in names[0] and "striosome" not in names[1]
    assert ventral.feedback is not None and dorsal.feedback is None
    for circuit in (ventral, dorsal):
        edges = circuit.network.projection("d1_to_output").edges()
        assert (np.array(circuit.cues[0].hears)[edges.post // 16] == edges.pre // 16).all()
        assert np.unique(edges.post).size == 64
    circuits = (ventral, dorsal, build(StriatumParameters()))
    taus = [circuit.network.modulator("dopamine_signal").tau for circuit in circuits]
    assert taus == ["163 ms", "92 ms", "50 ms"]
    assert build(StriatumParameters(region="ventral", tau_dopamine="70 ms")).network.modulators[0].tau == "70 ms"


@pytest.mark.parametrize("given", [{"actions": 3}, {"actions": 4, "readout": "spiny"}])
def test_regions_that_cannot_be_are_refused(given: dict[str, object]) -> None:
    """Catches objects in places that do not come out even, and votes of neurons that are fewer than the actions."""
    with pytest.raises(ValidationError, match=list(given)[-1]):
        StriatumParameters.model_validate({"region": "dorsal"} | given)


@pytest.mark.parametrize(("key", "value"), [("dips", 0.0), ("dips", 1.5), ("tone_gain", -1.0), ("readout", "d1")])
def test_bad_parameters_are_refused(key: str, value: object) -> None:
    """Catches receptors that hear nothing of dips, which no filter could follow, and other ranges nobody checks."""
    with pytest.raises(ValidationError, match=key):
        StriatumParameters.model_validate({key: value})
