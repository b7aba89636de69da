"""Keys, values and seeds: which points they make, and what is refused before anything runs."""

import tomllib

import pytest

import spikerl as sp
from spikerl.errors import DescriptionError, FileError
from spikerl.experiment import read
from spikerl.sweep import Planned, execute
from spikerl.sweep.axes import axes, checked
from spikerl.sweep.points import points
from tests.commands.programs import invoke, program, short
from tests.sweep.sweeps import OVER


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a.b=1", ["1"]),
        ("a.b = 200 ms , 500 ms", ["200 ms", "500 ms"]),
        ("a.b=80/20,70/30", ["80/20", "70/30"]),
        ("a.b=[3, 7],[4, 8]", ["[3, 7]", "[4, 8]"]),
        ('a.b=["d1"],["d1", "d2"],[]', ['["d1"]', '["d1", "d2"]', "[]"]),
        ("a.b={x = [1, 2]},{}", ["{x = [1, 2]}", "{}"]),
        ('a.b="one, two","three"', ['"one, two"', '"three"']),
        (r'a.b="say \"a, b\"",c', [r'"say \"a, b\""', "c"]),
        (r'a.b="ends in \\",c', [r'"ends in \\"', "c"]),
        ("a.b='one, two',c", ["'one, two'", "c"]),
        ('a.b=["one, ]", "two"],c', ['["one, ]", "two"]', "c"]),
        ("a.b=the bird's,b=c", ["the bird's", "b=c"]),
    ],
)
def test_values_end_at_commas_but_for_those_that_belong_to_them(text, values):
    """Catches a list or a quoted text cut in two, and an apostrophe taken for an opening quote."""
    assert axes([text]) == {"a.b": values}


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["circuit.tau_elig"], "KEY=V1,V2"),
        (["=1,2"], "KEY=V1,V2"),
        (["a.b="], "a value before and after each comma"),
        (["a.b=1,,2"], "a value before and after each comma"),
        (["a.b=1,2,"], "a value before and after each comma"),
        (["a.b=[1,2"], "] is missing"),
        (['a.b="one,two'], '" is missing'),
        (["a.b=1", "a.b=2"], "each key once"),
    ],
)
def test_texts_that_cannot_be_meant(texts, said):
    """Catches an empty value read as text, and what is not closed read up to the end."""
    with pytest.raises(DescriptionError) as caught:
        axes(texts)
    assert said in str(caught.value)


def test_points_are_the_product_of_values_and_seeds(tmp_path):
    """Catches a combination left out, seeds that do not begin at the experiment's own, and a setting that is lost."""
    over = {"circuit.tau_elig": ["200 ms", "1 s"], "task.reversal_window": ["[3, 7]", [4, 8]], "record.weights": [3]}
    path, settings = short(tmp_path), {"run.trials": "4"}
    planned = points(path, settings, over, 3)
    assert len(planned) == 2 * 2 * 3 and [point.seed for point in planned] == [3, 4, 5] * 4
    assert [point.settings["circuit.tau_elig"] for point in planned] == ["200 ms"] * 6 + ["1 s"] * 6
    assert [point.settings["task.reversal_window"] for point in planned] == ([[3, 7]] * 3 + [[4, 8]] * 3) * 2
    names = [point.name for point in planned]
    assert names == sorted(set(names)) and names[0] == "01-tau_elig=200ms-reversal_window=3_7-weights=3-seed3"
    for point in planned:
        written = {**settings, **point.settings, "run.seed": point.seed}
        written["task.reversal_window"] = tuple(point.settings["task.reversal_window"])
        assert point.text == read(path, written).toml()
        assert tomllib.loads(point.text)["run"]["trials"] == 4


def test_seeds_may_be_an_axis(tmp_path):
    """Catches a seed that is swept and then overwritten by that of the file."""
    planned = points(short(tmp_path), {}, {"run.seed": ["7", 2]}, 1)
    assert [(point.seed, point.settings) for point in planned] == [(7, {}), (2, {})]
    assert [point.name for point in planned] == ["1-seed7", "2-seed2"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "two points or more"),
        (("--over", "circuit.tau_elgi=1s,2s"), "did you mean 'tau_elig'"),
        (("--over", "tau_elig=1s,2s"), "table.key with one of the tables"),
        (("--over", "circiut.tau_elig=1s,2s"), "did you mean 'circuit'"),
        (("--over", "circuit.tau_elig"), "KEY=V1,V2"),
        (("--over", "circuit.tau_elig=1s,2mV"), "point circuit.tau_elig=2mV, run.seed=3: circuit.tau_elig: got '2mV'"),
        (("--over", "circuit.tau_elig=1s,0.1ms"), "point circuit.tau_elig=0.1ms, run.seed=3: circuit.tau_elig = '0.1"),
        (("--over", "task.reversal_window=3,7"), "point task.reversal_window=3: task.reversal_window"),
        (("--over", "run.backend=reference,brain2"), "did you mean 'brian2'"),
        (("--over", "circuit.tau_elig=1s,2s,1s"), "is the same experiment as point circuit.tau_elig=1s, run.seed=3"),
        (("--over", "run.trials=1,2", "--trials", "3"), "either one value or a sweep over it"),
        (("--over", "run.trials=1,2", "--set", "run.trials=3"), "either one value or a sweep over it"),
        (("--over", "run.seed=1,2", "--seeds", "2"), "1 where run.seed is swept"),
        (("--over", "run.trials=1,2", "--over", "run.trials=3"), "each key once"),
        (("--seeds", "0"), "--seeds: got '0'; allowed: a whole number from 1"),
        (("--seeds", "many"), "--seeds: got 'many'; allowed: a whole number from 1"),
        (("--seeds", "2", "--seed", "9223372036854775807"), "run.seed: got 9223372036854775808"),
        (("--seeds", "20000000"), "at most 10000"),
        (("--seeds", "2", "--workers", "0"), "--workers: got '0'"),
        (("--seeds", "2", "--trials", "none"), "run.trials: got 'none'; allowed: a whole number"),
        (("--seeds", "2", "--workers", "2", "--scheduler", "tcp://127.0.0.1:1"), "nothing where a scheduler is given"),
    ],
)
def test_what_is_refused_is_one_message_and_nothing_is_written(tmp_path, options, said):
    """Catches a sweep that begins with its good points, and an error that does not say which point it means."""
    done = invoke("sweep", short(tmp_path), *options, "--out", tmp_path / "out")
    assert done.exit_code == 2 and said in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1 and done.stdout == ""
    assert sorted(file.name for file in tmp_path.iterdir()) == ["short.toml"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("swep", "reversal"), "Did you mean 'sweep'"),
        (("sweep",), "EXPERIMENT"),
        (("sweep", "reversl", "--seeds", "2"), "did you mean 'reversal'"),
        (("sweep", "reversal", "--over", "task.schedule=80/20,70/30", "--seedz", "2"), "--seeds"),
        (("sweep", "reversal", "--over", "circuit.tau_elig=200", "ms"), "ms"),  # without quotes around the value
    ],
)
def test_what_is_mistyped_is_refused(tmp_path, arguments, said):
    """Catches a message without the nearest name, and files left by a command that was refused."""
    done = program(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and said in done.stderr and done.stdout == ""
    assert "Traceback" not in done.stderr and not list(tmp_path.iterdir())


@pytest.mark.parametrize("over", [{"circuit.tau_elig": "1 s"}, {"circuit.tau_elig": []}, {"circuit.tau_elig": 3}])
def test_values_in_python_are_lists(over):
    """Catches a text taken as a list of its letters."""
    with pytest.raises(DescriptionError, match="values of circuit.tau_elig"):
        checked(over, {}, 1)


def test_errors_keep_their_kind_in_python(tmp_path):
    """Catches an error of a point that no longer says which kind of error it is."""
    with pytest.raises(FileError, match="point task.blocks=nowhere.csv: task.blocks = 'nowhere.csv'"):
        sp.sweep(short(tmp_path), {"task.blocks": ["nowhere.csv"]}, out=tmp_path / "out")
    for wrong in ({"workers": 0}, {"workers": True}, {"seeds": 1.5}, {"seed": 1, "settings": {"run.seed": 2}}):
        with pytest.raises(DescriptionError):
            sp.sweep(short(tmp_path), OVER, out=tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("names", [("a", "a"), ("a", "../b"), ("a", ".b"), ("a", "b/c"), ("a", "b\n"), ("", "a")])
def test_names_of_directories_stay_inside_the_sweep(tmp_path, names):
    """Catches a list of experiments that writes outside its directory, or two points in one place."""
    text = read(short(tmp_path)).toml()
    with pytest.raises(DescriptionError):
        execute([Planned(name, {}, 3, text) for name in names], tmp_path / "out", experiment="x", axes={})
    assert not (tmp_path / "out").exists()


def test_a_directory_with_something_else_is_refused(tmp_path):
    """Catches points written among other files."""
    path, out = short(tmp_path), tmp_path / "out"
    sp.run(path, trials=1, out=out)
    before = sorted(file.name for file in out.iterdir())
    with pytest.raises(FileError, match="a new or empty directory, or that of the same sweep"):
        sp.sweep(path, OVER, out=out)
    assert sorted(file.name for file in out.iterdir()) == before
