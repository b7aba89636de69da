"""Layers that act, as experiments: what a run holds, that it goes on to the same bytes, its page, what is refused.

Catches: a state that is not restored whole (traces, poles, episodes), instances that share a seed, rows of tests that
were learned from, random choices that are not, a refusal after the beginning.
"""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("norse", reason="norse is not installed")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")

import spikerl as sp  # noqa: E402
from spikerl.analysis.acting import LEARNED, RANDOM, TESTED, dopamine, played  # noqa: E402
from spikerl.errors import FileError, RunError  # noqa: E402
from spikerl.experiment import read  # noqa: E402
from tests.commands.programs import invoke  # noqa: E402
from tests.report.test_page import assert_alone, made  # noqa: E402

CUES = """
[environment]
name = "cues"
window = "10 ms"

[network]
layers = [{units = 12}, {units = 10}]
readout = 4.0
gain = 2.0

[learning]
decisions = 9
test_every = 2
batch = 4
critic = 0.3

[run]
instances = 2
seed = 3
checkpoint_every = 2
"""
POLES = """
[environment]
name = "cartpole"
cells = 6
window = "4 ms"
test_episodes = 7

[network]
layers = [{units = 12}]
tau_mem = "4 ms"
tau_syn = "2 ms"
readout = 4.0

[learning]
decisions = 100
test_every = 20
batch = 3

[run]
instances = 2
checkpoint_every = 2
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "small.toml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module", params=[CUES, POLES], ids=["cues", "cartpole"])
def whole(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return request.param, sp.run(written(folder, request.param), out=folder / "out")


class Halt(Exception):
    """What stops a run in these tests."""


@pytest.mark.parametrize("tests", [1, 3])  # before the first checkpoint, and past it
def test_a_run_that_failed_goes_on_to_the_same_bytes(tmp_path, whole, tests):
    text, unbroken = whole
    path, out = written(tmp_path, text), tmp_path / "out"

    def halt(at):
        if at.done == tests:
            raise Halt

    with pytest.raises(RunError, match="--resume"):
        sp.run(path, out=out, progress=halt)
    played_on = []
    sp.run(path, out=out, resume=True, progress=lambda at: played_on.append(at.done))
    assert played_on[0] == tests // 2 * 2 + 1  # from the last checkpoint, not from the beginning
    assert (out / "results.h5").read_bytes() == (unbroken.path / "results.h5").read_bytes()


def test_an_instance_is_the_run_of_its_seed_whatever_the_threads(tmp_path, whole):
    text, both = whole
    path, seed = written(tmp_path, text), both.manifest.seed + 1
    alone = sp.run(path, out=tmp_path / "out", seed=seed, instances=1, settings={"run.threads": 1})
    for name, kept in both.weights.items():
        np.testing.assert_array_equal(alone.weights[name].value[:, 0], kept.value[:, 1])
        assert not np.array_equal(kept.value[:, 0], kept.value[:, 1])


def test_rows_are_of_what_was_learned_and_what_was_tested(whole):
    text, results = whole
    trials, found = results.trials, played(results)
    assert found.number.tolist() == list(range(6))
    count = 500 if text is CUES else 7
    for kind, blocks in ((TESTED, range(6)), (RANDOM, [0])):
        for block in blocks:
            mine = (trials["kind"] == kind) & (trials["block"] == block) & (trials["instance"] == 1)
            assert trials["trial"][mine].tolist() == list(range(count))
    learned = (trials["kind"] == LEARNED) & (trials["instance"] == 0)
    assert trials["block"][learned].min() >= 1
    assert trials["trial"][learned].tolist() == list(range(learned.sum()))
    if text is CUES:
        assert learned.sum() == 9 * 4
        assert np.isnan(trials["dopamine"][~(trials["kind"] == LEARNED)]).all()
        assert np.isfinite(trials["dopamine"][learned]).all()
        assert dopamine(results, rewarded=True).shape == (5, 2)
        assert abs(found.random.mean() - 0.5) < 0.1
    else:
        assert trials["reward"][trials["kind"] == TESTED].min() >= 8  # no pole falls sooner
        assert 10 < found.random.mean() < 40


def test_the_shipped_bandit_learns(tmp_path):
    """From chance to well above it, for cues by other writers, in a part of its decisions."""
    settings = {"learning.decisions": 600, "learning.test_every": 600, "network.layers": [{"units": 128}]}
    found = played(sp.run("dcll-cues", out=tmp_path / "out", instances=1, settings=settings))
    assert abs(found.tested[0].mean() - 0.5) < 0.12
    assert found.tested[-1].mean() > 0.65


def test_the_page(whole, tmp_path):
    text, results = whole
    page = made(results, tmp_path)
    assert_alone(page)
    first = "P(better) over decisions" if text is CUES else "Mean return over decisions"
    assert page.headings == [first, *(["Dopamine"] if text is CUES else []), "Weights"]
    assert "by chance" in page.text and "after learning" in page.text and "Not shown" not in page.text


def test_kinds_and_environments_do_not_mix_on_a_page(tmp_path):
    runs = []
    for name, text in (("cues", CUES), ("poles", POLES)):
        settings = {"learning.decisions": 0}
        runs.append(sp.run(written(tmp_path, text), out=tmp_path / name, instances=1, settings=settings))
    with pytest.raises(FileError, match="write two pages"):
        sp.report(runs, tmp_path / "page.html")


@pytest.mark.parametrize(
    ("text", "arguments", "told"),
    [
        (CUES, ["--trials", "3"], "learning.decisions"),
        (CUES, ["--backend", "brian2"], "norse"),
        (CUES, ["--set", "environment.schedule=60/70"], "environment.schedule"),
        (CUES, ["--set", "environment.schedule=60/30/10"], "two options"),
        (CUES, ["--set", "environment.better=[0, 1]"], "environment.better"),
        (CUES, ["--set", "environment.better=[2, 2, 2, 2, 2, 2, 2, 2, 2, 1]"], "0 and 1"),
        (CUES, ["--set", "environment.window=2.5 ms"], "environment.window"),
        (CUES, ["--set", "environment.name=cue"], "did you mean 'cues'?"),
        (CUES, ["--set", "learning.rate=-1"], "learning.rate"),
        (CUES, ["--set", "learning.optimiser=adamax"], "adam or sgd"),
        (CUES, ["--set", "data.rate=1 Hz"], "environment, network, learning"),
        (POLES, ["--set", "environment.cells=1"], "environment.cells"),
        (POLES, ["--set", "environment.reward=0.0"], "environment.reward"),
        (POLES, ["--set", "environment.window=0.5 ms"], "environment.window"),
        (POLES, ["--set", "network.layers=[]"], "network.layers"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, text, arguments, told):
    done = invoke("run", written(tmp_path, text), "--out", tmp_path / "out", *arguments)
    assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1, done.output
    assert told in done.stderr and "allowed: " in done.stderr, done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["deploy", "compare"])
def test_other_commands_say_that_they_cannot(tmp_path, command):
    done = invoke(command, written(tmp_path, CUES))
    assert done.exit_code == 2 and "allowed: " in done.stderr, done.output


@pytest.mark.parametrize("text", [CUES, POLES])
def test_the_complete_text_is_the_same_experiment(tmp_path, text):
    experiment = read(written(tmp_path, text))
    assert read(written(tmp_path, experiment.toml())).tables() == experiment.tables()
