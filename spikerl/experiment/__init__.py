"""An experiment: circuit, task, protocol, back end, seeds and recording, as one TOML file and one frozen object."""

from spikerl.experiment.building import Built, build
from spikerl.experiment.reading import overrides, read, shipped
from spikerl.experiment.tables import Experiment, Recording, Running

__all__ = ["Built", "Experiment", "Recording", "Running", "build", "overrides", "read", "shipped"]
