"""Data sets of spikes to learn from: one interface, and a name for each."""

from __future__ import annotations

from spikerl.datasets.base import Dataset, Samples, Targets
from spikerl.datasets.catalogue import DATASETS, Settings, load_dataset
from spikerl.datasets.codes import Code, LatencyCode, RateCode
from spikerl.datasets.digits import DigitsSettings, open_digits
from spikerl.datasets.event_files import read_events, write_events
from spikerl.datasets.events import Cut, Events, bin_events
from spikerl.datasets.fig4 import Fig4Settings, open_fig4
from spikerl.datasets.nmnist import NMNISTSettings, open_nmnist
from spikerl.datasets.randman import RandmanSettings, open_randman

__all__ = [
    "DATASETS",
    "Code",
    "Cut",
    "Dataset",
    "DigitsSettings",
    "Events",
    "Fig4Settings",
    "LatencyCode",
    "NMNISTSettings",
    "RandmanSettings",
    "RateCode",
    "Samples",
    "Settings",
    "Targets",
    "bin_events",
    "load_dataset",
    "open_digits",
    "open_fig4",
    "open_nmnist",
    "open_randman",
    "read_events",
    "write_events",
]
