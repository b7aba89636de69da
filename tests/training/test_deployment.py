"""Layers that learned, on a chip: which networks go there, what is said of them, and what cannot go.

Catches: networks that are trained again or are not those of the run, accuracies of other bits or samples, a refusal
that comes after the training.
"""

import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("norse", reason="norse is not installed")
pytest.importorskip("numba", reason="numba is not installed")

import spikerl as sp  # noqa: E402
from spikerl.analysis.accuracy import scores  # noqa: E402
from spikerl.deploy.layers import infer  # noqa: E402
from spikerl.errors import DescriptionError, UnsupportedError  # noqa: E402
from spikerl.experiment import read  # noqa: E402
from spikerl.results.deployment import read_deployment  # noqa: E402
from spikerl.training.networks import trained  # noqa: E402
from spikerl.training.preparing import prepare  # noqa: E402
from tests.commands.programs import invoke  # noqa: E402
from tests.report.test_page import assert_alone, made  # noqa: E402
from tests.training.small import CLASSES, CURVES, written  # noqa: E402

LEARNED = {"training.epochs": 8, "training.rate": 0.04, "hardware.tolerance": 0.5}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deployed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = sp.deploy(written(folder), settings=LEARNED)
        yield folder, done


def test_it_is_trained_in_its_own_directory_and_copied(deployed):
    folder, done = deployed
    own = folder / "runs" / "small-norse-seed3"
    assert (own / "results.h5").read_bytes() == (done.results.path / "results.h5").read_bytes()
    assert sp.Results.open(own).manifest.status == "finished" and not (own / "deploy.json").exists()


def test_real_numbers_are_those_of_the_run(deployed):
    _, done = deployed
    real = done.deployment.widths[0]
    assert real.bits is None
    np.testing.assert_allclose(real.layers, scores(done.results).value[-1])


def test_every_width_of_the_chip_is_there(deployed):
    _, done = deployed
    assert [width.bits for width in done.deployment.widths] == [None, 8, 7, 6, 5, 4, 3, 2, 1]
    assert done.deployment.operations.instances == 30
    eight = np.array(done.deployment.widths[1].layers)
    assert np.abs(eight - scores(done.results).value[-1]).max() < 0.2
    assert read_deployment(done.results.path) == done.deployment


@pytest.mark.parametrize("bits", [8, 3])
def test_a_width_is_what_the_second_network_says_at_it(deployed, bits):
    """Inferred anew from the weights of the results, layer by layer."""
    folder, done = deployed
    experiment = read(done.results.path / "experiment.toml")
    prepared = prepare(experiment)
    network = trained(done.results, experiment, prepared, 1)
    hardware = sp.Hardware(weight_bits=bits, saturate=True)
    expected = infer(network, prepared.data[1].test, hardware, burn_in=prepared.training.burn_in).evaluation.accuracy()
    width = next(width for width in done.deployment.widths if width.bits == bits)
    np.testing.assert_allclose(np.array(width.layers)[:, 1], expected)
    assert bits < 8 or len(set(expected)) == 2  # else layers that are exchanged would not be seen


def test_the_page_shows_the_chip(deployed, tmp_path):
    _, done = deployed
    page = made(done.results, tmp_path)
    assert_alone(page)
    assert "Accuracy on the chip" in page.headings and "On the chip" in page.text


def test_a_finished_run_is_not_trained_again(deployed, monkeypatch):
    folder, done = deployed
    monkeypatch.chdir(folder)
    before = (folder / "runs" / "small-norse-seed3" / "manifest.json").read_bytes()
    settings = [f"--set={key}={value}" for key, value in LEARNED.items()]
    again = invoke("deploy", folder / "small.toml", "--json", "--out", folder / "again", *settings)
    assert again.exit_code == 0, again.output
    assert (folder / "runs" / "small-norse-seed3" / "manifest.json").read_bytes() == before
    said = json.loads(again.stdout)
    assert said["deployment"]["widths"] == json.loads(done.deployment.model_dump_json())["widths"]


def test_another_experiment_in_its_place_is_left_alone(deployed, monkeypatch):
    folder, _ = deployed
    monkeypatch.chdir(folder)
    before = (folder / "runs" / "small-norse-seed3" / "manifest.json").read_bytes()
    done = sp.deploy(folder / "small.toml", instances=1, out="other", settings=LEARNED | {"training.epochs": 0})
    assert done.results.manifest.instances == 1 and len(done.deployment.widths[0].layers[0]) == 1
    assert (folder / "runs" / "small-norse-seed3" / "manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "settings", "told"),
    [
        (CURVES, {}, "classes"),
        (CLASSES, {"record.weights": "never"}, "record.weights"),
        (CLASSES, {"hardware.target": "loihi1"}, "loihi2"),
        (CLASSES, {"hardware.target": "loihi3"}, "loihi"),
    ],
)
def test_what_cannot_go_is_refused_before_anything_is_trained(tmp_path, monkeypatch, text, settings, told):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((UnsupportedError, DescriptionError), match=told):
        sp.deploy(written(tmp_path, text), settings=settings)
    assert not (tmp_path / "runs").exists()
