"""`spikerl quantize`: the table and the object it prints, what it writes, what it refuses."""

import json

import pytest

from spikerl.results.quantizing import Comparison
from tests.commands.programs import invoke, program
from tests.quantizing.small import SMALL, small

QUICK = ("--backend", "reference", "--seeds", "2", "--test", "2", "--bits", "2,5,32", "--rounding", "stochastic")


def test_the_table_the_limits_the_files_and_the_page(tmp_path):
    """Catches a cell that is not shown, a limit that is not said, and a page that has to be asked for."""
    done = program("quantize", small(tmp_path), *QUICK, "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "small: trial 6 of 6" in done.stderr and "\x1b" not in done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0][:6] == ["bits", "memory", "rounding", "when", "method", "n"]
    assert [line[:6] for line in lines[1:6]] == [
        ["float", "-", "-", "-", "-", "2"],
        ["5", "5", "stochastic", "after", "plain", "2"],
        ["2", "2", "stochastic", "after", "plain", "2"],
        ["5", "5", "stochastic", "during", "plain", "2"],
        ["2", "2", "stochastic", "during", "plain", "2"],
    ]
    said = done.stdout.splitlines()
    assert any(line.startswith("stochastic, during, plain: points of 100 lost, more than 1 ") for line in said)
    assert "results  out" in said and "page     out/report.html" in said
    assert b"<html" in (tmp_path / "out" / "report.html").read_bytes()
    assert len(Comparison.open(tmp_path / "out").rows) == 10
    again = invoke("report", tmp_path / "out", "--out", tmp_path / "page.html")
    assert again.exit_code == 0 and (tmp_path / "page.html").exists()


def test_the_object_says_what_the_table_does(tmp_path):
    """Catches a number that is not JSON's, and a difference whose bounds are lost."""
    ways = ("--method", "plain,hidden+scaled")
    done = invoke("quantize", small(tmp_path), *QUICK, *ways, "--out", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["backend"], found["instances"], found["seed"]) == ("reference", 2, 5)
    assert len(found["cells"]) == 7 and found["cells"][0]["bits"] == 32
    cell = found["cells"][-1]
    assert (cell["method"], cell["memory_bits"], cell["n"]) == ("hidden+scaled", 10, 2)
    assert cell["difference"].keys() == {"value", "low", "high", "n"}
    assert found["cells"][1]["lost"] is None  # nothing is updated after learning
    assert {limit["points"] for limit in found["limits"]} == {1, 5}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--bits", "0"), "bits: got 0; allowed: whole numbers from 1 to 16, or 32 for floating point"),
        (("--bits", "17"), "bits: got 17"),
        (("--bits", "a"), "bits: got 'a'; allowed: whole numbers from 1 to 16"),
        (("--bits", "1,,2"), "--bits: got '1,,2'; allowed: a value before and after each comma"),
        (("--rounding", "neerest"), "did you mean 'nearest'"),
        (("--when", "later"), "when: got 'later'; allowed: after or during"),
        (("--method", "hiden"), "did you mean 'hidden'"),
        (("--seeds", "0"), "run.instances: got 0"),
        (("--test", "many"), "--test: got 'many'"),
        (("--backend", "brian2"), "back end of quantize: got 'brian2'"),
        (("--set", "quantization.bits=4"), "quantization.bits: got 4"),
        (("--set", "task.trials_per_blok=4"), "did you mean 'trials_per_block'"),
    ],
)
def test_what_a_newcomer_mistypes_is_one_message(tmp_path, options, said):
    """Catches a typing mistake that starts hours of work, and a directory that is left of it."""
    path = small(tmp_path, SMALL)
    done = invoke("quantize", path, "--out", tmp_path / "out", *options)
    assert done.exit_code == 2 and said in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["small.toml"]


def test_a_directory_that_is_taken_is_refused(tmp_path):
    """Catches results of yesterday that are written over."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    done = invoke("quantize", small(tmp_path), "--out", tmp_path / "out")
    assert done.exit_code == 2 and "a new or empty directory" in done.stderr
