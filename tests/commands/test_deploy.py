"""`spikerl deploy`: what it writes and says, that it is the run of the same back end, and what it refuses."""

import json
from pathlib import Path

import pytest

import spikerl as sp
from spikerl.results.deployment import read_deployment
from tests.commands.programs import STEPS, invoke, program, short

TINY = """
name = "tiny"
summary = "a chip of two small cores"

[chip]
cores = { value = 2, source = "by choice" }

[core]
compartments = { value = 40, source = "by choice" }
"""


def test_the_program_deploys_and_says_what_it_found(tmp_path):
    done = program("deploy", short(tmp_path), "--target", "loihi1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    directory = tmp_path / "runs" / "short-loihi1-loihi-seed3"
    said = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if not line.startswith("energy"))
    assert said["chip"].startswith("loihi1, 4 of 128 cores")
    assert said["page"] == "runs/short-loihi1-loihi-seed3/report.html"
    assert "estimated after davies2018" in done.stdout and "trial 6 of 6" in done.stderr
    page = (directory / "report.html").read_text()
    assert "loihi1" in page and "estimate" in page
    assert sp.Results.open(directory).manifest.backend == "loihi"


def test_a_deployment_is_the_run_of_its_back_end(tmp_path):
    """Catches a loop, a seed, or a stream that deploy has of its own."""
    path = short(tmp_path)
    run = sp.run(path, backend="loihi", out=tmp_path / "run")
    deployed = sp.deploy(path, target="loihi2", out=tmp_path / "deployed")
    assert deployed.results.manifest.sha256 == run.manifest.sha256


def test_operations_are_those_of_the_recorded_spikes(tmp_path):
    """Counted over all windows, instances and trials."""
    deployed = sp.deploy(short(tmp_path), out=tmp_path / "out", settings={"record.spikes": ["cortex", "d1"]})
    found, results = deployed.deployment, deployed.results
    assert found.operations.steps == 6 * STEPS and found.operations.instances == 2
    assert found.operations.populations["d1"].neuron_updates == 6 * STEPS * 2 * 32
    for name in ("cortex", "d1"):
        assert found.operations.populations[name].spikes == len(results.spikes[name][0])
    fan_out = found.operations.connections["cortex_to_d1"].synapses // 60
    spikes = found.operations.populations["cortex"].spikes
    assert found.operations.connections["cortex_to_d1"].synaptic_operations == spikes * fan_out
    assert read_deployment(tmp_path / "out") == found


def test_json_is_the_whole_account(tmp_path):
    done = invoke("deploy", short(tmp_path), "--trials", "2", "--json", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    assert facts["deployment"]["chip"]["name"] == "loihi2" and facts["trials"] == 2
    assert facts["deployment"]["operations"]["steps"] == 2 * STEPS
    assert Path(facts["page"]).is_file()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--target", "lohi1"), "hardware.target = 'lohi1'"),
        (("--target", "lohi1"), "did you mean 'loihi1'"),
        (("--target", "nowhere.toml"), "nowhere.toml"),
        (("--emulator", "lave"), "emulator: got 'lave'; allowed: loihi, lava, both; did you mean 'lava'"),
        (("--target", "tiny.toml"), "the circuit does not fit tiny:"),
        (("--target", "tiny.toml"), "(chip.cores)"),
        (("--set", "hardware.weight_bits=1"), "error"),
        (("--set", "hardware.weight_bits=9"), "hardware.weight_bits: got 9; allowed: 8 or below"),
        (("--set", "hardware.tolerance=-1"), "hardware.tolerance: got -1"),
        (("--set", "hardware.streams=per-synapse", "--emulator", "both"), "streams of Lava: got 'per-synapse'"),
        (("--set", "circuit.learning_rate=1e-12"), "below the finest step of the chip"),
        (("--set", "hardware.target=loihi1", "--target", "loihi2"), "each key once"),
        (("--set", "hardware.targte=loihi1"), "did you mean 'target'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(tmp_path, monkeypatch, arguments, told):
    """One clear message, exit 2, and no directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TINY)
    done = invoke("deploy", short(tmp_path), *arguments, "--out", tmp_path / "out")
    assert done.exit_code == 2, done.output
    assert told in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_saturate_allows_what_is_lost(tmp_path):
    done = invoke(
        *("deploy", short(tmp_path), "--trials", "1", "--saturate", "--out", tmp_path / "out"),
        *("--set", "hardware.weight_bits=1", "--json"),
    )
    assert done.exit_code == 0, done.output
    losses = json.loads(done.stdout)["deployment"]["losses"]
    assert max(loss["error"] or 0 for loss in losses) > 0.1


def test_a_directory_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    done = invoke("deploy", short(tmp_path), "--out", tmp_path / "out")
    assert done.exit_code == 2 and "a new or empty directory" in done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]
