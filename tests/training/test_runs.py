"""Training as an experiment: what a run holds, that it goes on to the same bytes, and what its numbers depend on.

Catches: instances that share a seed or draw from one another, a trainer that is not restored whole (weights, moments,
epoch, rate), rows that do not say what the network said, results that threads change.
"""

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("norse", reason="norse is not installed")

import spikerl as sp  # noqa: E402
from spikerl.analysis.accuracy import confusion, scores  # noqa: E402
from spikerl.errors import FileError, RunError  # noqa: E402
from spikerl.experiment import read  # noqa: E402
from spikerl.training.networks import trained  # noqa: E402
from spikerl.training.preparing import prepare  # noqa: E402
from tests.training.small import CLASSES, CURVES, written  # noqa: E402


class Halt(Exception):
    """What stops a run in these tests."""


def halt_after(epochs):
    def progress(at):
        if at.done == epochs:
            raise Halt

    return progress


@pytest.fixture(scope="module", params=[CLASSES, CURVES], ids=["classes", "curves"])
def whole(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return request.param, sp.run(written(folder, request.param), out=folder / "out")


@pytest.mark.parametrize("epochs", [1, 3])  # before the first checkpoint, and past it
def test_a_run_that_failed_goes_on_to_the_same_bytes(tmp_path, whole, epochs):
    text, unbroken = whole
    path, out = written(tmp_path, text), tmp_path / "out"
    with pytest.raises(RunError, match="--resume"):
        sp.run(path, out=out, progress=halt_after(epochs))
    assert sp.Results.open(out).manifest.status == "failed"
    played = []
    sp.run(path, out=out, resume=True, progress=lambda at: played.append(at.done))
    every = 2 if text is CLASSES else 1
    assert played[0] == epochs // every * every + 1  # from the last checkpoint, not from the beginning
    assert (out / "results.h5").read_bytes() == (unbroken.path / "results.h5").read_bytes()


def test_threads_change_nothing(tmp_path, whole):
    text, unbroken = whole
    for threads in (1, 3):
        found = sp.run(written(tmp_path, text), out=tmp_path / f"{threads}", settings={"run.threads": threads})
        for name, kept in unbroken.weights.items():
            np.testing.assert_array_equal(found.weights[name].value, kept.value)


def test_an_instance_is_the_run_of_its_seed(tmp_path, whole):
    text, both = whole
    alone = sp.run(written(tmp_path, text), out=tmp_path / "out", seed=both.manifest.seed + 1, instances=1)
    for name, kept in both.weights.items():
        np.testing.assert_array_equal(alone.weights[name].value[:, 0], kept.value[:, 1])
        assert not np.array_equal(kept.value[:, 0], kept.value[:, 1])


def test_rows_say_what_the_trained_network_says(tmp_path):
    """The network read from the results, shown the test samples, votes as the rows of the last epoch have it."""
    path = written(tmp_path)
    results = sp.run(path, out=tmp_path / "out")
    experiment = read(path)
    prepared = prepare(experiment)
    for instance in range(2):
        network = trained(results, experiment, prepared, instance)
        from spikerl.dcll import Trainer

        test = prepared.data[instance].test
        seen = Trainer(network, prepared.training).evaluate(test)
        last = (results.trials["block"] == 5) & (results.trials["instance"] == instance)
        np.testing.assert_array_equal(results.trials["label"][last], test.labels)
        for layer, votes in enumerate(seen.votes, 1):
            np.testing.assert_array_equal(results.trials[f"choice_{layer}"][last], votes.argmax(axis=1))
        right = seen.votes[-1].argmax(axis=1) == test.labels
        np.testing.assert_array_equal(results.trials["better"][last], right)
        assert scores(results).value[-1, -1, instance] == right.mean()


def test_the_shipped_experiment_learns(tmp_path):
    """Digits by other writers, from chance to well above it in every layer, with smaller layers and few epochs."""
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    layers = [{"units": 64}, {"units": 64}]
    settings = {"network.layers": layers, "training.epochs": 4, "record.spikes": []}
    results = sp.run("dcll-digits", out=tmp_path / "out", instances=1, settings=settings)
    found = scores(results)
    assert found.value[0].max() < 0.3
    assert found.value[-1].min() > 0.7, found.value[-1]
    counts = confusion(results)
    assert counts.shape == (10, 10) and counts.sum() == 500
    last = results.trials["block"] == 4
    np.testing.assert_array_equal(counts.sum(axis=1), np.bincount(results.trials["label"][last], minlength=10))
    assert np.trace(counts) / 500 == pytest.approx(found.value[-1, -1, 0])


def test_curves_are_kept_with_their_targets(tmp_path):
    """The correlations of the rows are those of the curves that the results hold."""
    results = sp.run(written(tmp_path, CURVES), out=tmp_path / "out")
    found = scores(results)
    assert found.epoch.tolist() == [0, 2, 4]
    for number, name in enumerate(("ramp", "cosine", "sine"), 1):
        target = results.modulators[f"target.{number}.{name}"]
        assert target.shape == (100, 2)
        for layer in (1, 2):
            for instance in range(2):
                readout = results.modulators[f"layer_{layer}.{number}.{name}"][5:, instance]
                r = np.corrcoef(readout, target[5:, instance])[0, 1]
                assert found.outputs[-1, number - 1, layer - 1, instance] == pytest.approx(r, abs=1e-6)


def test_recorded_spikes_are_those_of_the_first_samples(tmp_path):
    path = written(tmp_path)
    results = sp.run(path, out=tmp_path / "out")
    data = prepare(read(path)).data
    spikes = results.spikes["input"]
    for instance in range(2):
        mine = spikes.instance == instance
        raster = np.zeros((4 * 40, 12), dtype=bool)
        raster[spikes.step[mine], spikes.neuron[mine]] = True
        shown = data[instance].test.spikes(np.arange(4))
        np.testing.assert_array_equal(raster.reshape(4, 40, 12), shown.transpose(1, 0, 2))
    assert results.contents.spikes["layer_2"] == 12 and results.spikes["layer_2"].step.size


def test_a_run_without_weights_has_no_network_to_read(tmp_path):
    path = written(tmp_path, CLASSES.replace("samples = 4", 'weights = "never"'))
    results = sp.run(path, out=tmp_path / "out", settings={"training.epochs": 0})
    with pytest.raises(FileError, match="layer_1"):
        trained(results, read(path), prepare(read(path)), 0)
