"""`--set KEY=VALUE` and the options: how a value is read, and what is refused."""

import pytest

from spikerl.errors import DescriptionError
from spikerl.experiment import overrides, read
from tests.commands.programs import invoke, short


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("task.schedule=60/40", "60/40"),  # no TOML literal
        ("circuit.tau_elig=250ms", "250ms"),
        ('circuit.tau_elig="250 ms"', "250 ms"),
        ("circuit.plasticity=false", False),
        ("circuit.learning_rate=5", 5.0),  # a whole number where a number is wanted
        ("task.blocks=2024", "2024"),  # a literal, but the key wants text
        ("task.reversal_window=[3, 7]", (3, 7)),
        ("run.seed=9223372036854775807", 2**63 - 1),
        ("record.weights=3", 3),
        ("record.weights=every trial", "every trial"),
        ('record.spikes=["d1"]', ("d1",)),
        ("run.backend=norse", "norse"),
    ],
)
def test_a_value_is_read_as_its_key_wants_it(tmp_path, setting, value):
    experiment = read(short(tmp_path), overrides([setting]))
    table, key = setting.partition("=")[0].split(".")
    assert getattr(experiment.parts[table], key) == value


def test_a_key_stands_alone_where_one_table_has_it(tmp_path):
    """Catches a setting without its table that is lost, or put where the table's own setting stands."""
    assert read(short(tmp_path), overrides(["schedule=60/40"])).parts["task"].schedule == "60/40"
    with pytest.raises(DescriptionError, match=r"--set seed: got '3'; allowed: each key once; run.seed is given too"):
        read(short(tmp_path), overrides(["seed=3", "run.seed=4"]))


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("task.shedule=60/40", "did you mean 'schedule'"),
        ("taks.schedule=60/40", "did you mean 'task'"),
        ("shedule=60/40", "did you mean 'schedule'"),
        ("name=striatum", "write circuit.name"),
        ("task.schedule", "KEY=VALUE"),
        ("circuit.name=striatun", "did you mean 'striatum'"),
        ("task.name=reversl", "did you mean 'reversal'"),
        ("run.backend=referenz", "did you mean 'reference'"),
        ("run.trials=0", "run.trials: got 0"),
        ("run.trials=many", "run.trials: got 'many'; allowed: a whole number"),
        ("circuit.tau_elig=500mV", "circuit.tau_elig: got '500mV'"),
        ("circuit.tau_elig=0.1ms", "circuit.tau_elig = '0.1ms'"),
        ("task.schedule=20/80", "task.schedule: got '20/80'"),
        ("task.schedule=70/20/10", "task.schedule = '70/20/10'"),
        ("task.blocks=nowhere.csv", "task.blocks = 'nowhere.csv'"),
        ('record.spikes=["dopamin"]', "did you mean 'dopamine'"),
        ('record.modulators=["dopamine"]', "allowed: dopamine_signal"),
        ("protocol.cue=0 ms", "protocol.cue: got '0 ms'; allowed: one step"),
        ("run.dt=0.7ms", "run.dt = '0.7ms'"),
        ("run.device=tpu", "run.device = 'tpu'"),
    ],
)
def test_a_wrong_setting_is_one_message_and_nothing_is_written(tmp_path, setting, said):
    done = invoke("run", short(tmp_path), "--set", setting, "--out", tmp_path / "out")
    assert done.exit_code == 2 and said in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["short.toml"]


def test_a_key_given_twice_is_refused(tmp_path):
    with pytest.raises(DescriptionError, match="once"):
        overrides(["run.seed=1", "run.seed=2"])
    done = invoke("run", short(tmp_path), "--seed", "1", "--set", "run.seed=2", "--out", tmp_path / "out")
    assert done.exit_code == 2 and "run.seed" in done.stderr


def test_an_option_goes_before_the_file(tmp_path):
    path = short(tmp_path)
    options = ("--seed", "11", "--trials", "1", "--instances", "1")
    assert invoke("run", path, *options, "--out", tmp_path / "o").exit_code == 0
    run = read(tmp_path / "o" / "experiment.toml").run
    assert (run.seed, run.trials, run.instances) == (11, 1, 1)
