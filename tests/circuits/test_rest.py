"""Rest before the first trial: each device's own tonic rate is found, and errors count from there."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

import spikerl as sp
from spikerl.circuit import Circuit, Rest
from spikerl.errors import SpikerlError
from spikerl.loop import ClosedLoop
from spikerl.models.striatum import StriatumParameters, build
from spikerl.tasks.protocol import TrialProtocol
from spikerl.tasks.reversal import Reversal, ReversalParameters

INSTANCES, SEED = 6, 3
AT_REST = "dopamine_signal_at_rest"
UNEVEN = sp.Quantization(device=sp.Device(threshold_mismatch=0.3))


def opened(circuit: Circuit, device: sp.Quantization = UNEVEN, backend: str = "native") -> sp.Session:
    """Return a session of `circuit` on devices whose neurons differ."""
    record = sp.Record(spikes=circuit.read())
    return sp.open(circuit.network, backend, seed=SEED, batch=INSTANCES, record=record, quantization=device)


def loop(session: sp.Session, circuit: Circuit) -> ClosedLoop:
    """Return the loop of a session and the reversal task."""
    tasks = [Reversal(ReversalParameters(), seed=SEED, instance=k) for k in range(INSTANCES)]
    return ClosedLoop(session, circuit, TrialProtocol(), tasks, SEED, range(INSTANCES))


def test_the_rate_at_rest_is_that_of_each_instance() -> None:
    """Catches one rate for all, one that is told instead of measured, a start that counts, and a value that fades."""
    circuit = build(StriatumParameters(rest="2 s"))
    with opened(circuit) as session:
        counted = session.step("2 s", modulators={"dopamine_signal": 0.0}).spikes["dopamine"][400:]
    rate = counted.sum(axis=(0, 2)) / 40 / 1.6
    assert rate.std() > 0.5 and rate.mean() > 8  # uneven thresholds raise it above 6 Hz
    with opened(circuit) as session:
        played = loop(session, circuit)
        for _ in range(2):
            played.trial()
            np.testing.assert_allclose(session.state()[f"modulator/{AT_REST}"], rate / 6 - 1, rtol=1e-12)


def test_without_it_nothing_is_different() -> None:
    """Catches a rest that nobody asked for, and a second signal in a circuit that has none."""
    circuit = build(StriatumParameters())
    assert circuit.rest is None and [m.name for m in circuit.network.modulators] == ["dopamine_signal"]
    with opened(circuit) as session:
        played = loop(session, circuit)
        assert played.before == 0 and played.trial().phases["cue"].first == 0


def test_the_results_begin_with_the_first_trial(tmp_path: Path) -> None:
    """Catches steps of spikes and weights that count the rest, by which every raster would be of another trial."""
    settings = {"circuit.rest": "1 s", "record.spikes": ["dopamine"], "record.weights": "end"}
    run = sp.run("reversal", backend="native", instances=2, trials=2, settings=settings, out=tmp_path / "run")
    steps = run.spikes["dopamine"].step
    assert 0 <= steps.min() < 100 and 1600 < steps.max() < 1700 == 2 * 850
    assert run.weights["cortex_to_d1"].step.tolist() == [1700]


def test_a_restored_loop_goes_on_and_does_not_rest_again() -> None:
    """Catches a rest in the middle of a block, and a measured rate that a checkpoint forgets."""
    circuit = build(StriatumParameters(rest="1 s"))
    with opened(circuit) as session:
        played = loop(session, circuit)
        played.trial()
        state = played.state()
        expected = [played.trial() for _ in range(2)]
    with opened(circuit) as session:
        played = loop(session, circuit)
        played.restore(state)
        for trial in expected:
            ours = played.trial()
            assert ours.phases["cue"].first == trial.phases["cue"].first
            for name, values in trial.columns.items():
                np.testing.assert_array_equal(ours.columns[name], values)


def test_a_state_is_brought_to_another_device() -> None:
    """Catches a device that goes on with the tonic rate of the one before."""
    circuit = build(StriatumParameters(rest="1 s"))
    with opened(circuit, sp.Quantization()) as session:
        played = loop(session, circuit)
        played.trial()
        state = played.state()
    before = state[f"session/modulator/{AT_REST}"]
    with opened(circuit) as session:
        played = loop(session, circuit)
        played.restore(state)
        played.rest()
        after = played.state()[f"session/modulator/{AT_REST}"]
    assert abs(before.mean()) < 0.15 and after.mean() > before.mean() + 0.2


@pytest.mark.parametrize("backend", ["reference", "norse"])
def test_back_ends_rest_alike(backend: str) -> None:
    """Catches a back end in which what the rest has found does not stay."""
    pytest.importorskip(backend if backend == "norse" else "numpy", reason=f"{backend} is not installed")
    circuit = build(StriatumParameters(rest="200 ms"))
    found = []
    for name in ("native", backend):
        with opened(circuit, backend=name) as session:
            played = loop(session, circuit)
            found.append((played.trial().columns, played.state()))
    (ours, state), (theirs, other) = found
    for name, values in ours.items():
        np.testing.assert_array_equal(theirs[name], values)
    for name in (f"session/modulator/{AT_REST}", "session/weight/cortex_to_d1"):
        np.testing.assert_allclose(other[name], state[name], rtol=1e-9)


def test_what_does_not_fit_is_refused() -> None:
    """Catches a measured baseline for receptors that bend at the one they were told, and a signal that moves."""
    with pytest.raises((ValidationError, SpikerlError), match="dips"):
        StriatumParameters(rest="1 s", dips=0.5)
    with pytest.raises((ValidationError, SpikerlError), match="rest"):
        StriatumParameters(rest="-1 s")
    with pytest.raises(SpikerlError, match=r"dopamine_stdp\.tonic"):
        sp.dopamine_stdp(sp.Modulator("dopamine"), tonic="6 Hz")  # type: ignore[arg-type]
    circuit = build(StriatumParameters(rest="1 s"))
    with pytest.raises(SpikerlError, match=r"rest\.signal.*follows 'dopamine'"):
        replace(circuit, rest=Rest("1 s", AT_REST, AT_REST))
    with pytest.raises(SpikerlError, match=r"rest\.tonic.*stays as it is set"):
        replace(circuit, rest=Rest("1 s", "dopamine_signal", "dopamine_signal"))
