"""`spikerl run`: what it writes, what it says, and that equal experiments give equal bytes."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

import spikerl as sp
from spikerl.experiment import build, read
from spikerl.loop import ClosedLoop
from tests.commands.programs import STEPS, invoke, program, short


def test_the_program_writes_a_run_and_says_where_it_is(tmp_path):
    done = program("run", short(tmp_path), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    directory = tmp_path / "runs" / "short-reference-seed3"
    results = sp.Results.open(directory)
    assert results.manifest.status == "finished"
    assert len(results.trials["better"]) == 2 * 6
    assert "P(better)" in done.stdout and "spikerl report runs/short-reference-seed3" in done.stdout
    assert "trial 6 of 6" in done.stderr and "\x1b" not in done.stdout + done.stderr


CONDITIONED = """
[circuit]
name = "dopamine"
plasticity = false

[task]
name = "pavlovian"

[protocol]
interval = "10 ms"

[run]
backend = "native"
instances = 2
trials = 10
"""


@pytest.mark.parametrize(("task", "cues"), [("pavlovian", 4), ("variable_magnitude", 1)])
@pytest.mark.parametrize("command", ["run", "deploy"])
def test_a_run_without_choices_says_what_dopamine_does(tmp_path: Path, command: str, task: str, cues: int) -> None:
    """Catches P(better) of 0 on the way, or at the end, where nothing is chosen; and rates of another phase."""
    path = short(tmp_path, CONDITIONED.replace("pavlovian", task).replace("[task]", f"cues = {cues}\n\n[task]"))
    out = tmp_path / "out"
    done = invoke(command, path, "--out", out)
    assert done.exit_code == 0, done.stderr
    rows = sp.Results.open(out).trials
    cue, outcome = (rows[f"dopamine_{phase}"][-2:].mean() for phase in ("cue", "outcome"))
    assert f"trial 10 of 10, dopamine {cue:.1f} Hz at the cue, {outcome:.1f} Hz in the outcome" in done.stderr
    assert "tonic dopamine" in done.stdout and "P(better)" not in done.stderr + done.stdout


def test_what_is_recorded_is_what_the_loop_observes(tmp_path):
    # Catches spikes at steps counted within the phase, a phase left out, weights of another trial, instances mixed up.
    path = short(tmp_path)
    results = sp.run(path, out=tmp_path / "out")
    experiment = read(path)
    built, run = build(experiment), experiment.run
    with sp.open(built.circuit.network, "reference", seed=run.seed, batch=run.instances) as session:
        instances = range(run.instances)
        loop = ClosedLoop(session, built.circuit, experiment.trial_protocol, built.tasks, run.seed, instances)
        fired, signal, choices, weights = [], [], [], {}
        for number in range(run.trials):
            trial = loop.trial()
            fired += [seen.spikes["dopamine"] for seen in trial.phases.values()]
            signal += [seen.modulators["dopamine_signal"] for seen in trial.phases.values()]
            choices.append(trial.columns["choice"])
            weights[STEPS * (number + 1)] = session.weights("cortex_to_d1")
    recorded = np.zeros((STEPS * run.trials, 2, session.plan.size("dopamine")), dtype=bool)
    recorded[results.spikes["dopamine"]] = True
    assert recorded.any() and np.array_equal(recorded, np.concatenate(fired))
    assert np.array_equal(results.modulators["dopamine_signal"], np.concatenate(signal))
    assert len(results.modulators["dopamine_signal"]) == STEPS * run.trials
    assert np.array_equal(results.trials["choice"], np.concatenate(choices))
    kept = results.weights["cortex_to_d1"]
    assert kept.step.tolist() == [4 * STEPS, 6 * STEPS]  # every four trials, and the last
    assert np.array_equal(kept.value, np.stack([weights[step] for step in kept.step]))


@pytest.mark.parametrize(("kept", "trials"), [("every trial", [1, 2, 3]), ("end", [3]), ("never", None)])
def test_weights_are_kept_as_often_as_asked(tmp_path, kept, trials):
    results = sp.run(short(tmp_path), trials=3, settings={"record.weights": kept}, out=tmp_path / "out")
    found = {name: weights.step.tolist() for name, weights in results.weights.items()}
    expected = {} if trials is None else dict.fromkeys(("cortex_to_d1", "cortex_to_d2"), [STEPS * n for n in trials])
    assert found == expected


def test_equal_experiments_give_equal_bytes_and_another_seed_gives_others(tmp_path):
    path = short(tmp_path)
    contents = [
        (sp.run(path, trials=2, seed=seed, out=tmp_path / name).path / "results.h5").read_bytes()
        for seed, name in ((3, "a"), (3, "b"), (4, "c"))
    ]
    assert contents[0] == contents[1] != contents[2]


def test_the_experiment_is_written_complete_and_runs_again_to_the_same_bytes(tmp_path):
    first = sp.run(short(tmp_path), trials=2, settings={"task.schedule": "70/30"}, out=tmp_path / "first").path
    written = tomllib.loads((first / "experiment.toml").read_text())
    assert written["task"]["schedule"] == "70/30" and written["run"]["trials"] == 2
    assert written["run"]["precision"] == "float64" and "tau_elig" in written["circuit"]
    again = sp.run(first / "experiment.toml", out=tmp_path / "again").path
    for name in ("experiment.toml", "results.h5"):
        assert (first / name).read_bytes() == (again / name).read_bytes()


def test_json_is_one_object_and_nothing_else(tmp_path):
    done = program("run", short(tmp_path), "--trials", "2", "--json", cwd=tmp_path)
    facts = json.loads(done.stdout)
    assert done.stderr == "" and done.returncode == 0
    better = sp.Results.open(tmp_path / facts["directory"]).trials["better"]
    assert facts["better"]["value"] == pytest.approx(better.mean())
    assert facts["better"]["low"] <= facts["better"]["value"] <= facts["better"]["high"]
    assert (facts["trials"], facts["instances"], facts["seed"]) == (2, 2, 3)


def test_a_run_that_is_there_is_not_overwritten(tmp_path):
    path, out = short(tmp_path), tmp_path / "out"
    assert invoke("run", path, "--trials", "1", "--out", out).exit_code == 0
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    refused = invoke("run", path, "--trials", "1", "--out", out)
    assert refused.exit_code == 2 and "--resume" in refused.stderr and str(out) in refused.stderr
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before


def test_run_and_report_stay_functions_when_their_modules_are_imported(tmp_path):
    import spikerl.run  # noqa: F401  # puts the module where the function is, in a package that is not careful

    assert sp.run(short(tmp_path), trials=1, out=tmp_path / "out").manifest.status == "finished"


def test_every_shipped_experiment_can_be_built():
    for name in ("bandit", "reversal"):
        experiment = read(name, {"run.backend": "reference"})
        assert build(experiment).tasks[0].action_space.n == 2
