"""N-MNIST as it is passed on: a small data set of the same layout, and the recordings themselves where they are."""

import zipfile

import numpy as np
import pytest

from spikerl.datasets import NMNISTSettings, bin_events, open_nmnist, read_events
from spikerl.errors import DescriptionError, FileError, UnitError
from tests.datasets.recordings import recorded_path, small_folder, zipped


def test_a_folder_and_a_zip_file_give_the_same_spikes_with_their_classes(tmp_path):
    """Catches labels of another recording, lists that are swapped, and a part of the archive that is not found."""
    folder = small_folder(tmp_path / "subset")
    for path in (folder, zipped(folder, tmp_path / "a.zip"), zipped(folder, tmp_path / "b.zip", "")):
        data = open_nmnist(NMNISTSettings(path))
        assert data.train.labels.tolist() == [3, 1, 4, 1] and data.test.labels.tolist() == [5, 9]
        assert data.train.shape == (2, 34, 34) and (data.train.steps, data.train.classes) == (300, 10)
        for samples, first in ((data.train, 1), (data.test, 101)):
            index = np.arange(len(samples.labels))
            spikes = samples.spikes(index)
            assert spikes.shape == (300, len(index), 2, 34, 34) and spikes.dtype == bool
            for column in index:
                expected, _ = bin_events(read_events(folder / f"{first + column}.bs2", (34, 34)))
                assert np.array_equal(spikes[:, column], expected)


def test_spikes_do_not_depend_on_batch_or_epoch(tmp_path):
    """Catches columns of a batch that are mixed up."""
    samples = open_nmnist(NMNISTSettings(small_folder(tmp_path / "subset"))).train
    spikes = samples.spikes(np.array([2, 0, 2]), epoch=7)
    for column, number in enumerate((2, 0, 2)):
        assert np.array_equal(spikes[:, [column]], samples.spikes(np.array([number])))
    assert samples.spikes(np.array([], dtype=np.int64)).shape == (300, 0, 2, 34, 34)


def test_what_is_cut_is_counted(tmp_path):
    """Catches events that vanish: spikes and all that was cut make up the events."""
    settings = NMNISTSettings(small_folder(tmp_path / "subset"), "2 ms", "200 ms", (20, 30))
    samples = open_nmnist(settings).train
    cut = samples.cut()
    assert cut.events == 800 and cut.spikes == samples.spikes(np.arange(4)).sum()
    assert cut == tuple(sum(parts) for parts in zip(*(samples.cut(np.array([k])) for k in range(4)), strict=True))
    assert 200 < cut.late < 330 and 150 < cut.outside < 350


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("train1K.txt", b"1\t3\n1\t3\n", "train1K.txt, line 2, recording: got 1; allowed: each once"),
        ("train1K.txt", b"#\n1\t10\n", "line 2: got '1.*10'; allowed: the number"),
        ("train1K.txt", b"../1\t3\n", "line 1: got '../1"),
        ("train1K.txt", "\u0661\t3\n".encode(), "line 1: got"),
        ("train1K.txt", b"\xff\xfe\x00", "line 1: got"),
        ("train1K.txt", b"#sample #class\n", "recordings: got 0"),
        ("test100.txt", b"4\t5\n", "test100.txt, recording: got 4; allowed: a recording that is not in train1K.txt"),
    ],
)
@pytest.mark.parametrize("archived", [False, True])
def test_a_damaged_list_is_named_with_its_line(tmp_path, name, content, text, archived):
    """Catches a test on what was trained, a class beyond the last, and a path in place of a number."""
    path = small_folder(tmp_path / "subset")
    (path / name).write_bytes(content)
    if archived:
        path = zipped(path, tmp_path / "a.zip")
    with pytest.raises(FileError, match=text):
        open_nmnist(NMNISTSettings(path))


@pytest.mark.parametrize("archived", [False, True])
def test_a_damaged_recording_is_named_when_it_is_read(tmp_path, archived):
    """Catches reading of all at the beginning, and a recording that is missing, cut or too large.

    Row 240 is off the sensor in .bs2, and no mark of an overflow.
    """
    path = small_folder(tmp_path / "subset")
    (path / "1.bs2").unlink()
    (path / "2.bs2").write_bytes((path / "2.bs2").read_bytes()[:-1])
    (path / "3.bs2").write_bytes(bytes(2**20 + 5))
    (path / "101.bs2").write_bytes(bytes([1, 1, 0, 0, 0, 0, 240, 0, 0, 0]))
    if archived:
        path = zipped(path, tmp_path / "a.zip")
    data = open_nmnist(NMNISTSettings(path))
    samples = data.train
    with pytest.raises(FileError, match=r"101.bs2, byte 5, event 1, y: got 240; allowed: 0 to 33"):
        data.test.spikes(np.array([0]))
    assert samples.spikes(np.array([3])).any()
    for number, text in ((0, "1.bs2"), (1, "2.bs2, bytes: got 999"), (2, "3.bs2, bytes: got 1048581")):
        with pytest.raises(FileError, match=text) as raised:
            samples.spikes(np.array([number]))
        assert "\n" not in str(raised.value)


def test_what_is_not_there_is_refused(tmp_path):
    """Catches a missing file or list, and an archive with two data sets, of which one would be taken."""
    folder = small_folder(tmp_path / "subset")
    with pytest.raises(FileError, match="missing"):
        open_nmnist(NMNISTSettings(tmp_path / "missing.zip"))
    twice = zipped(folder, tmp_path / "a.zip")
    with zipfile.ZipFile(twice, "a") as archive:
        archive.write(folder / "train1K.txt", "other/train1K.txt")
    with pytest.raises(FileError, match="members called train1K.txt: got 2"):
        open_nmnist(NMNISTSettings(twice))
    (folder / "train1K.txt").unlink()
    for path in (folder, zipped(folder, tmp_path / "b.zip")):
        with pytest.raises(FileError, match="train1K.txt"):
            open_nmnist(NMNISTSettings(path))


@pytest.mark.parametrize(
    "changes",
    [{"dt": "1.5 us"}, {"dt": 1}, {"window": "0 ms"}, {"window": "2.5 ms"}, {"size": (35, 34)}, {"size": 34},
     {"path": ""}, {"path": 3}],
)  # fmt: skip
def test_wrong_settings_are_refused_where_they_are_written(changes):
    """Catches settings that fail far from where they were written."""
    with pytest.raises((DescriptionError, UnitError), match="NMNISTSettings"):
        NMNISTSettings(**{"path": "somewhere"} | changes)


@pytest.mark.parametrize("index", [[4], [-1], [0.0], [[0]], [True], [[0], [0, 1]]])
def test_samples_that_there_are_not_are_refused(tmp_path, index):
    """Catches a number that counts from the end, and one that is rounded."""
    samples = open_nmnist(NMNISTSettings(small_folder(tmp_path / "subset"))).train
    with pytest.raises(DescriptionError, match="index"):
        samples.spikes(index)


def test_the_recordings_themselves():
    """Catches a format that is read otherwise than it is: three saccades of 100 ms move the digit there and back.

    The figures are those of the file, counted apart from this reader: 4,518,827 events in 1,100 recordings on 34 x 34
    pixels, the last at 336.04 ms, 11,445 of them after 300 ms.
    """
    data = open_nmnist(NMNISTSettings(recorded_path()))
    train, test = data.train.cut(), data.test.cut()
    assert np.bincount(data.train.labels).sum() == 1000 and np.bincount(data.test.labels).sum() == 100
    assert np.bincount(data.train.labels).min() > 70
    assert train.events + test.events == 4_518_827 and train.late + test.late == 11_445
    assert train.outside == test.outside == 0
    assert (train.merged + test.merged) / 4_518_827 < 0.002
    rate = data.train.spikes(np.arange(50)).sum(axis=(1, 2, 3, 4))
    still = np.r_[0:5, 98:108, 200:210]
    assert rate[still].mean() < 0.5 * rate.mean()
