"""Training experiments that are wrong: each one message with file, key and value, exit code 2, nothing written."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("norse", reason="norse is not installed")

from spikerl.experiment import read, shipped  # noqa: E402
from spikerl.experiment.document import write  # noqa: E402
from spikerl.run import check  # noqa: E402
from tests.commands.programs import invoke  # noqa: E402
from tests.commands.test_bad_experiments import literal  # noqa: E402
from tests.training.small import CLASSES, CURVES, written  # noqa: E402

WHOLE = ("x", 1.5, True, float("nan"), [1], -1, 10**30)
NUMBER = ("x", True, float("nan"), float("-inf"), [1.0])
TEXT = (3, 2.5, False, ["20 ms"], "", "20 parsecs", "nan ms")
LIST = ("layer_1", 3, [1], ["nobody"], ["input", "input"])
LAYERS = ([], 3, [{}], [{"units": 0}], [{"units": 4, "channels": 4}], [{"channels": 4}], [{"unit": 4}])


def complete() -> dict:
    """All tables of the small experiment, every default written out."""
    with tempfile.TemporaryDirectory() as folder:
        return read(written(Path(folder))).tables()


def faults() -> list[tuple[str, str, object]]:
    """Every key with every value that its kind cannot have, and keys that there are not."""
    found = []
    for table, values in complete().items():
        for key, value in values.items():
            kinds = {bool: (0, 1, "true"), int: WHOLE, float: NUMBER, str: TEXT, tuple: LIST}
            own = {"layers": LAYERS, "name": ("", "randmann", 3), "weights": ("often", 3)}
            wrong = own.get(key, kinds[type(value)])
            if table == "hardware":
                continue  # is held to the same table as a circuit's, in tests/commands
            if key in ("gain", "readout"):
                wrong = (*wrong, 0.0)
            found += [(table, key, bad) for bad in wrong]
        found += [(table, "no_such_key", 1)]
    return found


@given(st.sampled_from(faults()))
def test_a_wrong_value_is_one_message_with_file_key_and_value(fault):
    table, key, value = fault
    tables = complete()
    tables[table][key] = "PLACE"
    text = write(tables).replace('"PLACE"', literal(value))
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), text)
        done = invoke("run", path, "--out", Path(folder) / "out")
        assert done.exit_code == 2, (fault, done.output)
        assert done.stdout == "" and len(done.stderr.splitlines()) == 1, done.stderr
        assert str(path) in done.stderr and f"{table}" in done.stderr and key in done.stderr, done.stderr
        assert "allowed: " in done.stderr, done.stderr
        assert not (Path(folder) / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--trials", "3"], "training.epochs"),
        (["--backend", "brian2"], "norse"),
        (["--backend", "nors"], "did you mean 'norse'?"),
        (["--set", "run.device=cuda:99"], "torch says"),
        (["--set", "training.burn_in=40 ms"], "shorter than a sample of 40 steps"),
        (["--set", "training.rate=-1"], "training.rate"),
        (["--set", "circuit.tau_elig=1 s"], "data, network, training"),
        (["--set", "record.spikes=[\"layer_3\"]"], "layer_2"),
        (["--set", "network.layers=[{channels=4}]", "--set", "record.spikes=[]"], "convolutions before dense layers"),
        (["--set", "data.name=digit"], "did you mean 'digits'?"),
    ],
)
def test_options_that_cannot_be_are_refused(tmp_path, arguments, told):
    done = invoke("run", written(tmp_path), "--out", tmp_path / "out", *arguments)
    assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1, done.output
    assert told in done.stderr, done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["compare"])
def test_commands_for_circuits_say_so(tmp_path, command):
    done = invoke(command, written(tmp_path))
    assert done.exit_code == 2 and "[circuit] and [task]" in done.stderr, done.output


def test_curves_want_the_smooth_loss(tmp_path):
    done = invoke("run", written(tmp_path, CURVES), "--set", "training.loss=cross_entropy", "--out", tmp_path / "out")
    assert done.exit_code == 2 and "training.loss" in done.stderr and "smooth_l1" in done.stderr


@pytest.mark.parametrize("text", [CLASSES, CURVES])
def test_the_complete_text_is_the_same_experiment(tmp_path, text):
    experiment = read(written(tmp_path, text))
    again = read(written(tmp_path, experiment.toml()))
    assert again.toml() == experiment.toml() and again.tables() == experiment.tables()


@pytest.mark.parametrize("name", [name for name in shipped() if name.startswith("dcll") and name != "dcll-nmnist"])
def test_shipped_experiments_can_be_prepared(name):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    check(read(name, {"run.instances": 1}))
