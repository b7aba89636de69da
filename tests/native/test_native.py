"""What is the native back end's own: threads, precision, random input in the kernel, kernels kept on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import spikerl as sp
from spikerl.errors import DescriptionError, UnsupportedError
from tests.native.circuits import LAZY, circuit, fading, forgetting, hearing, modulation, opened, planned


@pytest.mark.parametrize("name", ["fading", "coupled"])
def test_same_bytes_for_one_two_and_four_threads(name: str) -> None:
    """Catches instances that write to one another's memory, and work whose order depends on the threads."""
    plan, batch = planned(LAZY[name]), 24
    window = hearing(plan, batch).window(0, 200, {}, {}, modulation(200, batch))
    seen = []
    for threads in (1, 2, 4):
        engine = opened(plan, batch=batch, threads=threads)
        trajectory = engine.advance(window)
        seen.append((trajectory.spikes, trajectory.voltages, engine.weights("cells_to_cells"), engine.state()))
        engine.close()
    for spikes, voltages, weights, state in seen[1:]:
        assert all(array.tobytes() == spikes[key].tobytes() for key, array in seen[0][0].items())
        assert all(array.tobytes() == voltages[key].tobytes() for key, array in seen[0][1].items())
        assert weights.tobytes() == seen[0][2].tobytes()
        assert all(array.tobytes() == state[key].tobytes() for key, array in seen[0][3].items())


def test_windows_may_be_cut_anywhere_to_the_last_bit() -> None:
    """Catches work done once a window."""
    plan = planned(forgetting)
    states = []
    for cuts in ([0, 300], [0, 1, 2, 50, 173, 300]):
        engine = opened(plan)
        for first, last in zip(cuts, cuts[1:], strict=False):
            values = {key: value[first:last] for key, value in modulation(300).items()}
            engine.advance(hearing(plan).window(first, last - first, {}, {}, values))
        states.append(engine.state())
    assert all(array.tobytes() == states[1][key].tobytes() for key, array in states[0].items())


@pytest.mark.parametrize("rate", [0.0, 3.0, 499.9, 1000.0])
def test_the_kernel_draws_the_spikes_that_all_back_ends_hear(rate: float) -> None:
    """Catches another generator, lanes in another order, ties lost: of 6 million draws they decide about 90."""
    drive = sp.Population("drive", 203, sp.Poisson("0 Hz"))
    network = sp.Network(sp.Projection(drive, sp.Population("cells", 1, sp.LIF()), 0.0))
    with sp.open(network, "native", seed=2**62 + 7, batch=3, first_instance=40) as session:
        hearing = session._hearing
        session.step("5 ms")
        rates = np.full(203, rate)
        rates[::7] = rate / 2
        seen = session.step("10 s", rates={"drive": rates}).spikes["drive"]
        window = hearing.window(5, 10_000, {}, {"drive": rates}, {})
    assert np.array_equal(seen, window.spikes["drive"])
    assert seen[..., 1:7].mean() == pytest.approx(rate / 1000, abs=4e-3)


def test_single_precision_is_near_and_is_single() -> None:
    """Catches a single precision that is double, or far off: one window of a circuit without chaos."""
    plan = planned(fading)
    window = hearing(plan).window(0, 40, {}, {}, modulation(40))
    weights, voltages = {}, {}
    for precision in ("float64", "float32"):
        engine = opened(plan, precision)
        voltages[precision] = engine.advance(window).voltages["cells"]
        weights[precision] = engine.weights("cells_to_cells")
    deviation = np.abs(weights["float32"] / weights["float64"] - 1).max()
    assert 1e-9 < deviation < 1e-4
    assert np.array_equal(voltages["float32"], voltages["float32"].astype(np.float32))


START = """
import sys
import spikerl as sp
from tests.native.circuits import circuit, fading

with sp.open(circuit(fading), "native") as session:
    session.step("5 ms")
print("numba" in sys.modules)
"""


def _start(folder: Path) -> tuple[bool, str]:
    """Return whether a fresh process compiles for a circuit, its cache in `folder`, and what it warns of."""
    environment = os.environ | {"XDG_CACHE_HOME": str(folder)}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", START], env=environment, capture_output=True, text=True, check=True, cwd=root
    )
    return done.stdout.strip() == "True", done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the user's cache has another place")
def test_the_second_start_compiles_nothing(tmp_path: Path) -> None:
    """Catches kernels that are not kept on disk, or that another process does not find there."""
    assert _start(tmp_path) == (True, "")
    kept = sorted((tmp_path / "spikerl" / "kernels").iterdir())
    assert len(kept) > 5
    assert _start(tmp_path) == (False, "")
    kept[0].write_bytes(kept[0].read_bytes()[:-1])  # as a full disk leaves it
    assert _start(tmp_path) == (True, "")
    assert _start(tmp_path) == (False, "")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere folders have other rights")
def test_a_cache_that_others_can_write_to_is_not_trusted(tmp_path: Path) -> None:
    """Catches machine code taken from where anybody could have put it."""
    folder = tmp_path / "spikerl" / "kernels"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    _, warning = _start(tmp_path)
    assert "other users can write to" in warning
    assert not list(folder.iterdir())


def test_threads_are_checked() -> None:
    """Catches a wrong number, and a back end that takes threads and does not use them."""
    network = circuit(fading)
    with pytest.raises(DescriptionError, match="threads.*0.*1 to"):
        sp.open(network, "native", threads=0)
    with pytest.raises(UnsupportedError, match="threads of back end 'reference'.*2.*native"):
        sp.open(network, "reference", threads=2)


def test_a_state_with_an_impossible_refractory_count_is_refused() -> None:
    """Catches a count beyond the neuron's period, which no run of this network leads to."""
    with sp.open(circuit(fading), "native") as session:
        state = session.state()
        state["refractory/cells"][:] = 3
        with pytest.raises(DescriptionError, match="refractory/cells.*3.*0 to 2"):
            session.restore(state)
