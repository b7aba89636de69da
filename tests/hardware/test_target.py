"""Targets: what is shipped says where it is from, and a file that is wrong is one message with all that helps."""

import re
import tempfile
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikerl.errors import DescriptionError, FileError, SpikerlError
from spikerl.hardware.energy import Events, costs_of
from spikerl.hardware.facts import UNLIMITED, UNSAID
from spikerl.hardware.target import KEYS, TABLES, Target, load_target, shipped_targets, unknown
from tests.commands.programs import invoke
from tests.notebooks.documents import ROOT, blocks

DOCUMENT = ROOT / "docs" / "targets.md"
SECTION = re.compile(r"^##+ (?:`\[(\w+)\]`|The file)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \| ", re.MULTILINE)
KINDS = {
    "Count": "count",
    "Most": "most",
    "Widths": "bits",
    "Range": "least, largest",
    "Sides": "columns, rows",
    "Models": "names",
    "Signs": "names",
    "Flag": "true or false",
    "Energy": "pJ",
}
SHIPPED = shipped_targets()
LOIHI1 = SHIPPED["loihi1"].read_text()
SETTING = re.compile(r"value = (.*?), source", re.MULTILINE)


def written(folder: Path, text: str | bytes) -> Path:
    """Write a file of a target of one's own."""
    path = folder / "mine.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("name", SHIPPED)
def test_every_value_is_written_with_its_source(name):
    """Catches a limit that a shipped file leaves out or that is read as another's."""
    target, document = load_target(name), tomllib.loads(SHIPPED[name].read_text())
    for table, model in TABLES.items():
        for key in model.model_fields:
            fact = getattr(getattr(target, table), key)
            written = document.get(table, {}).get(key)
            if written is None:
                assert name == "generic8" and fact.source == UNSAID
                continue
            assert len(fact.source) >= 8 and fact.source == written["source"]
            value = list(fact.value) if isinstance(fact.value, tuple) else fact.value
            assert {"unknown": None, "unlimited": UNLIMITED}.get(str(written["value"]), written["value"]) == value
    assert target.name == name


def test_the_limits_of_loihi():
    """Catches a limit that was changed."""
    one, two = load_target("loihi1"), load_target("loihi2")
    assert (one.chip.cores.value, one.core.compartments.value) == (128, 1024)
    assert one.core.synaptic_memory.value == 128 * 1024 * 8
    assert one.synapses.weight_bits.value == (0, 1, 2, 3, 4, 5, 6, 8) and one.synapses.exponent.value == (-7, 7)
    assert (one.core.input_axons.value, one.core.output_axons.value, one.core.thresholds.value) == (4096, 4096, 8)
    assert two.core.input_axons.value is None and two.energy == () and two.spikes.message_bits.value == 32
    assert "core.input_axons" in unknown(two) and unknown(one) == ["learning.signals"]
    assert set(one.energy) == {"davies2018", "sanafe"}


def test_a_chip_of_ones_own_is_a_file(tmp_path):
    """Catches a path that is not read, and a table left out that is taken as a limit."""
    target = load_target(written(tmp_path, 'name = "mine"\n[chip]\ncores = { value = 7, source = "my desk" }'))
    assert isinstance(target, Target) and target.name == "mine" and target.chip.cores.value == 7
    assert target.core.compartments.value is None and "core.compartments" in unknown(target)


FAULTS = {
    "an unknown key": ("thresholds = ", "treshold = ", ["[core]", "'treshold'", "did you mean 'thresholds'?"]),
    "an unknown table": ("[neurons]", "[neuron]", ["'neuron'", "did you mean 'neurons'?"]),
    "an unknown key of a fact": ("{ value = 128,", "{ valeu = 128,", ["[chip.cores]", "'valeu'", "'value'"]),
    "no source": ("value = 8, source = ", "value = 8, # ", ["TOML 1.0"]),
    "an empty source": ('"Davies et al. 2018: three x86 cores"', '""', ["chip.processors.source", "1 characters"]),
    "a number alone": ('{ value = 3, source = "Davies et al. 2018: three x86 cores" }', "3", ["processors", "a table"]),
    "below": ("value = 128,", "value = 0,", ["chip.cores.value", "got 0", "from 1", "'unlimited'", "'unknown'"]),
    "above": ("value = 128,", "value = 9999999999999999,", ["chip.cores.value", "got 9999999999999999"]),
    "no number": ("value = 128,", 'value = "many",', ["chip.cores.value", "'many'"]),
    "a truth": ("value = 128,", "value = true,", ["chip.cores.value", "got True"]),
    "not a number": ("value = 128,", "value = nan,", ["chip.cores.value", "got nan"]),
    "a fraction": ("value = 128,", "value = 1.5,", ["chip.cores.value", "got 1.5"]),
    "a width twice": ("[0, 1, 2, 3, 4, 5, 6, 8]", "[8, 8]", ["synapses.weight_bits.value", "[8, 8]", "different"]),
    "a list of texts": ("[-7, 7]", '["-7", "7"]', ["synapses.exponent.value", "whole numbers"]),
    "a range of three": ("[-7, 7]", "[-7, 0, 7]", ["synapses.exponent.value"]),
    "a range upside down": ("[-7, 7]", "[7, -7]", ["synapses.exponent.value", "the first not above"]),
    "an unknown sign": ('"excitatory"', '"exitatory"', ["synapses.signs.value", "did you mean 'excitatory'"]),
    "no switch": ("value = true", "value = 1", ["learning.on_chip.value", "true, false"]),
    "no name": ("name = ", "# name = ", ["name", "nothing"]),
    "a name with a slash": ('name = "loihi1"', 'name = "../loihi1"', ["name", "'../loihi1'"]),
    "a summary with a control character": ('summary = "', 'summary = "\\u001b', ["summary", "one line"]),
    "energy that is no list": ('energy = ["davies2018", "sanafe"]', "energy = 3", ["energy", "got 3", "a list"]),
}


@pytest.mark.parametrize(("old", "new", "parts"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_one_message_with_file_key_value_and_what_is_allowed(tmp_path, old, new, parts):
    """Catches a message that leaves out where, what, or what to do, and a value that is taken as it is not meant."""
    assert LOIHI1.count(old) >= 1
    path = written(tmp_path, LOIHI1.replace(old, new, 1))
    with pytest.raises((DescriptionError, FileError)) as caught:
        load_target(path)
    text = str(caught.value)
    assert len(text.splitlines()) == 1 and str(path) in text and "allowed: " in text
    assert all(part in text for part in parts), text


HOSTILE = {
    "too large": LOIHI1 + "#" * 2**20,
    "not UTF-8": b"summary = '\xff'",
    "a byte order mark": b"\xef\xbb\xbf" + LOIHI1.encode(),
    "nested too deeply": "summary = " + "[" * 100_000,
    "dots without end": "a" + ".a" * 100_000 + " = 1",
    "a key twice": LOIHI1.replace("[core]", "cores = 2\n[core]"),
    "no TOML": "cores: 128",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused(tmp_path, content):
    """Catches a file that costs time or memory without end, or ends in an error of the parser's own."""
    path = written(tmp_path, content)
    with pytest.raises(FileError, match="mine.toml"):
        load_target(path)


def test_what_is_no_file_is_refused(tmp_path):
    """Catches a name that is mistaken for a path, and a folder that is opened."""
    with pytest.raises(DescriptionError, match="did you mean 'loihi1'"):
        load_target("lohi1")
    for which in (tmp_path, tmp_path / "missing.toml", "a\0b.toml"):
        with pytest.raises(SpikerlError):
            load_target(which)


values = st.one_of(st.integers(), st.floats(), st.booleans(), st.text(max_size=8))


@given(st.sampled_from(SETTING.findall(LOIHI1)), st.lists(values, max_size=3) | values)
def test_no_value_ends_in_anything_but_a_target_or_an_error_of_ours(setting, value):
    """Catches a value that a check was not written for."""
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), LOIHI1.replace(f"value = {setting},", f"value = {_literal(value)},"))
        try:
            assert isinstance(load_target(path), Target)
        except SpikerlError as error:
            assert str(path) in str(error) and len(str(error).splitlines()) == 1


def _literal(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_literal(inner) for inner in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(letter):08X}" for letter in value if not 0xD800 <= ord(letter) < 0xE000) + '"'
    return repr(value)


def test_list_shows_the_targets():
    """Catches a target that `spikerl list` leaves out."""
    done = invoke("list", "targets")
    assert done.exit_code == 0 and {line.split()[0] for line in done.stdout.splitlines()} == set(SHIPPED)
    assert load_target("loihi2").summary in done.stdout


def test_the_example_of_the_document_is_a_target(tmp_path):
    """Catches an example that a change of the format has left behind."""
    for block in blocks(DOCUMENT):
        if block.language == "toml":
            (tmp_path / block.file).write_text(block.code, encoding="utf-8")
    target = load_target(tmp_path / "desk4.toml")
    assert target.name == "desk4" and target.chip.cores.value == 4
    assert target.core.thresholds.value == UNLIMITED and target.core.output_axons.value is None
    left_out = {key for key in unknown(target) if key.startswith("memory.")}
    assert set(unknown(target)) == left_out | {"chip.synapses", "core.output_axons", "learning.axon_slots"}
    assert [costs.events.neuron_update.value for costs in costs_of(target)] == [95.5]


def test_the_document_names_every_key_and_no_other():
    """Catches a key that was added, renamed or removed, or takes another kind of value, without a word to the user."""
    text = DOCUMENT.read_text(encoding="utf-8")
    written = {table: ROW.findall(section) for table, section in SECTION.findall(text)}
    assert {key for key, _ in written.pop("")} == set(KEYS) - set(TABLES)
    there = {
        table: [(key, KINDS[field.annotation.__name__]) for key, field in model.model_fields.items()]
        for table, model in {**TABLES, "events": Events}.items()
    }
    assert written == there
