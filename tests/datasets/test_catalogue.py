"""Data sets by name."""

import subprocess
import sys

import numpy as np
import pytest

from spikerl.datasets import DATASETS, Dataset, Fig4Settings, NMNISTSettings, RandmanSettings, Targets, load_dataset
from spikerl.errors import DescriptionError
from tests.datasets.recordings import small_folder


def test_each_name_gives_its_data_set(tmp_path):
    """Catches a name that gives another's data, and samples that lack a part of the interface."""
    assert list(DATASETS) == ["digits", "nmnist", "randman", "fig4"]
    fig4 = load_dataset("fig4", Fig4Settings(batch=2), seed=1)
    assert isinstance(fig4, Targets) and fig4.name == "fig4" and fig4.inputs.shape[1] == 2
    path = small_folder(tmp_path / "subset")
    for data in (load_dataset("randman"), load_dataset("nmnist", NMNISTSettings(path))):
        assert isinstance(data, Dataset) and data.name in DATASETS and "\n" not in data.summary
        for samples in (data.train, data.test):
            assert samples.labels.dtype == np.int64 and samples.labels.max() < samples.classes
            assert not samples.labels.flags.writeable
            spikes = samples.spikes(np.array([1, 0]), epoch=1)
            assert spikes.shape == (samples.steps, 2, *samples.shape) and spikes.dtype == bool


def test_the_seed_is_passed_on():
    """Catches a seed that is forgotten on the way."""
    one, other = (load_dataset("randman", RandmanSettings(train=2, test=2), seed).train.times for seed in (1, 2))
    assert not np.array_equal(one, other)
    with pytest.raises(DescriptionError, match="seed"):
        load_dataset("fig4", seed=-1)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("randmann",), "did you mean 'randman'"),
        ((3,), "data set: got 3; allowed: digits, nmnist, randman, fig4"),
        (("nmnist",), r"settings of nmnist: got None; allowed: NMNISTSettings\(...\); there are no default"),
        (("fig4", RandmanSettings()), r"settings of fig4: got Randman.*allowed: Fig4Settings\(...\)"),
    ],
)
def test_wrong_names_and_settings_are_refused(arguments, text):
    """Catches a data set that is made with another's settings."""
    with pytest.raises(DescriptionError, match=text):
        load_dataset(*arguments)


def test_importing_loads_no_optional_package():
    """Catches scikit-learn or a simulator imported before it is used: without it nothing here would import."""
    code = "import sys, spikerl.datasets; print(*sorted({'sklearn', 'torch', 'norse', 'brian2'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
