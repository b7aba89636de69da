"""Experiment files that are wrong in every way: each one message, exit code 2, and nothing written."""

import datetime
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikerl.errors import SpikerlError
from spikerl.experiment import build, read
from spikerl.experiment.document import write
from spikerl.toml import load
from tests.commands.programs import SHORT, invoke, short

WHOLE = ("x", "3", 1.5, True, float("nan"), float("inf"), [1], {}, -1, 10**30, datetime.date(2020, 1, 1))
NUMBER = ("x", True, float("nan"), float("-inf"), [1.0], {"a": 1}, datetime.time(12, 30))
TEXT = (3, 2.5, False, float("nan"), ["20 ms"], {}, "", "x", "20 parsecs", "20 Mohm", "nan ms", "1e999 s", "2 0 ms")
SWITCH = (0, 1, "true", "no", [True], float("nan"))
LIST = ("d1", 3, {}, [1], ["nobody"], ["d1", "d1"], [["d1"]], [float("nan")])
NAMES = ("", "striatun", 3, [], float("inf"))


def complete() -> dict:
    """All tables of the short experiment, every default written out."""
    with tempfile.TemporaryDirectory() as folder:
        return read(short(Path(folder))).tables()


def faults() -> list[tuple[str, str, object]]:
    """Every key with every value that its kind cannot have, and keys and tables that there are not."""
    found = []
    for table, values in complete().items():
        for key, value in values.items():
            kinds = {bool: SWITCH, int: WHOLE, float: NUMBER, str: TEXT, tuple: LIST}
            wrong = NAMES if key in ("name", "backend") else kinds[type(value)]
            if key == "weights":
                wrong = (0, -1, True, "often", [], 1.5)
            found += [(table, key, bad) for bad in wrong]
        found += [(table, "no_such_key", 1), (table, "", "x"), (table, "\n", "x")]
    return found


FAULTS = faults()


@given(st.sampled_from(FAULTS))
def test_a_wrong_value_is_one_message_with_file_key_and_value(fault):
    table, key, value = fault
    tables = complete()
    tables[table][key] = "PLACE"
    text = write(tables).replace('"PLACE"', literal(value))
    with tempfile.TemporaryDirectory() as folder:
        path = short(Path(folder), text)
        done = invoke("run", path, "--out", Path(folder) / "out")
        assert done.exit_code == 2, (fault, done.output)
        assert done.stdout == "" and len(done.stderr.splitlines()) == 1, done.stderr
        assert str(path) in done.stderr and table in done.stderr and repr(key)[1:-1] in done.stderr, done.stderr
        assert "allowed: " in done.stderr
        assert [file.name for file in Path(folder).iterdir()] == ["short.toml"]


def literal(value: object) -> str:
    """TOML for a value, dates and non-finite numbers included."""
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, list):
        return "[" + ", ".join(literal(inner) for inner in value) + "]"
    return write({"t": {"k": value}}).partition(" = ")[2].strip()


FILES = {
    "a key twice": SHORT + "modulators = []\n",
    "a table twice": SHORT + "[run]\n",
    "no TOML": "circuit: striatum\n",
    "an open string": '[circuit]\nname = "striatum\n',
    "nested too deeply": "[circuit]\nname = " + "[" * 100_000 + "\n",
    "a number too long": "[run]\nseed = " + "9" * 10_000 + "\n",
    "a date that is none": SHORT.replace("seed = 3", "seed = 2020-13-45"),
    "no circuit": SHORT.replace('name = "striatum"', ""),
    "a table that is a value": "run = 3\n" + SHORT.partition("[run]")[0],
    "a table that there is not": SHORT + "[recrod]\n",
    "a list of tables": SHORT.replace("[run]", "[[run]]"),
    "nothing": "",
    "not UTF-8": b'[circuit]\nname = "\xff"\n',
    "a byte order mark": b"\xef\xbb\xbf" + SHORT.encode(),
    "UTF-16": SHORT.encode("utf-16"),
    "null characters": b"\0" * 100,
    "too large": SHORT.encode() + b"#" * 2**20,
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES.keys())
def test_a_damaged_file_is_one_message_that_names_it(tmp_path, content):
    path = tmp_path / "short.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = invoke("run", path, "--out", tmp_path / "out")
    assert done.exit_code == 2, done.output
    assert len(done.stderr.splitlines()) == 1 and str(path) in done.stderr and "allowed: " in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["short.toml"]


def test_what_is_no_file_is_refused(tmp_path):
    for which in (tmp_path, tmp_path / "missing.toml", "reversall", "a\0b.toml"):
        done = invoke("run", which, "--out", tmp_path / "out")
        assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1, done.output


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(texts, st.dictionaries(texts, values, max_size=4), max_size=4))
def test_what_is_written_is_read_back(tables):
    # Catches an escape left out, a float that comes back as a whole number, a key that needed quotes.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "written.toml"
        path.write_bytes(write(tables).encode())
        assert load(path, "experiment") == tables


@given(st.sampled_from(FAULTS), st.sampled_from(FAULTS))
def test_two_faults_are_one_error_of_spikerl(first, second):
    tables = complete()
    for number, (table, key, _) in enumerate((first, second)):
        tables[table][key] = f"PLACE {number}"
    text = write(tables)
    for number, (_, _, value) in enumerate((first, second)):
        text = text.replace(f'"PLACE {number}"', literal(value))
    with tempfile.TemporaryDirectory() as folder, pytest.raises(SpikerlError):
        build(read(short(Path(folder), text)))


@pytest.mark.parametrize(
    ("experiment", "setting", "meant"),
    [
        ("actor-critic", "circuit.lesion=amygdla", "amygdala"),
        ("actor-critic", "decider=striatm", "striatum"),
        ("actor-critic", "loops=object and places", "object and place"),
        ("pavlovian", "task.design=blokcing", "blocking"),
        ("dcll-digits", "training.loss=crossentropy", "cross_entropy"),
        ("reversal", "record.weights=nevr", "never"),
    ],
)
def test_a_misspelt_choice_suggests_the_one_that_is_meant(experiment: str, setting: str, meant: str) -> None:
    """Catches a key of a few words whose error lists them and does not say which of them is near."""
    done = invoke("run", experiment, "--set", setting)
    assert done.exit_code == 2
    assert done.stderr.strip().endswith(f"did you mean {meant!r}?")
