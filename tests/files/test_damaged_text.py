"""A damaged or hostile manifest or experiment text is refused with the reason, at once."""

import json
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikerl.errors import FileError
from spikerl.results import Results
from spikerl.toml import parse_toml
from tests.files.small_runs import EXPERIMENT

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_manifest_with_one_wrong_value_is_refused_by_its_key(run, tmp_path_factory, data):
    """Catches a value that is taken as something near it, and an unknown key that is left aside."""
    manifest = json.loads((run / "manifest.json").read_text())
    key = data.draw(st.sampled_from([*manifest, "unknown"]))
    value = data.draw(JSON.filter(lambda value: value != manifest.get(key, "unknown key")))
    copy = shutil.copytree(run, tmp_path_factory.mktemp("manifest") / "run")
    (copy / "manifest.json").write_text(json.dumps({**manifest, key: value}))
    try:
        found = Results.open(copy).manifest
    except FileError as error:
        assert "manifest.json" in str(error)
        return
    # What free text and free numbers may be, and no more.
    assert key in {"seed", "backend", "python", "versions", "failure", "ended"}
    assert json.loads(found.model_dump_json())[key] == value


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"{}",
        b"[" * 500_000,
        b'{"a":' * 100_000,
        b"1" * 1_000_000,
        b'{"seed": 1e999}',
        b'{"seed": NaN}',
    ],
)
def test_a_damaged_manifest_is_one_error(copy, content):
    """Catches a recursion or a bare traceback of the parser."""
    (copy / "manifest.json").write_bytes(content)
    with pytest.raises(FileError, match=r"manifest\.json"):
        Results.open(copy)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_no_manifest(run, tmp_path_factory, content):
    """Catches what the listed cases leave out."""
    copy = shutil.copytree(run, tmp_path_factory.mktemp("bytes") / "run")
    (copy / "manifest.json").write_bytes(content)
    with pytest.raises(FileError, match=r"manifest\.json"):
        Results.open(copy)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "{b = " * 50_000,
        "a" + ".a" * 500_000 + " = 1",
        "[" + "a." * 500_000 + "a]",
        "a = {" + "b." * 400_000 + "b = 1}",
        "'a'" + " . 'a'" * 150_000 + " = 1",
        "a = " + "9" * 10_000,
        "a = 0000-00-00",
        "a = 1979-05-32",
        "a = \0",
        "= 1",
        "a = 1\na = 2",
        "a" * (2**20 + 1),
        "a = 'x",
    ],
)
def test_a_toml_bomb_is_refused_at_once(text):
    """Catches a parser that recurses into the ground, or that takes hours for a megabyte of dots."""
    with pytest.raises(FileError, match="^somewhere"):
        parse_toml(text, "somewhere")


def test_toml_that_people_write_is_read():
    """Catches a limit on dots that refuses lists of numbers or long sentences."""
    numbers = ", ".join(f"{k / 8}" for k in range(1000))
    text = f'a.b.c = 1\nnumbers = [{numbers}]\nsay = "One. Two. Three."\n[x.y]\nz = 2.5\n'
    assert parse_toml(text, "here")["numbers"] == [k / 8 for k in range(1000)]
    assert parse_toml(EXPERIMENT, "here")["run"]["seed"] == 7


def test_an_experiment_that_was_edited_after_the_run_is_refused(copy):
    """Catches a page that describes another experiment than the one that was run."""
    path = copy / "experiment.toml"
    path.write_text(path.read_text().replace("seed = 7", "seed = 8"))
    with pytest.raises(FileError, match=r"experiment\.toml, SHA-256.*changed after the run"):
        Results.open(copy)
