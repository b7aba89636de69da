"""A damaged or hostile run is refused with the reason, before the HDF5 library follows anything."""

import json
import shutil

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikerl.errors import FileError
from spikerl.files import sha256
from spikerl.results import Results, RunWriter, checkpoint, storage
from tests.files.small_runs import EXPERIMENT, create, play


def seal(path, content):
    """Put `content` in place of the results, and its digest in the manifest: what an attacker would do."""
    (path / "results.h5").write_bytes(content)
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps({**manifest, "sha256": [sha256(content)]}))


def test_truncation_at_any_length_is_refused(copy):
    """Catches a file that is read without its end."""
    whole = (copy / "results.h5").read_bytes()
    lengths = np.unique(np.geomspace(1, len(whole) - 1, 60).astype(int))
    for length in (0, *lengths):
        (copy / "results.h5").write_bytes(whole[:length])
        with pytest.raises(FileError, match=r"results\.h5, SHA-256: got '[0-9a-f]{64}'.*damaged or changed"):
            Results.open(copy)


def test_truncation_with_a_matching_digest_is_refused(copy):
    """Catches an error of the HDF5 library that comes through as it is."""
    whole = (copy / "results.h5").read_bytes()
    for length in np.linspace(0, len(whole) - 1, 40).astype(int):
        seal(copy, whole[:length])
        with pytest.raises(FileError, match=r"results\.h5"):
            Results.open(copy)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_one_flipped_bit_is_refused(run, tmp_path_factory, data):
    """Catches a digest that does not cover a byte."""
    name = data.draw(st.sampled_from(["results.h5", "experiment.toml"]))
    copy = shutil.copytree(run, tmp_path_factory.mktemp("flipped") / "run")
    content = bytearray((copy / name).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 6))
    (copy / name).write_bytes(content)
    with pytest.raises(FileError, match=name.replace(".", r"\.")):
        Results.open(copy)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_flipped_bits_with_a_matching_digest_give_one_error_or_valid_results(run, tmp_path_factory, data):
    """Catches any error but `FileError` from the HDF5 library, and indices out of range that come through."""
    copy = shutil.copytree(run, tmp_path_factory.mktemp("sealed") / "run")
    content = bytearray((copy / "results.h5").read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    seal(copy, bytes(content))
    try:
        results = Results.open(copy)
    except FileError:
        return
    assert results.trials["instance"].shape == results.trials["reward"].shape
    assert np.all((results.spikes["d1"].neuron >= 0) & (results.spikes["d1"].neuron < 5))


def replace(name, make):
    """Return a change of a file: delete `name`, then make something else in its place."""

    def change(file):
        del file[name]
        make(file)

    return change


def external_link(file):
    file["trials/better"] = h5py.ExternalLink("secret.h5", "/secret")


def soft_link(file):
    file["trials/better"] = h5py.SoftLink("/trials/choice")


def external_storage(file):
    size = len(file["trials/choice"])
    dataset = file.create_dataset("trials/better", (size,), "<i8", external=[("secret.bin", 0, 8 * size)])
    dataset.attrs["units"] = np.bytes_("1")


def virtual(file):
    layout = h5py.VirtualLayout(shape=file["trials/choice"].shape, dtype="<i8")
    layout[:] = h5py.VirtualSource("secret.h5", "secret", shape=file["trials/choice"].shape)
    file.create_virtual_dataset("trials/better", layout).attrs["units"] = np.bytes_("1")


def compressed(file):
    values = np.zeros(len(file["trials/choice"]), dtype="<i8")
    file.create_dataset("trials/better", data=values, compression="gzip").attrs["units"] = np.bytes_("1")


def variable_text(file):
    values = ["x"] * len(file["trials/choice"])
    file.create_dataset("trials/better", data=values, dtype=h5py.string_dtype()).attrs["units"] = np.bytes_(
        "1"
    )


def variable_unit(file):
    file.create_dataset("trials/better", data=file["trials/choice"][:]).attrs["units"] = "1"


def references(file):
    values = [file["trials"].ref] * len(file["trials/choice"])
    file.create_dataset("trials/better", data=values, dtype=h5py.ref_dtype).attrs["units"] = np.bytes_("1")


def absurd_size(file):
    # Space is taken when the first value is written: the file stays small, reading would fill the memory.
    file.create_dataset("trials/better", (2**50,), "<i8").attrs["units"] = np.bytes_("1")


def many_names_for_one_dataset(file):
    for number in range(200):
        file[f"trials/more{number}"] = file["trials/choice"]
    file["trials/better"] = file["trials/choice"]


def no_units(file):
    file.create_dataset("trials/better", data=file["trials/choice"][:])


def a_group(file):
    file.create_group("trials/better")


def itself(file):
    file["trials/better"] = file["trials"]


def shorter(file):
    file.create_dataset("trials/better", data=file["trials/choice"][1:]).attrs["units"] = np.bytes_("1")


def other_type(file):
    values = file["trials/choice"][:].astype("<f8")
    file.create_dataset("trials/better", data=values).attrs["units"] = np.bytes_("1")


def big_endian(file):
    values = file["trials/choice"][:].astype(">i8")
    file.create_dataset("trials/better", data=values).attrs["units"] = np.bytes_("1")


def nothing(file):
    pass


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (external_link, "external link"),
        (soft_link, "external link"),
        (external_storage, "external storage"),
        (virtual, "virtual"),
        (compressed, "compressed"),
        (variable_text, "fixed-length text"),
        (variable_unit, "text of 1 to"),
        (references, "fixed-length text"),
        (absurd_size, "bytes"),
        (many_names_for_one_dataset, "left of the file's size"),
        (no_units, "attribute 'units'"),
        (a_group, "a dataset"),
        (itself, "a dataset"),
        (shorter, "one length"),
        (other_type, "allowed"),
        (big_endian, "allowed"),
        (nothing, "allowed"),
    ],
)
def test_a_hostile_file_with_a_matching_digest_is_refused(copy, make, reason):
    """Catches what HDF5 follows or reads by default; the file that it points to is there to be followed."""
    with h5py.File(copy / "secret.h5", "w") as secret:
        secret["secret"] = np.arange(24)
    (copy / "secret.bin").write_bytes(bytes(8 * 24))
    with h5py.File(copy / "results.h5", "r+") as file:
        replace("trials/better", make)(file)
    seal(copy, (copy / "results.h5").read_bytes())
    with pytest.raises(FileError, match=reason) as raised:
        Results.open(copy)
    assert "results.h5" in str(raised.value)


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        ("format", np.int64(2), "format"),
        ("dt", np.float64(0), "dt"),
        ("dt", np.float64("nan"), "dt"),
        ("dt", "1 ms", "dt"),
        ("instances", np.int64(-1), "instances"),
        ("instances", np.int64(3), "allowed"),
        ("instances", np.arange(2**12), "one value"),
        ("spikes/d1@neurons", np.int64(2), "neuron"),
        ("extra group", None, "groups"),
        ("extra spikes", None, "spikes/d1"),
        ("out of range", None, "instance"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(copy, place, value, reason):
    """Catches indices that would be read outside an array by an analysis."""
    with h5py.File(copy / "results.h5", "r+") as file:
        if place == "extra group":
            file.create_group("extra")
        elif place == "extra spikes":
            file["spikes/d1"].create_group("extra")
        elif place == "out of range":
            file["trials/instance"][0] = 2
        else:
            holder, _, name = place.rpartition("@")
            file[holder or "/"].attrs[name] = value
    seal(copy, (copy / "results.h5").read_bytes())
    with pytest.raises(FileError, match=reason):
        Results.open(copy)


def test_missing_and_huge_files_are_named(copy):
    """Catches a traceback for a file that is not there, and memory filled by one that is too large."""
    for name in ("results.h5", "manifest.json", "experiment.toml"):
        content = (copy / name).read_bytes()
        (copy / name).unlink()
        with pytest.raises(FileError, match=f"{name.replace('.', '[.]')}: got 'No such file"):
            Results.open(copy)
        (copy / name).mkdir()
        with pytest.raises(FileError, match=f"{name.replace('.', '[.]')}: got .*a regular file"):
            Results.open(copy)
        (copy / name).rmdir()
        with (copy / name).open("wb") as file:
            file.truncate(2**20 + 1 if name != "results.h5" else 2**34 + 1)
        with pytest.raises(FileError, match="at most"):
            Results.open(copy)
        (copy / name).unlink()
        (copy / name).write_bytes(content)
    assert Results.open(copy).manifest.status == "finished"
    with pytest.raises(FileError, match="directory of a run"):
        Results.open(copy / "absent")
    with pytest.raises(FileError, match="directory of a run"):
        Results.open(copy / "results.h5")


@pytest.mark.parametrize("damage", ["cut", "other", "negative", "too many", "type", "size"])
def test_a_damaged_checkpoint_is_not_resumed(tmp_path, damage):
    """Catches a run that goes on from a state that is not its own; the lock is let go after the refusal."""
    with create(tmp_path / "run") as writer:
        play(writer, 0, 3)
    path = tmp_path / "run" / "checkpoint.h5"
    good = path.read_bytes()
    if damage == "cut":
        path.write_bytes(good[:-1])
    elif damage == "other":
        path.write_bytes(checkpoint.encode(checkpoint.Checkpoint({}, {})))
    else:
        with h5py.File(path, "r+") as file:
            if damage in ("negative", "too many"):
                file["rows/0"][()] = {"negative": -1, "too many": 10**6}[damage]
            else:
                name, text = {"type": ("dtype", "|O"), "size": ("shape", "99999,99999")}[damage]
                file["state/0"].attrs[name] = np.bytes_(text)
        manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
        manifest["checkpoint"] = [sha256(path.read_bytes())]
        (tmp_path / "run" / "manifest.json").write_text(json.dumps(manifest))
    for _ in range(2):
        with pytest.raises(FileError, match=r"checkpoint\.h5"):
            RunWriter.resume(tmp_path / "run", EXPERIMENT)
    assert len(Results.open(tmp_path / "run").trials["trial"]) == 6


def test_random_bytes_are_no_results():
    """Catches an exception of the HDF5 library that comes through."""
    for seed in range(50):
        content = np.random.default_rng(seed).bytes(500)
        for start in (b"", b"\x89HDF\r\n\x1a\n"):
            with pytest.raises(FileError, match="^here"):
                storage.decode(start + content, "here")
