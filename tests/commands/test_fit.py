"""`spikerl fit`: what it writes and says, that it goes on where it was stopped, and what it refuses."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from spikerl.behaviour.link import Link
from spikerl.behaviour.models import ChoiceModel
from spikerl.behaviour.simulation import simulate
from spikerl.behaviour.trials import read_trials
from spikerl.experiment import read
from spikerl.experiment.reading import read_circuit
from spikerl.fitting.following import led_votes
from spikerl.fitting.ranges import Range, ranges
from spikerl.fitting.search import Search
from spikerl.tasks.recorded import OPTIONS, read_recording
from tests.commands.programs import invoke, program, short
from tests.tasks.recorded_blocks import write

optuna = pytest.importorskip("optuna", reason="optuna is not installed: pip install 'spikerl[fit]'")

BLOCKS, LENGTH = 44, 8
AS_JSON = ("--json", "--set", "protocol.decision=60ms", "--set", "protocol.outcome=60ms")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Blocks in which Rescorla-Wagner with forgetting has chosen."""
    pays = np.full((BLOCKS, LENGTH, 2), 0.2)
    good = np.arange(BLOCKS) % 2
    pays[np.arange(BLOCKS), : LENGTH // 2, good] = 0.8
    pays[np.arange(BLOCKS), LENGTH // 2 :, 1 - good] = 0.8
    numbers = {"alpha": 0.5, "decay": 0.5, "beta": 5.0}
    chosen = simulate(ChoiceModel(forgetting=True), numbers, pays, seed=1)
    rows = [
        f"{3 * b},80/20,{t},{pays[b, t, 0]},{pays[b, t, 1]},{OPTIONS[chosen.choices[b, t]]},{int(chosen.rewards[b, t])}"
        for b in range(BLOCKS)
        for t in range(LENGTH)
    ]
    return write(tmp_path_factory.mktemp("data") / "blocks.csv", rows)


def test_what_was_cut_short_is_no_measure_of_others() -> None:
    """Catches evaluations that were cut short and that the search takes for finished ones: their medians would rise."""
    search = Search((Range("circuit.forgetting", 1e-4, 1e-2, "", True, False),), seed=1)
    for first in (1.0, 2.0, 3.0, 4.0, 5.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0):
        search.ask()
        cut = search.hopeless(first)
        assert cut == (first > 5.0)
        search.tell(None if cut else first)
    search.ask()
    assert search.hopeless(4.0)


def test_a_fit_goes_on_where_it_was_stopped(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a search that draws anew, forgets what it was told, or counts the last evaluation twice.

    It is told nothing of those that were cut short but that they were.
    From the sixth evaluation on some are cut short, from the eleventh on the sampler heeds what it was told.
    """
    told: list[float | None] = []
    tell = Search.tell

    def heard(search: Search, nll: float | None) -> None:
        told.append(nll)
        tell(search, nll)

    monkeypatch.setattr(Search, "tell", heard)
    path = short(tmp_path)
    fit = ("fit", path, "--data", data, "--over", "circuit.learning_rate=1e-4:1e-2", *AS_JSON, "--out")
    stopped = invoke(*fit, tmp_path / "part", "--evaluations", "7")
    assert stopped.exit_code == 0, stopped.output
    before = json.loads(stopped.stdout)
    went_on = invoke(*fit, tmp_path / "part", "--evaluations", "13")
    at_once = invoke(*fit, tmp_path / "whole", "--evaluations", "13")
    assert went_on.exit_code == at_once.exit_code == 0, went_on.output
    for name in ("evaluations.csv", "held_out.csv", "short-fitted.toml"):
        assert (tmp_path / "part" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    facts = json.loads(at_once.stdout)
    assert facts["evaluations"] == 13 and facts["train"] <= before["train"]
    rows = list(csv.DictReader((tmp_path / "whole" / "evaluations.csv").open()))
    written = [float(row["nll"]) if row["nll"] else None for row in rows[1:]]
    assert told == [*written[:7], *written, *written]
    assert len(rows) == 14 and before["cut_short"] > 0 and facts["cut_short"] == sum(not row["nll"] for row in rows) > 0


def test_what_it_writes_is_what_was_found(tmp_path: Path, data: Path) -> None:
    """Catches held-out blocks that were trained on, a link of other votes, and a fitted file of other numbers."""
    path = short(tmp_path)
    over = ("--over", "circuit.forgetting=1e-4:1e-2", "--over", "circuit.reward=0.1mV:0.5mV")
    done = invoke("fit", path, "--data", data, "--evaluations", "2", *over, *AS_JSON, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    rows = list(csv.DictReader((tmp_path / "out" / "evaluations.csv").open()))
    best = min(rows[1:], key=lambda row: float(row["nll"]))
    assert facts["train"] == float(best["nll"]) and facts["train_as_written"] == float(rows[0]["nll"])
    assert rows[0]["circuit.reward [mV]"] == "0.17"
    fitted = read(facts["experiment"])
    assert fitted.tables()["circuit"]["forgetting"] == float(best["circuit.forgetting"])
    assert fitted.tables()["task"] == read(path).tables()["task"]
    # The other half, led anew: its blocks come after those of the training half.
    tested = list(csv.DictReader((tmp_path / "out" / "held_out.csv").open()))
    recording = read_recording(data)
    blocks = np.array([int(row["block"]) // 3 for row in tested])
    assert len(blocks) == facts["held_out"]["blocks"] == BLOCKS // 2
    votes = led_votes(read_circuit(facts["experiment"], {}, "test"), recording, blocks, first=BLOCKS - len(blocks))
    link = Link(facts["link"]["beta"], facts["link"]["kappa"])
    found = link.on(votes, read_trials(data).take(blocks))
    assert np.allclose(found, [float(row["circuit"]) for row in tested], rtol=1e-12)
    assert facts["held_out"]["value"] == pytest.approx(found.mean())
    simple, full = (
        np.mean([float(row[name]) for row in tested])
        for name in ("Rescorla-Wagner", "two rates + forgetting + stickiness")
    )
    assert facts["closed"]["values from 0"]["value"] == pytest.approx((simple - found.mean()) / (simple - full))


def test_the_program_says_how_far_it_is_and_what_it_found(tmp_path: Path, data: Path) -> None:
    """Catches a command that is silent, or that shows another best than it has found."""
    path = short(tmp_path)
    done = program("fit", path, "--data", data, "--evaluations", "1", "--no-stickiness", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "short: evaluation 2 of 2, " in done.stderr
    assert "circuit.learning_rate = " in done.stdout and "stickiness 0 nats" in done.stdout
    assert "Bayesian inference + stickiness" in done.stdout and "runs/short-fit" in done.stdout


BAD = {
    "circuit.tau_eleg=1s:2s": "--over: got 'circuit.tau_eleg'; allowed: a key of circuit 'striatum'; did you mean",
    "task.schedule=1:2": "--over: got 'task.schedule'; allowed: circuit.KEY",
    "circuit.tau_elig": "--over: got 'circuit.tau_elig'; allowed: KEY=LOW:HIGH",
    "circuit.tau_elig=1s": "--over circuit.tau_elig: got '1s'; allowed: LOW:HIGH",
    "circuit.tau_elig=2s:1s": "--over circuit.tau_elig: got '2s:1s'; allowed: the lower end first",
    "circuit.tau_elig=1s:2mV": "--over circuit.tau_elig: got '1s:2mV'; allowed: both ends as a time",
    "circuit.tau_elig=1s:2parsec": "--over circuit.tau_elig: got '2parsec'; allowed: a unit that is known",
    "circuit.tau_elig=1:2": "--over circuit.tau_elig: circuit.tau_elig: got 1.0; allowed: ",
    "circuit.tau_elig=1s:nan": "--over circuit.tau_elig: got 'nan'; allowed: a finite number and a unit",
    "circuit.tau_elig=0.1ms:1s": "--over circuit.tau_elig: circuit.tau_elig = '0.1 ms', ",
    "circuit.forgetting=0.5:2": "--over circuit.forgetting: circuit.forgetting: got 2.0; allowed: ",
    "circuit.forgetting=0:1:log": "--over circuit.forgetting: got '0:1:log'; allowed: a lower end above 0",
    "circuit.forgetting=0:1:cubic": "--over circuit.forgetting: got '0:1:cubic'; allowed: LOW:HIGH, ",
    "circuit.cortex=1.5:3": "--over circuit.cortex: got '1.5:3'; allowed: whole numbers",
    "circuit.plasticity=0:1": "--over circuit.plasticity: circuit.plasticity: got 0.0; allowed: ",
}


@pytest.mark.parametrize("over", BAD)
def test_a_bad_range_is_refused(over: str, tmp_path: Path, data: Path) -> None:
    """Catches a range that is found wrong only when the search comes to its end, or a message without a remedy."""
    done = invoke("fit", short(tmp_path), "--data", data, "--over", over, "--out", tmp_path / "out")
    assert done.exit_code == 2 and done.stderr.startswith(f"spikerl: {BAD[over]}")
    assert done.stderr.count("\n") == 1 and not (tmp_path / "out").exists()


def test_other_bad_input_is_refused(tmp_path: Path, data: Path) -> None:
    """Catches what is read only after the search has begun."""
    path = short(tmp_path)
    bad = {
        ("--evaluations", "0"): "--evaluations: got '0'; allowed: a whole number from 1",
        ("--split", "11"): "split: got 10; allowed: a whole number from 0 to 9",
        ("--backend", "nativ"): "run.backend: got 'nativ'; allowed: ",
        ("--set", "circuit.actions=4"): "options of the task: got 2; allowed: 4",
        ("--set", "circuit.tau_elig=fast"): "circuit.tau_elig: got 'fast'; allowed: ",
    }
    for given, said in bad.items():
        done = invoke("fit", path, "--data", data, *given, "--out", tmp_path / "out")
        assert done.exit_code == 2 and said in done.stderr, done.stderr
    missing = invoke("fit", path, "--data", tmp_path / "none.csv", "--out", tmp_path / "out")
    assert missing.exit_code == 2 and "none.csv" in missing.stderr and "a file that can be read" in missing.stderr
    layers = invoke("fit", "dcll-digits", "--data", data)
    assert layers.exit_code == 2 and "fit: got 'dcll-digits'; allowed: an experiment with [circuit]" in layers.stderr
    assert not (tmp_path / "out").exists()


def test_a_directory_of_something_else_is_refused(tmp_path: Path, data: Path) -> None:
    """Catches two fits that are mixed in one table, and evaluations that another search has asked for."""
    path, out = short(tmp_path), tmp_path / "out"
    fit = ("fit", path, "--data", data, "--evaluations", "1", "--json", "--out", out)
    assert invoke(*fit).exit_code == 0
    other = invoke(*fit, "--split", "2")
    assert other.exit_code == 2 and "fit.json, split: got 0; allowed: 1, as asked for now" in other.stderr
    table = out / "evaluations.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines[:2], lines[1].replace("0,", "1,", 1)]) + "\n")
    strange = invoke(*fit)
    assert strange.exit_code == 2 and "evaluation 1: got {" in strange.stderr
    table.write_text("\n".join([*lines[:2], "1,fast"]) + "\n")
    damaged = invoke(*fit)
    assert damaged.exit_code == 2 and "evaluations.csv, line 3: got" in damaged.stderr
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes").write_text("mine")
    full = invoke(*fit[:-1], tmp_path / "full")
    assert full.exit_code == 2 and "a new or empty directory" in full.stderr


def test_ranges_are_in_the_units_they_are_written_in(tmp_path: Path) -> None:
    """Catches a logarithm where a range is narrow, and a value in another unit than its range."""
    experiment = read_circuit(short(tmp_path), {}, "test")
    over = {"circuit.tau_elig": "200ms:2.5s", "circuit.dopamine": "20:80", "circuit.forgetting": "1e-4:1e-2:linear"}
    time, count, share = ranges(experiment, over)
    assert (time.low, time.high, time.unit, time.log) == (200.0, 2500.0, "ms", True)
    assert time.setting(1234.5678) == "1234.57 ms" and time.number("0.5 s") == pytest.approx(500.0)
    assert count.whole and not count.log and count.setting(41.0) == 41
    assert not share.log and share.setting(0.001234567) == 0.00123457
    assert {one.key for one in ranges(experiment, None)} >= {"circuit.learning_rate", "circuit.forgetting"}
