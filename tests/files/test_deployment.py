"""``deploy.json``: what is written comes back, and whatever is wrong with the file is refused with one message."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from spikerl.errors import FileError
from spikerl.results import deployment as model
from spikerl.results.deployment import LARGEST, NAME, read_deployment, write_deployment
from spikerl.results.manifest import read_manifest
from tests.files.deployments import deployed, deployments
from tests.files.small_runs import INSTANCES


@given(st.data())
def test_every_deployment_comes_back_equal(run, tmp_path_factory, data):
    """Catches a number that loses digits, a bool that becomes a whole number, a name that is changed."""
    written = data.draw(deployments(read_manifest(run).sha256[-1], INSTANCES))
    directory = tmp_path_factory.mktemp("deployed")
    shutil.copy(run / "manifest.json", directory)
    write_deployment(directory, written)
    found = read_deployment(directory)
    assert found == written
    assert repr(found) == repr(written), "True is not 1, nor 1 1.0"
    first = (directory / NAME).read_bytes()
    write_deployment(directory, found)
    assert (directory / NAME).read_bytes() == first


def test_a_run_without_the_file_was_no_deployment(run):
    """Catches an absence taken for damage."""
    assert read_deployment(run) is None


def _changed(directory: Path, path: tuple[str | int, ...], value: object) -> None:
    content = json.loads((directory / NAME).read_text())
    part = content
    for key in path[:-1]:
        part = part[key]
    if value is ...:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    (directory / NAME).write_text(json.dumps(content))


FAULTS = [
    (("format",), 2),
    (("format",), "1"),
    (("results",), "A" * 64),
    (("results",), None),
    (("emulator",), 1),
    (("emulator",), "x" * 1001),
    (("options", "tolerance"), None),
    (("options", "weight_bits"), [8]),
    (("options", "streams"), "x" * 1001),
    (("chip", "cores"), 128.0),
    (("chip", "cores"), "128"),
    (("chip", "cores"), -1),
    (("chip", "cores"), 6),
    (("chip", "mesh"), [8]),
    (("chip", "mesh"), [0, 4]),
    (("chip", "mesh"), [8, 2**40]),
    (("chip", "tile_cores"), 0),
    (("chip", "tile_cores"), True),
    (("limits", 0, "used"), -1),
    (("limits", 0, "used"), 2**63),
    (("limits", 0, "used"), True),
    (("limits", 0, "unlimited"), True),
    (("limits", 0, "unlimited"), 0),
    (("limits", 0, "source"), ...),
    (("unknown",), "core.thresholds"),
    (("shared",), "yes"),
    (("cores", 0, "number"), 1),
    (("cores", 2, "number"), 128),
    (("cores", 0, "pieces", 0, "stop"), 0),
    (("cores", 0, "pieces", 0, "stop"), 33),
    (("cores", 0, "pieces", 0, "population"), "nobody"),
    (("cores", 0, "pieces", 0, "population"), "cortex"),
    (("cores", 0, "use", "compartments"), 1.5),
    (("losses", 0, "error"), -0.1),
    (("losses", 0, "error"), "much"),
    (("losses", 0, "kind"), "magic"),
    (("losses", 0, "wanted"), ...),
    (("operations", "dt"), 0.0),
    (("operations", "instances"), 0),
    (("operations", "instances"), INSTANCES + 1),
    (("operations", "populations", "cortex", "neuron_updates"), 1),
    (("operations", "populations", "d1", "spikes"), 1e3),
    (("operations", "connections", "cortex_to_d1", "synapses"), None),
    (("energy", 0, "joules"), 1.0),
    (("energy", 0, "left_out"), ["synapse_update"]),
    (("energy", 0, "left_out"), []),
    (("energy", 0, "events", 0, "count"), 81_235),
    (("energy", 0, "events", 0, "picojoules"), 23.7),
    (("energy", 0, "events", 0, "picojoules"), 1e16),
    (("metrics", "ConnectionSparsity"), 1.1),
    (("metrics", "Footprint"), -1.0),
    (("agreement", "machines"), ["loihi"]),
    (("agreement", "steps"), "1000"),
    (("agreement",), []),
]


@pytest.mark.parametrize(("path", "value"), FAULTS, ids=[f"{'.'.join(map(str, p))}={str(v)[:12]}" for p, v in FAULTS])
def test_a_wrong_value_is_refused_in_one_line(copy, path, value):
    """Catches a value of another type, out of its range, or one that contradicts the rest of the file."""
    deployed(copy)
    _changed(copy, path, value)
    with pytest.raises(FileError, match=r"deploy\.json.*: got .*; allowed: ") as caught:
        read_deployment(copy)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value).removeprefix(str(copy))) < 500


@pytest.mark.parametrize("nested", [(), ("chip",), ("losses", 0), ("energy", 0, "events", 0), ("agreement",)])
def test_an_unknown_key_is_refused(copy, nested):
    """Catches a key that a reader would leave aside, whatever it is called."""
    deployed(copy)
    _changed(copy, (*nested, "new\n\x1b[31m" + "x" * 5000), 1)
    with pytest.raises(FileError, match=r"new\?\?\[31mxxx") as caught:
        read_deployment(copy)
    assert str(caught.value).isprintable()
    assert len(str(caught.value).removeprefix(str(copy))) < 500


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" * 5000])
@pytest.mark.parametrize("path", [("losses", 0, "wanted"), ("options", "tolerance"), ("metrics", "Dense")])
def test_numbers_that_are_none_are_refused(copy, path, number):
    """Catches a page of nan, and a whole number that takes minutes to write down."""
    deployed(copy)
    _changed(copy, path, "HERE")
    text = (copy / NAME).read_text()
    (copy / NAME).write_text(text.replace('"HERE"', number))
    with pytest.raises(FileError, match=r"deploy\.json"):
        read_deployment(copy)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 500_000,
        b'{"format":' * 100_000,
        b'{"emulator": "\\ud800"}',
        b"{} {}",
    ],
)
def test_a_damaged_file_is_one_error(copy, content):
    """Catches a recursion or a bare traceback of the parser."""
    (copy / NAME).write_bytes(content)
    with pytest.raises(FileError, match=r"deploy\.json"):
        read_deployment(copy)


@given(st.binary(max_size=200))
def test_random_bytes_are_no_deployment(run, tmp_path_factory, content):
    """Catches what the listed cases leave out."""
    directory = tmp_path_factory.mktemp("bytes")
    shutil.copy(run / "manifest.json", directory)
    (directory / NAME).write_bytes(content)
    with pytest.raises(FileError, match=r"deploy\.json"):
        read_deployment(directory)


def test_a_deployment_of_other_results_is_refused(copy):
    """Catches losses and energies that are shown beside a run they were not measured on."""
    deployed(copy)
    _changed(copy, ("results",), "0" * 64)
    with pytest.raises(FileError, match="it belongs to another run"):
        read_deployment(copy)


def test_what_is_no_file_is_refused(copy):
    """Catches a link to nowhere taken for no deployment, a folder, and a file that fills the memory."""
    path = copy / NAME
    path.symlink_to(copy / "nowhere")
    with pytest.raises(FileError, match=r"deploy\.json"):
        read_deployment(copy)
    path.unlink()
    path.mkdir()
    with pytest.raises(FileError, match="a regular file"):
        read_deployment(copy)
    path.rmdir()
    with path.open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(FileError, match=f"at most {LARGEST}"):
        read_deployment(copy)


def test_what_could_not_be_read_is_not_written(copy, monkeypatch):
    """Catches a run whose page cannot be made since its own file is too large."""
    deployment = deployed(copy)
    before = (copy / NAME).read_bytes()
    monkeypatch.setattr(model, "LARGEST", len(before) - 1)
    with pytest.raises(FileError, match="bytes"):
        write_deployment(copy, deployment)
    assert (copy / NAME).read_bytes() == before
    assert sorted(path.name for path in copy.iterdir() if path.name.endswith(".tmp")) == []


def test_what_is_wrong_cannot_be_made_either(copy):
    """Catches a writer that finds out only when somebody reads."""
    deployment = deployed(copy)
    with pytest.raises(ValidationError):
        model.Energy(**{**dict(deployment.energy[0]), "joules": 1.0})
    with pytest.raises(ValidationError):
        model.Chip(**{**dict(deployment.chip), "name": "\ud800"})
    with pytest.raises(ValidationError):
        model.Loss(**{**dict(deployment.losses[0]), "wanted": float("nan")})


def test_reading_needs_no_hardware():
    """Catches an import that would load kernels, or a simulator, to read a file."""
    code = "import sys, spikerl.results.deployment\nprint([n for n in sys.modules if n.startswith('spikerl.hardware')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
