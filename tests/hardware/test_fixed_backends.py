"""The back ends in fixed point as sessions: instances, windows, states, what is held, and what others do not take.

Catches: instances that touch, a window's end that is heard, a state that lacks something, a hostile state that compiled
loops would follow out of their arrays, a chip that is dropped in silence.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spikerl as sp
from spikerl.errors import DescriptionError, FileError, RunError, UnsupportedError
from spikerl.run import Progress, run

EVERYTHING = sp.Record(voltages=None, weights=None)
OWN = sp.Hardware(streams="per-synapse")


def network() -> sp.Network:
    """Return a circuit with delays, a refractory period, dopamine neurons, and a rule of three factors."""
    cue = sp.Population("cue", 12, sp.Poisson("60 Hz"))
    cells = sp.Population("cells", 8, sp.LIF(refractory="2 ms", bias=0.3))
    dopamine = sp.Population("dopamine", 6, sp.LIF(bias=1.01))
    signal = sp.Modulator("signal", "50 ms", source=dopamine, baseline="10 Hz", gain=0.1)
    held = sp.Modulator("held", "100 ms")
    elig = sp.eligibility("200 ms", sp.on_post(1.0 * sp.pre_trace("20 ms")))
    rule = sp.Rule(sp.every_step(1e-4 * signal * elig), sp.every_step(2e-4 * held * elig), bounds=(0.0, 1.0))
    return sp.Network(
        sp.Projection(cue, cells, sp.Uniform("0.2", "0.6", seed=1), rule=rule),
        sp.Projection(cells, cells, -0.2, delay="3 ms", name="lateral"),
        sp.Projection(cells, dopamine, 0.05, sp.Probability(0.5, seed=2)),
        modulators=(signal, held),
    )


def played(session: sp.Session, windows: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Return all that is observed in windows of so many steps, joined, and the last weights."""
    seen = [session.step(f"{steps} ms") for steps in windows]
    joined = {}
    for kind in ("spikes", "voltages", "modulators"):
        for name in getattr(seen[0], kind):
            joined[f"{kind}/{name}"] = np.concatenate([getattr(window, kind)[name] for window in seen])
    return joined | {f"weights/{name}": weights for name, weights in seen[-1].weights.items()}


def same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


@pytest.mark.parametrize("hardware", [sp.Hardware(), OWN], ids=["lava", "per-synapse"])
def test_instances_and_windows_change_nothing(hardware: sp.Hardware) -> None:
    """Instance 2 alone is instance 2 of a batch, whatever the windows and the threads."""
    with sp.open(network(), "loihi", seed=3, batch=3, record=EVERYTHING, hardware=hardware, threads=2) as session:
        whole = played(session, (400,))
    assert whole["spikes/cells"].sum() > 100 and np.abs(np.diff(whole["weights/cue_to_cells"], axis=0)).max() > 0.02
    alone: dict[str, Any] = {"seed": 3, "first_instance": 2, "record": EVERYTHING, "hardware": hardware}
    with sp.open(network(), "loihi", **alone) as session:
        found = played(session, (1, 37, 300, 62))
    same(found, {name: values[2:] if name[0] == "w" else values[:, 2:] for name, values in whole.items()})


def test_streams_of_its_own_are_not_those_of_lava() -> None:
    """Instances that hear the same still round apart, and by another seed apart again."""
    weights = {}
    for name, hardware, seed in (("lava", sp.Hardware(), 3), ("own", OWN, 3), ("other", OWN, 4)):
        with sp.open(network(), "loihi", seed=seed, batch=2, hardware=hardware) as session:
            session.step("200 ms", rates={"cue": "0 Hz"})
            session.step("300 ms", rates={"cue": np.where(np.arange(12) % 3, 0.0, 1000.0)}, modulators={"held": 0.5})
            weights[name] = session.weights("cue_to_cells")
    assert np.array_equal(weights["lava"][0], weights["lava"][1])
    assert not np.array_equal(weights["own"][0], weights["own"][1])
    assert not np.array_equal(weights["own"], weights["other"])


def test_a_fresh_session_goes_on_from_a_state() -> None:
    """In the middle of an epoch, of refractory periods and of delays."""
    with sp.open(network(), "loihi", seed=3, batch=2, record=EVERYTHING, hardware=OWN) as session:
        session.step("203 ms", modulators={"held": 0.5})
        state = session.state()
        expected = played(session, (150,))
    with sp.open(network(), "loihi", seed=3, batch=2, record=EVERYTHING, hardware=OWN) as session:
        session.restore(state)
        same(played(session, (150,)), expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [("tx", 5), ("ty", -1), ("x", 128), ("y", -129), ("weight", 256), ("weight", -1), ("tag", 256), ("wait", 3)]
    + [("v", 2**23), ("u", -(2**23) - 1), ("low", 2)],
)
def test_a_state_out_of_range_is_refused(name: str, value: int) -> None:
    """What compiled loops would use as an index, or could never have computed; the session stays as it was."""
    with sp.open(network(), "loihi", batch=2, record=EVERYTHING) as session:
        session.step("100 ms")
        state = session.state()
        hostile = {key: array.copy() for key, array in state.items()}
        hostile[f"fixed/{name}"].flat[-1] = value
        with pytest.raises(DescriptionError, match=rf"state: {name}: got {value}"):
            session.restore(hostile)
        after = session.state()
        assert all(np.array_equal(after[key], state[key]) for key in state)


def test_a_state_of_real_numbers_is_refused() -> None:
    with sp.open(network(), "native") as session:
        state = session.state()
    with sp.open(network(), "loihi") as session, pytest.raises(DescriptionError, match="it is"):
        session.restore(state)


def test_a_modulator_held_out_of_range_is_refused_or_clipped() -> None:
    """Refused by name with the range; clipped where that is allowed."""
    with sp.open(network(), "loihi") as session:
        with pytest.raises(DescriptionError, match=r"modulators\['held'\]: got 3\.0; allowed: -2 to 1\.969.*saturate"):
            session.step("10 ms", modulators={"held": 3})
        assert session.step("10 ms", modulators={"held": -0.5}).modulators["held"][0, 0] == -0.5
    with sp.open(network(), "loihi", hardware=sp.Hardware(saturate=True)) as session:
        seen = session.step("10 ms", modulators={"held": 1e300}).modulators["held"]
        assert seen.max() == pytest.approx(63 / 32)


def test_a_held_modulator_decays_as_in_real_numbers() -> None:
    with sp.open(network(), "loihi") as session, sp.open(network(), "reference") as real:
        for each in (session, real):
            each.step("5 ms", modulators={"held": 1.5})
        found, expected = (each.step("300 ms").modulators["held"][:, 0] for each in (session, real))
    assert np.abs(found - expected).max() <= 2 / 32


def test_a_sourced_modulator_follows_its_source_as_in_real_numbers() -> None:
    """The same spikes, filtered: within one unit of y."""
    with sp.open(network(), "loihi", seed=2) as session:
        seen = session.step("1 s")
    unit = 0.1 * 80 / 126
    rate, filtered = seen.spikes["dopamine"][:, 0].mean(axis=1) * 1000, 10.0
    expected = []
    for now in rate:
        expected.append(0.1 * (filtered - 10.0))
        filtered += (1 - np.exp(-1 / 50)) * (now - filtered)
    assert np.ptp(expected) > 0.5
    assert np.abs(seen.modulators["signal"][:, 0] - expected).max() <= unit


@pytest.mark.parametrize("backend", ["reference", "native"])
def test_other_back_ends_refuse_a_chip(backend: str) -> None:
    with pytest.raises(UnsupportedError, match=f"hardware of back end '{backend}'.*take 'loihi'"):
        sp.open(network(), backend, hardware=sp.Hardware())


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("target", "lohi2", "did you mean 'loihi2'"),
        ("weight_bits", 9, "1 to 8"),
        ("tolerance", -0.1, "0 or more"),
        ("saturate", 1, "True or False"),
        ("streams", "per_synapse", "did you mean 'per-synapse'"),
        ("target", "", "the name of a target"),
    ],
)
def test_a_chip_that_cannot_be_is_refused(field: str, value: object, told: str) -> None:
    with pytest.raises((DescriptionError, FileError), match=told):
        sp.open(network(), "loihi", hardware=sp.Hardware(**{field: value}))  # type: ignore[arg-type]


def test_lava_has_no_streams_but_its_own() -> None:
    with pytest.raises(UnsupportedError, match=r"streams of Lava: got 'per-synapse'; allowed: lava; take 'loihi'"):
        sp.open(network(), "lava", hardware=OWN)


@pytest.mark.xdist_group("lava")
def test_lava_is_the_emulator_to_the_last_bit(lava_python: Path) -> None:
    """The same session on both: spikes, volts, modulators, weights; held values, uneven windows."""
    seen = {}
    for backend in ("loihi", "lava"):
        with sp.open(network(), backend, seed=3, batch=2, record=EVERYTHING) as session:
            first = session.step("101 ms", modulators={"held": 0.7})
            seen[backend] = played(session, (1, 150)) | {"first": first.voltages["cells"]}
    same(seen["lava"], seen["loihi"])
    assert seen["loihi"]["spikes/cells"].sum() > 50


@pytest.mark.xdist_group("lava")
def test_lava_keeps_its_state(lava_python: Path, tmp_path: Path) -> None:
    """Asked for it, it says so; a run takes no checkpoints, and ends all the same."""
    with sp.open(network(), "lava") as session, pytest.raises(UnsupportedError, match="Lava keeps it"):
        session.state()
    settings = {"run.checkpoint_every": 1, "protocol.interval": "10 ms"}
    results = run("reversal", backend="lava", instances=1, trials=2, settings=settings, out=tmp_path / "run")
    assert len(results.trials["choice"]) == 2


def test_a_stopped_run_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    """From a checkpoint in fixed point."""
    small: dict[str, Any] = {"instances": 2, "trials": 4, "settings": {"run.checkpoint_every": 1}}
    whole = run("reversal", backend="loihi", out=tmp_path / "whole", **small)

    def stop(at: Progress) -> None:
        if at.done == 3:
            raise RuntimeError("stopped")

    with pytest.raises(RunError, match="--resume"):
        run("reversal", backend="loihi", out=tmp_path / "cut", progress=stop, **small)
    again = run("reversal", backend="loihi", out=tmp_path / "cut", resume=True, **small)
    assert again.manifest.sha256 == whole.manifest.sha256
