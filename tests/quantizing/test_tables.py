"""``[quantization]`` and ``[device]`` of an experiment."""

import numpy as np
import pytest

import spikerl as sp
from spikerl.errors import DescriptionError, UnsupportedError
from spikerl.experiment import build, overrides, read
from tests.quantizing.small import SMALL, small

EVERY = {
    "quantization.bits": 4,
    "quantization.rounding": "stochastic",
    "quantization.top": 6.0,
    "quantization.hidden_bits": 2,
    "quantization.stickiness": 0.9,
    "quantization.rate": 2.0,
    "quantization.trace_bits": 6,
    "quantization.trace_top": 8.0,
    "quantization.membrane_bits": 10,
    "quantization.membrane_top": 0.05,
    "quantization.membrane_rounding": "stochastic",
    "device.weight_mismatch": 0.2,
    "device.endurance": 20,
    "run.backend": "reference",
}


def test_the_tables_are_the_objects(tmp_path):
    """Catches a key that reaches no field, or another one."""
    found = read(small(tmp_path), EVERY).quantization
    assert found == sp.Quantization(
        bits=4,
        rounding="stochastic",
        top=6.0,
        hidden_bits=2,
        stickiness=0.9,
        rate=2.0,
        trace=sp.Levels(6, 8.0),
        membrane=sp.Levels(10, 0.05, "stochastic"),
        device=sp.Device(weight_mismatch=0.2, endurance=20),
    )


def test_a_file_without_them_is_in_floating_point(tmp_path):
    """Catches experiments of before that no longer read, or that leave the fast way of floating point."""
    experiment = read(small(tmp_path))
    assert experiment.quantization is None
    assert read(small(tmp_path), {"quantization.rounding": "stochastic"}).quantization is None
    assert read(small(tmp_path), {"device.dead": 0.1}).quantization == sp.Quantization(device=sp.Device(dead=0.1))


def test_toml_goes_round(tmp_path):
    """Catches a key that is lost in the experiment of a run."""
    for settings in ({}, EVERY):
        experiment = read(small(tmp_path), settings)
        (tmp_path / "again.toml").write_text(experiment.toml())
        again = read(tmp_path / "again.toml")
        assert again.toml() == experiment.toml() and again.quantization == experiment.quantization


def test_a_run_learns_in_few_bits(tmp_path):
    """Catches tables that are read, written down, and not obeyed."""
    settings = {"quantization.bits": 3, "quantization.rounding": "stochastic", "quantization.rate": 30.0}
    done = sp.run(small(tmp_path), backend="reference", settings=settings, out=tmp_path / "out")
    weights = done.weights["cortex_to_d1"].value[-1] / (8 / 7)
    assert np.abs(weights - np.rint(weights)).max() < 1e-9 and len(np.unique(np.rint(weights))) > 2
    experiment = read(small(tmp_path), settings | {"run.backend": "reference"})
    network, asked = build(experiment).circuit.network, experiment.quantization
    with sp.open(network, "reference", seed=5, batch=3, quantization=asked) as session:
        first = session.weights("cortex_to_d1") / (8 / 7)
    assert (np.rint(first) != np.rint(weights)).any()  # it has learned


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("quantization.bits=17", "quantization.bits: got 17; allowed: a whole number from 1 to 16, or 32"),
        ("quantization.bits=a", "quantization.bits: got 'a'; allowed: a whole number"),
        ("quantization.rounding=neerest", "did you mean 'nearest'"),
        ("quantization.scale=neurons", "did you mean 'neuron'"),
        ("quantization.hidden_bits=2", "quantization.hidden_bits: got 2; allowed: 0 at 32 bits"),
        ("quantization.trace_bits=4", "quantization.trace_top: got 'nothing'"),
        ("quantization.eligibility_top=4", "give eligibility_bits too"),
        ("quantization.hiden_bits=4", "did you mean 'hidden_bits'"),
        ("device.dead=2", "device.dead: got 2.0; allowed: 0 to 1"),
        ("device.endurance=-1", "device.endurance: got -1"),
    ],
)
def test_a_wrong_value_is_named_with_its_key(tmp_path, setting, said):
    """Catches a message that names a class in the place of the key that was written."""
    with pytest.raises(DescriptionError) as caught:
        read(small(tmp_path), overrides([setting]))
    assert said in str(caught.value)


@pytest.mark.parametrize("backend", ["brian2", "loihi"])
def test_a_back_end_that_cannot_says_who_can(tmp_path, backend):
    """Catches a back end that runs in floating point what was asked for in few bits."""
    text = SMALL + '[quantization]\nbits = 4\n'
    experiment = read(small(tmp_path, text), {"run.backend": backend})
    with pytest.raises(UnsupportedError, match="quantization.bits = 4: quantization of back end.*'native'"):
        build(experiment)
