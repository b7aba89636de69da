"""An experiment as one TOML file and one frozen object: a circuit in a task, or layers that learn from data."""


from spikerl.experiment.acting_tables import ActingExperiment
from spikerl.experiment.building import Built, build
from spikerl.experiment.kinds import AnyExperiment
from spikerl.experiment.reading import overrides, read, read_circuit, shipped
from spikerl.experiment.tables import Experiment, Recording, Running
from spikerl.experiment.training_tables import TrainingExperiment

__all__ = [
    "ActingExperiment",
    "AnyExperiment",
    "Built",
    "Experiment",
    "Recording",
    "Running",
    "TrainingExperiment",
    "build",
    "overrides",
    "read",
    "read_circuit",
    "shipped",
]
